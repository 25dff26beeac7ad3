"""The whole workbench in a real JupyterLab, as somebody meets it who has never seen it."""

import pytest
from playwright.sync_api import expect
from workbench_notebook import attention, goes_on, open_workbench, press, says, tab, train

pytestmark = pytest.mark.browser

HOT = """it => { // the pixels of cells that hold more than 0.6 of a row
    const { data } = it.getContext("2d").getImageData(0, 0, it.width, it.height);
    let hot = 0;
    for (let at = 0; at < data.length; at += 4) {
        hot += data[at] < 100 && data[at + 2] > data[at] + 40;
    }
    return hot;
}"""
LOOKS = """[[token, probe.source_tokens[int(row.argmax())]]
    for probe in [[p for p in session.history if p.probes][{}].probes[0]]
    for token, row in zip(probe.best.tokens, probe.best.attention.mean((0, 1)))]"""
CELL = 26 * 26  # px, of a map that has room


@pytest.fixture
def book(notebook):
    return open_workbench(notebook)


def looks(book, moment):
    """Return in the map's own words where each token looks at an evaluation."""
    return [f"{token} at {source} (" for token, source in book.python(LOOKS.format(moment))]


def test_a_stranger_watches_the_alignment_appear_within_two_minutes(notebook, watch):
    book = open_workbench(notebook, changes="")  # as it is shipped
    train(book)
    says(book, "Training", 60)
    attention(book).first.wait_for(timeout=60_000)
    book.until("document.querySelector('.wb-slider input').max >= 4", 100)
    press(book, "Pause")
    says(book, "Training is paused.", 20)
    moment = book.page.get_by_role("slider", name="Moment", exact=True)
    hot = {}
    for key, place in (("Home", 0), ("End", -1)):
        moment.press(key)
        for words in looks(book, place):
            book.until(f"document.querySelector('.wb-heat canvas').ariaLabel.includes({words!r})")
        book.page.wait_for_timeout(300)
        hot[key] = attention(book).first.evaluate(HOT) / CELL / len(looks(book, place))
        book.shot(f"alignment-{key.lower()}", attention(book).first)
    # of a cell in each row, of which a box of the gold alignment may leave half to be seen
    assert hot["End"] > 0.3
    assert hot["End"] > hot["Home"] + 0.1
    error = "p.evaluation.figures['alignment_error_rate']"
    errors = book.python(f"[{error} for p in session.history if p.evaluation]")
    assert errors[-1] < errors[0] / 2
    assert (watch.console, watch.uncaught) == ([], [])


def test_every_tab_opens_by_mouse_and_by_keyboard(book, watch):
    for name in ("Model", "Train", "Attention", "Decode", "Compare", "Report", "Data"):
        tab(book, name).click()
        panel = book.page.locator(".wb-panel .wb-panel:visible")
        panel.wait_for()
        assert panel.count() == 1
        for width in (1280, 900):
            book.page.set_viewport_size({"width": width, "height": 1100})
            book.page.wait_for_timeout(300)
            book.shot(f"workbench-{name.lower()}-{width}")
            assert panel.evaluate("it => it.scrollWidth <= it.clientWidth + 1"), (name, width)
    tab(book, "Data").focus()
    book.page.keyboard.press("ArrowRight")
    book.page.keyboard.press("Enter")
    expect(tab(book, "Model")).to_have_attribute("aria-selected", "true")
    expect(tab(book, "Data")).to_have_attribute("aria-selected", "false")
    expect(book.page.get_by_role("button", name="Build", exact=True)).to_be_visible()
    assert book.python("session.state") == "empty"
    assert (watch.console, watch.uncaught) == ([], [])


def test_a_notebook_that_was_hidden_while_it_trained_shows_all_of_it(book, watch):
    book.python("session.configure(epochs=1000)")
    train(book)
    attention(book).first.wait_for(timeout=120_000)
    shell = "jupyterapp.shell"
    book.page.evaluate(f"globalThis.mine = {shell}.currentWidget.id")
    book.command("launcher:create")
    book.until(f"{shell}.currentWidget.id !== mine")
    book.page.wait_for_timeout(3000)
    book.page.evaluate(f"{shell}.activateById(mine)")
    goes_on(book)
    press(book, "Stop")
    says(book, "The model is trained.")
    steps = book.python("session.progress.step")
    book.page.locator(f".wb-vega[aria-label*='over {steps:,} steps']").first.wait_for()
    assert (watch.console, watch.uncaught) == ([], [])


def test_after_a_restart_of_the_kernel_it_runs_again(book, watch):
    train(book)
    says(book, "Training", 60)
    book.restart()
    watch.console.clear()  # widgets of a kernel that is gone
    book.run()
    tab(book, "Train").click()
    book.page.get_by_role("button", name="Start", exact=True).wait_for()
    assert book.python("session.state") == "empty"
    assert watch.uncaught == []


def test_training_goes_on_while_the_notebook_is_closed(book, watch):
    book.python("session.configure(epochs=1000)")
    train(book)
    attention(book).first.wait_for(timeout=120_000)
    before = book.python("session.progress.step")
    book.save()
    book.close()
    book.page.wait_for_timeout(2000)
    book.reopen()
    assert book.python("session.progress.step") > before + 5
    goes_on(book)
    watch.console.clear()  # JupyterLab may not find the widgets again before the page is reloaded
    book.reload()
    tab(book, "Train").wait_for()
    goes_on(book)
    press(book, "Stop")
    says(book, "The model is trained.")
    steps = book.python("session.progress.step")
    book.page.locator(f".wb-vega[aria-label*='over {steps:,} steps']").first.wait_for()
    book.keeps_pictures(3)
    assert (watch.console, watch.uncaught) == ([], [])
