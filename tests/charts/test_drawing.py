import base64
import io
import json
import sys
import zlib

from workbench.charts import drawing
from workbench.charts.export import to_vega_lite
from workbench.charts.frame import notice

CHART = to_vega_lite(notice("Title", "nothing"))


def test_the_program_answers_line_by_line_and_says_what_cannot_be_drawn(monkeypatch, capsys):
    asked = (CHART, {"mark": 3}, CHART)
    lines = [*map(json.dumps, asked), "{"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines)))
    drawing.main()
    first, wrong, again, cut_off = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == again == {"png": base64.b64encode(drawing.drawn(CHART)).decode()}
    assert "Vega-Lite" in wrong["error"]
    assert cut_off["error"]


def test_a_packed_png_is_smaller_and_shows_the_same_pixels(monkeypatch):
    small = drawing.drawn(CHART)
    monkeypatch.setattr(drawing, "_packed", lambda png: png)
    large = drawing.drawn(CHART)
    assert len(small) < len(large)
    assert pixels(small) == pixels(large)


def pixels(png):
    """Read header and pixels with the chunk's own names as landmarks."""
    size = png[png.index(b"IHDR") + 4 :][:13]
    data, start = b"", png.index(b"IDAT") - 4
    while png[start + 4 : start + 8] == b"IDAT":
        length = int.from_bytes(png[start : start + 4], "big")
        data += png[start + 8 : start + 8 + length]
        start += length + 12
    return size, zlib.decompress(data)
