import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

SESSION = """
from workbench.config import RunConfig
from workbench.session import Session
from workbench.widgets.data_panel import DataPanel
session = Session(RunConfig(corpus="scan", split="length", train_limit=500))
"""
SECONDS = 60_000  # milliseconds that loading may take on a busy machine


@pytest.fixture
def book(notebook):
    """A notebook that shows the panel, its page wide enough to show it whole."""
    book = notebook(SESSION, "DataPanel(session)")
    book.page.set_viewport_size({"width": 1280, "height": 2400})
    book.run()
    return book


def load(book):
    book.page.get_by_role("button", name="Load", exact=True).click()


def status(book):
    return book.output(1).locator(".wb-status")


def test_a_corpus_is_loaded_looked_at_and_cut(book, watch):
    page = book.page
    assert page.get_by_label("corpus", exact=True).input_value() == "scan"
    load(book)
    expect(page.get_by_text("Pairs 1 to 8 of 500 in train").first).to_be_visible(timeout=SECONDS)
    expect(page.get_by_role("img", name="Sentence lengths.")).to_be_visible()
    expect(page.get_by_role("img", name="Vocabulary.")).to_be_visible()
    page.get_by_role("button", name="Next pairs").click()
    expect(page.get_by_text("Pairs 9 to 16 of 500 in train").first).to_be_visible()
    page.get_by_label("Pairs of").select_option("test")
    expect(page.get_by_text("Pairs 9 to 16 of 3,920 in test").first).to_be_visible()
    page.get_by_label("Sentence", exact=True).press_sequentially("jump <b>twice</b>")
    chips = page.locator(".wb-token")
    expect(chips).to_have_count(2)
    expect(chips.nth(1)).to_have_text("<b>twice</b>?")
    expect(page.locator(".wb-unknown")).to_have_count(1)
    assert (watch.console, watch.uncaught) == ([], [])


def test_what_is_typed_wrong_says_so_beside_the_field(book):
    page = book.page
    limit = page.get_by_label("train limit")
    limit.fill("many")
    limit.press("Enter")
    expect(limit).to_have_attribute("aria-invalid", "true")
    note = page.get_by_text("train_limit: expected an integer from 0, got 'many'")
    expect(note).to_be_visible()
    assert limit.get_attribute("aria-describedby") == note.get_attribute("id")
    load(book)
    expect(status(book)).to_contain_text("train_limit: expected an integer")
    limit.fill("100")
    limit.press("Enter")
    expect(limit).to_have_attribute("aria-invalid", "false")
    assert book.python("session.draft.train_limit") == 100


def test_the_keyboard_is_enough(book):
    page = book.page
    page.get_by_label("corpus", exact=True).focus()
    page.keyboard.press("d")  # as in every list of the browser's own
    expect(page.get_by_label("corpus", exact=True)).to_have_value("dates")
    page.keyboard.press("d")
    assert page.locator(".jp-CodeCell").count() == 2  # to JupyterLab D D means: delete the cell
    expect(page.get_by_label("split", exact=True)).to_be_hidden()  # it has one only
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Load":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text("Corpus dates").first).to_be_visible(timeout=SECONDS)


def test_files_are_uploaded_in_parts_and_bad_lines_listed(book, tmp_path, watch):
    page = book.page
    pairs = tmp_path / "my pairs.tsv"
    pairs.write_text("".join(f"a {n}\tb {n}\n" for n in range(200_000)) + "one column\n")
    assert pairs.stat().st_size > 2_000_000  # more than one part
    page.get_by_label("corpus", exact=True).select_option("files of your own")
    page.get_by_label("train limit").fill("300")
    page.get_by_label("validation share").fill("0.0005")
    page.get_by_label("test share").fill("0.0005")
    page.get_by_label("skip bad lines").click()  # the answer to the field before may come between
    expect(page.get_by_label("skip bad lines")).to_be_checked()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload training pairs").click()
    chooser.value.set_files(pairs)
    expect(page.get_by_text("saved as uploads/my_pairs.tsv")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_label("train file")).to_have_value("uploads/my_pairs.tsv")
    assert book.python("open('uploads/my_pairs.tsv').read()[-11:]") == "one column\n"
    load(book)
    expect(page.get_by_text("1 lines were left out")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text("uploads/my_pairs.tsv:200001").first).to_be_visible()
    assert (watch.console, watch.uncaught) == ([], [])


def test_a_gigabyte_is_refused_before_it_is_sent(book, tmp_path):
    page = book.page
    large = tmp_path / "large.tsv"
    with large.open("wb") as stream:
        stream.truncate(10**9)  # a hole that takes no room on the disk
    page.get_by_label("corpus", exact=True).select_option("files of your own")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload training pairs").click()
    chooser.value.set_files(large)
    refusal = "large.tsv has 1.0 GB, and at most 50 MB can be uploaded: put it beside the notebook"
    expect(page.get_by_text(refusal)).to_be_visible()
    assert book.python("__import__('os').path.exists('uploads/large.tsv')") is False


def test_a_file_that_is_no_text_is_a_message_and_the_session_goes_on(book, lab):
    page = book.page
    (lab.root / "image.tsv").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    page.get_by_label("corpus", exact=True).select_option("files of your own")
    page.get_by_label("train file").fill("image.tsv")
    page.get_by_label("train file").press("Enter")
    load(book)
    alert = status(book).get_by_role("alert")
    expect(alert).to_contain_text("image.tsv:1: expected UTF-8, found byte 0x89", timeout=SECONDS)
    page.get_by_label("corpus", exact=True).select_option("dates")
    load(book)
    expect(page.get_by_text("Corpus dates").first).to_be_visible(timeout=SECONDS)


def test_it_can_be_looked_at(book, watch):
    page = book.page
    load(book)
    expect(page.get_by_text("Pairs 1 to 8 of").first).to_be_visible(timeout=SECONDS)
    page.get_by_label("Sentence", exact=True).fill("jump zebra twice")
    expect(page.locator(".wb-token")).to_have_count(3)
    book.command("application:toggle-left-area")
    for theme in ("light", "dark"):
        book.theme(theme)
        for width in (1280, 900):
            page.set_viewport_size({"width": width, "height": 2800})
            panel = book.output(1).locator(".wb-panel")
            book.until("!document.querySelector('.wb-coming')")
            assert panel.evaluate("each => each.scrollWidth <= each.clientWidth")
            book.shot(f"data-panel-{theme}-{width}", panel)
    assert (watch.console, watch.uncaught) == ([], [])
