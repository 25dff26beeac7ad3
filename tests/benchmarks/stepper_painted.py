"""From a click that changes a translation to its new candidates on the screen, in a real browser.

A 2-layer LSTM-512 and a 4-layer Transformer-256 with untrained weights and 8,000 words a side; the
source has 50 tokens, the prefix 10. Force, ban, branch and an edit of attention are pressed in turn
and undone. The clock runs in the page, from the event of the control to the frame after the new
candidates were drawn: through the kernel, the session's thread, the model, the painter and back.
The aim is a p95 of 200 ms.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

sys.path.append(str(Path(__file__).parents[1] / "browser"))
from conftest import ARGUMENTS
from lab import Lab, Notebook

ROUNDS, AIM, PREFIX = 30, 200, 10
MODELS = {
    "2-layer LSTM-512": "encoder='lstm', decoder='lstm', units=512, embedding=512, layers=2",
    "4-layer Transformer-256": "encoder='transformer', decoder='transformer', units=256, "
    "embedding=256, layers=4, heads=4",
}
SETUP = """
from pathlib import Path
from workbench import RunConfig, Session
from workbench.widgets import DecodePanel

words = [f"w{{number}}" for number in range(4, 8000)]
lines = [" ".join(words[first : first + 49]) for first in range(0, len(words), 49)]
Path("words.tsv").write_text("".join(f"{{line}}\\t{{line}}\\n" for line in lines))
session = Session(RunConfig(
    train_file="words.tsv", validation_file="words.tsv", test_file="words.tsv", {settings}
))
session.build()
panel = DecodePanel(session)
panel.stepping.begin(lines[0])
panel
"""
WATCH = """() => {
    const version = () => document.querySelector(".wb-candidates").dataset.version;
    globalThis.timed = async (act) => {
        const before = version(), began = performance.now();
        act();
        while (version() === before) await new Promise(requestAnimationFrame);
        await new Promise(requestAnimationFrame);
        return performance.now() - began;
    };
    globalThis.button = (name) => [...document.querySelectorAll(".wb-panel button")]
        .find((button) => button.textContent.trim() === name);
    globalThis.slide = (at, weight) => {
        const slider = document.querySelectorAll(".wb-strip input")[at];
        slider.value = weight;
        slider.dispatchEvent(new Event("change", { bubbles: true }));
    };
    globalThis.state = (before) => [...document.querySelectorAll(".wb-state.wb-yours")]
        .sort((one, other) => one.ariaLevel - other.ariaLevel).at(-1 - before);
    globalThis.candidate = (at) => document.querySelectorAll(".wb-candidates label")[at];
    globalThis.event = (node, kind) => node.dispatchEvent(new MouseEvent(kind, { bubbles: true }));
}"""
PRESSES = {  # what is pressed, and how many changes are to be undone
    "force": ("button('Force').click()", 1),
    "ban": ("button('Ban').click()", 1),
    "back to a node": ("event(state(1), 'click')", 0),
    "branch": ("event(candidate(3), 'dblclick')", 2),
    "edit attention": ("slide({round} % 49, 50 + {round} % 30)", 1),
}


def main() -> None:
    """Print p50 and p95 of every model and press."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        lab = Lab(Path(folder))
        try:
            for name, settings in MODELS.items():
                book = lab.open(browser.new_page(), SETUP.format(settings=settings))
                book.run(300)
                measure(name, book, rounds)
                book.page.close()
                lab.end_kernels()
        finally:
            lab.close()
            browser.close()


def measure(name: str, book: Notebook, rounds: int) -> None:
    """Press everything in turn, a little apart, as a person would look."""
    page: Page = book.page
    page.set_viewport_size({"width": 1280, "height": 1600})
    page.wait_for_selector(".wb-candidates label")
    page.evaluate(WATCH)
    for _ in range(PREFIX):
        press(page, "button('Advance ›').click()")
    times: dict[str, list[float]] = {press: [] for press in PRESSES}
    for number in range(-1, rounds):
        for kind, (act, changes) in PRESSES.items():
            took = press(page, act.replace("{round}", str(number + 1)))
            if number >= 0:  # the first round compiles
                times[kind].append(took)
            for _ in range(changes):
                press(page, "button('« Undo').click()")
    for kind, took in times.items():
        p95 = statistics.quantiles(took, n=20)[-1]
        print(f"{name}, {kind:14}: p50 {statistics.median(took):4.0f} ms, p95 {p95:4.0f} ms, "
              f"aim {AIM} ms", flush=True)  # fmt: skip


def press(page: Page, act: str) -> float:
    """Return the milliseconds from a press to the frame with the new candidates."""
    took: Any = page.evaluate(f"timed(() => {{ {act}; }})")
    page.wait_for_timeout(300)
    return float(took)


if __name__ == "__main__":
    main()
