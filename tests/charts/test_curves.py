import math

import pytest

from workbench.charts.curves import (
    curves,
    live_curve,
    loss_curve,
    metric_curves,
    rate_curve,
    speed_curve,
)
from workbench.charts.export import to_svg


@pytest.fixture
def history(progress):
    steps = [progress(step, loss=8 / step) for step in range(1, 9)]
    steps[3] = progress(4, 2.0, {"loss": 2.5, "bleu": 40.0, "exact_match": 0.25}, best=True)
    steps[7] = progress(8, 1.0, {"loss": 3.0, "bleu": 45.5, "exact_match": 0.5})
    return steps


def series(seen, name):
    (rows,) = seen.rows("step", "loss", "series")
    return [(row["step"], row["loss"]) for row in rows if row["series"] == name]


def test_loss_curve_draws_both_losses(history, spec):
    seen = spec(loss_curve(history))
    assert series(seen, "training") == [(step, 8 / step) for step in range(1, 9)]
    assert series(seen, "validation") == [(4, 2.5), (8, 3.0)]
    assert {"training", "validation"} <= set(seen.texts())


def test_loss_curve_marks_the_last_best_step(history, progress, spec):
    seen = spec(loss_curve(history))
    assert seen.rows("label") == [[{"step": 4, "label": "best weights, step 4"}]]
    assert "best weights, step 4" in seen.texts()
    assert not spec(loss_curve([progress(1), progress(2)])).rows("label")


def test_loss_curve_says_its_figures_in_words(history, spec):
    assert spec(loss_curve(history)).json["description"] == (
        "Training loss from 8 to 1 nats a token over 8 steps. "
        "Validation loss is lowest, 2.5, at step 4."
    )


def test_training_loss_is_averaged_token_by_token(progress, spec):
    history = [
        progress(step, loss=step % 2, tokens=30 if step % 2 else 10) for step in range(1, 801)
    ]
    points = series(spec(loss_curve(history)), "training")
    assert len(points) == 400
    assert points[0] == (1.5, pytest.approx(30 / 40))  # steps 1 and 2: losses 1 and 0


def test_a_loss_that_is_no_number_is_a_gap(progress, spec):
    seen = spec(loss_curve([progress(1), progress(2, math.nan), progress(3, math.inf)]))
    assert series(seen, "training") == [(1, 1.0), (2, None), (3, None)]


def test_one_step_is_a_dot(progress, spec):
    seen = spec(loss_curve([progress(1, 6.5)]))
    (dots,) = seen.marks("point")
    assert dots["transform"] == [{"filter": "true"}]
    assert "validation" not in seen.texts()


def test_metric_curves_draw_each_figure_but_the_loss(history, spec):
    seen = spec(metric_curves(history))
    bleu = [{"step": 4, "value": 40.0}, {"step": 8, "value": 45.5}]
    exact = [{"step": 4, "value": 0.25}, {"step": 8, "value": 0.5}]
    assert seen.rows("step", "value") == [exact, bleu]
    assert [view["title"]["text"] for view in seen.json["concat"]] == ["exact match", "BLEU"]
    assert seen.json["description"] == (
        "Validation at step 8: loss (nats a token) 3.000, exact match 50.0%, BLEU 45.5."
    )


def test_metric_curves_share_the_steps(history, spec):
    domains = [view["encoding"]["x"]["scale"]["domain"]
               for view in spec(metric_curves(history)).json["concat"]]  # fmt: skip
    assert domains == [[0, 8], [0, 8]]


def test_a_figure_that_never_moves_is_drawn_from_zero(progress, spec):
    flat = [progress(step, 1, {"bleu": 5.0, "chrf": float(step)}) for step in (1, 2)]
    bleu, chrf = spec(metric_curves(flat)).json["concat"]
    assert bleu["encoding"]["y"]["scale"]["zero"] is True
    assert chrf["encoding"]["y"]["scale"]["zero"] is False


def test_a_figure_may_have_any_name(progress, spec):
    name = "a.b['c']_\"d\" \\datum.step"
    seen = spec(metric_curves([progress(1, 1, {name: 1.0})]))
    assert "a.b['c'] ″d″ /datum.step" in seen.texts()
    assert seen.rows("value") == [[{"step": 1, "value": 1.0}]]


