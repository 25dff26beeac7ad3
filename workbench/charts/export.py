"""Charts as what other programs read: a Vega-Lite 5 specification, PNG, SVG, a script."""

import zlib
from html import escape
from importlib.metadata import version
from typing import Any

import vl_convert

from workbench.charts import theme
from workbench.charts.frame import Figure
from workbench.kept import kept

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"  # the specification's name, not fetched
VERSION = "5.21"  # of Vega-Lite, the newest 5 in vl-convert; JupyterLab 4 renders with a 5 too


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


def drawn(specification: dict[str, Any], scale: float = 2) -> bytes:
    """Return the PNG of a specification that `to_vega_lite` has made."""
    png = vl_convert.vegalite_to_png(
        specification, vl_version=VERSION, scale=scale, allowed_base_urls=[]
    )
    return _packed(bytes(png))


def _packed(png: bytes) -> bytes:
    """Compress the pixels well: vl-convert's take three times the room.

    A PNG is a signature of 8 bytes and chunks of length, name, content and checksum; its pixels
    are the content of all IDAT chunks together (PNG specification, sections 5.3 and 11.2.3).
    """
    chunks, start = [], 8
    while start < len(png):
        length = int.from_bytes(png[start : start + 4], "big")
        chunks.append((png[start + 4 : start + 8], png[start + 8 : start + 8 + length]))
        start += 12 + length
    pixels = b"".join(content for name, content in chunks if name == b"IDAT")
    packed = zlib.compress(zlib.decompress(pixels), level=8)  # 9 takes twice as long for 1 %
    head = [chunk for chunk in chunks[:-1] if chunk[0] != b"IDAT"]
    whole = [*head, (b"IDAT", packed), chunks[-1]]
    return png[:8] + b"".join(
        len(content).to_bytes(4, "big") + name + content
        + zlib.crc32(name + content).to_bytes(4, "big")
        for name, content in whole
    )  # fmt: skip


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
