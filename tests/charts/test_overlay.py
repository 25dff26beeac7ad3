import numpy as np
import pytest

from workbench.charts.overlay import (
    POINTS,
    TRAINING,
    differing_settings,
    figure_title,
    figures_in,
    overlay,
)
from workbench.config import RunConfig


@pytest.fixture
def histories(progress):
    return {
        "first": [progress(1, 4.0), progress(2, 3.0, {"bleu": 10.0, "loss": 3.5}),
                  progress(4, 2.0, {"bleu": 30.0})],
        "second": [progress(1, 5.0), progress(2, 4.0, {"chrf": 20.0})],
    }  # fmt: skip


def lines(chart, spec):
    (rows,) = spec(chart).rows("run", "step", "value")
    found = {}
    for row in rows:
        found.setdefault(row["run"], []).append((row["step"], row["value"]))
    return found


def test_each_run_is_a_line_of_its_training_loss(histories, spec):
    assert lines(overlay(histories), spec) == {
        "first": [(1, 4.0), (2, 3.0), (4, 2.0)],
        "second": [(1, 5.0), (2, 4.0)],
    }


def test_a_figure_of_the_evaluations_stands_at_their_steps(histories, spec):
    chart = overlay(histories, "bleu")
    assert lines(chart, spec) == {"first": [(2, 10.0), (4, 30.0)]}  # the other has none
    assert len(spec(chart).marks("point")) == 1


def test_many_steps_become_few_points_weighted_by_their_tokens(progress, spec):
    history = [progress(step, float(step), tokens=1 + step % 2) for step in range(1, 601)]
    (points,) = lines(overlay({"long": history}), spec).values()
    assert len(points) == POINTS
    # six steps a point, the losses 1 to 6 on 2, 1, 2, 1, 2 and 1 tokens
    assert points[0] == (3.5, pytest.approx((2 + 2 + 6 + 4 + 10 + 6) / 9))


def test_what_is_not_a_number_is_a_gap(progress, spec):
    history = [progress(1, 1.0, {"bleu": float("nan")}), progress(2, 1.0, {"bleu": 3.0})]
    assert lines(overlay({"a": history}, "bleu"), spec) == {"a": [(2, 3.0)]}


def test_it_says_how_the_runs_end(histories, spec):
    assert spec(overlay(histories)).json["description"] == (
        "Training loss (nats a token) of 2 runs over their steps. At the end: first 2; second 4."
    )
    assert "first 30.0" in spec(overlay(histories, "bleu")).json["description"]


def test_runs_are_told_apart_without_colour(histories, spec):
    (mark,) = spec(overlay(histories)).marks("line")
    dashes = mark["encoding"]["strokeDash"]["scale"]
    assert dashes["domain"] == ["first", "second"]
    assert len({str(dash) for dash in dashes["range"]}) == 2


def test_nothing_to_draw_is_said(histories, spec):
    for chart in (overlay({}), overlay({"new": []}), overlay(histories, "exact_match")):
        assert "no run has recorded it" in spec(chart).texts()


def test_the_figures_of_all_runs_are_offered(histories):
    assert figures_in(histories) == [TRAINING, "loss", "bleu", "chrf"]
    assert figures_in({}) == [TRAINING]
    assert [figure_title(name) for name in (TRAINING, "bleu", "loss")] == [
        "Training loss (nats a token)",
        "Validation in training: BLEU",
        "Validation in training: loss (nats a token)",
    ]


def test_only_settings_that_differ_are_listed():
    one = RunConfig(units=64, run_directory="runs/a", name="a")
    other = RunConfig(units=32, run_directory="runs/b", live=False, split="length")
    table = differing_settings({"a": one, "b": other, "c": one})
    assert table.columns == ("setting", "a", "b", "c")
    assert table.rows == (
        ("split", "(empty)", "length", "(empty)"),
        ("units", "64", "32", "64"),
    )
    assert differing_settings({"a": one, "c": one}).caption == "All settings are the same"
    assert differing_settings({}).rows == ()
    assert "no other run is chosen" in differing_settings({"a": one}).caption


def test_a_history_of_numpy_numbers_is_drawn(progress, spec):
    history = [progress(np.int64(1), np.float32(2.0))]
    assert lines(overlay({"a": history}), spec) == {"a": [(1.0, 2.0)]}
