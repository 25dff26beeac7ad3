"""The script of the persistent chart in a bare page, the kernel being this process.

`test_vega_view.py` has the same in JupyterLab; here are the cases that do not need it.
"""

import json

import altair as alt
import numpy as np
import pytest

from workbench.widgets.paths import STATIC
from workbench.widgets.vega import VegaRuntime, VegaView

pytestmark = pytest.mark.browser

SITE = "http://localhost/"  # answered by the fixture below, by nobody else
PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<style>%s</style><div id="place" style="width: 600px"><div id="view"></div></div>
<script type="module">
import make from "./vega.js";
const listeners = {};
globalThis.asked = [];
const model = {
  get: (name) => (name === "_drawing" ? globalThis.first : {}),
  set: (name, value) => (globalThis.selected = value),
  save_changes() {},
  send: (message) => asked.push(message),
  on: (name, act) => (listeners[name] = act),
};
const view = (bytes) => new DataView(Uint8Array.from(bytes).buffer);
globalThis.hear = (message, buffers) => listeners["msg:custom"](message, buffers.map(view));
globalThis.start = (first) => {
  globalThis.first = { ...first, buffers: first.buffers.map(view) };
  const widget = make();
  widget.initialize({ model });
  globalThis.end = widget.render({ model, el: document.getElementById("view") });
};
</script>"""
POINTS = "#view .mark-symbol path"


def row(step):
    return {"step": step, "loss": 1 / (1 + step)}


def points(*rows, width=300):
    data = alt.InlineData(values=list(rows), name="points")
    chart = alt.Chart(data, width=width, height=60).mark_point(filled=True, size=200)
    return chart.encode(x="step:Q", y="loss:Q")


def matrix():
    opacity = alt.Opacity("weight:Q", scale=alt.Scale(domain=[0, 1], range=[0, 1]))
    chart = alt.Chart(alt.InlineData(values=[], name="cells"), width=80, height=40).mark_rect()
    return chart.encode(x="source:N", y="target:N", opacity=opacity)


class Kernel:
    """Views whose messages go to the page, while it is connected."""

    def __init__(self, page):
        self.page, self.connected, self.view = page, True, None

    def draw(self, chart):
        kernel = self

        class Sent(VegaView):
            def send(self, content, buffers=()):
                if kernel.connected and kernel.view:
                    kernel.evaluate("([it, bytes]) => hear(it, bytes)", content, buffers)

        view = Sent(chart)
        drawing = view.get_state("_drawing")["_drawing"]
        buffers = [list(each) for each in drawing["buffers"]]
        self.page.evaluate("first => start(first)", {**drawing, "buffers": buffers})
        self.view = view
        return view

    def evaluate(self, script, content, buffers):
        self.page.evaluate(script, [json.loads(json.dumps(content)), [list(b) for b in buffers]])

    def answer(self):
        """Answer what the page has asked so far."""
        asked = self.page.evaluate("asked.splice(0)")
        for message in asked:
            self.view._handle_custom_msg(message, [])
        return asked


@pytest.fixture(scope="module")
def library():
    return str(VegaRuntime()._esm)


@pytest.fixture
def kernel(page, library):
    files = {
        SITE: ("text/html", PAGE % (STATIC / "vega.css").read_text("utf-8")),
        f"{SITE}vega.js": ("text/javascript", (STATIC / "vega.js").read_text("utf-8")),
        f"{SITE}library.js": ("text/javascript", library),
    }

    def answer(route):
        kind, body = files[route.request.url]
        route.fulfill(content_type=kind, body=body)

    page.route(f"{SITE}**", answer)
    page.goto(SITE)
    page.add_script_tag(url="/library.js", type="module")
    return Kernel(page)


def until(page, script):
    page.wait_for_function(script, timeout=10_000)


def until_drawn(page, count):
    until(page, f"document.querySelectorAll('{POINTS}').length === {count}")


def labels(page):
    return [each.get_attribute("aria-label") for each in page.locator(POINTS).all()]


def test_rows_that_change_places_are_drawn_in_them(kernel, page, watch):
    view = kernel.draw(points(row(0), row(1), row(2)))
    until_drawn(page, 3)
    view.put("points", [row(2), row(7)])
    until_drawn(page, 2)
    view.append("points", [row(4), row(5)])
    until_drawn(page, 4)
    assert [label.partition(";")[0] for label in labels(page)] == [
        "step: 2", "step: 7", "step: 4", "step: 5",
    ]  # fmt: skip
    view.put("points", [])
    until_drawn(page, 0)
    view.put("points", [{"step": 3, "loss": None}, row(1)])
    until_drawn(page, 1)
    assert (watch.console, watch.uncaught) == ([], [])


def test_a_matrix_travels_as_bytes_and_may_change_its_size(kernel, page):
    view = kernel.draw(matrix())
    cells = "[...document.querySelectorAll('#view .mark-rect path')]"
    opacity = f"{cells}.map(it => +it.getAttribute('opacity'))"
    view.put_cells("cells", np.array([[0, 1], [0.4, 0.6]]), "ab", "cd")
    until(page, f"{cells}.length === 4")
    assert page.evaluate(opacity) == pytest.approx([0, 1, 0.4, 0.6], abs=0.002)
    view.put_cells("cells", np.eye(2), "ab", "cd")
    until(page, f"JSON.stringify({opacity}) === '[1,0,0,1]'")
    view.put_cells("cells", np.array([[0.2, 0.4, 0.6]]), "xyz", "t")
    until(page, f"{cells}.length === 3")
    assert page.evaluate(opacity) == pytest.approx([0.2, 0.4, 0.6], abs=0.002)
    label = page.locator("#view .mark-rect path").nth(2).get_attribute("aria-label")
    assert "source: z" in label
    assert "target: t" in label


def test_a_page_that_missed_a_message_asks_once_and_gets_the_whole(kernel, page, watch):
    view = kernel.draw(points(row(0)))
    until_drawn(page, 1)
    assert kernel.answer() == [{"number": 1}]  # at the start
    kernel.connected = False
    view.append("points", [row(1)])
    kernel.connected = True
    page.wait_for_timeout(1000)
    for step in (2, 3, 4):
        view.append("points", [row(step)])
    assert page.locator(POINTS).count() == 1
    assert kernel.answer() == [{"number": 1}]
    until_drawn(page, 5)
    view.append("points", [row(5)])
    until_drawn(page, 6)
    assert kernel.answer() == []
    assert (watch.console, watch.uncaught) == ([], [])


def test_what_is_hidden_is_drawn_when_it_appears(kernel, page, watch):
    page.evaluate("place.hidden = true")
    view = kernel.draw(points(row(0)))
    view.append("points", [row(1)])
    page.wait_for_timeout(100)
    assert page.locator("#view svg").count() == 0
    page.evaluate("place.hidden = false")
    until_drawn(page, 2)
    page.evaluate("place.hidden = true")
    view.append("points", [row(2)])
    view.put("points", [row(3), row(4), row(5), row(6)])
    page.evaluate("place.hidden = false")
    until_drawn(page, 4)
    assert (watch.console, watch.uncaught) == ([], [])


def test_a_chart_as_wide_as_its_place_follows_it(kernel, page):
    page.evaluate("place.hidden = true")
    kernel.draw(points(row(0), width="container"))
    page.evaluate("place.hidden = false")
    width = "document.querySelector('#view svg').getBoundingClientRect().width"
    until(page, f"document.querySelector('#view svg') && Math.abs({width} - 600) < 2")
    page.evaluate("place.style.width = '400px'")
    until(page, f"Math.abs({width} - 400) < 2")


def test_many_rows_are_drawn_on_a_canvas(kernel, page):
    kernel.draw(points(*map(row, range(1501))))
    page.locator("#view canvas").wait_for()


def test_outside_of_jupyterlab_the_system_s_colours_count(kernel, page):
    kernel.draw(points(row(0)))
    until_drawn(page, 1)
    ink = "document.querySelector('#view .mark-text text')?.getAttribute('fill')"
    light = page.evaluate(ink)
    page.emulate_media(color_scheme="dark")
    until(page, f"{ink} && {ink} !== '{light}'")


def test_until_the_library_is_there_the_view_says_so(kernel, page, library):
    page.reload()
    kernel.draw(points(row(0)))
    words = "getComputedStyle(view, '::before').content"
    assert "on their way" in page.evaluate(words)
    page.add_script_tag(content=library, type="module")
    until_drawn(page, 1)
    assert page.evaluate(words) == "none"


def test_what_cannot_be_drawn_says_why_and_the_next_chart_mends_it(kernel, page, watch):
    view = kernel.draw(points(row(0)))
    until_drawn(page, 1)
    view.put("elsewhere", [row(1)])
    problem = page.get_by_text("This chart could not be drawn: ")
    problem.wait_for()
    assert "elsewhere" in problem.inner_text()
    assert len(watch.console) == 1
    watch.console.clear()
    view.append("points", [row(1)])
    view.show(points(row(0), row(1), width=200))
    until_drawn(page, 2)
    assert problem.count() == 0
    assert (watch.console, watch.uncaught) == ([], [])


def test_only_what_is_listened_to_comes_back_once_a_frame(kernel, page):
    pick = alt.selection_point(name="pick", on="mouseover", fields=["step"], clear="mouseout")
    view = kernel.draw(points(row(0), row(1)).add_params(pick))
    view.listen("pick", "absent")
    until_drawn(page, 2)
    page.locator(POINTS).nth(1).hover()
    until(page, """JSON.stringify(globalThis.selected) === '{"pick":{"step":[1]}}'""")


def test_a_view_that_is_gone_lets_go_of_everything(kernel, page, watch):
    view = kernel.draw(points(row(0)))
    until_drawn(page, 1)
    before = page.inner_html("#view")
    page.evaluate("end()")
    view.append("points", [row(1)])
    page.emulate_media(color_scheme="dark")
    page.evaluate("place.style.width = '300px'")
    page.locator(POINTS).hover()
    page.wait_for_timeout(200)
    assert page.inner_html("#view") == before
    assert (watch.console, watch.uncaught) == ([], [])
