from pathlib import Path

import pytest

from workbench.overview.columns import columns_of
from workbench.overview.finding import found, in_order
from workbench.overview.order import Objective
from workbench.overview.summary import Summary

RUNS = {
    name: Summary(name, Path(name), status=status, figures=figures,
                  parameters={"units": units, "learning_rate": rate, "encoder": kind})
    for name, status, units, rate, kind, figures in (
        ("run-9", "ok", 64, 0.1, "gru", {"validation.bleu": 3.0}),
        ("run-10", "failed", 128, 0.01, "lstm", {}),
        ("run-1", "ok", 32, 0.001, "GRU", {"validation.bleu": 9.0}),
    )
}  # fmt: skip
COLUMNS = columns_of(list(RUNS.values()), Objective("validation.bleu"))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["run-9", "run-10", "run-1"]),
        ("RUN-1", ["run-10", "run-1"]),
        ("units>=64", ["run-9", "run-10"]),
        ("lr<0.1 units<128", ["run-1"]),
        ("encoder=gru", ["run-9", "run-1"]),
        ("status=failed", ["run-10"]),
        ("bleu!=3", ["run-10", "run-1"]),
        ("validation.bleu>3", ["run-1"]),
        ("units=many", []),
        ("nobody=1", []),  # no such column: the word must stand in a row
        (">", []),
    ],
)
def test_words_and_comparisons_find_runs(query, names):
    assert found(RUNS, COLUMNS, query) == names


@pytest.mark.parametrize(
    ("column", "rising", "names"),
    [
        ("run", True, ["run-1", "run-9", "run-10"]),
        ("run", False, ["run-10", "run-9", "run-1"]),
        ("status", True, ["run-10", "run-9", "run-1"]),
        ("units", True, ["run-1", "run-9", "run-10"]),
        ("validation.bleu", False, ["run-1", "run-9", "run-10"]),
        ("validation.bleu", True, ["run-9", "run-1", "run-10"]),
        ("nobody", True, ["run-9", "run-10", "run-1"]),
    ],
)
def test_runs_stand_in_the_order_of_a_column(column, rising, names):
    assert in_order(RUNS, COLUMNS, column, rising) == names
