"""Decoding in a real JupyterLab: greedy, beam and sampling, and the walk through the steps."""

import pytest

pytestmark = pytest.mark.browser

SESSION = """from workbench import RunConfig, Session
from workbench.widgets import DecodePanel
session = Session(RunConfig(units=16, embedding=16, train_limit=300, max_decode_length=8))
session.build()
panel = DecodePanel(session)
panel"""


@pytest.fixture
def book(notebook):
    book = notebook(SESSION)
    book.run()
    book.page.get_by_role("button", name="Translate").wait_for()
    return book


def chart(book, words):
    """Return the chart whose description begins so, once it is there."""
    chart = book.page.locator(f".wb-vega[aria-label^='{words}'] svg")
    chart.wait_for()
    return chart


def pictures(book, name):
    for width, height in ((1280, 1900), (900, 2100)):
        book.page.set_viewport_size({"width": width, "height": height})
        book.page.wait_for_timeout(500)
        book.shot(f"{name}-{width}")


def test_a_sentence_is_translated_in_each_way_and_walked_through(book, watch):
    page = book.page
    page.get_by_text("Nothing is translated yet.").wait_for()
    sentence = page.get_by_role("combobox", name="Sentence")
    sentence.fill("marie sleeps .")
    page.get_by_role("button", name="Translate").click()
    chart(book, "Beam search of width 5")
    chart(book, "Candidates at step 1 of")
    assert page.locator(".wb-panel table", has_text="log p").locator("tbody tr").count() == 5
    page.get_by_role("button", name="Next step").click()
    chart(book, "Candidates at step 2 of")
    assert page.get_by_label("Step", exact=True).input_value() == "2"
    pictures(book, "decode-beam")

    page.get_by_label("Hypothesis", exact=True).select_option(index=3)
    book.page.wait_for_timeout(500)
    assert book.python("panel.choices.hypothesis") == 3

    page.get_by_label("Search", exact=True).select_option("sampling")
    page.get_by_label("temperature").first.wait_for()
    assert not page.get_by_label("length penalty").is_visible()
    page.get_by_role("button", name="Translate").click()
    chart(book, "5 samples over")
    book.theme("dark")
    pictures(book, "decode-samples-dark")

    page.get_by_label("Search", exact=True).select_option("greedy search")
    page.get_by_role("button", name="Translate").click()
    chart(book, "Beam search of width 1")
    assert book.python("session.draft.beam_width") == 1
    assert (watch.console, watch.uncaught) == ([], [])


def test_the_keyboard_is_enough(book, watch):
    page = book.page
    page.get_by_role("combobox", name="Sentence").focus()
    page.keyboard.type("he sleeps .")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Translate"
    page.keyboard.press("Enter")
    chart(book, "Candidates at step 1 of")
    page.get_by_role("button", name="Next step").focus()
    page.keyboard.press("Enter")
    chart(book, "Candidates at step 2 of")
    assert (watch.console, watch.uncaught) == ([], [])


def test_nothing_typed_is_said_in_the_panel(book):
    book.page.get_by_role("button", name="Translate").click()
    book.page.get_by_role("alert").get_by_text("type a sentence").wait_for()


def test_a_click_on_a_node_of_the_search_is_where_a_person_goes_on(book, watch):
    page = book.page
    page.get_by_role("combobox", name="Sentence").fill("marie sleeps .")
    page.get_by_role("button", name="Translate").click()
    chart(book, "Beam search of width 5")
    page.locator("input[type=range][name='node_node']").fill("7")
    wait(book, "panel._beam.chart.selected.get('node', {}).get('node') == [7]")
    pictures(book, "decode-explorer")
    page.get_by_role("button", name="Go on from this node").click()
    page.get_by_role("button", name="Beam from here").wait_for()
    chosen = book.python("__import__('workbench.charts.explorer', fromlist='x')"
                         ".explored(session.translation, 7).token")  # fmt: skip
    wait(book, f"session.taken_apart.current.decoded.prefix[-1:] == ({chosen!r},)")
    assert (watch.console, watch.uncaught) == ([], [])


def tall(book, name):
    """Write a picture of a view that is longer than others."""
    book.page.set_viewport_size({"width": 900, "height": 3800})
    book.page.wait_for_timeout(500)
    book.shot(name)


def wait(book, expression):
    """Wait until something is so in the kernel."""
    for _ in range(300):
        if book.python(expression):
            return
        book.page.wait_for_timeout(200)
    raise AssertionError(f"not so: {expression}")


def test_it_is_asked_why(book, watch):
    page = book.page
    page.get_by_role("combobox", name="Sentence").fill("marie sleeps .")
    page.get_by_role("button", name="Translate").click()
    chart(book, "Beam search of width 5")
    page.get_by_label("why it said that").check()
    page.get_by_role("button", name="Diagnose the test set").click()
    chart(book, "Search error or model error, of 200 sentences")
    page.get_by_label("Look at").select_option(index=1)
    chart(book, "Surprise of the reference")
    page.get_by_label("Words of the").select_option("reference")
    page.get_by_role("button", name="What counted for each word").click()
    page.locator(".wb-panel table", has_text="occlusion").wait_for()
    page.get_by_role("button", name="Read the hidden states").click()
    wait(book, "panel.inquiry.projection is not None")
    page.locator(".wb-vega[aria-label^='Hidden states by PCA 1'] canvas").wait_for()
    chart(book, "Unit 0 of 16")
    tall(book, "decode-why")
    book.theme("dark")
    tall(book, "decode-why-dark")
    assert (watch.console, watch.uncaught) == ([], [])
