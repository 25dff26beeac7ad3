"""The report as one page that asks nobody for anything.

Scripts are ours or do not run: the page's Content-Security-Policy names the hash of each and
allows no request at all. So what a notebook puts into markdown or `text/html` stays as it is,
and can neither load nor execute anything. Charts answer to the mouse; their PNG stands until
they are drawn, where JavaScript is off, and on paper.
"""

import base64
import html
import re
import struct
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from nbconvert import HTMLExporter
from nbformat import NotebookNode

from workbench.charts.stills import VEGA_LITE
from workbench.reports.cells import cell_seconds, cell_status
from workbench.reports.page import (
    TEMPLATES,
    bundle,
    part,
    policy,
    script_json,
    script_tags,
    style,
)

LIMIT = 2_000_000  # bytes of a page that can be sent by mail
CHARTS = (VEGA_LITE, "application/vnd.vegalite.v6+json")  # Altair 6's own is the second
FORMS = (*CHARTS, "text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg",
         "text/plain")  # fmt: skip
NAMES = {"parameters": "default parameters", "injected-parameters": "given parameters"}


@dataclass(frozen=True)
class _Chart:
    number: int
    description: str
    specification: str
    still: str  # a comment that stands for the picture
    picture: str


class _Charts(list[_Chart]):
    """The charts of a page, in order."""

    def take(self, data: Mapping[str, Any], kind: str) -> _Chart:
        """Number the chart among the forms of an output."""
        number = len(self) + 1
        description = str(data[kind].get("description", f"Chart {number}"))
        picture = data.get("image/png", "").replace("\n", "")
        self.append(
            _Chart(
                number,
                description,
                specification=script_json(data[kind]),
                still=f"<!--still {number}-->",
                picture=_still(picture, description) if picture else "",
            )
        )
        return self[-1]


def to_html(
    notebook: NotebookNode,
    title: str,
    banner: str | None = None,
    log: Sequence[str] = (),
    facts: Mapping[str, str] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> str:
    """Return an executed notebook as a page.

    Args:
        notebook: what to show; it is not changed.
        title: the page's name, under which stands the notebook's own first heading.
        banner: what went wrong, put in red at the top, where it did.
        log: the last lines that were printed before it went wrong.
        facts: what the head of the page says: status, date, device.
        parameters: what was chosen for this run.
    """
    charts = _Charts()
    heading, notebook = _without_heading(notebook)
    page = {
        "title": title, "heading": heading or title, "banner": banner, "log": "\n".join(log),
        "facts": facts or {}, "parameters": parameters or {}, "style": style(),
    }  # fmt: skip
    exporter = HTMLExporter(
        extra_template_basedirs=[str(TEMPLATES)],
        template_name="report",
        anchor_link_text="#",
        filters={"form": _form, "chart": charts.take, "label": _label},
    )
    text, _ = exporter.from_notebook_node(notebook, resources={"page": page})
    scripts = [bundle(), part("report/page.js")] if charts else []
    text = text.replace("<!--contents-->", _contents(text), 1)
    text = text.replace("<!--policy-->", policy(scripts), 1)
    text = text.replace("<!--scripts-->", script_tags(scripts), 1)
    return _with_stills(text, charts)


def _without_heading(notebook: NotebookNode) -> tuple[str, NotebookNode]:
    """Return the notebook's first heading, if it begins with one, and a copy without it."""
    notebook = deepcopy(notebook)
    first = notebook.cells[0] if notebook.cells else None
    if first is None or first.cell_type != "markdown" or not first.source.startswith("# "):
        return "", notebook
    heading, _, first.source = first.source.partition("\n")
    return heading.removeprefix("# ").strip(), notebook


def _form(data: Mapping[str, Any]) -> str:
    """Return the richest form of an output that the page can show; never a widget."""
    return next((kind for kind in FORMS if kind in data), "")


def _label(cell: NotebookNode) -> str:
    """Return what the fold over a cell's code says."""
    tags = cell.metadata.get("tags", [])
    what = next((name for tag, name in NAMES.items() if tag in tags), "code")
    if cell_status(cell) == "pending":
        return f"{what}, not run"
    seconds = cell_seconds(cell) or 0
    return f"{what} [{cell.execution_count}]" + (f", {seconds:.1f} s" if seconds >= 1 else "")


def _still(picture: str, description: str) -> str:
    """Return the PNG as an image, at half its pixels: charts are exported at scale 2."""
    width = struct.unpack(">I", base64.b64decode(picture[:32])[16:20])[0] // 2
    return (
        f'<img class="still" width="{width}" alt="{html.escape(description)}" '
        f'src="data:image/png;base64,{picture}">'
    )


def _with_stills(text: str, charts: _Charts) -> str:
    """Put the pictures in, as many as keep the page within its limit."""
    room = LIMIT - len(text.encode())
    for chart in charts:
        fits = len(chart.picture) <= room
        text = text.replace(chart.still, chart.picture if fits else "", 1)
        room -= len(chart.picture) if fits else 0
    return text


def _contents(text: str) -> str:
    """Return links to the sections, where there are several."""
    sections = re.findall(r'<h2 id="([^"]+)">(.*?)<a class="anchor-link"', text)
    links = "".join(f'<a href="#{anchor}">{name}</a>' for anchor, name in sections)
    return f'<nav aria-label="Contents">{links}</nav>' if len(sections) > 2 else ""
