"""The persistent chart in a real JupyterLab, fed from a thread as panels feed it.

`test_vega_script.py` has the cases that need no JupyterLab.
"""

import json

import pytest

from workbench.charts import theme

pytestmark = pytest.mark.browser

IMPORTS = """# hidden
import threading, time
from itertools import count, takewhile
import altair as alt
import ipywidgets
import numpy as np
from IPython.display import display
from workbench.widgets.vega import VegaView

def points(*rows, name="chart"):
    pick = alt.selection_point(name="pick", on="mouseover", fields=["step"], clear="mouseout")
    return alt.Chart(alt.InlineData(values=list(rows), name="points"), name=name).mark_point(
        filled=True, size=200).encode(x="step:Q", y="loss:Q").add_params(pick).properties(
        width=300, height=60, description="A loss")

going = True

def row(step):
    return {"step": step, "loss": 1 / (1 + step)}

def feed(views, steps):
    def run():
        for step in steps:
            for view in views:
                view.append("points", [row(step)])
            time.sleep(0.02)
    threading.Thread(target=run).start()
"""
INK = {"light": theme.LIGHT.muted, "dark": theme.DARK.muted}
CHARTS = ".wb-vega :is(svg, canvas)"
COUNTS = """[...document.querySelectorAll('.wb-vega')].map(
    it => it.querySelectorAll('.mark-symbol path').length)"""


@pytest.fixture
def book(notebook):
    """Open a notebook of the imports and these cells, and run it."""

    def book(*cells):
        book = notebook(IMPORTS, *cells)
        book.run()
        return book

    return book


def until_drawn(book, *counts, seconds=20):
    """Wait until there are so many charts, of so many points each."""
    wanted = json.dumps(counts, separators=(",", ":"))
    book.until(f"JSON.stringify({COUNTS}) === '{wanted}'", seconds)


def until_python(book, expression, seconds=10):
    for _ in range(10 * seconds):
        if book.python(expression):
            return
        book.page.wait_for_timeout(100)
    raise AssertionError(f"not in {seconds} s: {expression}")


def test_a_chart_is_named_embedded_once_and_follows_its_rows(book, watch):
    shown = book("view = VegaView(points(row(0), row(1))); view")
    until_drawn(shown, 2)
    assert shown.page.get_by_role("img", name="A loss").count() == 1
    shown.page.evaluate(f"document.querySelector('{CHARTS}').id = 'first'")
    shown.python("view.show(points(*map(row, range(5))))")
    until_drawn(shown, 5)
    assert shown.page.locator("#first").count() == 1
    shown.python("view.put('points', [row(9), row(8)])")
    until_drawn(shown, 2)
    shown.python("view.append('points', [row(7)])")
    until_drawn(shown, 3)
    marks = shown.page.locator(".wb-vega .mark-symbol path")
    assert "step: 8" in marks.nth(1).get_attribute("aria-label")
    shown.python("view.put('points', [])")
    until_drawn(shown, 0)
    shown.python("view.show(points(row(0), name='another'))")
    until_drawn(shown, 1)
    assert shown.page.locator("#first").count() == 0
    assert (watch.console, watch.uncaught) == ([], [])


def test_six_views_fed_by_a_thread_lose_no_row(book, watch):
    shown = book(
        "views = [VegaView(points(row(0))) for _ in range(3)]\n"
        "feed(views, range(1, 51))\n"
        "display(ipywidgets.HBox(views), ipywidgets.HBox(views))\n"
        "time.sleep(2)  # the rows come while the kernel is busy with this cell"
    )
    until_drawn(shown, *[51] * 6)
    shown.shot("vega-view-six")
    assert (watch.console, watch.uncaught) == ([], [])


def test_a_page_loaded_again_shows_the_whole(book, watch):
    shown = book("view = VegaView(points(row(0))); view")
    until_drawn(shown, 1)
    shown.python("feed([view], takewhile(lambda _: going, count(1)))")
    shown.reload()
    before = shown.python("len(view._sets['points'])")
    until_python(shown, f"len(view._sets['points']) > {before + 5}")  # it went on and goes on
    shown.python("globals().update(going=False)")
    shown.page.wait_for_timeout(200)
    until_drawn(shown, shown.python("len(view._sets['points'])"))
    assert (watch.console, watch.uncaught) == ([], [])


def test_a_chart_that_is_hidden_at_first_is_drawn_when_it_appears(book, watch):
    shown = book(
        "view = VegaView(points(row(0)))\n"
        "tabs = ipywidgets.Tab([ipywidgets.Label('first'), view], titles=['One', 'Two']); tabs"
    )
    shown.python("view.append('points', [row(1), row(2)])")
    assert shown.page.locator(CHARTS).count() == 0
    shown.page.get_by_role("tab", name="Two").click()
    until_drawn(shown, 3)
    shown.page.get_by_role("tab", name="One").click()
    shown.python("view.append('points', [row(3)])")
    shown.python("view.append('points', [row(4)])")
    shown.page.get_by_role("tab", name="Two").click()
    until_drawn(shown, 5)
    assert (watch.console, watch.uncaught) == ([], [])


def test_a_chart_that_fills_its_place_is_as_wide_again_after_it_was_hidden(book, watch):
    shown = book(
        "chart = points(row(0), row(1)).properties(width='container')\n"
        "tabs = ipywidgets.Tab([VegaView(chart), ipywidgets.Label('other')], titles=['One', 'Two'])"
        "; tabs"
    )
    width = "+document.querySelector('.wb-vega svg').getAttribute('width')"
    until_drawn(shown, 2)
    before = shown.page.evaluate(width)
    shown.page.get_by_role("tab", name="Two").click()
    shown.page.evaluate("dispatchEvent(new Event('resize'))")  # as other charts do
    shown.page.wait_for_timeout(500)
    shown.page.get_by_role("tab", name="One").click()
    shown.until(f"{width} === {before} && {before} > 300")
    shown.page.set_viewport_size({"width": 900, "height": 900})
    shown.until(f"{width} < {before} - 200")
    assert (watch.console, watch.uncaught) == ([], [])


def test_what_is_pointed_at_comes_back_in_both_themes(book, watch):
    shown = book("view = VegaView(points(row(0), row(1))); view.listen('pick'); view")
    ink = "document.querySelector('.wb-vega .mark-text text')?.getAttribute('fill')"
    for name in ("light", "dark", "light"):
        shown.theme(name)
        shown.until(f"{ink} === '{INK[name]}'")
        until_drawn(shown, 2)
        shown.page.locator(".wb-vega .mark-symbol path").nth(1).hover()
        until_python(shown, "view.selected.get('pick') == {'step': [1]}")
        shown.page.mouse.move(5, 5)
        until_python(shown, "not view.selected.get('pick')")
        shown.shot(f"vega-view-{name}")
    assert (watch.console, watch.uncaught) == ([], [])


def test_after_a_restart_of_the_kernel_the_chart_stands_and_answers_with_no_error(book, watch):
    shown = book("view = VegaView(points(row(0), row(1))); view.listen('pick'); view")
    until_drawn(shown, 2)
    shown.page.wait_for_timeout(1000)  # JupyterLab itself stumbles where widgets are younger
    shown.restart()
    shown.page.locator(".wb-vega .mark-symbol path").nth(1).hover()
    shown.page.wait_for_timeout(500)
    assert shown.page.locator(CHARTS).count() == 1
    assert (watch.console, watch.uncaught) == ([], [])
    shown.run()
    until_drawn(shown, 2)
    assert (watch.console, watch.uncaught) == ([], [])
