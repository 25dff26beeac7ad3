"""The report in a real browser with the network cut."""

import base64

import altair as alt
import nbformat
import numpy as np
import pytest

from workbench.charts import theme
from workbench.charts.explorer import beam_explorer
from workbench.charts.export import to_png, to_vega_lite
from workbench.charts.frame import framed, inline
from workbench.charts.over_time import over_time_chart
from workbench.moments import Moment, OverTime
from workbench.records import BeamRecord, Candidate, Hypothesis, Translation
from workbench.reports.html import to_html

pytestmark = pytest.mark.browser

NASTY = "</script><script>document.title = 'taken over'</script>"
EVIL = """
<img src="https://example.org/a.png" onerror="document.title = 'taken over'">
<script>document.title = 'taken over'</script>
<link rel="stylesheet" href="https://example.org/a.css">
<iframe src="https://example.org"></iframe>
"""


def output(chart):
    data = {
        "application/vnd.vegalite.v5+json": to_vega_lite(chart),
        "image/png": base64.b64encode(to_png(chart)).decode(),
    }
    return nbformat.v4.new_output("display_data", data=data)


def code(*outputs):
    record = {"papermill": {"status": "completed", "duration": 0.1}}
    return nbformat.v4.new_code_cell("x", metadata=record, outputs=list(outputs))


@pytest.fixture(scope="module")
def charts():
    """Bars with a tooltip, and a figure of two parts with a computed axis."""
    data = inline([{"token": NASTY, "count": 3}, {"token": "b", "count": 1}])
    bars = alt.Chart(data).mark_bar().encode(x="count:Q", y="token:N", tooltip=["token:N"])
    ticks = alt.Axis(labelExpr="datum.value > 1 ? 'many' : 'few'")
    points = alt.Chart(data).mark_point().encode(x=alt.X("count:Q", axis=ticks))
    return [framed(bars, "Tokens", "Two counts"), framed(points | points, "Both", "Four points")]


@pytest.fixture
def report(charts, tmp_path, page):
    """Write a page and open it."""

    def report(*cells):
        cells = cells or [code(output(chart)) for chart in charts]
        text = to_html(nbformat.v4.new_notebook(cells=list(cells)), "a report")
        (tmp_path / "report.html").write_text(text, encoding="utf-8")
        page.goto((tmp_path / "report.html").as_uri())
        page.wait_for_function("document.querySelectorAll('.chart:not(.drawn)').length === 0")
        return page

    return report


def test_every_chart_is_drawn(report, watch):
    page = report()
    for number in (1, 2):
        figure = page.locator(f"#chart-{number}")
        assert figure.locator(".view svg").count() == 1
        assert figure.locator(".view svg path").count() > 5
        assert not figure.locator("img.still").is_visible()
    assert "few" in page.locator("#chart-2 svg").text_content()
    assert page.title() == "a report"
    assert watch.console == watch.uncaught == []


def test_a_chart_answers_to_the_mouse_with_text(report):
    page = report()
    page.locator("#chart-1 svg [aria-roledescription=bar]").first.hover()
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    assert NASTY in tooltip.text_content()
    assert page.title() == "a report"


def test_a_chart_can_be_saved_with_the_keyboard(report, tmp_path):
    page = report()
    for kind, start in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        page.locator("#chart-1 button", has_text=kind).focus()
        with page.expect_download() as download:
            page.keyboard.press("Enter")
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        assert path.read_bytes().startswith(start)
        assert path.name == f"a report chart-1.{kind.lower()}"


@pytest.mark.parametrize(("scheme", "palette"), [("light", theme.LIGHT), ("dark", theme.DARK)])
def test_the_page_follows_the_reader_s_system(report, scheme, palette):
    page = report()
    page.emulate_media(color_scheme=scheme)
    paper = f"rgb({', '.join(str(part) for part in bytes.fromhex(palette.paper[1:]))})"
    page.wait_for_function(
        "paper => [...document.querySelectorAll('.chart svg')]"
        ".every(svg => svg.style.backgroundColor === paper)",
        arg=paper,
    )
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == paper


def test_paper_gets_the_picture(report):
    page = report()
    page.emulate_media(media="print")
    assert page.locator("#chart-1 img.still").is_visible()
    assert not page.locator("#chart-1 .view").is_visible()


