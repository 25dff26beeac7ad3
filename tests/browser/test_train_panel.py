"""Training steered and watched in a real JupyterLab."""

import pytest
from lab import KERNEL
from playwright.sync_api import expect
from workbench_notebook import goes_on

pytestmark = pytest.mark.browser

SESSION = """# hidden
from IPython.display import display
from workbench import RunConfig, Session
from workbench.widgets import TrainPanel

def small(**changes):
    settings = dict(corpus="phrases", train_limit=1200, units=16, embedding=16, batch_size=32,
                    epochs=3, validation_sentences=20, max_decode_length=12)
    return Session(RunConfig(**settings | changes))
"""
ENDLESS = "session = small(epochs=1000, evaluate_every=40)"
LINE = "document.querySelector('[aria-label^=\"Training loss\"] .mark-line path')"
POINTS = f"({LINE}?.getAttribute('d').match(/[ML]/g).length ?? 0)"  # of the training loss
STEPS = "document.querySelector('[aria-label^=\"Training loss\"]')?.ariaLabel"
DRAWN = f"+({STEPS}?.match(/over ([0-9,]+) steps/)?.[1].replaceAll(',', '') ?? 0)"
RUNNING = """[...document.querySelectorAll('.jp-InputPrompt')].some(
    it => it.textContent.includes('*'))"""
WIDER = "(it => it.scrollWidth > it.clientWidth + 1)(document.querySelector('.wb-panel'))"
TRAINED = "session.state == 'trained'"


@pytest.fixture
def book(notebook):
    """Open a notebook with a session and these cells, and run it."""

    def book(session, *cells):
        book = notebook(SESSION, session, *cells)
        book.run(180)
        return book

    return book


def press(book, name, which=0):
    button = book.page.get_by_role("button", name=name, exact=True).nth(which)
    button.scroll_into_view_if_needed()
    button.click()


def until_python(book, expression, seconds=90):
    for _ in range(10 * seconds):
        if book.python(expression):
            return
        book.page.wait_for_timeout(100)
    state = book.python("[session.state, session.busy, session.error, len(session.history)]")
    raise AssertionError(f"not in {seconds} s: {expression}; {state}")


def until_enabled(book, name, seconds=30):
    """Wait until a button can be pressed: the page alone is asked, whatever the kernel does."""
    book.until(
        "[...document.querySelectorAll('button')].some(it =>"
        f" it.textContent.trim() === '{name}' && !it.disabled)", seconds,
    )  # fmt: skip


def looked_at(book, name):
    """Take pictures, wide and narrow, light and dark."""
    for width, theme in ((1280, "light"), (1280, "dark"), (900, "dark"), (900, "light")):
        book.page.set_viewport_size({"width": width, "height": 2800})
        book.theme(theme)
        book.page.wait_for_timeout(1000)
        book.shot(f"{name}-{width}-{theme}", book.output(2))
        assert not book.page.evaluate(WIDER), f"the panel is wider than its place at {width} px"


def test_training_is_watched_to_its_end(book, watch):
    shown = book("session = small(units=64, embedding=64)", "TrainPanel(session)")
    press(shown, "Start")
    shown.until(f"{POINTS} > 3", 90)
    first = shown.page.evaluate(POINTS)
    shown.until(f"{POINTS} > {first + 10}", 90)
    until_python(shown, TRAINED)
    steps = shown.python("len(session.history)")
    shown.until(f"{POINTS} === {steps}")
    assert shown.page.locator(".wb-panel progress:visible").count() == 2
    shown.until("document.querySelector('progress').value === 1")
    shown.until("document.querySelector('.wb-status').textContent.includes('is trained')")
    watched = shown.python("session.history[-1].probes[0].source")
    assert shown.page.get_by_role("cell", name=watched, exact=True).count() == 1
    start = shown.page.get_by_role("button", name="Start", exact=True)
    expect(start).to_be_disabled()  # there is nothing left to train
    looked_at(shown, "train-panel")
    assert (watch.console, watch.uncaught) == ([], [])


def test_training_is_paused_stepped_resumed_and_stopped(book, watch):
    shown = book(ENDLESS, "TrainPanel(session)")
    shown.shot("train-panel-fresh", shown.output(2))
    press(shown, "Start")
    until_python(shown, "len(session.history) > 5")
    press(shown, "Pause")
    until_python(shown, "session.state == 'paused'")
    steps = shown.python("len(session.history)")
    shown.page.wait_for_timeout(500)
    assert shown.python("len(session.history)") == steps
    until_enabled(shown, "One step")
    press(shown, "One step")
    until_python(shown, f"session.state == 'paused' and len(session.history) == {steps + 1}")
    until_enabled(shown, "Resume")
    rate = shown.page.get_by_label("learning rate", exact=True).first
    rate.fill("0.001")
    rate.press("Enter")
    until_python(shown, "session.draft.learning_rate == 0.001")
    press(shown, "Resume")
    until_python(shown, f"len(session.history) > {steps + 5}")
    assert shown.python("session.history[-1].learning_rate") <= 0.001
    press(shown, "Stop")
    until_python(shown, TRAINED)
    shown.until("[...document.querySelectorAll('button')].some(it => it.textContent.trim() === "
                "'Stop' && it.title.includes('nothing is training'))")  # fmt: skip
    assert (watch.console, watch.uncaught) == ([], [])


