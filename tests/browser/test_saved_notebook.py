"""What a notebook that was saved in JupyterLab shows where no script runs and no kernel is."""

import base64
import re
from html import escape

import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import expect
from workbench_notebook import open_workbench, press, tab, train

pytestmark = pytest.mark.browser

PNG = "image/png"
MODEL, CURVES, WATCHED, LATEST = PICTURES = (  # how the descriptions of the charts begin
    "The model has ", "Training loss from ", "Attention of 4 translations: ", "Attention of {}",
)  # fmt: skip
OUTPUTS = """[...jupyterapp.shell.currentWidget.content.model.cells]
    .flatMap(cell => cell.toJSON().outputs ?? []).map(output => `${output.data?.["text/plain"]}`)"""


@pytest.fixture
def book(notebook):
    return open_workbench(notebook)


def kept(saved):
    """Return the description of every picture in the saved notebook, and its bytes."""
    outputs = [output for cell in saved.cells for output in cell.get("outputs", ())]
    return {
        output.data["text/plain"]: base64.b64decode(output.data[PNG])
        for output in outputs
        if PNG in output.get("data", {})
    }


def without_scripts(saved):
    """Return the page that nbconvert makes of it, as a site shows it that runs none."""
    page, _ = HTMLExporter().from_notebook_node(saved)
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_the_model_its_training_and_its_translation_are_in_the_file(book, watch):
    train(book)
    book.page.get_by_role("status").get_by_text("The model is trained.").wait_for(timeout=120_000)
    source = book.python("session.history[-1].probes[0].source")
    book.python(f"session.request('translate', {source!r}) and None")
    book.keeps_pictures(len(PICTURES))
    saved = book.save()
    pictures = kept(saved)
    for picture in (MODEL, CURVES, WATCHED, LATEST.format(source[:20])):
        assert [words for words in pictures if words.startswith(picture)], picture
    assert all(png.startswith(b"\x89PNG") for png in pictures.values())
    steps = book.python("session.progress.step")
    assert any(f"over {steps:,} steps" in words for words in pictures)
    page = without_scripts(saved)
    assert page.count('src="data:image/png;base64,') == len(PICTURES)
    assert f">{escape(source)}<" in page
    assert (watch.console, watch.uncaught) == ([], [])


def test_a_pause_keeps_figures_and_a_page_loaded_again_in_training_keeps_the_last(book, watch):
    book.python("session.configure(epochs=200)")
    train(book)
    book.page.locator(".wb-heat canvas[aria-label]").first.wait_for(timeout=120_000)
    press(book, "Pause")
    book.keeps_pictures(3)
    paused = kept(book.save())
    for picture in PICTURES[:3]:
        assert [words for words in paused if words.startswith(picture)], picture
    press(book, "Resume")
    book.reload()
    before = book.python("session.progress.step")
    tab(book, "Train").wait_for()
    book.page.wait_for_timeout(2000)
    assert book.python("session.progress.step") > before
    press(book, "Stop")
    book.page.get_by_role("status").get_by_text("The model is trained.").wait_for(timeout=120_000)
    steps = book.python("session.progress.step")
    book.until(f"{OUTPUTS}.some(words => words.includes(' over {steps:,} steps'))", 60)
    book.until(f"{OUTPUTS}.filter(words => words.startsWith('{WATCHED}')).length === 1")
    page = without_scripts(book.save())
    assert page.count('src="data:image/png;base64,') == 3  # in place of those of the pause
    visible = book.page.locator(".jp-OutputArea-child:visible")
    expect(visible).to_have_count(1)  # the panel, and not the same again below it
    assert (watch.console, watch.uncaught) == ([], [])
