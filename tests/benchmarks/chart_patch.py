"""What it costs a page to follow a chart: milliseconds of a patch, and the browser's heap.

A real JupyterLab in a real Chromium: a thread in the kernel feeds a chart a thousand times, at
twenty milliseconds. A patch is timed in the page, from the rows to the browser's layout of what
they drew. The heap is what is left after collecting garbage, once a hundred updates have warmed
everything up. Aims: 95 % of the patches in 16 ms, and the heap within 2 MB of before.
"""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.append(str(Path(__file__).parents[1] / "browser"))
from conftest import ARGUMENTS
from lab import Lab, Notebook

WARM, UPDATES, PAUSE = 100, 1000, 0.02

SETUP = """# hidden
import threading, time
import altair as alt
import numpy as np
from workbench.charts.curves import loss_curve
from workbench.records import Progress
from workbench.widgets import vega

class Timed(vega.VegaView):
    _esm = str(vega.VegaView._esm).replace(
        "await this.#patch();", "await timed(this.#el, () => this.#patch());") + '''
    async function timed(el, patch) {
        const begun = performance.now();
        await patch();
        el.getBoundingClientRect();
        (globalThis.patches ??= []).push(performance.now() - begun);
    }'''
    assert "timed(this" in _esm

def feed(updates, pause):
    def run():
        for number in range(updates):
            update(number)
            time.sleep(pause)
    global thread
    thread = threading.Thread(target=run)
    thread.start()
"""
CURVE = """
history = [Progress(step, 0, 2 + np.sin(step / 50), 0.1, 1.0, 5, 50.0, 0.1, 900)
           for step in range(1, 801)]
curves = [loss_curve(history[number:][:400]) for number in range(100)]
view = Timed(curves[0])
update = lambda number: view.show(curves[number % 100])
view
"""
APPENDED = """
view = Timed(alt.Chart(alt.InlineData(values=[], name="points"), width=600, height=260)
             .mark_line().encode(x="step:Q", y="loss:Q"))
update = lambda number: view.append("points", [{"step": number, "loss": float(np.sin(number))}])
view
"""
CELLS = """
labels = [f"{number}:token" for number in range(128)]
axis = alt.Axis(labels=False, ticks=False)
view = Timed(alt.Chart(alt.InlineData(values=[], name="cells"), width=512, height=512).mark_rect()
             .encode(x=alt.X("source:N", axis=axis, scale=alt.Scale(domain=labels)),
                     y=alt.Y("target:N", axis=axis, scale=alt.Scale(domain=labels)),
                     color=alt.Color("weight:Q", scale=alt.Scale(domain=[0, 1]))))
weights = np.random.default_rng(1).random((9, 128, 128))
update = lambda number: view.put_cells("cells", weights[number % 9], labels, labels)
update(0)
view
"""
SCENES = {
    "a curve of 400 points, all replaced": (CURVE, 1),
    "a curve that grows by a point, to 1,100": (APPENDED, 1),
    "attention of 128 × 128 tokens, all replaced": (CELLS, 10),
}


def measure(lab: Lab, page: Page, cell: str, slower: int) -> tuple[list[float], float, float]:
    """Return the milliseconds of each patch, and the heap before and after, in MB."""
    book = lab.open(page, SETUP, cell)
    book.run()
    book.until("document.querySelector('.wb-vega :is(svg, canvas)')")
    _feed(book, WARM, PAUSE * slower)
    before = heap(page)
    _feed(book, UPDATES // slower, PAUSE * slower)
    return page.evaluate("patches"), before, heap(page)


def _feed(book: Notebook, updates: int, pause: float) -> None:
    book.page.evaluate("globalThis.patches = []")
    book.python(f"feed({updates}, {pause})")
    while book.python("thread.is_alive()"):
        book.page.wait_for_timeout(500)
    book.page.wait_for_timeout(1000)


def heap(page: Page) -> float:
    """Return the megabytes that scripts hold after collecting garbage."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return float(used) / 2**20


def main() -> None:
    """Print the figures of every scene."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        lab = Lab(Path(folder))
        try:
            for name, (cell, slower) in SCENES.items():
                times, before, after = measure(lab, chromium.new_page(), cell, slower)
                lab.end_kernels()
                p95 = statistics.quantiles(times, n=20)[-1]
                print(f"{name}: {len(times)} patches, median {statistics.median(times):.1f} ms, "
                      f"p95 {p95:.1f} ms; heap {before:.1f} MB before, {after - before:+.1f} MB "
                      "after", flush=True)  # fmt: skip
        finally:
            lab.close()


if __name__ == "__main__":
    main()
