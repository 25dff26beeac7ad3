import time

import pytest

from workbench.charts.tables import Table
from workbench.config import RunConfig
from workbench.session import Session
from workbench.widgets import data_panel as module
from workbench.widgets.choices import QUIET, Choices
from workbench.widgets.corpus_tables import PAGE
from workbench.widgets.data_form import OWN
from workbench.widgets.data_panel import DataPanel, loaded
from workbench.widgets.ticker import Ticker


@pytest.fixture(scope="module")
def corpus(pairs, tmp_path_factory):
    """The sixty pairs as a file."""
    path = tmp_path_factory.mktemp("corpus") / "phrases.tsv"
    path.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
    return path


@pytest.fixture
def session(config, corpus, tmp_path):
    return Session(config.replace(corpus=str(corpus), live=True, run_directory=tmp_path / "run"))


@pytest.fixture
def panel(session):
    panel = DataPanel(session)
    yield panel
    panel.close()


def press(panel, text):
    """Press a button; return what the panel says when all it asked for is done."""
    (button,) = [each for each in inside(panel) if getattr(each, "description", "") == text]
    button.click()
    return done(panel.session)


def inside(widget):
    for child in getattr(widget, "children", ()):
        yield child
        yield from inside(child)


def done(session):
    end = time.monotonic() + 30
    session._worker.do(lambda: None)
    assert Ticker.of(session).settle(end - time.monotonic())
    return Choices.of(session).notice


def seen(widget):
    return "wb-hidden" not in widget._dom_classes


def test_before_loading_there_is_nothing_to_see(panel):
    assert not any(map(seen, panel._inside))
    assert not seen(panel._bad)
    assert "learned by Load" in panel._tokens.value
    assert panel._status.text.startswith("No data yet")


def test_load_shows_figures_pairs_and_charts(panel, session):
    assert press(panel, "Load") == QUIET
    assert session.state == "data"
    assert all(map(seen, panel._inside))
    assert "Corpus phrases" in panel._figures.value
    assert f"Pairs 1 to {PAGE} of" in panel._samples.value
    titles = [view._specification["title"]["text"] for view in (panel._lengths, panel._vocabulary)]
    assert titles == ["Sentence lengths", "Vocabulary"]


def test_lengths_leave_the_end_symbol_out(panel, session):
    press(panel, "Load")
    words = [len(pair.source.split()) for pair in session.corpus_loaded.train]
    assert f"source: {min(words)} to {max(words)} tokens" in panel._lengths._description


def test_load_again_says_that_it_is_done(panel):
    press(panel, "Load")
    assert press(panel, "Load") == ("good", "These data are loaded already.")


