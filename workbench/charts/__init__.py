"""Charts as pure functions: records in, an `altair.Chart` out; and tables as values."""

from workbench.charts.attention import attention_grid, attention_map
from workbench.charts.attribution import (
    attribution_bars,
    attribution_grid,
    attribution_table,
)
from workbench.charts.curves import curves
from workbench.charts.diagnosis import (
    diagnosis_table,
    faults_chart,
    faults_table,
    surprise_bars,
    surprise_table,
    worth_table,
)
from workbench.charts.diagram import model_diagram
from workbench.charts.explorer import beam_explorer
from workbench.charts.hypotheses import candidates, hypotheses_table
from workbench.charts.lengths import length_histogram, score_by_length
from workbench.charts.over_time import over_time_chart, over_time_table, token_history
from workbench.charts.overlay import differing_settings, overlay
from workbench.charts.search import beam_tree, discarded
from workbench.charts.states import neighbours_table, state_map, unit_bars
from workbench.charts.tables import Table, best_and_worst, figures_table, settings_table
from workbench.charts.vocabulary import rank_frequency
from workbench.charts.wanted import wanted_attention

__all__ = [
    "Table",
    "attention_grid",
    "attention_map",
    "attribution_bars",
    "attribution_grid",
    "attribution_table",
    "beam_explorer",
    "beam_tree",
    "best_and_worst",
    "candidates",
    "curves",
    "diagnosis_table",
    "differing_settings",
    "discarded",
    "faults_chart",
    "faults_table",
    "figures_table",
    "hypotheses_table",
    "length_histogram",
    "model_diagram",
    "neighbours_table",
    "over_time_chart",
    "over_time_table",
    "overlay",
    "rank_frequency",
    "score_by_length",
    "settings_table",
    "state_map",
    "surprise_bars",
    "surprise_table",
    "token_history",
    "unit_bars",
    "wanted_attention",
    "worth_table",
]
