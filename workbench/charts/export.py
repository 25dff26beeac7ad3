"""Charts as what other programs read: a Vega-Lite 5 specification, PNG, SVG, a script."""

from html import escape
from importlib.metadata import version
from typing import Any

import vl_convert

from workbench.charts import theme
from workbench.charts.drawing import VERSION, drawn
from workbench.charts.frame import Figure
from workbench.kept import kept

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"  # the specification's name, not fetched


def to_vega_lite(chart: Figure, dark: bool = False, validate: bool = True) -> dict[str, Any]:
    """Return the specification of `chart`, dressed for a light or a dark page.

    All data are inside; the schema's name is the only address in it. The same chart gives the
    same specification, whatever theme a notebook has set in Altair. To `validate` it against the
    schema takes most of the time.
    """
    specification: dict[str, Any] = chart.to_dict(validate=validate)
    specification.pop("usermeta", None)  # where a theme of Altair's leaves its name
    sets = {name: list(rows) for name, rows in specification.pop("datasets", {}).items()}
    whole = specification | ({"datasets": sets} if sets else {})
    return {**whole, "$schema": SCHEMA, "config": theme.config(dark)}


def to_png(chart: Figure, scale: float = 2, dark: bool = False) -> bytes:
    """Return `chart` as PNG with `scale` pixels a unit."""
    return drawn(to_vega_lite(chart, dark), scale)


def vega_script(code: str) -> str:
    """Return Vega, Vega-Lite and vega-embed with the `code` that uses them as one script.

    It is made from what is installed, which takes more than a second, and kept.
    """
    made_of = (version("vl-convert-python"), VERSION, code)
    return kept("vega.js", made_of, lambda: str(vl_convert.javascript_bundle(code, VERSION)))


def to_svg(chart: Figure, dark: bool = False) -> str:
    """Return `chart` as SVG, its text as text and its description as the label of the image."""
    specification = to_vega_lite(chart, dark)
    svg = str(vl_convert.vegalite_to_svg(specification, vl_version=VERSION, allowed_base_urls=[]))
    label = escape(specification.get("description", ""), quote=True)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
