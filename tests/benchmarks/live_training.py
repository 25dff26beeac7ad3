"""What it costs training to be watched, and how soon a click on Stop is obeyed.

A real JupyterLab in a real Chromium trains one model with the whole workbench open, its Train tab
in front, and closed in turn (A B A B), evaluated as often as is the default; target tokens a second
are compared pair by pair. Each half holds one evaluation, with what painting it costs; what it
costs, once, to open the workbench or to close it is told apart. While the workbench is open, a
task on the kernel's main loop measures how late it is called. Then training is stopped by clicks.
The number of pairs may be given as an argument. Aims: the panels cost 3 % at most; 99 % of the main
loop's turns within 50 ms; stopped 0.3 s and one batch after the click, at most.
"""

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.append(str(Path(__file__).parents[1] / "browser"))
from conftest import ARGUMENTS
from lab import Lab, Notebook

SETTLE, AFTER, CLICKS = 4, 5, 12
PAIRS = int(sys.argv[1]) if len(sys.argv) > 1 else 12

SETUP = """
import asyncio, time
import ipywidgets
import numpy as np
from workbench import RunConfig, Session
from workbench.widgets import Workbench
from workbench.widgets.choices import Choices

session = Session(RunConfig(epochs=10_000, schedule="constant"))
Choices.of(session).tab = 2  # Train
stopped = []
session.observe(lambda change: stopped.append(time.time()) if change.old == "training" else None,
                "state")
late = []

async def beat():
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(0.005)
        late.append(1000 * (time.perf_counter() - begun - 0.005))

def watch(open_it):
    global panel
    if open_it:
        panel = Workbench(session)
        box.children = (panel,)
    else:
        box.children = ()
        panel.close()

def evaluations():
    return sum(progress.evaluation is not None for progress in session.history)

# the seconds that steps took beyond the usual; None where there was an evaluation
def lost(first, last):
    part = session.history[first:last]
    if any(progress.evaluation is not None for progress in part):
        return None
    took = np.diff([progress.seconds for progress in part])
    return float(np.sum(took - np.median(took)))

def tokens(first, last):
    part = session.history[first:last]
    return sum(one.tokens for one in part[1:]) / (part[-1].seconds - part[0].seconds)

asyncio.get_event_loop().create_task(beat())
box = ipywidgets.VBox()
box
"""


def rate(book: Notebook, watched: bool) -> tuple[float, float | None]:
    """Return the target tokens a second until a while after the next evaluation.

    And the seconds of training that went to opening or closing, where an evaluation does not
    hide them.
    """
    before = book.python("len(session.history)") - 1
    book.python(f"watch({watched})")
    time.sleep(SETTLE)
    first = book.python("len(session.history)") - 1
    lost = book.python(f"lost({before}, {first})")
    if watched:
        book.python("late.clear()")
    await_evaluation(book)
    time.sleep(AFTER)  # it is painted meanwhile
    last = book.python("len(session.history)")
    return float(book.python(f"tokens({first}, {last})")), lost


def await_evaluation(book: Notebook) -> None:
    before = book.python("evaluations()")
    while book.python("evaluations()") == before:
        time.sleep(0.5)


def lateness(book: Notebook) -> tuple[float, float]:
    """Return by how many milliseconds the main loop was late: p99, and at most."""
    late = sorted(book.python("late"))
    return late[int(len(late) * 0.99)], late[-1]


def stop(book: Notebook) -> float:
    """Click Stop while it trains; return the milliseconds until the session was stopped."""
    book.python("session.request('train') and None")
    before = book.python("len(session.history)")
    while book.python("len(session.history)") < before + 20:
        time.sleep(0.2)
    button = book.page.get_by_role("button", name="Stop", exact=True)
    book.page.evaluate("document.addEventListener('click', () => globalThis.clicked = Date.now(),"
                       "{ capture: true, once: true })")  # fmt: skip
    count = book.python("len(stopped)")
    button.click()
    while book.python("len(stopped)") == count:
        time.sleep(0.05)
    return 1000 * float(book.python("stopped[-1]")) - float(book.page.evaluate("clicked"))


def main() -> None:
    """Print the cost of watching, the lateness of the main loop and the time that a stop takes."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=path, args=ARGUMENTS).new_page()
        lab = Lab(Path(folder))
        try:
            book = lab.open(page, SETUP)
            page.set_viewport_size({"width": 1280, "height": 2000})
            book.run()
            book.python("session.request('train') and None")
            await_evaluation(book)
            ratios, delays, opening, closing = [], [], [], []
            for _ in range(PAIRS):
                with_it, opened = rate(book, watched=True)
                delays.append(lateness(book))
                without, closed = rate(book, watched=False)
                opening += [] if opened is None else [opened]
                closing += [] if closed is None else [closed]
                ratios.append(with_it / without)
                print(f"tokens/s with the workbench {with_it:,.0f}, without {without:,.0f}, "
                      f"ratio {ratios[-1]:.3f}", flush=True)  # fmt: skip
            print(
                f"ratio: median {statistics.median(ratios):.3f} "
                f"({min(ratios):.3f} to {max(ratios):.3f})"
            )
            for what, seconds in (("opened", opening), ("closed", closing)):
                if seconds:
                    print(f"{what} in {statistics.median(seconds):.1f} s of training, median")
            p99, most = (statistics.median(part) for part in zip(*delays, strict=True))
            print(f"main loop late: p99 {p99:.1f} ms, at most {most:.1f} ms, medians of {PAIRS}")
            book.python("watch(True)")
            book.python("session.request('stop') and None")
            time.sleep(SETTLE)
            times = sorted(stop(book) for _ in range(CLICKS))
            print(
                f"stop click: median {statistics.median(times):.0f} ms, at most {times[-1]:.0f} ms "
                f"of {CLICKS}"
            )
        finally:
            lab.close()


if __name__ == "__main__":
    main()
