"""Charts as pure functions: records in, an `altair.Chart` out; and tables as values."""

from workbench.charts.attention import attention_grid, attention_map
from workbench.charts.curves import curves
from workbench.charts.diagram import model_diagram
from workbench.charts.hypotheses import candidates, hypotheses_table
from workbench.charts.lengths import length_histogram, score_by_length
from workbench.charts.overlay import differing_settings, overlay
from workbench.charts.search import beam_tree, discarded
from workbench.charts.tables import Table, best_and_worst, figures_table, settings_table
from workbench.charts.vocabulary import rank_frequency

__all__ = [
    "Table",
    "attention_grid",
    "attention_map",
    "beam_tree",
    "best_and_worst",
    "candidates",
    "curves",
    "differing_settings",
    "discarded",
    "figures_table",
    "hypotheses_table",
    "length_histogram",
    "model_diagram",
    "overlay",
    "rank_frequency",
    "score_by_length",
    "settings_table",
]
