import base64

import pytest

from workbench.charts.export import drawn, to_vega_lite
from workbench.charts.frame import notice
from workbench.charts.stills import PNG, TO_BE_DRAWN, VEGA_LITE, Stills, still
from workbench.environment import STILLS_ELSEWHERE

CHART = to_vega_lite(notice("Title", "nothing"))


def output(picture=TO_BE_DRAWN, chart=CHART):
    return {"output_type": "display_data", "data": {VEGA_LITE: chart, PNG: picture}}


def test_the_kernel_draws_unless_somebody_else_does(monkeypatch):
    monkeypatch.delenv(STILLS_ELSEWHERE, raising=False)
    assert still(CHART) == drawn(CHART)
    monkeypatch.setenv(STILLS_ELSEWHERE, "1")
    assert still(CHART) == TO_BE_DRAWN


def test_what_was_left_is_drawn_and_nothing_else():
    left, there, printed = output(), output("there already"), {"output_type": "stream", "text": "a"}
    foreign = {"data": {"image/png": TO_BE_DRAWN}}
    stills = Stills()
    stills.draw([left, there, printed, foreign])
    stills.draw([left])  # again, before it is done
    stills.finish()
    assert base64.b64decode(left["data"][PNG]) == drawn(CHART)
    assert there == output("there already")
    assert foreign == {"data": {"image/png": TO_BE_DRAWN}}


def test_a_chart_that_cannot_be_drawn_has_no_picture_and_others_have():
    broken, sound = output(chart={"mark": 3}), output()
    stills = Stills()
    stills.draw([broken, sound])
    with pytest.raises(ValueError, match="Vega-Lite"):
        stills.finish()
    assert set(broken["data"]) == {VEGA_LITE}
    assert sound["data"][PNG]


def test_when_the_process_that_draws_is_gone_charts_have_no_picture():
    lost = output()
    stills = Stills()
    stills._process.kill()
    stills._process.wait()
    stills.draw([lost])
    with pytest.raises(ValueError, match="has ended"):
        stills.finish()
    assert set(lost["data"]) == {VEGA_LITE}
