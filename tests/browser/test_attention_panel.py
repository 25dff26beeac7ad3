"""What the model looks at, looked at in a real JupyterLab."""

import pytest

pytestmark = pytest.mark.browser

TRAINED = """# hidden
from IPython.display import display
from workbench import RunConfig, Session
from workbench.widgets import AttentionPanel

session = Session(RunConfig(
    corpus="phrases", train_limit=300, units=16, embedding=16, epochs=1, max_decode_length=12,
    validation_sentences=10, encoder="transformer", decoder="transformer", layers=2, heads=2,
))
session.train()
await session.wait()
pair = next(pair for pair in session.encoded["validation"].pairs if pair.alignment)
"""
MAP = ".wb-heat-map"
TOLD = "document.querySelector('.wb-heat-told').textContent"
WIDER = "(it => it.scrollWidth > it.clientWidth + 1)(document.querySelector('.wb-panel'))"


@pytest.fixture
def book(notebook):
    """Open a notebook with a trained model and these cells, and run it."""

    def book(*cells):
        book = notebook(TRAINED, *cells)
        book.run(300)
        return book

    return book


def shows(book, tokens, rows=True):
    """Wait until the first map has these tokens at its side, by asking its model."""
    name = "rows" if rows else "columns"
    for _ in range(200):
        if book.python(f"panel._map.{name} == {tokens}"):
            return
        book.page.wait_for_timeout(100)
    raise AssertionError(f"{book.python(f'panel._map.{name}')} is not {book.python(tokens)}")


def pixels(book, of=MAP):
    """Return what is painted, to see that it has changed."""
    return book.page.evaluate(f"document.querySelector('{of}').toDataURL()")


def until_painted(book, before):
    book.until(f"document.querySelector('{MAP}').toDataURL() !== {before!r}")


def choose(book, label, option):
    book.page.get_by_label(label, exact=True).first.select_option(option)


def test_a_sentence_is_translated_looked_at_and_saved(book, watch):
    shown = book("panel = AttentionPanel(session); panel")
    shown.shot("attention-panel-empty", shown.output(1))
    text = shown.page.get_by_label("Sentence", exact=True)
    text.fill(shown.python("pair.source"))
    text.press("Enter")
    shown.page.get_by_role("button", name="Translate", exact=True).click()
    shows(shown, "list(session.translation.best.tokens) if session.translation else None")
    before = pixels(shown)
    choose(shown, "layer", "1")
    until_painted(shown, before)
    before = pixels(shown)
    choose(shown, "head", "maximum")
    until_painted(shown, before)
    before = pixels(shown)
    shown.page.get_by_label("only the top 75 % of each row").check()
    until_painted(shown, before)
    for kind, start in (("SVG", b"<svg"), ("PNG", b"\x89PNG"), ("CSV", b"row,token,")):
        with shown.page.expect_download() as download:
            shown.page.get_by_role("button", name=kind, exact=True).click()
        assert download.value.path().read_bytes().startswith(start)
        assert download.value.suggested_filename == f"attention.{kind.lower()}"
    assert (watch.console, watch.uncaught) == ([], [])


def test_pointing_marks_both_tokens_and_tells_the_weight(book, watch):
    shown = book("panel = AttentionPanel(session)\nsession.translate(pair.source)\npanel")
    shows(shown, "list(session.translation.best.tokens)")
    shown.until(f"{TOLD}.startsWith('Point at')")
    canvas = shown.page.locator(MAP)
    canvas.scroll_into_view_if_needed()
    plain, box = pixels(shown), canvas.bounding_box()
    shown.page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.6 * box["height"])
    until_painted(shown, plain)
    shown.until(f"/^.+ reads .+: [01]\\.\\d\\d$/.test({TOLD})")
    for _ in range(50):
        if shown.python("panel._map.pointed"):
            break
        shown.page.wait_for_timeout(50)
    row, column = shown.python("panel._map.pointed")
    best = shown.python(
        "[panel._map.rows, panel._map.columns,"
        " session.translation.best.attention.mean((0, 1)).tolist()]"
    )
    weight = f"{round(255 * best[2][row][column]) / 255:.2f}"
    assert shown.page.evaluate(TOLD) == f"{best[0][row]} reads {best[1][column]}: {weight}"
    shown.shot("attention-panel-pointed", shown.output(1))
    shown.page.mouse.move(2, 2)
    shown.until(f"{TOLD}.startsWith('Point at')")
    assert pixels(shown) == plain
    canvas.focus()
    for key in ("ArrowRight", "ArrowDown"):
        shown.page.keyboard.press(key)
    shown.until(f"{TOLD}.startsWith({best[0][1]!r} + ' reads ' + {best[1][0]!r})")
    shown.page.keyboard.press("Escape")
    shown.until(f"{TOLD}.startsWith('Point at')")
    assert (watch.console, watch.uncaught) == ([], [])


def test_the_reference_its_gold_and_self_attention_in_both_themes(book, watch):
    shown = book("panel = AttentionPanel(session)\nsession.translate(pair.source)\npanel")
    shows(shown, "list(session.translation.best.tokens)")
    choose(shown, "Attention of the", "reference")
    shows(shown, "list(session.score(pair.source, pair.target).best.tokens)")
    shown.until("document.querySelector('.wb-panel').textContent.includes('alignment error rate')")
    assert shown.page.get_by_text("gold alignment").count() >= 2  # the control and the legend
    shown.page.get_by_role("button", name="The map in words").click()
    shown.page.get_by_role("columnheader", name="reads most").wait_for()
    for width, theme in ((1280, "light"), (1280, "dark"), (900, "dark"), (900, "light")):
        shown.page.set_viewport_size({"width": width, "height": 1600})
        before = pixels(shown)
        shown.theme(theme)
        shown.page.wait_for_timeout(800)
        if (width, theme) in ((1280, "dark"), (900, "light")):
            assert pixels(shown) != before
        shown.shot(f"attention-panel-{width}-{theme}", shown.output(1))
        assert not shown.page.evaluate(WIDER)
    for label, columns in (
        ("encoder itself", "list(session.translation.source_tokens)"),
        (
            "decoder itself",
            "['<begin>', *session.score(pair.source, pair.target).best.tokens[:-1]]",
        ),
    ):
        choose(shown, "to the", label)
        shows(shown, columns, rows=False)
    shown.shot("attention-panel-self", shown.output(1))
    assert (watch.console, watch.uncaught) == ([], [])


def test_two_views_and_a_page_loaded_again_show_the_same(book, watch):
    shown = book(
        "panel = AttentionPanel(session)\nsession.translate(pair.source)\n"
        "display(panel, AttentionPanel(session))"
    )
    shown.page.set_viewport_size({"width": 1280, "height": 2000})
    shows(shown, "list(session.translation.best.tokens)")
    choose(shown, "layer", "1")
    both = f"[...document.querySelectorAll('{MAP}')].map(it => it.toDataURL())"
    first = pixels(shown)
    shown.until(f"(all => all.length === 2 && all[0] === all[1])({both})")
    layers = (
        "[...document.querySelectorAll('select')].filter(it => it.options[1]?.text === 'maximum')"
    )
    shown.until(f"{layers}.filter(it => it.value === '1').length === 2")
    first = pixels(shown)
    shown.reload()
    shown.output(1).scroll_into_view_if_needed()
    shown.until(
        f"(all => all.length === 2 && all[0] === {first!r} && all[1] === all[0])({both})", 60
    )
    assert (watch.console, watch.uncaught) == ([], [])
