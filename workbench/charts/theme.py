"""What all charts share in looks: one palette, one set of sizes, a light and a dark dress.

Marks name a style ("accent", "muted", …) and never a colour, so that replacing the `config` of a
specification is all it takes to dress it for a dark page.
"""

from dataclasses import dataclass
from typing import Any

WIDTH = 720  # px, the widest chart, axes and legend included
FONT = "Inter, 'Segoe UI', 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

# Okabe & Ito 2008, Color Universal Design: told apart by colour-blind readers
BLUE, SKY, GREEN = "#0072B2", "#56B4E9", "#009E73"
VERMILION, ORANGE, PURPLE, YELLOW = "#D55E00", "#E69F00", "#CC79A7", "#F0E442"
INK, BROWN = "#1c2329", "#5e3c00"  # on white, for sky and orange, which are too pale there


@dataclass(frozen=True)
class Palette:
    """Colours by what they are for.

    A mark on cells of any shade is drawn twice, `link` over a wider `casing`, or `ink` over
    `paper`: one of the two has 3:1 to every shade between those of `heatmap`.
    """

    paper: str
    panel: str
    ink: str
    muted: str
    grid: str
    main: str
    accent: str
    link: str
    casing: str
    category: tuple[str, ...]
    heatmap: tuple[str, ...]


LIGHT = Palette(
    paper="#ffffff",
    panel="#f5f7f9",
    ink=INK,
    muted="#5c6670",
    grid="#e3e7eb",
    main=BLUE,
    accent=VERMILION,
    link=YELLOW,
    casing=INK,
    category=(BLUE, VERMILION, GREEN, PURPLE, INK, BROWN),
    heatmap=("#ffffff", "#7ab6dd", "#083d6b"),
)
DARK = Palette(
    paper="#14181c",
    panel="#1e242a",
    ink="#e8ecef",
    muted="#a4aeb8",
    grid="#2c343b",
    main=SKY,
    accent=ORANGE,
    link=YELLOW,
    casing="#14181c",
    category=(SKY, ORANGE, GREEN, PURPLE, YELLOW, VERMILION),
    heatmap=("#14181c", "#1f6796", "#b5e0ff"),
)


def config(dark: bool = False) -> dict[str, Any]:
    """Return the `config` of a Vega-Lite 5 specification for a light or a dark page."""
    palette = DARK if dark else LIGHT
    return {
        "background": palette.paper,
        "font": FONT,
        "padding": {"left": 12, "top": 12, "bottom": 12, "right": 20},  # half of a last label
        "view": {"stroke": None},
        "range": {
            "category": list(palette.category),
            "heatmap": list(palette.heatmap),
            "ramp": list(palette.heatmap),
        },
        "axis": _axis(palette),
        "legend": _legend(palette),
        "title": _title(palette),
        "concat": {"spacing": 28},
        "style": _styles(palette),
    }


def _axis(palette: Palette) -> dict[str, Any]:
    return {
        "domainColor": palette.muted,
        "tickColor": palette.muted,
        "tickSize": 4,
        "gridColor": palette.grid,
        "labelColor": palette.muted,
        "labelFontSize": 11,
        "titleColor": palette.muted,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelFlush": False,
    }


def _legend(palette: Palette) -> dict[str, Any]:
    return {
        "labelColor": palette.ink,
        "labelFontSize": 11,
        "titleColor": palette.muted,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "symbolStrokeColor": palette.ink,
        "gradientStrokeColor": palette.grid,
    }


def _title(palette: Palette) -> dict[str, Any]:
    return {
        "anchor": "start",
        "frame": "bounds",
        "offset": 12,
        "color": palette.ink,
        "fontSize": 14,
        "fontWeight": 600,
        "subtitleColor": palette.muted,
        "subtitleFontSize": 11.5,
        "subtitlePadding": 4,
    }


def _styles(palette: Palette) -> dict[str, dict[str, Any]]:
    """Return the styles that marks name; `color` is what Vega-Lite looks for in a style."""
    label = {"fontSize": 11, "color": palette.ink, "baseline": "middle"}
    return {
        "main": {"color": palette.main, "strokeWidth": 1.75},
        "faint": {"color": palette.main, "opacity": 0.25},
        "accent": {"color": palette.accent, "strokeWidth": 2},
        "link": {"color": palette.link, "strokeWidth": 2},
        "casing": {"color": palette.casing, "strokeWidth": 4},
        "muted": {"color": palette.muted, "opacity": 0.7},
        "arrow": {"color": palette.muted, "strokeWidth": 1.5},
        "border": {"color": palette.grid, "strokeWidth": 1},
        "panel": {"color": palette.panel, "stroke": palette.muted},
        "panel_accent": {"color": palette.panel, "stroke": palette.accent, "strokeWidth": 2},
        "halo": {**label, "color": palette.paper, "stroke": palette.paper, "strokeWidth": 3},
        "label": label,
        "label_strong": {**label, "fontSize": 12, "fontWeight": 600},
        "label_muted": {**label, "color": palette.muted},
        "label_accent": {**label, "color": palette.accent, "fontWeight": 600},
    }
