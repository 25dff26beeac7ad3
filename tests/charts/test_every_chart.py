"""What holds for each chart: it is described, fits, is plain Vega-Lite 5 and runs no one's text."""

import json
import re

import numpy as np
import pytest
import vl_convert

from workbench.charts import theme
from workbench.charts.attention import attention_grid, attention_map, sight_map
from workbench.charts.attribution import attribution_bars, attribution_grid
from workbench.charts.curves import (
    curves,
    live_curve,
    loss_curve,
    metric_curves,
    rate_curve,
    speed_curve,
)
from workbench.charts.diagnosis import faults_chart, surprise_bars
from workbench.charts.diagram import model_diagram
from workbench.charts.explorer import beam_explorer
from workbench.charts.hypotheses import candidates
from workbench.charts.lengths import length_histogram, score_by_length
from workbench.charts.over_time import over_time_chart, token_history
from workbench.charts.overlay import many, overlay
from workbench.charts.parallel import importance_bars, parallel_coordinates
from workbench.charts.search import beam_tree
from workbench.charts.sight import across
from workbench.charts.state_layout import State
from workbench.charts.state_tree import state_tree
from workbench.charts.states import state_map, unit_bars
from workbench.charts.trials import trials_chart
from workbench.charts.usage import usage_chart
from workbench.charts.vocabulary import rank_frequency
from workbench.charts.wanted import wanted_attention
from workbench.moments import Moment, Opinion, OverTime
from workbench.records import (
    Attribution,
    BeamRecord,
    Block,
    Candidate,
    Diagnoses,
    Diagnosis,
    Fall,
    FaultBin,
    GpuReading,
    Place,
    Projection,
    Reading,
    States,
    Trial,
    WantedAttention,
)

NASTY = "'+\"</b>${1}\\"
TITLE = "'+″</b>${1}/"  # what stays of it in the title of an axis
SHOWN = {  # the charts, and how each shows that text
    "loss": None, "metrics": TITLE, "rate": None, "speed": None, "curves": TITLE, "map": NASTY,
    "live loss": None, "live figure": TITLE, "live memory": None, "mass": NASTY,
    "grid": NASTY, "score": TITLE, "lengths": TITLE, "tree": NASTY, "model": NASTY,
    "vocabulary": None, "candidates": NASTY, "overlay": NASTY,
    "overlaid": f"Validation in training: {TITLE}",
    "attribution": NASTY, "attributed": NASTY, "faults": None, "surprise": NASTY, "states": None,
    "unit": NASTY, "wanted": NASTY, "by hand": NASTY, "usage": f"0: {NASTY}",
    "trials": f"{NASTY} · 32", "many": NASTY, "parallel": NASTY, "importance": NASTY,
    "explorer": NASTY, "over time": NASTY, "runs": NASTY, "history": NASTY,
}  # fmt: skip
EXPRESSIONS = [  # all that our charts ever ask Vega to compute
    "replace(datum.label, /^[0-9]+:/, '')",
    "replace(datum.source, /^[0-9]+:/, '')",
    "replace(datum.target, /^[0-9]+:/, '')",
    "datum.series === 'validation'",
    "indexof(chosen, datum.run) >= 0",
    "indexof(chosen, datum.run)",
    "chosen[datum.value]",
    "isValid(brush.place) && indexof(brush.axis, datum.axis) >= 0 "
    "&& inrange(datum.place, brush.place) ? 1 : 0",
    "!isValid(brush.place) || datum.hits === length(brush.axis)",
    {"or": [{"param": "pointed", "empty": False}, "datum.run === highlight"]},
    "datum.order === datum.chosen",
    "datum.points === 1",
]