def test_rate_and_speed_over_the_steps(progress, spec):
    history = [progress(s, learning_rate=s / 100, tokens_per_second=s * 10.0) for s in (1, 2, 4)]
    rate, speed = spec(rate_curve(history)), spec(speed_curve(history))
    assert rate.rows("value") == [[{"step": s, "value": s / 100} for s in (1, 2, 4)]]
    assert speed.rows("value") == [[{"step": s, "value": s * 10.0} for s in (1, 2, 4)]]
    assert rate.json["description"] == "Learning rate over 4 steps: at most 0.04, 0.04 at the end."
    assert speed.json["description"] == "Trained on 20 target tokens per second (median)."


def test_small_curves_have_at_most_a_hundred_points(progress, spec):
    history = [progress(step) for step in range(1, 1001)]
    (rows,) = spec(rate_curve(history)).rows("value")
    assert len(rows) == 100
    assert rows[0]["step"] == 5.5


def test_curves_hold_all_of_them(history, spec):
    seen = spec(curves(history))
    titles = [view["title"]["text"] for view in seen.json["vconcat"][1]["concat"]]
    assert titles == ["exact match", "BLEU", "learning rate", "target tokens per second"]
    assert series(seen, "validation") == [(4, 2.5), (8, 3.0)]
    for words in ("Training loss from 8", "Validation at step 8", "Trained on 1,000"):
        assert words in seen.json["description"]


def test_curves_before_the_first_evaluation(progress, spec):
    seen = spec(curves([progress(1), progress(2)]))
    assert "Validation" not in seen.json["description"]
    assert len(seen.json["vconcat"][1]["concat"]) == 2


@pytest.mark.parametrize("chart", [loss_curve, metric_curves, rate_curve, speed_curve, curves])
def test_nothing_recorded_is_said_in_words(chart, spec):
    assert "nothing was recorded yet" in spec(chart([])).texts()


def test_metrics_without_an_evaluation(progress, spec):
    assert "nothing was recorded yet" in spec(metric_curves([progress(1)])).texts()


def test_a_live_curve_is_one_chart_that_can_grow(history, spec):
    seen = spec(live_curve("figure_1", history))
    assert seen.json["title"]["text"] == "BLEU"
    assert seen.json["width"] == "container"
    (line, now) = seen.json["layer"]
    assert line["data"]["name"] == "figure_1"
    assert "domain" not in line["encoding"]["x"]["scale"]
    assert now["data"] == {"name": "now", "values": [{"step": 8}]}
    assert seen.json["description"] == "BLEU at step 8: 45.5."


@pytest.mark.parametrize(
    ("name", "title", "words"),
    [
        ("loss", "Loss", "Training loss from 8 to 1 nats a token"),
        ("rate", "learning rate", "Learning rate at step 8: 0.001."),
        ("speed", "target tokens per second", "At step 8: 1,000 target tokens a second."),
        ("memory", "memory of the process, MB", "The process takes 150 MB of memory."),
        ("figure_0", "exact match", "exact match at step 8: 50.0%."),
    ],
)
def test_each_live_curve_says_what_it_shows(history, spec, name, title, words):
    seen = spec(live_curve(name, history, [(1, 10**8), (7, 15 * 10**7)]))
    assert seen.json["title"]["text"] == title
    assert seen.json["description"].startswith(words)
    assert name in seen.datasets


def test_a_history_that_grows_no_more_is_drawn_to_its_last_step(progress, spec):
    history = [progress(step) for step in range(1, 402)]
    growing, ended = (
        spec(live_curve("loss", history, growing=growing)).datasets["loss"][-1]["step"]
        for growing in (True, False)
    )
    assert (growing, ended) == (399.5, 401)


def test_the_axis_of_a_live_figure_reaches_to_the_latest_step(progress):
    steps = [progress(step, 1.0, {"bleu": 1.0} if step == 2 else None) for step in range(1, 101)]
    drawn = to_svg(live_curve("figure_0", steps))
    assert ">100<" in drawn or ">80<" in drawn  # a tick far behind the one evaluation
