import math

import pytest

from workbench.charts.frame import finite, notice, shortened


def test_a_notice_says_why_there_is_nothing(spec):
    seen = spec(notice("Loss", "nothing was recorded yet"))
    assert {"Loss", "nothing was recorded yet"} <= set(seen.texts())
    assert seen.json["description"] == "Loss: nothing was recorded yet."


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_cannot_hold_is_a_gap(value):
    assert finite(value) is None


def test_finite_values_stay():
    assert finite(-1.5) == -1.5


def test_only_long_text_is_shortened():
    assert shortened("four", 4) == "four"
    assert shortened("fives", 4) == "fiv…"
    assert shortened("two words", 5) == "two…"
