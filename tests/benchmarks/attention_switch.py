"""From the choice of another layer or head to its map on the screen, in a real JupyterLab.

6 layers × 8 heads over 128 × 128 tokens. The clock runs in the page, from the event of the control
to the frame after the map was painted: through the kernel, its painter and back. Beside it, what
the page alone takes to paint a map, and to mark the row and column under the mouse.
"""

import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
from lab import Lab, Notebook

LAYERS, HEADS, TOKENS, ROUNDS, BAR = 6, 8, 128, 40, 100

PREPARE = f"""
import numpy as np
from workbench import Session
from workbench.records import Hypothesis, Translation
from workbench.widgets import AttentionPanel

tokens = tuple(f"token{{n}}" for n in range({TOKENS}))
shares = np.random.default_rng(1).dirichlet(np.full({TOKENS}, 0.1), ({LAYERS}, {HEADS}, {TOKENS}))
text, zeros = " ".join(tokens), np.zeros({TOKENS}, np.float32)
best = Hypothesis(text, tokens, zeros, shares.astype(np.float32), 0.0)
session = Session()
session.set_trait("translation", Translation(text, tokens, (best,)))
"""
WATCH = """() => {
    const draw = CanvasRenderingContext2D.prototype.drawImage;
    globalThis.painted = [];
    CanvasRenderingContext2D.prototype.drawImage = function (...what) {
        draw.apply(this, what);
        requestAnimationFrame(() => globalThis.painted.push(performance.now()));
    };
}"""
CHOOSE = """async ([name, index]) => {
    const label = [...document.querySelectorAll("label")].find((it) => it.textContent === name);
    const control = document.getElementById(label.htmlFor);
    globalThis.painted = [];
    control.selectedIndex = index;
    const began = performance.now();
    control.dispatchEvent(new Event("change", { bubbles: true }));
    while (!globalThis.painted.length) await new Promise(requestAnimationFrame);
    return globalThis.painted[0] - began;
}"""
POINT = """async (step) => {
    const map = document.querySelector(".wb-heat-map"), box = map.getBoundingClientRect();
    globalThis.painted = [];
    const began = performance.now();
    const at = { clientX: box.left + 150 + 7 * step, clientY: box.top + 150 + 5 * step };
    map.dispatchEvent(new PointerEvent("pointermove", { ...at, bubbles: true }));
    while (!globalThis.painted.length) await new Promise(requestAnimationFrame);
    return globalThis.painted[0] - began;
}"""


def main() -> None:
    """Print the times."""
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        lab = Lab(Path(folder))
        try:
            book = lab.open(browser.new_page(), PREPARE, "AttentionPanel(session)")
            book.run()
            measure(book)
        finally:
            lab.close()
            browser.close()


def measure(book: Notebook) -> None:
    """Choose, wait a little, choose again."""
    page: Page = book.page
    page.wait_for_selector(".wb-heat-map")
    page.evaluate(WATCH)
    chosen, pointed = [], []
    for number in range(ROUNDS):
        name, count = (("layer", LAYERS), ("head", HEADS))[number % 2]
        option = 2 + (number // 2) % count  # after the mean and the maximum
        chosen.append(page.evaluate(CHOOSE, [name, option]))
        page.wait_for_timeout(300)  # as a person would look
        pointed.append(page.evaluate(POINT, number % 20))
    print(f"{LAYERS} layers × {HEADS} heads, {TOKENS} × {TOKENS} tokens, {ROUNDS} rounds")
    print(f"another layer or head, from the choice to the screen: {told(chosen)}; bar {BAR} ms")
    print(f"another row and column under the mouse: {told(pointed)}")


def told(times: Sequence[float]) -> str:
    """Say the median, the 95th percentile and the longest, in ms."""
    ordered = sorted(times)
    last = ordered[int(0.95 * len(ordered))]
    return f"median {statistics.median(ordered):.0f}, p95 {last:.0f}, longest {ordered[-1]:.0f} ms"


if __name__ == "__main__":
    main()
