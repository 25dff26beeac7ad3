import numpy as np
import pytest

from workbench.charts import theme
from workbench.charts.heatmap import TokenLink
from workbench.charts.sight import Sight
from workbench.widgets.heat import TOKENS, HeatMap

WEIGHTS = np.array(
    [[[[0.5, 0.3, 0.2], [0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]]], np.float32
)  # one layer, two heads, two rows, three columns
LINKS = (TokenLink(2, 0, "sure"), TokenLink(1, 1, "possible"))


@pytest.fixture
def sight():
    return Sight("Attention", "a b → x", ("x", "<end>"), ("a", "b", "<end>"), WEIGHTS, LINKS)


@pytest.fixture
def heat():
    heat = HeatMap()
    yield heat
    heat.close()


def shares(heat):
    return [round(byte / 255, 2) for byte in heat.weights]


def test_a_head_is_painted_with_a_byte_a_cell(heat, sight):
    heat.show(sight, 0, 0)
    assert (heat.rows, heat.columns) == (["x", "<end>"], ["a", "b", "<end>"])
    assert shares(heat) == [0.5, 0.3, 0.2, 0, 1, 0]
    heat.show(sight)
    assert shares(heat) == [0.75, 0.15, 0.1, 0, 0.5, 0.5]
    heat.show(sight, head="maximum")
    assert shares(heat) == [1, 0.3, 0.2, 0, 1, 1]


def test_the_words_follow_what_is_painted(heat, sight):
    heat.show(sight, head=1)
    assert heat.description == (
        "Attention: head 1 of a b → x. Each target token looks most: x at a (1.00); "
        "<end> at <end> (1.00)."
    )


def test_only_what_changes_is_sent(heat, sight):
    heat.show(sight, 0, 0)
    changed = []
    heat.observe(lambda change: changed.append(change.name))
    heat.show(sight, 0, 0)
    assert changed == []
    heat.show(sight, 0, 1)
    assert sorted(changed) == ["description", "weights"]


def test_what_holds_most_of_a_row_is_kept(heat, sight):
    heat.show(sight, 0, 0, mass=True)
    assert list(heat.kept) == [1, 1, 0, 0, 1, 0]
    heat.show(sight, 0, 0)
    assert heat.kept == b""


def test_gold_links_can_be_left_out(heat, sight):
    heat.show(sight)
    assert heat.links == [[2, 0, "sure"], [1, 1, "possible"]]
    heat.show(sight, gold=False)
    assert heat.links == []


def test_very_long_sentences_are_cut(heat):
    long = tuple(map(str, range(TOKENS + 3)))
    weights = np.zeros((1, 1, 2, TOKENS + 3), np.float32)
    weights[..., -1], weights[..., 4] = 0.75, 0.25
    heat.show(Sight("Attention", "t", ("x", "y"), long, weights), mass=True)
    assert len(heat.columns) == TOKENS
    assert len(heat.weights) == len(heat.kept) == 2 * TOKENS
    assert not any(heat.kept)  # what holds most of the row is not painted


def test_what_is_no_number_is_painted_as_nothing(heat, sight):
    broken = Sight("Attention", "t", ("x",), ("a",), np.full((1, 1, 1, 1), np.nan, np.float32))
    heat.show(broken)
    assert heat.weights == b"\0"


def test_it_has_the_colours_of_the_charts():
    palettes = HeatMap().palettes
    assert tuple(palettes["light"]["heatmap"]) == theme.LIGHT.heatmap
    assert palettes["dark"]["ink"] == theme.DARK.ink
