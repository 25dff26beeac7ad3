import itertools

import numpy as np
import pytest

from workbench.charts import theme


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


PALETTES = [theme.LIGHT, theme.DARK]


@pytest.mark.parametrize("palette", PALETTES)
def test_text_and_marks_stand_out_from_the_paper(palette):
    assert contrast(palette.ink, palette.paper) >= 7
    assert contrast(palette.muted, palette.paper) >= 4.5
    assert contrast(palette.ink, palette.panel) >= 7
    assert contrast(palette.muted, palette.panel) >= 4.5
    assert contrast(palette.main, palette.paper) >= 3
    assert contrast(palette.accent, palette.paper) >= 3


def shades(palette: theme.Palette) -> list[str]:
    """The 256 colours that a cell may have, as Vega and `heat.js` mix them."""
    stops = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in palette.heatmap]
    return [
        "#"
        + "".join(
            f"{round(low + along * (high - low)):02x}" for low, high in zip(*pair, strict=True)
        )
        for pair in itertools.pairwise(stops)
        for along in np.linspace(0, 1, 128)
    ]


@pytest.mark.parametrize("palette", PALETTES)
def test_lines_of_all_categories_stand_out_from_the_paper(palette):
    assert {colour for colour in palette.category if contrast(colour, palette.paper) < 3} == set()


@pytest.mark.parametrize("palette", PALETTES)
def test_what_is_drawn_over_cells_stands_out_from_every_shade(palette):
    for pair in ((palette.link, palette.casing), (palette.ink, palette.paper)):
        assert min(max(contrast(c, shade) for c in pair) for shade in shades(palette)) >= 3


@pytest.mark.parametrize("dark", [False, True])
def test_muted_marks_stand_out_however_faint(dark):
    look, palette = theme.config(dark)["style"]["muted"], PALETTES[dark]
    mixed = [
        round(look["opacity"] * int(look["color"][i : i + 2], 16)
              + (1 - look["opacity"]) * int(palette.paper[i : i + 2], 16))
        for i in (1, 3, 5)
    ]  # fmt: skip
    assert contrast("#" + "".join(f"{c:02x}" for c in mixed), palette.paper) >= 3


@pytest.mark.parametrize("palette", PALETTES)
def test_categories_are_okabe_and_itos(palette):
    known = {"#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}
    black_and_dark_orange = {theme.INK, theme.BROWN}  # on white
    assert set(palette.category) <= known | black_and_dark_orange
    assert len(set(palette.category)) == len(palette.category)
    assert palette.category[:2] == (palette.main, palette.accent)


def test_heat_grows_away_from_the_paper():
    light, dark = ([luminance(c) for c in palette.heatmap] for palette in PALETTES)
    assert light == sorted(light, reverse=True)
    assert dark == sorted(dark)
    assert theme.LIGHT.heatmap[0] == theme.LIGHT.paper
    assert theme.DARK.heatmap[0] == theme.DARK.paper


def test_the_dark_dress_replaces_the_whole_light_one():
    light, dark = theme.config(), theme.config(dark=True)
    assert light["background"] == "#ffffff"
    assert luminance(dark["background"]) < 0.02

    def shape(value):
        return {k: shape(v) for k, v in value.items()} if isinstance(value, dict) else None

    assert shape(light) == shape(dark)
