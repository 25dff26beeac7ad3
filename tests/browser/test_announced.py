"""What stands out in the panels, and what is read out, in a real browser."""

import pytest

pytestmark = pytest.mark.browser

WIDGETS = """# hidden
from workbench.widgets.announced import answer, fault
from workbench.widgets.looks import looks
from workbench.widgets.parts import column, write
from workbench.widgets.slider import Slider
import ipywidgets
looks()
said, wrong = answer(), fault()
slider = Slider(description="Moment", max=2, value=2, text="step 30")
panel = column(slider, said, wrong, ipywidgets.IntSlider(description="Theirs"))
panel.add_class("wb-panel")
panel"""


@pytest.fixture
def book(notebook):
    book = notebook(WIDGETS)
    book.run()
    book.page.get_by_role("slider", name="Moment").wait_for()
    return book


def test_words_appear_in_regions_that_were_there_before(book, watch):
    regions = {role: book.page.locator(f".wb-panel [role={role}]") for role in ("status", "alert")}
    marked = "it => { it.mine = true; return it.textContent }"
    assert [region.evaluate(marked) for region in regions.values()] == ["", ""]
    book.python("write(said, value='<b>done</b>') or write(wrong, value='no run &lt;b&gt;')")
    regions["status"].get_by_text("done").wait_for()
    regions["alert"].get_by_text("no run <b>").wait_for()
    assert all(region.evaluate("it => it.mine") for region in regions.values())
    assert (watch.console, watch.uncaught) == ([], [])


def test_a_slider_has_its_name_and_is_moved_by_keys(book, watch):
    slider = book.page.get_by_role("slider", name="Moment", exact=True)
    assert slider.get_attribute("aria-valuetext") == "step 30"
    # theirs has none: the reason for ours
    theirs = book.page.get_by_role("slider").locator("visible=true")
    assert theirs.count() == 2
    assert book.page.get_by_role("slider", name="Theirs").count() == 0
    slider.focus()
    book.page.keyboard.press("ArrowLeft")
    for _ in range(50):
        if book.python("slider.value") == 1:
            break
        book.page.wait_for_timeout(100)
    assert book.python("slider.value") == 1
    book.python("write(slider, max=5, value=4, text='step 50')")
    book.until("document.querySelector('.wb-slider input').value === '4'")
    book.python("write(slider, disabled=True)")
    book.until("document.querySelector('.wb-slider input').disabled")
    assert (watch.console, watch.uncaught) == ([], [])
