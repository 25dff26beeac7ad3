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
from workbench.charts.overlay import differing_settings, many, overlay
from workbench.charts.parallel import importance_bars, parallel_coordinates
from workbench.charts.search import beam_tree, discarded
from workbench.charts.state_layout import State
from workbench.charts.state_tree import state_tree
from workbench.charts.states import neighbours_table, state_map, unit_bars
from workbench.charts.tables import Table, best_and_worst, figures_table, settings_table
from workbench.charts.trials import trials_chart, trials_table
from workbench.charts.usage import usage_chart
from workbench.charts.vocabulary import rank_frequency
from workbench.charts.wanted import wanted_attention

__all__ = [
    "State",
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
    "importance_bars",
    "length_histogram",
    "many",
    "model_diagram",
    "neighbours_table",
    "over_time_chart",
    "over_time_table",
    "overlay",
    "parallel_coordinates",
    "rank_frequency",
    "score_by_length",
    "settings_table",
    "state_map",
    "state_tree",
    "surprise_bars",
    "surprise_table",
    "token_history",
    "trials_chart",
    "trials_table",
    "unit_bars",
    "usage_chart",
    "wanted_attention",
    "worth_table",
]
