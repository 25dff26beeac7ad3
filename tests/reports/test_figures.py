"""Which figures count as equal; with a tolerance of 0.05, by what each of them is."""

import json

import pytest

from workbench.reports.figures import compare, is_measured
from workbench.runs import RunDirectory


@pytest.fixture
def equal(tmp_path):
    """Say whether two runs have the same figure."""

    def equal(name, before, after, tolerance=0.05, step=True):
        runs = []
        for place, value in (("one", before), ("other", after)):
            run = RunDirectory(tmp_path / place)
            run.update(
                status="ok", **({} if step else {"recorded": ["test"], "test": {name: value}})
            )
            run.metrics.write_text(json.dumps({"step": 1, name: value} if step else {"step": 1}))
            runs.append(run)
        [figure] = compare(*runs, tolerance)
        return figure.equal

    return equal


@pytest.mark.parametrize(
    ("name", "before", "after", "same"),
    [
        ("learning_rate", 0.001, 0.04, False),
        ("learning_rate", 0.001, 0.00100001, False),
        ("learning_rate", 0.001, 0.001, True),
        ("tokens", 1000, 1001, False),
        ("exact_match", 0.90, 0.95, False),
        ("exact_match", 0.94, 0.95, True),
        ("exact_match", 0.001, 0.005, True),
        ("word_error_rate", 0.01, 0.04, False),
        ("bleu", 0.2, 0.6, True),
        ("bleu", 0.2, 0.8, False),
        ("bleu", 40.0, 41.9, True),
        ("bleu", 40.0, 42.2, False),
        ("loss", 0.001, 0.005, True),
        ("loss", 1.0, 1.06, False),
        ("anything", 1e-9, 2e-9, False),
        ("best", True, False, None),
        ("loss", float("nan"), float("nan"), True),
        ("loss", float("nan"), 1.0, False),
    ],
)
def test_figures_are_close_by_their_kind(equal, name, before, after, same):
    assert equal(name, before, after) is same


def test_without_a_tolerance_every_bit_counts(equal):
    assert equal("bleu", 40.0, 40.0 + 1e-14, 0.0) is False
    assert equal("best", True, False, 0.0) is False


def test_what_a_notebook_recorded_is_judged_alike(equal):
    assert equal("bleu", 40.0, 41.0, step=False) is True
    assert equal("units", 8, 9, step=False) is False
    assert equal("seconds", 5.0, 6.0, step=False) is None
    assert equal("seconds", 5.0, 6.0, 0.0, step=False) is None


@pytest.mark.parametrize(
    ("name", "measured"),
    [("tokens_per_second", True), ("training.peak_memory_bytes", True), ("trials.0.joules", True),
     ("trials.3.memory", True), ("watts", True), ("loss", False), ("test.tokens", False)],
)  # fmt: skip
def test_what_is_of_the_day(name, measured):
    assert is_measured(name) is measured