def test_pages_of_pairs_turn_and_stop_at_both_ends(panel, session):
    press(panel, "Load")
    count = len(session.corpus_loaded.train)
    assert panel._back.disabled
    press(panel, "Next pairs ›")
    assert f"Pairs {PAGE + 1} to {2 * PAGE} of" in panel._samples.value
    assert not panel._back.disabled
    for _ in range(count // PAGE + 2):
        panel._on.click()
    done(session)
    assert f"to {count} of {count}" in panel._samples.value
    assert panel._on.disabled
    panel.choices.split = "test"  # shorter than where the page was
    done(session)
    assert "Pairs 1 to" in panel._samples.value


def test_a_typed_sentence_is_cut_as_it_is_typed(panel, session):
    press(panel, "Load")
    panel.choices.text = "red <b>"
    done(session)
    assert ">red</span>" in panel._tokens.value
    assert "&lt;b&gt;" in panel._tokens.value
    panel.choices.side = "target"
    done(session)
    assert "2 unknown" in panel._tokens.value


def test_other_data_are_not_those_loaded(panel, session):
    press(panel, "Load")
    session.configure(lowercase=True)
    done(session)
    assert loaded(session) is None
    assert not any(map(seen, panel._inside))
    press(panel, "Load")
    assert all(map(seen, panel._inside))


def test_of_a_model_that_is_there_other_data_make_another(panel, session):
    session.build()
    before = session.model
    session.configure(train_limit=20)
    done(session)
    assert loaded(session) is None
    press(panel, "Load")
    assert session.state == "built"
    assert session.model is not before
    assert len(loaded(session).train) == 20


def test_two_copies_show_the_same(panel, session):
    other = DataPanel(session)
    press(panel, "Load")
    press(other, "Next pairs ›")
    assert other._samples.value == panel._samples.value
    assert other._figures.value == panel._figures.value
    other.close()


def choose_file(panel, content, name="mine.tsv"):
    path = panel.session.directory.path.parent / name
    path.write_bytes(content)
    panel._form.take("train_file", str(path))
    return path


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", ":1: expected UTF-8, found byte 0x89 at 1"),
        (b"caf\xe9\tcoffee\n", ":1: expected UTF-8, found byte 0xe9 at 4"),
        ("a\tb\n".encode("utf-16"), ":1: expected UTF-8"),
        (b"a\tb\nno tab\n", ":2: expected 2 columns as in line 1, found 1"),
        (b"", "the file is empty"),
        (b"\x1f\x8b broken", "found a damaged one"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_message(panel, session, content, reason):
    path = choose_file(panel, content)
    press(panel, "Load")
    assert str(path) in session.error
    assert reason in session.error
    assert panel._status.tone == "error"
    assert panel._status.text == session.error
    assert session.state == "empty"
    panel._form.take("corpus", "dates")  # and the session goes on
    session.configure(train_limit=50)
    press(panel, "Load")
    assert (session.state, session.error) == ("data", "")


def test_no_such_file_and_a_folder_are_messages(panel, session):
    for name, reason in (("nowhere.tsv", "found nothing"), (".", "found a directory")):
        panel._form.take("train_file", name)
        press(panel, "Load")
        assert reason in session.error


def test_bad_lines_are_listed_when_they_are_left_out(panel, session):
    good = "".join(f"a {n}\tb {n}\n" for n in range(30))
    path = choose_file(panel, good.encode() + b"<i>only one column\n\tempty\n")
    session.configure(skip_bad_lines=True)
    press(panel, "Load")
    assert seen(panel._bad)
    (table,) = panel._bad.children
    assert "2 lines were left out" in table.value
    assert f"{path}:31" in table.value
    assert "<i>" not in table.value


def test_a_file_beyond_the_memory_is_refused_before_it_is_read(panel, session):
    path = choose_file(panel, b"")
    with path.open("r+b") as stream:
        stream.truncate(10**13)  # a hole that takes no room on the disk
    tone, text = press(panel, "Load")
    assert tone == "error"
    assert "pairs that fit into memory, found 10000.0 GB of text" in text
    assert session.state == "empty"


def test_a_large_file_is_announced(panel, monkeypatch):
    monkeypatch.setattr(module, "warning", lambda _: "this takes 6 minutes")
    assert press(panel, "Load") == ("quiet", "this takes 6 minutes")


def test_load_without_a_file_or_with_a_bad_value_is_a_message(panel, session):
    session.configure(corpus="dates")
    panel._form.take("corpus", OWN)
    assert press(panel, "Load")[0] == "error"
    panel._form.take("corpus", "dates")
    panel._form.take("train_limit", "-1")
    assert "train_limit: expected an integer from 0" in press(panel, "Load")[1]
    assert session.state == "empty"


def test_load_while_something_else_is_done_says_so(panel, session):
    session.set_trait("busy", "reading the corpus")
    assert press(panel, "Load") == ("error", "reading the corpus is under way; wait for it")


def test_an_uploaded_file_becomes_the_training_file(panel, session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    panel._form.take("corpus", OWN)
    done(session)
    assert seen(panel._uploads)
    upload = panel._uploads.children[0]
    assert upload.label == "Upload training pairs"
    for content, buffers in (
        ({"begin": "my pairs.tsv"}, []),
        ({}, [b"a\tb\nc\td\ne\tf\n"]),
        ({}, []),
    ):
        upload._answer(upload, {"asker": "a", **content}, buffers)
    assert session.draft.train_file == "uploads/my_pairs.tsv"
    press(panel, "Load")
    assert session.state == "data"


def test_an_opened_run_knows_its_vocabulary_before_its_data(session):
    session.build()
    session.save()
    opened = Session.open(session.directory.path)
    panel = DataPanel(opened)
    panel.choices.text = "red"
    done(opened)
    assert ">red</span>" in panel._tokens.value
    assert opened.corpus_loaded is None  # looking has loaded nothing
    press(panel, "Load")
    assert "Corpus phrases" in panel._figures.value
    panel.close()


def test_headless_it_shows_still_forms(session):
    still = DataPanel(Session(RunConfig(live=False))).still()
    assert [type(each) for each in still] == [Table]
    assert "not loaded yet" in still[0].caption
    session.load()
    figures, lengths, vocabulary, pairs = DataPanel(session).still()
    assert "Corpus phrases" in figures.caption
    assert {lengths.to_dict()["title"]["text"], vocabulary.to_dict()["title"]["text"]} == {
        "Sentence lengths", "Vocabulary"}  # fmt: skip
    assert pairs.rows[0][0] == 1
