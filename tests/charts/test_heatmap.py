import re

import numpy as np
import pytest

from workbench.charts.frame import framed
from workbench.charts.heatmap import ALONE, IN_GRID, TOKENS, TokenLink, heat_map


def draw(spec, source, target, weights=None, links=(), size=ALONE):
    weights = np.zeros((len(target), len(source))) if weights is None else np.array(weights)
    return spec(framed(heat_map(source, target, weights, links, size), "t", "d"))


def test_weights_stand_at_their_tokens(spec):
    seen = draw(spec, ["a", "b"], ["x", "y"], [[0.1, 0.9], [0.25, 0.75]])
    (rows,) = seen.rows("weight")
    assert [(row["source"], row["target"], row["weight"]) for row in rows] == [
        ("0:a", "0:x", 0.1), ("1:b", "0:x", 0.9), ("0:a", "1:y", 0.25), ("1:b", "1:y", 0.75),
    ]  # fmt: skip


def test_a_token_that_comes_twice_keeps_two_places(spec):
    seen = draw(spec, ["the", "dog", "the"], ["le", "le"])
    (heat,) = seen.marks("rect")[:1]
    assert heat["encoding"]["x"]["scale"]["domain"] == ["0:the", "1:dog", "2:the"]
    assert heat["encoding"]["y"]["scale"]["domain"] == ["0:le", "1:le"]
    assert seen.texts().count("the") == 2
    assert seen.texts().count("le") == 2


def test_tokens_are_shown_as_they_are(spec):
    tokens = ["datum.weight", "a.b[0]", "it's", '"', "\\", "</text><b>", "12:30", "{{x}}", "&"]
    assert set(tokens) <= set(draw(spec, tokens, ["y"]).texts())


def test_links_are_boxed_sure_and_possible(spec):
    links = [TokenLink(0, 1, "possible"), TokenLink(1, 0, "sure")]
    seen = draw(spec, ["a", "b"], ["x", "y"], links=links)
    assert seen.rows("link") == [[
        {"source": "0:a", "target": "1:y", "link": "possible"},
        {"source": "1:b", "target": "0:x", "link": "sure"},
    ]]  # fmt: skip
    casing, boxes = seen.marks("point")
    assert (casing["mark"]["style"], boxes["mark"]["style"]) == ("casing", "link")
    scale = boxes["encoding"]["strokeDash"]["scale"]
    assert scale == {"domain": ["sure", "possible"], "range": [[1, 0], [3, 2]]}
    assert {"gold alignment", "sure", "possible"} <= set(seen.texts())


def test_the_legend_names_only_the_links_there_are(spec):
    seen = draw(spec, ["a"], ["x"], links=[TokenLink(0, 0, "sure")])
    assert "sure" in seen.texts()
    assert "possible" not in seen.texts()
    assert not draw(spec, ["a"], ["x"]).marks("point")


@pytest.mark.parametrize("length", [1, 12, 60])
def test_maps_of_all_sizes_fit(spec, length):
    tokens = [f"I_TURN_LEFT{i}" for i in range(length)]
    seen = draw(spec, tokens, tokens)
    assert seen.size()[0] <= 720
    assert set(tokens) <= set(seen.texts())


def test_two_maps_of_a_grid_fit_beside_each_other(spec):
    tokens = [f"I_TURN_LEFT{i}" for i in range(18)]
    padding, spacing = 24, 24
    assert draw(spec, tokens, tokens, size=IN_GRID).size()[0] <= (720 + padding - spacing) / 2


def test_labels_of_very_many_tokens_leave_some_out(spec):
    tokens = [f"I_TURN_LEFT{i}" for i in range(TOKENS)]
    shown = set(draw(spec, tokens, ["x"]).texts()) & set(tokens)
    assert TOKENS / 3 <= len(shown) < TOKENS


def test_what_is_beyond_the_limit_is_left_out(spec):
    tokens = [str(i) for i in range(TOKENS + 5)]
    links = [TokenLink(TOKENS + 1, 0, "sure"), TokenLink(0, 0, "sure")]
    seen = draw(spec, tokens, ["x"], links=links)
    (rows,) = seen.rows("weight")
    assert len(rows) == TOKENS
    assert len(seen.rows("link")[0]) == 1


def test_the_mouse_over_a_row_fades_the_others(spec):
    seen = draw(spec, ["a"], ["x"])
    (parameter,) = seen.json["params"]
    assert parameter["select"]["fields"] == ["target"]
    opacity = seen.marks("rect")[0]["encoding"]["opacity"]
    assert opacity == {"condition": {"param": parameter["name"], "value": 1}, "value": 0.35}


def test_a_weight_that_is_no_number_is_null(spec):
    seen = draw(spec, ["a"], ["x"], [[np.nan]])
    assert seen.rows("weight")[0][0]["weight"] is None


def test_what_is_not_kept_is_faded(spec):
    kept = np.array([[True, False]])
    seen = spec(framed(heat_map(["a", "b"], ["x"], np.ones((1, 2)), [], kept=kept), "t", "d"))
    (rows,) = seen.rows("weight")
    assert [row["kept"] for row in rows] == [True, False]
    scale = seen.marks("rect")[0]["encoding"]["fillOpacity"]["scale"]
    assert scale == {"domain": [True, False], "range": [1, 0.2]}
    opacities = re.findall(r'<path[^>]* fill-opacity="([^"]+)"', seen.svg)
    assert "0.2" in opacities