def test_without_scripts_the_pictures_are_there(browser, charts, tmp_path):
    text = to_html(nbformat.v4.new_notebook(cells=[code(output(charts[0]))]), "a report")
    (tmp_path / "report.html").write_text(text, encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    assert page.locator("#chart-1 img.still").is_visible()
    context.close()


def test_what_a_notebook_says_can_neither_run_nor_load(report, watch):
    html = nbformat.v4.new_output("display_data", data={"text/html": EVIL})
    page = report(nbformat.v4.new_markdown_cell(f"Text.\n\n{EVIL}"), code(html))
    assert page.title() == "a report"
    assert watch.requests == []
    assert watch.console  # Chromium tells of every one that the policy refused
    watch.console.clear()


def test_the_page_fits_a_telephone(report):
    page = report()
    page.set_viewport_size({"width": 360, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


# What was computed before answers without a kernel ------------------------------------------


def translated(*tokens, beam=None):
    """A translation of `x y` that reads them evenly."""
    logs, read = np.full(len(tokens), -0.5, "f"), np.full((1, 1, len(tokens), 2), 0.5, "f")
    best = Hypothesis(" ".join(tokens), tokens, logs, read, -0.5)
    return Translation("x y", ("x", "y"), (best,), beam=beam)


@pytest.fixture
def alive(report):
    """A page with a tree of two steps, of which `a b` won, and a sentence at three moments."""
    candidates = (
        Candidate(0, 0, "a", -0.5, -0.5, "kept", 0), Candidate(0, 0, NASTY, -1.5, -1.5, "pruned"),
        Candidate(1, 0, "b", -0.75, -0.75, "finished"), Candidate(1, 0, "c", -3, -3, "pruned"),
    )  # fmt: skip
    read = np.float32([[0.75, 0.25], [0.125, 0.875]]).reshape(2, 1, 1, 1, 2)
    tree = beam_explorer(translated("a", "b", beam=BeamRecord(1, candidates, read)))
    moments = [Moment("run", 10 * n, {}, translated(word), translated("a"))
               for n, word in enumerate(("early", "middle", "late"), 1)]  # fmt: skip
    return report(code(output(tree), output(over_time_chart(OverTime("x", "a", tuple(moments))))))


def texts(page, chart):
    return page.locator(f"#{chart} svg text").all_text_contents()


def until_drawn(page, chart, text):
    page.locator(f"#{chart} svg text", has_text=text).first.wait_for()


def strike(page, mark):
    """Click where a mark is, whatever lies over it."""
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def press(page, chart, key):
    page.locator(f"#{chart} input").focus()
    page.keyboard.press(key)


def test_a_click_on_a_pruned_node_shows_what_stood_to_choose_there(alive):
    until_drawn(alive, "chart-1", "step 1: a · kept")
    nodes = alive.locator("#chart-1 svg .mark-symbol[class*=nodes_] path")
    assert nodes.count() == 4
    strike(alive, nodes.nth(3))
    until_drawn(alive, "chart-1", "step 2: c · pruned · log p -2.500")
    seen = texts(alive, "chart-1")
    assert "after: a" in seen
    assert {"77.9%", "8.2%"} <= set(seen)  # e^−0.25, e^−2.5
    alive.locator("#vg-tooltip-element.visible", has_text="pruned").wait_for()
    strike(alive, alive.locator("#chart-1 svg .role-axis text").first)  # no node: nothing is lost
    assert texts(alive, "chart-1") == seen
    press(alive, "chart-1", "Home")
    until_drawn(alive, "chart-1", "after: the beginning")
    press(alive, "chart-1", "ArrowRight")
    until_drawn(alive, "chart-1", NASTY[:20])
    assert alive.title() == "a report"


def test_the_slider_over_time_goes_with_keys_and_clicks(alive, watch):
    until_drawn(alive, "chart-2", "late")
    assert alive.get_by_role("slider", name="Moment").get_attribute("max") == "3"
    press(alive, "chart-2", "ArrowLeft")
    until_drawn(alive, "chart-2", "middle")
    assert "step 20" in texts(alive, "chart-2")
    assert "late" not in texts(alive, "chart-2")
    strike(alive, alive.locator("#chart-2 svg .mark-rect[class*=tokens_] path").first)
    until_drawn(alive, "chart-2", "early")
    assert alive.locator("#chart-2 input").input_value() == "1"
    strike(alive, alive.locator("#chart-2 svg .role-legend path").first)
    assert "early" in texts(alive, "chart-2")
    assert watch.console == watch.uncaught == []