@pytest.fixture(scope="module")
def gallery(progress, translation, beam):
    figures = {NASTY: 1.5, "loss": 2.0, "bleu": 30.0}
    history = [progress(1, 3.0), progress(2, 2.5, figures, best=True), progress(3, 2.0, figures)]
    sentence = translation(f"{NASTY} b", f"x {NASTY}", reference=f"x {NASTY}", sure=[(0, 1)])
    nasty = Candidate(0, 0, NASTY, -1.0, -1.0, "kept", 0)
    searched = translation(
        NASTY, NASTY, end=False, beam=BeamRecord(1, (nasty,), beam.beam.attention)
    )
    blocks = [Block(NASTY, NASTY, NASTY, 1), Block("d", "k", "B", 2, (NASTY,), "decoder")]
    attributed = Attribution(
        "occlusion", sentence, np.eye(3, dtype=np.float32), np.zeros(3, np.float32)
    )
    fall = Fall(1, NASTY, "pruned", 1.0)
    diagnosed = Diagnosis(sentence, sentence, "model", -1.0, -2.0, fall, NASTY, 3)
    faults = {"none": 0, "search": 1, "model": 2, "vocabulary": 0, "settings": 1}
    bins = (FaultBin("1 to 2", faults),)
    places = tuple(Place(side, 0, 0, NASTY) for side in ("encoder", "decoder"))
    read = States(np.eye(2, dtype=np.float32), places, ((NASTY, NASTY),))
    row, nats = np.ones((1, 1, 2), np.float32) / 2, np.float32([-2, -1, -1])
    wanted = WantedAttention(
        (NASTY, "b"), (NASTY,), NASTY, row, row, np.array([[True]]), -1, nats, nats - 1, -nats,
        row[..., 0], row[..., 0],
    )  # fmt: skip
    moments = [
        Moment(NASTY, step, figures, sentence, sentence, (Opinion(1, "force", NASTY, -1.0),))
        for step in (1, 2)
    ]
    over = OverTime(NASTY, NASTY, tuple(moments))
    return {
        "explorer": lambda: beam_explorer(searched),
        "over time": lambda: over_time_chart(over),
        "runs": lambda: over_time_chart(over.beside(over)),
        "history": lambda: token_history(over),
        "attribution": lambda: attribution_grid([attributed, attributed]),
        "attributed": lambda: attribution_bars(attributed),
        "faults": lambda: faults_chart(Diagnoses((diagnosed,), bins, bins, ())),
        "surprise": lambda: surprise_bars(diagnosed),
        "states": lambda: state_map(Projection(read, read.vectors, "pca", (0.5, 0.5))),
        "unit": lambda: unit_bars(read, 0),
        "wanted": lambda: wanted_attention(wanted),
        "loss": lambda: loss_curve(history),
        "metrics": lambda: metric_curves(history),
        "rate": lambda: rate_curve(history),
        "speed": lambda: speed_curve(history),
        "curves": lambda: curves(history),
        "live loss": lambda: live_curve("loss", history),
        "live figure": lambda: live_curve("figure_1", history),
        "live memory": lambda: live_curve("memory", history, [(1, 10**8), (2, 2 * 10**8)]),
        "mass": lambda: sight_map(across(sentence), mass=True),
        "map": lambda: attention_map(sentence),
        "grid": lambda: attention_grid([sentence, sentence]),
        "score": lambda: score_by_length([1, 2], [0.5, 1], NASTY, NASTY),
        "lengths": lambda: length_histogram([1, 2], [3, 4], NASTY),
        "vocabulary": lambda: rank_frequency([(NASTY, 3), ("b", 1)], [(NASTY, 2)], NASTY),
        "tree": lambda: beam_tree(searched),
        "by hand": lambda: state_tree(
            [State("0", None, NASTY), State("1", "0", NASTY, end=NASTY, done=NASTY)]
        ),
        "model": lambda: model_diagram(blocks),
        "candidates": lambda: candidates(searched),
        "usage": lambda: usage_chart(
            [
                Reading(
                    1.0,
                    1,
                    0.5,
                    0.5,
                    2**30,
                    (GpuReading(NASTY, 0.5, 1, 2.0, 3.0), GpuReading("b", 0.5, 1, 2.0, 3.0)),
                )
            ]
        ),
        "trials": lambda: trials_chart([Trial(NASTY, 32, 1, 9, 10.0, 2**30, 1.0, 2.0)]),
        "overlay": lambda: overlay({NASTY: history, "b": history}),
        "many": lambda: many({NASTY: [(1, 2.0), (2, 1.0)]}, chosen=[NASTY]),
        "parallel": lambda: parallel_coordinates(
            [NASTY, "b"], {NASTY: [1, 2]}, NASTY, [0.5, None], chosen=[NASTY]
        ),
        "importance": lambda: importance_bars({NASTY: 0.5}, "bleu"),
        "overlaid": lambda: overlay({"a": history}, NASTY),
    }


def walk(value, key=""):
    """Yield every key and value inside a specification, but for its data."""
    yield key, value
    if isinstance(value, dict):
        for name, inner in value.items():
            if name != "datasets":
                yield from walk(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner, key)


@pytest.fixture(scope="module", params=SHOWN)
def seen(request, gallery, spec):
    return spec(gallery[request.param]())


def test_it_has_a_title_and_a_description(seen):
    assert seen.json["title"]["text"]
    assert len(seen.json["description"]) > 20


def test_it_fits_a_page(seen):
    width, height = seen.size()
    assert width <= theme.WIDTH
    assert height <= 1000


def test_it_needs_no_later_vega_lite_than_5(seen):
    first, last = (
        re.sub(
            r"gradient_\d+|clip\d+", "", vl_convert.vegalite_to_svg(seen.json, vl_version=version)
        )
        for version in ("5.8", "5.21")
    )
    assert first == last


def test_it_computes_nothing_but_our_own_expressions(seen):
    for key, value in walk(seen.json):
        if key == "filter" and isinstance(value, dict):  # a predicate, nothing that is computed
            continue
        if key in ("labelExpr", "calculate", "filter", "expr", "signal", "test", "update"):
            assert value in EXPRESSIONS
        if key in ("field", "fields") and isinstance(value, str):
            assert re.fullmatch("[a-z_0-9]+", value)
        assert key not in ("url", "href")


def test_it_names_only_styles_that_both_dresses_have(seen):
    styles = {value for key, value in walk(seen.json) if key == "style" and isinstance(value, str)}
    assert styles <= theme.config()["style"].keys()


def test_it_names_no_colour(seen):
    made = {key: value for key, value in seen.json.items() if key != "config"}
    assert not re.search(r"#[0-9a-fA-F]{6}", json.dumps(made))


@pytest.mark.parametrize(("name", "text"), SHOWN.items())
def test_it_draws_text_as_text(gallery, spec, name, text):
    assert text is None or text in spec(gallery[name]()).texts()


@pytest.mark.parametrize(
    "name",
    [
        "curves",
        "grid",
        "tree",
        "model",
        "candidates",
        "overlay",
        "many",
        "parallel",
        "explorer",
        "over time",
        "runs",
    ],
)
def test_it_is_the_same_at_every_drawing(gallery, spec, name):
    one, other = (json.dumps(spec(gallery[name]()).json) for _ in range(2))
    assert one == other
