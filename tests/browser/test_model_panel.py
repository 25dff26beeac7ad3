import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SESSION = """
from workbench.config import RunConfig
from workbench.session import Session
from workbench.widgets.model_panel import ModelPanel
session = Session(RunConfig(corpus="dates", train_limit=200, units=8, embedding=8))
"""
SECONDS = 60_000  # milliseconds that building may take on a busy machine


@pytest.fixture
def book(notebook):
    """A notebook that shows the panel."""
    book = notebook(SESSION, "ModelPanel(session)")
    book.page.set_viewport_size({"width": 1280, "height": 1400})
    book.run()
    return book


def diagram(book):
    return book.output(1).get_by_role("img")


def type_into(field, text):
    field.fill(text)
    field.press("Enter")


def status(book):
    return book.output(1).locator(".wb-status")


def test_the_diagram_is_redrawn_at_every_change(book, watch):
    page = book.page
    expect(diagram(book).get_by_text("decoder layer 1")).to_be_visible()
    type_into(page.get_by_label("layers", exact=True), "2")
    expect(diagram(book).get_by_text("decoder layer 2")).to_be_visible()
    page.get_by_label("decoder", exact=True).select_option("transformer")
    expect(diagram(book).get_by_text("decoder self-attention 2")).to_be_visible()
    expect(page.get_by_label("attention", exact=True)).to_have_value("multi_head")
    assert book.python("session.state") == "empty"
    assert (watch.console, watch.uncaught) == ([], [])


def test_settings_that_mean_nothing_are_switched_off_with_the_reason(book):
    page = book.page
    page.get_by_role("radio", name="Recurrent layers").check()
    expect(page.get_by_label("coverage", exact=True)).to_be_enabled()
    page.get_by_role("radio", name="Model", exact=True).check()
    page.get_by_label("decoder", exact=True).select_option("cnn")
    page.get_by_role("radio", name="Recurrent layers").check()
    expect(page.get_by_label("coverage", exact=True)).to_be_disabled()
    reasons = page.get_by_text("only a recurrent decoder has it").filter(visible=True)
    expect(reasons).to_have_count(6)


def test_build_says_what_it_did_and_what_it_waits_for(book):
    page, build = book.page, book.page.get_by_role("button", name="Build")
    type_into(page.get_by_label("units", exact=True), "abc")
    expect(page.get_by_text("units: expected an integer from 1 to 4096, got 'abc'")).to_be_visible()
    build.click()
    expect(status(book)).to_contain_text("units: expected an integer")
    type_into(page.get_by_label("units", exact=True), "8")
    build.click()
    expect(page.get_by_text("The model that is there has these settings.")).to_be_visible(
        timeout=SECONDS
    )
    expect(page.get_by_role("row", name="an epoch")).to_contain_text("batches of", timeout=SECONDS)
    build.click()
    expect(status(book)).to_contain_text("the model is built already")
    type_into(page.get_by_label("units", exact=True), "16")
    expect(page.get_by_text("Rebuild needed: units")).to_be_visible()


def test_the_code_can_be_copied(book):
    page = book.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    type_into(page.get_by_label("units", exact=True), "32")
    page.get_by_text("The same in Python").click()
    expect(page.get_by_text("units=32")).to_be_visible()
    page.get_by_role("button", name="Copy: The same in Python").click()
    expect(page.get_by_text("copied", exact=True)).to_be_visible()
    code = page.evaluate("navigator.clipboard.readText()")
    assert code == book.python("__import__('workbench.widgets.code').widgets.code.python_of("
                               "session.draft)")  # fmt: skip


def test_it_can_be_looked_at(book, watch):
    page = book.page
    page.get_by_role("button", name="Build").click()
    expect(page.get_by_role("row", name="an epoch")).to_contain_text("batches of", timeout=SECONDS)
    type_into(page.get_by_label("units", exact=True), "7")
    type_into(page.get_by_label("layers", exact=True), "2")
    page.get_by_text("The same in Python").click()
    page.get_by_text("The same as parameters").click()
    book.command("application:toggle-left-area")
    for theme in ("light", "dark"):
        book.theme(theme)
        for width in (1280, 900):
            page.set_viewport_size({"width": width, "height": 2200})
            for group, setting in (("Model", "encoder"), ("Training", "optimizer")):
                page.get_by_role("radio", name=group, exact=True).check()
                expect(page.get_by_label(setting, exact=True)).to_be_visible()
                panel = book.output(1).locator(".wb-panel")
                book.until("!document.querySelector('.wb-coming')")
                assert panel.evaluate("each => each.scrollWidth <= each.clientWidth")
                book.shot(f"model-panel-{group.lower()}-{theme}-{width}", panel)
    assert (watch.console, watch.uncaught) == ([], [])
