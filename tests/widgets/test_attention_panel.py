import csv
import io
from concurrent.futures import Future
from html import escape

import numpy as np
import pytest

from workbench.charts.tables import Table
from workbench.errors import WorkbenchError
from workbench.inspection.alignment import attention_links
from workbench.inspection.self_attention import self_attention
from workbench.metrics import alignment_error_rate
from workbench.session import Session
from workbench.widgets.attention_panel import AttentionPanel
from workbench.widgets.choices import MAXIMUM, MEAN, Choices
from workbench.widgets.download import Download
from workbench.widgets.ticker import Ticker

CHOSEN = ("text", "layer", "head", "hypothesis", "kind", "target", "mass", "gold", "notice",
          "unfolded")  # fmt: skip


@pytest.fixture(scope="module")
def built(config, tmp_path_factory):
    """A Transformer that has learnt nothing, on a corpus with gold alignments."""
    folder = tmp_path_factory.mktemp("attention")
    session = Session(
        config, corpus="phrases", train_limit=64, live=True, run_directory=folder / "run",
        encoder="transformer", decoder="transformer", layers=2, heads=2, embedding=8,
    )  # fmt: skip
    session.build()
    return session


@pytest.fixture
def pair(built):
    return built.encoded["validation"].pairs[0]


@pytest.fixture
def session(built):
    """The session with nothing translated and nothing chosen."""
    for name in CHOSEN:
        setattr(Choices.of(built), name, getattr(Choices(), name))
    built.set_trait("translation", None)
    return built


@pytest.fixture
def open_panel(session):
    panels = []

    def open_panel():
        panels.append(AttentionPanel(session))
        return panels[-1]

    yield open_panel
    for panel in panels:
        panel.close()


@pytest.fixture
def panel(open_panel, session, pair):
    """A panel that shows a sentence of the data."""
    session.translate(pair.source, beam_width=2)
    return settled(open_panel())


def settled(panel):
    """Wait for the answers that are due, and for what they change."""
    for _ in range(3):
        panel.session.request("save", panel.session.directory.path / "model").result()
        assert Ticker.of(panel.session).settle(30)
    return panel


def choose(control, label):
    control.set_state({"index": [str(each[0]) for each in pairs_of(control)].index(label)})


def pairs_of(control):
    options = control.options.items() if isinstance(control.options, dict) else control.options
    return [each if isinstance(each, tuple) else (each, each) for each in options]


def is_hidden(widget):
    return "wb-hidden" in widget._dom_classes


def downloads(widget):
    if isinstance(widget, Download):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from downloads(child)


def saved(panel, label):
    return next(each for each in downloads(panel) if each.label == label)._make()


def test_before_anything_is_translated_it_says_what_to_do(open_panel):
    panel = open_panel()
    assert "press Translate" in panel._message.value
    assert is_hidden(panel._shown)
    with pytest.raises(WorkbenchError, match="press Translate"):
        saved(panel, "SVG")


def test_a_sentence_is_typed_and_translated(open_panel, session, pair):
    panel = open_panel()
    panel.choices.text = f"  {pair.source} "
    button = next(b for b in buttons(panel) if b.description == "Translate")
    button.click()
    settled(panel)
    assert session.translation.source == pair.source
    assert panel._map.columns == list(session.translation.source_tokens)
    assert panel._map.rows == list(session.translation.best.tokens)
    panel.choices.text = " "
    button.click()
    assert panel.choices.notice[0] == "error"


def test_a_sentence_longer_than_the_model_allows_is_a_message(open_panel, session, pair):
    panel = open_panel()
    translate = next(b for b in buttons(panel) if b.description == "Translate")
    panel.choices.text = "word " * 120
    translate.click()
    settled_once(session)
    assert panel._status.tone == "error"
    assert "has 120 tokens, the model allows 100: shorten it" in panel._status.text
    panel.choices.text = pair.source
    translate.click()
    settled(panel)
    assert session.translation.source == pair.source
    assert panel._status.tone != "error"


