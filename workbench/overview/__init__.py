"""Many runs at once: what each tells without its model, what differs, what mattered."""

from workbench.overview.columns import Column, columns_of, runs_table
from workbench.overview.importance import importances
from workbench.overview.order import Objective, differing, find_runs, labelled
from workbench.overview.summary import Sample, Summary, summarized

__all__ = [
    "Column",
    "Objective",
    "Sample",
    "Summary",
    "columns_of",
    "differing",
    "find_runs",
    "importances",
    "labelled",
    "runs_table",
    "summarized",
]
