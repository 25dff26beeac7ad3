"""What a notebook shows: figures that are alive in a live notebook and still in a report."""

from workbench.widgets.attention_panel import AttentionPanel
from workbench.widgets.compare_panel import ComparePanel
from workbench.widgets.data_panel import DataPanel
from workbench.widgets.decode_panel import DecodePanel
from workbench.widgets.figure import show
from workbench.widgets.live import watch
from workbench.widgets.model_panel import ModelPanel
from workbench.widgets.over_time_panel import OverTimePanel
from workbench.widgets.report_panel import ReportPanel
from workbench.widgets.runs_panel import RunsPanel
from workbench.widgets.train_panel import TrainPanel
from workbench.widgets.workbench import Workbench

__all__ = [
    "AttentionPanel",
    "ComparePanel",
    "DataPanel",
    "DecodePanel",
    "ModelPanel",
    "OverTimePanel",
    "ReportPanel",
    "RunsPanel",
    "TrainPanel",
    "Workbench",
    "show",
    "watch",
]