@pytest.mark.parametrize(
    ("cell", "at_once"),
    [
        ("import asyncio; await asyncio.sleep({})", KERNEL >= (7,)),
        ("import time; time.sleep({})", (7,) <= KERNEL < (7, 4)),  # on a thread for messages
    ],
    ids=["waits", "blocks"],
)
def test_a_click_while_a_long_cell_runs_is_answered_at_once_or_right_after(
    book, watch, cell, at_once
):
    shown = book(ENDLESS, "TrainPanel(session)", "# long")
    press(shown, "Start")
    until_python(shown, "len(session.history) > 5")
    shown.page.evaluate("""(code) => {
        const { content } = jupyterapp.shell.currentWidget;
        content.activeCellIndex = 3;
        content.activeCell.model.sharedModel.setSource(code);
    }""", cell.format(30 if at_once else 8))  # fmt: skip
    shown.command("notebook:run-cell")
    shown.until(RUNNING)
    press(shown, "Pause")
    if at_once:
        until_enabled(shown, "Resume", seconds=10)
        press(shown, "Stop")
        until_enabled(shown, "Start", seconds=15)
        assert shown.page.evaluate(RUNNING)
    else:
        assert shown.page.evaluate(RUNNING)
        shown.until(f"!({RUNNING})", 15)
        until_enabled(shown, "Resume", seconds=10)
        assert shown.python("session.state") == "paused"
    assert (watch.console, watch.uncaught) == ([], [])


def test_a_page_loaded_again_in_training_shows_the_whole_curve(book, watch):
    shown = book(ENDLESS, "TrainPanel(session)")
    press(shown, "Start")
    shown.until(f"{POINTS} > 10", 90)
    shown.reload()
    shown.output(2).scroll_into_view_if_needed()
    shown.until(f"{POINTS} > 10", 90)
    goes_on(shown)
    drawn = shown.page.evaluate(DRAWN)
    shown.until(f"{DRAWN} > {drawn}")  # the page loaded again follows
    press(shown, "Stop")
    until_python(shown, TRAINED)
    shown.until(f"{DRAWN} === {shown.python('len(session.history)')}", 60)
    press(shown, "▸ All settings of training")
    expect(shown.page.get_by_label("batch size")).to_be_visible()
    assert (watch.console, watch.uncaught) == ([], [])


def test_two_views_stay_the_same(book, watch):
    shown = book("session = small()", "display(TrainPanel(session), TrainPanel(session))")
    shown.page.set_viewport_size({"width": 1280, "height": 3600})
    press(shown, "Start")
    until_python(shown, TRAINED)
    handles = shown.page.get_by_role("slider", name="Moment", exact=True)
    values = "[...document.querySelectorAll('.wb-panel [type=range]')].map(it => +it.value)"
    shown.until(f"JSON.stringify({values}) === '[2,2]'")
    handles.first.focus()
    shown.page.keyboard.press("ArrowLeft")
    shown.until(f"JSON.stringify({values}) === '[1,1]'")
    steps = shown.python("[p.step for p in session.history if p.probes]")
    told = f"step {steps[1]:,}, evaluation 2 of 3"  # read out with the place
    expect(handles.last).to_have_attribute("aria-valuetext", told)
    captions = "[...document.querySelectorAll('.wb-panel caption')].map(it => it.textContent)"
    watched = f"{captions}.filter(it => it.startsWith('Watched sentences at step'))"
    shown.until(f"{watched}.length === 2 && new Set({watched}).size === 1")
    press(shown, "▸ All settings of training", which=1)
    shown.until("[...document.querySelectorAll('button')].filter("
                "it => it.textContent.startsWith('▾ All')).length === 2")  # fmt: skip
    expect(shown.page.get_by_label("batch size").locator("visible=true")).to_have_count(2)
    lines = f"[...document.querySelectorAll('{LINE.split(chr(39))[1]}')]"
    heights = "it.getAttribute('d').match(/(?<=,)[0-9.]+/g).join()"  # one may be a little wider
    drawn = shown.page.evaluate(f"{lines}.map(it => {heights})")
    assert len(drawn) >= 2
    assert drawn[0] in drawn[1:]
    assert (watch.console, watch.uncaught) == ([], [])
