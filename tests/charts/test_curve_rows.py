import math

import pytest

from workbench.charts.curve_rows import Drawn, curve_rows, layouts, new_rows

MB = 10**6


@pytest.fixture
def history(progress):
    """Eight steps, evaluated after the fourth and the last."""
    steps = [progress(step, loss=8 / step, learning_rate=step / 100) for step in range(1, 9)]
    steps[3] = progress(4, 2.0, {"loss": 2.5, "bleu": 40.0, "exact_match": 0.25}, best=True)
    steps[7] = progress(8, 1.0, {"loss": 3.0, "bleu": 45.5, "exact_match": 0.5})
    return steps


def points(rows, field="value", series=None):
    return [(row["step"], row[field]) for row in rows if series in (None, row.get("series"))]


def test_every_curve_is_a_dataset(history):
    rows = curve_rows(history, [(1, 100 * MB), (5, 120 * MB)])
    assert set(rows) == {"loss", "best", "figure_0", "figure_1", "rate", "speed", "memory", "now"}
    assert points(rows["loss"], "loss", "training") == [(step, 8 / step) for step in range(1, 9)]
    assert points(rows["loss"], "loss", "validation") == [(4, 2.5), (8, 3.0)]
    assert rows["best"] == [{"step": 4, "label": "best weights, step 4"}]
    assert points(rows["figure_0"]) == [(4, 0.25), (8, 0.5)]  # exact match comes before BLEU
    assert points(rows["figure_1"]) == [(4, 40.0), (8, 45.5)]
    assert points(rows["rate"])[:3] == [(1, 0.01), (2, 0.02), (3, 0.03)]
    assert points(rows["memory"]) == [(1, 100), (5, 120)]
    assert rows["now"] == [{"step": 8}]


def test_of_nothing_there_are_no_rows():
    assert {name for name, rows in curve_rows([]).items() if rows} == set()


def test_a_point_stands_for_neighbouring_steps(progress):
    # 201 steps: three to a small point, 67 points; the loss has room for all
    history = [progress(step, learning_rate=float(step), tokens=step) for step in range(1, 202)]
    rows = curve_rows(history)
    assert len(rows["loss"]) == 201
    assert points(rows["rate"])[0] == (2, 2)
    assert len(rows["rate"]) == 67


def test_a_mean_of_losses_counts_tokens(progress):
    # 401 steps: two to a point; steps 1 and 2 have 30 and 10 tokens
    history = [progress(s, loss=s % 2, tokens=30 if s % 2 else 10) for s in range(1, 402)]
    rows = curve_rows(history)["loss"]
    assert points(rows, "loss")[0] == (1.5, pytest.approx(30 / 40))
    assert points(rows, "loss")[-1] == (401, 1)  # of one step alone


def test_a_growing_curve_has_only_whole_points(progress):
    history = [progress(step) for step in range(1, 402)]
    assert points(curve_rows(history, live=True)["loss"], "loss")[-1][0] == 399.5


def test_what_is_no_number_is_a_gap(progress):
    history = [progress(1, math.nan, {"bleu": math.inf})]
    rows = curve_rows(history)
    assert (rows["loss"][0]["loss"], rows["figure_0"][0]["value"]) == (None, None)


def test_only_what_is_new_is_added(history):
    whole, more = new_rows(history, [(1, MB), (6, 2 * MB)], Drawn(steps=5, samples=1))
    assert points(more["loss"], "loss", "training") == [(6, 8 / 6), (7, 8 / 7), (8, 1.0)]
    assert points(more["loss"], "loss", "validation") == [(8, 3.0)]
    assert points(more["figure_0"]) == [(8, 0.5)]
    assert points(more["memory"]) == [(6, 2)]
    assert whole == {"now": [{"step": 8}]}  # for the figures, whose axes reach to it


def test_better_weights_take_the_place_of_those_before(history, progress):
    history.append(progress(9, 0.5, {"loss": 1.0}, best=True))
    whole, _ = new_rows(history, (), Drawn(steps=8))
    assert whole["best"] == [{"step": 9, "label": "best weights, step 9"}]


def test_without_an_evaluation_nothing_is_replaced(history, progress):
    history.append(progress(9))
    whole, more = new_rows(history, (), Drawn(steps=8))
    assert not any(whole.values())
    assert [name for name, rows in more.items() if rows] == ["loss", "rate", "speed"]


@pytest.mark.parametrize("pieces", [[1] * 450, [7] * 65, [100, 1, 99, 1, 249]])
def test_piece_by_piece_comes_to_the_same_as_at_once(progress, pieces):
    """Whatever is fed in whatever pieces, what is drawn is the live curve of the whole."""
    history = [
        progress(s, 1 / s, {"bleu": float(s)} if s % 50 == 0 else None) for s in range(1, 451)
    ]
    memory = [(step, step * MB) for step in range(1, 451, 3)]
    drawn, there = {}, Drawn()
    for size in pieces:
        steps = min(there.steps + size, 450)
        samples = sum(step <= steps for step, _ in memory)
        whole, more = new_rows(history[:steps], memory[:samples], there)
        drawn |= whole
        for name, rows in more.items():
            drawn[name] = drawn.get(name, []) + rows
        there = Drawn(steps, samples)
    wanted = curve_rows(history, memory, live=True)
    del drawn["now"]
    del wanted["now"]
    for name in wanted:
        key = [(row["step"], row.get("series", "")) for row in wanted[name]]
        assert sorted((row["step"], row.get("series", "")) for row in drawn[name]) == sorted(key)
    by_step = {(row["step"], row["series"]): row["loss"] for row in drawn["loss"]}
    assert by_step == {(row["step"], row["series"]): row["loss"] for row in wanted["loss"]}


def test_layouts_change_when_more_than_rows_do(history, progress):
    names = ["loss", "figure_0", "figure_1", "rate", "speed"]
    assert list(layouts(history)) == names
    assert list(layouts(history, [(1, MB)])) == [*names, "memory"]

    def changed(before, after, memory=((), ())):
        one, other = layouts(before, memory[0]), layouts(after, memory[1])
        return {name for name in one | other if one.get(name) != other.get(name)}

    assert changed(history[:5], history[:7]) == set()
    assert changed(history[:1], history[:2]) == {"loss", "rate", "speed"}  # a dot becomes a line
    assert changed(history[:3], history[:4]) == {"loss", "figure_0", "figure_1"}
    again = [*history[:7], progress(8, 1.0, {"loss": 2.0, "bleu": 41, "exact_match": 1}, best=True)]
    assert changed(history[:7], again) == {"figure_0", "figure_1"}  # flat no more
    assert changed(history[:7], [*history[:7], progress(8)]) == {
        "loss"
    }  # best is in the first half
    assert changed(history, history, ((), [(1, MB)])) == {"memory"}