def settled_once(session):
    session._worker.do(lambda: None)
    assert Ticker.of(session).settle(30)


def buttons(widget):
    if hasattr(widget, "on_click"):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from buttons(child)


def test_a_sentence_of_the_data_is_picked(open_panel, session):
    panel = open_panel()
    validation, test = (session.encoded[split].pairs for split in ("validation", "test"))
    values = [value for _, value in panel._pick.options]
    assert values[:2] == ["", validation[0].source]
    assert test[0].source in values
    panel._pick.set_state({"index": values.index(test[0].source)})
    settled(panel)
    assert panel.choices.text == session.translation.source == test[0].source
    panel.choices.text = "something else"
    settled(panel)
    assert panel._pick.value == ""


def test_layers_and_heads_mean_and_maximum(panel):
    weights = panel.session.translation.best.attention  # [2, 2, T, S]
    wanted = {
        (MEAN, MEAN): weights.mean((0, 1)),
        (1, MEAN): weights[1].mean(0),
        (1, 0): weights[1, 0],
        (MAXIMUM, MAXIMUM): weights.max((0, 1)),
    }
    labels = [label for label, _ in panel._heads.of_many["layer"].options]
    assert labels == ["mean", "maximum", "0", "1"]
    for (layer, head), expected in wanted.items():
        for name, value in (("layer", layer), ("head", head)):
            label = {MEAN: "mean", MAXIMUM: "maximum"}.get(value, str(value))
            choose(panel._heads.of_many[name], label)
        settled(panel)
        assert (panel.choices.layer, panel.choices.head) == (layer, head)
        found = np.frombuffer(panel._map.weights, np.uint8).reshape(expected.shape) / 255
        np.testing.assert_allclose(found, expected, atol=0.5 / 255 + 1e-6)


def test_of_a_layer_of_a_deeper_stack_the_mean_is_shown(panel):
    panel.choices.layer = 7
    settled(panel)
    assert panel._heads.of_many["layer"].value == MEAN
    assert panel._heads.picks == (None, None)


def test_the_top_of_each_row_can_be_made_to_stand_out(panel):
    assert panel._map.kept == b""
    panel.choices.mass = True
    settled(panel)
    weights = panel.session.translation.best.attention.mean((0, 1))
    kept = np.frombuffer(panel._map.kept, np.uint8).reshape(weights.shape).astype(bool)
    held = np.where(kept, weights, 0).sum(-1)
    assert (held >= 0.75 - 1e-5).all()
    smallest = np.where(kept, weights, 2).min(-1)
    assert (held - smallest < 0.75).all()  # without the smallest it would be less


def test_the_reference_is_looked_at_with_its_gold_alignment(panel, pair):
    assert panel._gold.disabled
    panel._target.set_state({"index": 1})
    settled(panel)
    assert len(panel._map.rows) == len(pair.target.split()) + 1  # some are unknown to the model
    links = {(column, row) for column, row, _ in panel._map.links}
    assert links == set(pair.alignment.possible)
    assert not panel._gold.disabled
    scored = panel.session.score(pair.source, pair.target)
    mean = scored.best.attention.mean((0, 1), keepdims=True)
    links = attention_links(mean, scored.source_words, scored.best.words)
    rate = alignment_error_rate([pair.alignment.sure], [pair.alignment.possible], [links])
    assert panel._error.value == f"alignment error rate <b>{rate:.1%}</b>"
    np.testing.assert_allclose(panel._seen.sight.weights, scored.best.attention, atol=1e-6)
    panel.choices.gold = False
    settled(panel)
    assert panel._map.links == []


@pytest.mark.parametrize(
    ("label", "side", "corner"),
    [("encoder itself", "encoder", ""), ("decoder itself", "decoder", "<begin>")],
)
def test_a_transformer_reads_itself(panel, label, side, corner):
    choose(panel._kind, label)
    settled(panel)
    translation = panel.session.translation
    own = self_attention(
        panel.session.model, panel.session.codec, translation.source, translation.text
    )
    wanted = getattr(own, side).mean((0, 1))
    found = np.frombuffer(panel._map.weights, np.uint8).reshape(wanted.shape) / 255
    np.testing.assert_allclose(found, wanted, atol=0.5 / 255 + 1e-6)
    assert panel._map.columns[0] == (corner or translation.source_tokens[0])
    assert panel._gold.disabled


