import json
import struct

import altair as alt
import pytest

import workbench.kept
from workbench.charts import export, theme
from workbench.charts.export import to_png, to_svg, to_vega_lite, vega_script
from workbench.charts.frame import framed, inline


@pytest.fixture
def chart():
    dots = alt.Chart(inline([{"x": 1, "word": "a"}])).mark_point().encode(x="x:Q", y="word:N")
    return framed(dots, "Dots", 'One dot: "a" < b')


def test_the_specification_is_vega_lite_5_and_names_no_other_address(chart):
    text = json.dumps(to_vega_lite(chart))
    assert text.count("http") == 1
    assert '"$schema": "https://vega.github.io/schema/vega-lite/v5.json"' in text


def test_the_dress_is_replaced_and_nothing_else(chart):
    light, dark = to_vega_lite(chart), to_vega_lite(chart, dark=True)
    assert light.pop("config") == theme.config()
    assert dark.pop("config") == theme.config(dark=True)
    assert light == dark


def test_a_theme_set_in_the_notebook_changes_nothing(chart):
    plain = to_vega_lite(chart)
    with alt.theme.enable("dark"):
        assert to_vega_lite(chart) == plain


def test_png_has_the_pixels_asked_for(chart):
    sizes = []
    for scale in (1, 2):
        png = to_png(chart, scale)
        assert png.startswith(b"\x89PNG")
        sizes.append(struct.unpack(">II", png[16:24]))
    assert sizes[1] == (2 * sizes[0][0], 2 * sizes[0][1])
    assert to_png(chart, 1, dark=True) != to_png(chart, 1)


def test_svg_has_an_opaque_ground_and_a_label(chart):
    assert 'fill="#ffffff"' in to_svg(chart)
    assert f'fill="{theme.DARK.paper}"' in to_svg(chart, dark=True)
    assert 'role="img" aria-label="One dot: &quot;a&quot; &lt; b"' in to_svg(chart)


@pytest.mark.parametrize("export", [to_png, to_svg])
def test_data_from_elsewhere_are_refused(export):
    remote = alt.Chart("https://example.org/data.csv").mark_point().encode(x="x:Q")
    with pytest.raises(ValueError, match="not allowed"):
        export(remote)


def test_the_script_of_charts_is_made_once_for_each_use(tmp_path, monkeypatch):
    monkeypatch.setattr(workbench.kept, "folder", lambda: tmp_path / "cache")
    made = []
    bundle = lambda code, _: made.append(code) or f"vega; {code}"  # noqa: E731
    monkeypatch.setattr(export.vl_convert, "javascript_bundle", bundle)
    first = [vega_script(code) for code in ("a", "b", "a")]
    assert (first, made) == (["vega; a", "vega; b", "vega; a"], ["a", "b"])
