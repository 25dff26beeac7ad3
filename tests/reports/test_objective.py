import json
from pathlib import Path

import pytest

from workbench.config import RunConfig
from workbench.errors import DataError, SettingsError
from workbench.reports.objective import (
    Evaluations,
    Objective,
    check_measurable,
    read_objective,
)
from workbench.reports.parameters import read_notebook
from workbench.runs import RunDirectory

EXPERIMENT = read_notebook(Path(__file__).parents[2] / "notebooks" / "experiment.ipynb")
BLEU = Objective("validation.bleu", "maximize")


@pytest.mark.parametrize(
    ("raw", "direction"),
    [
        ("validation.bleu", "maximize"),
        ("validation.word_error_rate", "minimize"),
        ("validation.loss", "minimize"),
        ("test.chrf", "maximize"),
        ("training.seconds", "minimize"),
        ({"figure": "training.tokens_per_second", "direction": "minimize"}, "minimize"),
    ],
    ids=str,
)
def test_objectives_of_the_experiment(raw, direction):
    assert read_objective(raw, EXPERIMENT).direction == direction


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("validation.blue", "measures 'validation.blue'; did you mean 'validation.bleu'?"),
        ("bleu", "measures 'bleu'"),
        ("test.speed", "measures 'test.speed'"),
        (5, "expected a figure such as 'validation.bleu', got 5"),
        (
            {"figure": "validation.bleu", "direction": "up"},
            "direction: expected one of maximize, m",
        ),
        ({"figure": "validation.bleu", "way": "up"}, "unknown key 'way'"),
    ],
    ids=str,
)
def test_objectives_that_no_run_measures(raw, reason):
    with pytest.raises(SettingsError, match=reason):
        read_objective(raw, EXPERIMENT)


def test_a_notebook_records_its_own_figures_and_may_record_no_test(load):
    works = load("works")
    with pytest.raises(SettingsError, match=r"measures 'test\.bleu'"):
        read_objective("test.bleu", works)
    works.cells[-1].source = "%matplotlib inline"
    works.cells[-3].source = "session.record(mine={'beauty': 3})"
    assert read_objective("mine.beauty", works) == Objective("mine.beauty", "maximize")


def write(run, *evaluations):
    """Write a line of metrics for each figure; None where there was no evaluation."""
    run.path.mkdir(exist_ok=True)
    lines = [
        {"step": step, "evaluation": bleu and {"figures": {"bleu": bleu}}, "best": best}
        for step, (bleu, best) in enumerate(evaluations, 1)
    ]
    run.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_what_the_notebook_recorded_comes_first(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.update(training={"seconds": 3})
    write(run, (None, False), (20.0, True), (10.0, False))
    assert BLEU.value(run) == 20.0  # of the weights that were kept
    assert Objective("training.seconds", "minimize").value(run) == 3
    assert Objective("test.bleu", "maximize").value(run) is None
    run.update(validation={"bleu": 30.5})
    assert BLEU.value(run) == 30.5


@pytest.mark.parametrize("figures", [{}, {"bleu": None}, {"bleu": "high"}, 5], ids=str)
def test_a_run_without_the_figure_has_none(tmp_path, figures):
    run = RunDirectory(tmp_path / "run")
    run.update(validation=figures)
    assert BLEU.value(run) is None


def test_evaluations_are_read_as_they_come(tmp_path):
    run = RunDirectory(tmp_path / "run")
    evaluations = Evaluations(run.metrics)
    assert evaluations.new() == []
    write(run, (None, False), (10.0, True))
    assert [(each.number, each.figures) for each in evaluations.new()] == [(1, {"bleu": 10.0})]
    assert evaluations.new() == []
    with run.metrics.open("a") as stream:
        stream.write('{"step": 3, "evaluation": {"figures": {"bleu": 1')
        stream.flush()
        assert evaluations.new() == []  # a line to come
        stream.write('1.0}}, "best": true}\n')
    assert [(each.number, each.best) for each in evaluations.new()] == [(2, True)]


def test_a_resumed_run_begins_its_metrics_anew(tmp_path):
    run = RunDirectory(tmp_path / "run")
    evaluations = Evaluations(run.metrics)
    write(run, (10.0, True), (11.0, True), (12.0, True))
    assert len(evaluations.new()) == 3
    run.metrics.rename(tmp_path / "old")  # as a file written beside and renamed into place
    write(run, (10.0, True))
    assert [each.number for each in evaluations.new()] == [1]


def test_an_error_rate_of_alignments_needs_some():
    rate = Objective("validation.alignment_error_rate", "minimize")
    check_measurable(rate, RunConfig(corpus="phrases"))
    with pytest.raises(DataError, match=r"^dates: has no gold alignments in validation, by which "):
        check_measurable(rate, RunConfig(corpus="dates"))
    for other in (None, BLEU, Objective("mine.alignment_error_rate", "minimize")):
        check_measurable(other, RunConfig(corpus="dates"))
