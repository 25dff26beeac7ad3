"""Decoding by hand in a real JupyterLab: with the mouse, with the keyboard alone, and refused."""

import re

import pytest

pytestmark = pytest.mark.browser

SESSION = """from workbench import RunConfig, Session
from workbench.widgets import DecodePanel
session = Session(RunConfig(units=16, embedding=16, train_limit=300, max_decode_length=8,
                            beam_width=3))
session.build()
panel = DecodePanel(session)
panel"""
PREFIX = "session.taken_apart.current.decoded.prefix"
KINDS = "[item.kind for item in session.taken_apart.interventions()]"


@pytest.fixture
def book(notebook):
    book = notebook(SESSION)
    book.run()
    book.page.set_viewport_size({"width": 1280, "height": 1700})
    book.page.get_by_role("combobox", name="Sentence").fill("marie sleeps .")
    book.page.get_by_role("button", name="Step by hand").click()
    candidates(book).first.wait_for(timeout=60_000)  # the step is compiled
    return book


def candidates(book):
    return book.page.locator(".wb-candidates label")


def tokens(book):
    return book.page.locator(".wb-cand-token").all_inner_texts()


def version(book):
    return int(book.page.locator(".wb-candidates").get_attribute("data-version"))


def changed(book, act, *more):
    """Do something and wait for the candidates that come of it."""
    before = version(book)
    act(*more)
    book.until(f"Number(document.querySelector('.wb-candidates').dataset.version) > {before}")


def click(book, name):
    changed(book, book.page.get_by_role("button", name=name, exact=True).click)


def test_a_sentence_is_taken_apart_with_the_mouse(book, watch):
    page = book.page
    _, second, third = tokens(book)[:3]
    page.get_by_role("button", name="Beam from here").click()
    page.locator(".wb-state.wb-lost").nth(3).wait_for()

    candidates(book).nth(2).click()
    click(book, "Force")
    assert book.python(f"list({PREFIX})") == [third]
    click(book, "Ban")
    assert page.locator(".wb-candidates .wb-banned").count() == 1
    assert book.python(KINDS) == ["force", "ban"]

    # another branch, from the state before
    changed(book, page.locator(".wb-state[data-key='0']").click)
    changed(book, candidates(book).nth(1).dblclick)
    assert book.python(f"list({PREFIX})") == [second]
    page.get_by_label("Branch", exact=True).fill("mine")
    click(book, "Name")
    page.locator(".wb-state text", has_text="mine").wait_for()
    click(book, "« Undo")
    assert page.locator(".wb-state text", has_text="mine").count() == 0
    click(book, "Redo »")
    page.locator(".wb-state text", has_text="mine").wait_for()

    # attention: move a bar, mask a token, take it back
    slider = page.get_by_label("attention on marie", exact=True)
    changed(book, slider.fill, "80")
    assert float(page.locator(".wb-strip output").first.inner_text()) == pytest.approx(0.8)
    page.get_by_role("button", name="mark sleeps", exact=True).click()
    page.locator(".wb-strip button[aria-pressed='true']").wait_for()
    click(book, "Mask")
    assert book.python(KINDS) == ["force", "cell", "mask"]
    book.shot("by-hand")
    click(book, "« Undo")
    click(book, "« Undo")
    assert book.python(KINDS) == ["force"]

    # on from a hypothesis that the beam threw away
    lost = page.locator(".wb-state.wb-lost").last
    words = lost.get_attribute("aria-label").split()
    changed(book, lost.click)
    assert book.python(f"{PREFIX}[-1]") == words[0]
    assert "pruned" in words

    # search error or model error, and what was done as data
    page.get_by_label("Reference", exact=True).fill("marie dort .")
    page.get_by_role("button", name="Diagnose").click()
    page.get_by_text(re.compile("(Model|Search) error: the reference scores")).wait_for()
    page.get_by_text("As JSON").click()
    assert '"kind": "force"' in page.locator(".wb-copy pre").inner_text()

    page.set_viewport_size({"width": 900, "height": 2300})
    page.wait_for_timeout(500)
    book.shot("by-hand-900")
    book.theme("dark")
    page.set_viewport_size({"width": 1280, "height": 1700})
    page.wait_for_timeout(500)
    book.shot("by-hand-dark")
    assert (watch.console, watch.uncaught) == ([], [])


def test_the_keyboard_is_enough_and_what_is_refused_is_told(book, watch):
    page = book.page
    three = tokens(book)[:3]
    page.locator(".wb-candidates input").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(500)
    changed(book, page.keyboard.press, "Enter")
    assert book.python(f"list({PREFIX})") == [three[2]]
    page.wait_for_timeout(300)
    focused = "document.activeElement.closest('.wb-candidates') !== null"
    assert page.evaluate(focused)  # so that the next token can be chosen at once
    changed(book, page.keyboard.press, "Delete")
    assert page.locator(".wb-candidates .wb-banned").count() == 1

    page.get_by_role("tree").focus()
    page.keyboard.press("ArrowLeft")
    changed(book, page.keyboard.press, "Enter")
    assert book.python(f"list({PREFIX})") == []

    before = book.python("list(session.taken_apart.nodes)")
    page.get_by_label("or type", exact=True).fill("mraie")
    page.get_by_role("button", name="Write", exact=True).click()
    page.get_by_role("alert").get_by_text("expected a token of the target vocabulary").wait_for()
    page.get_by_role("button", name="Mask", exact=True).click()
    page.get_by_role("alert").get_by_text("no source token is marked").wait_for()
    assert book.python("list(session.taken_apart.nodes)") == before
    assert (watch.console, watch.uncaught) == ([], [])