def test_what_is_asked_for_is_said_until_it_is_there(panel, monkeypatch):
    waiting = Future()
    monkeypatch.setattr(Session, "request", lambda *_: waiting)
    panel.choices.target = "reference"
    assert Ticker.of(panel.session).settle()
    assert "Scoring the reference …" in panel._message.value
    assert is_hidden(panel._picture)
    assert not is_hidden(panel._kind)


def test_two_panels_ask_once_and_show_the_same(panel, open_panel, monkeypatch):
    asked = []
    request = Session.request
    monkeypatch.setattr(
        Session, "request", lambda self, *what: asked.append(what[0]) or request(self, *what)
    )
    other = open_panel()
    panel.choices.target = "reference"
    settled(panel)
    assert asked.count("score") == 1
    assert panel._map.weights == other._map.weights
    assert panel._map.rows == other._map.rows


def test_the_map_is_told_in_words_when_they_are_unfolded(panel):
    assert panel._table.value == ""
    panel._fold._button.click()
    settled(panel)
    before = panel._table.value
    assert "reads most" in before
    panel.choices.head = 1
    settled(panel)
    assert panel._table.value != before


def test_it_is_saved_as_svg_png_and_csv(panel):
    panel.choices.layer = 1
    settled(panel)
    name, svg = saved(panel, "SVG")
    assert (name, svg[:4]) == ("attention.svg", b"<svg")
    assert b"Attention: layer 1, mean of 2 heads" in svg
    name, png = saved(panel, "PNG")
    assert (name, png[:4]) == ("attention.png", b"\x89PNG")
    name, text = saved(panel, "CSV")
    lines = list(csv.DictReader(io.StringIO(text.decode())))
    assert name == "attention.csv"
    assert len(lines) == len(panel._map.rows) * len(panel._map.columns)
    weights = panel.session.translation.best.attention[1].mean(0)
    assert float(lines[1]["weight"]) == pytest.approx(weights[0, 1], rel=1e-4)


def test_texts_are_shown_as_text(panel, open_panel):
    panel.session.translate("<b>bold</b>", beam_width=1)
    settled(panel)
    assert "&lt;b&gt;bold&lt;/b&gt;" in panel._sentences.value
    assert "<b>bold" not in panel._sentences.value


def test_the_reference_stands_beside_a_translation_that_differs(panel, pair):
    assert escape(pair.target) in panel._sentences.value
    panel.choices.hypothesis = 1
    settled(panel)
    assert "target (2 of 2)" in panel._sentences.value


def test_a_model_without_attention_says_so(open_panel, session):
    translation = session.translate("red", beam_width=1)
    nothing = np.zeros((0, 0, *translation.best.attention.shape[2:]), np.float32)
    bare = type(translation.best)(**{**vars(translation.best), "attention": nothing})
    session.set_trait(
        "translation", type(translation)(**{**vars(translation), "hypotheses": (bare,)})
    )
    panel = open_panel()
    assert "the model has no attention" in panel._message.value
    assert is_hidden(panel._picture)
    assert not is_hidden(panel._shown)


def test_headless_it_is_the_map_and_its_words(session, pair):
    (nothing,) = AttentionPanel(session).still()
    assert "press Translate" in nothing.to_dict()["description"]
    session.translate(pair.source)
    Choices.of(session).target = "reference"
    panel = AttentionPanel(session)
    drawn, table = panel.still()
    panel.close()
    assert drawn.to_dict()["title"]["text"].startswith("Attention: mean of 2 layers")
    assert isinstance(table, Table)
    assert len(table.rows) == len(pair.target.split()) + 1
