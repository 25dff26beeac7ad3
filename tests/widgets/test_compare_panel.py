import json
import shutil
from contextlib import chdir
from dataclasses import replace

import pytest

from workbench.charts.tables import Table
from workbench.session import Session
from workbench.widgets import shelf as module
from workbench.widgets.choices import Choices
from workbench.widgets.compare_panel import HERE, ComparePanel, labels
from workbench.widgets.compare_side import Side
from workbench.widgets.keepsake import Keepsake
from workbench.widgets.shelf import Run, Shelf, or_reason
from workbench.widgets.ticker import Ticker


@pytest.fixture(scope="module")
def folder(pairs, config, tmp_path_factory):
    """A folder with two runs, one of them trained longer and on other words."""
    folder = tmp_path_factory.mktemp("compare")
    corpus = folder / "phrases.tsv"
    corpus.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
    for name, changes in (("short", {"max_steps": 2}), ("long", {"max_steps": 4, "units": 6})):
        directory = folder / "runs" / name
        Session(config.replace(corpus=str(corpus), run_directory=directory, **changes)).train()
    return folder


@pytest.fixture(scope="module")
def trained(folder):
    """The session of the short run, opened again, live."""
    return Session.open(folder / "runs" / "short", live=True)


@pytest.fixture
def session(trained, folder, monkeypatch):
    """That session in the folder of the runs, with nothing chosen and nothing on the shelf."""
    monkeypatch.chdir(folder)
    for name in ("text", "runs", "left", "right", "figure", "path", "notice"):
        setattr(Choices.of(trained), name, getattr(Choices(), name))
    Shelf._all.pop(trained, None)
    return trained


@pytest.fixture
def panel(session):
    panel = ComparePanel(session)
    settled(panel)
    yield panel
    settled(panel)
    panel.close()


def settled(panel):
    """Wait until the shelf has done what it was asked for, and all is painted."""
    panel.shelf._worker.do(lambda: None)
    panel.session._worker.do(lambda: None)
    panel.shelf._worker.do(lambda: None)
    assert Ticker.of(panel.session).settle()


def test_runs_are_called_by_their_last_part_unless_two_share_it():
    assert labels(["runs/a", "runs/b", "other/b", "."]) == {
        "runs/a": "a", "runs/b": "runs/b", "other/b": "other/b", ".": "."
    }  # fmt: skip


def test_the_runs_of_the_folder_are_listed_the_latest_first(panel):
    assert panel._runs.options == (("long", "runs/long"), ("short", "runs/short"))
    assert panel._runs.value == ()


def test_a_run_tells_its_settings_its_history_and_its_checkpoints(session):
    run = Run.read("runs/long")
    assert (run.config.units, len(run.history), run.steps[-1]) == (6, 4, 4)
    assert Run.read("runs/long/model").config.units == 6  # what `save` wrote


def test_curves_and_settings_of_the_chosen_runs_are_laid_over_ours(panel):
    assert "setting" in panel._differences.value
    panel._runs.value = ("runs/long",)
    settled(panel)
    assert "At the end: this session" in panel._overlay._description
    assert "; long " in panel._overlay._description
    for text in ("units", ">8<", ">6<", "max_steps"):
        assert text in panel._differences.value


def test_another_figure_can_be_drawn(panel):
    panel._runs.value = ("runs/long",)
    settled(panel)
    assert "Validation in training: BLEU" in dict(panel._figure.options)
    panel._figure.value = "bleu"
    settled(panel)
    assert panel._overlay._description.startswith("Validation in training: BLEU of")


def test_the_first_run_chosen_is_set_beside_this_session(panel):
    panel._runs.value = ("runs/long",)
    settled(panel)
    assert (panel._sides["left"].which.value, panel._sides["right"].which.value) == (
        HERE, ("runs/long", 0)
    )  # fmt: skip
    assert list(dict(panel._sides["left"].which.options)) == [
        "this session",
        "long",
        "long, step 4",
    ]
    panel._runs.value = ()
    settled(panel)
    assert panel._sides["right"].which.value == HERE


def test_two_models_translate_one_sentence(panel, folder):
    panel._runs.value = ("runs/long",)
    panel.choices.text = "red cat"
    panel._both.click()
    settled(panel)
    wanted = Session.open(folder / "runs" / "long").translate("red cat")
    right = panel.shelf.result(("runs/long", 0))
    assert (right.text, right.source) == (wanted.text, "red cat")
    assert panel.shelf.result(HERE) is panel.session.translation
    for name, result in (("left", panel.session.translation), ("right", wanted)):
        side = panel._sides[name]
        assert f"<strong>{result.text}</strong>" in side.words.value
        assert side.attention.rows == list(result.best.tokens)
        assert side.attention.columns == ["red", "cat", "<end>"]
        assert "wb-hidden" not in side.map._dom_classes


def test_the_settings_of_the_search_are_ours(panel):
    panel.session.configure(beam_width=2)
    panel._runs.value = ("runs/long",)
    panel.choices.text = "red cat"
    panel._both.click()
    settled(panel)
    assert len(panel.shelf.result(("runs/long", 0)).hypotheses) == 2
    panel.session.configure(beam_width=3)


def test_two_checkpoints_of_a_run_are_two_models(panel):
    panel._runs.value = ("runs/long",)
    settled(panel)
    panel._sides["left"].which.value = ("runs/long", 4)
    panel.choices.text = "old bird"
    panel._both.click()
    settled(panel)
    one, other = (panel.shelf.result(("runs/long", step)) for step in (4, 0))
    assert one.source == other.source == "old bird"
    assert panel.shelf.result(HERE) is None


def test_what_cannot_be_opened_is_said(panel, folder, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(folder / "runs" / "long", broken)
    (broken / "model" / "model.weights.h5").write_bytes(b"nothing")
    record = json.loads((broken / "run.json").read_text())
    (broken / "run.json").write_text(json.dumps(record))
    panel.choices.path = str(broken)
    panel._add()
    panel.choices.right = (str(broken), 0)
    panel.choices.text = "red cat"
    panel._both.click()
    settled(panel)
    assert "cannot load weights" in panel._sides["right"].words.value
    assert "wb-hidden" in panel._sides["right"].map._dom_classes
    assert panel.choices.path == ""


def test_what_is_no_run_is_not_added_and_what_has_gone_is_said(panel, folder):
    panel.choices.path = "runs/none"
    panel.attempt(panel._add)
    settled(panel)
    assert panel._status.text.startswith("runs/none: expected a run directory")
    assert (panel.choices.runs, panel.choices.path) == ((), "runs/none")  # to be corrected
    panel.choices.path = "runs/long/model"
    panel.attempt(panel._add)
    panel._compare_runs((*panel.choices.runs, "runs/gone"))
    settled(panel)
    assert "runs/gone" in panel._reasons.value
    assert "runs/long/model" not in panel._reasons.value


def test_runs_of_the_project_are_found_from_the_folder_of_its_notebooks(session, folder):
    notebooks = folder / "notebooks"
    notebooks.mkdir(exist_ok=True)
    with chdir(notebooks):
        shelf = Shelf()
        shelf.look().result()
    assert shelf.found == ("../runs/long", "../runs/short")


def test_the_least_used_model_is_closed_for_a_third(session, monkeypatch):
    opened = []

    class Opened:
        def __init__(self, run, step):
            opened.append((run, step))

        @classmethod
        def open(cls, run, step=None):
            return cls(run, step)

        def configure(self, **search):
            pass

        def translate(self, text):
            return text

    monkeypatch.setattr(module, "Session", Opened)
    shelf = Shelf()
    for path in ("a", "b", "a", "c", "a", "b"):
        shelf.translate(shelf.ask(), (path, 0), "x", {}).result()
    assert opened == [("a", None), ("b", None), ("c", None), ("b", None)]
    assert list(shelf._open) == [("a", 0), ("b", 0)]


def test_a_late_translation_of_an_earlier_sentence_is_dropped():
    shelf = Shelf()
    first = shelf.ask()
    second = shelf.ask()
    shelf.tell(first, HERE, "late")
    assert shelf.result(HERE) is None
    shelf.tell(second, HERE, "in time")
    assert shelf.result(HERE) == "in time"


def test_a_session_without_a_model_says_so(pairs, config, folder, monkeypatch):
    monkeypatch.chdir(folder)
    panel = ComparePanel(Session(config.replace(corpus="phrases", live=True)), text="a")
    panel._both.click()
    settled(panel)
    assert "no model yet" in panel._sides["left"].words.value
    panel.close()


@pytest.mark.parametrize(("act", "words"), [("_add", "type that of a run"),
                                            ("_translate", "type a sentence")])  # fmt: skip
def test_nothing_typed_is_a_message(panel, act, words):
    panel.attempt(getattr(panel, act))
    settled(panel)
    assert words in panel._status.text


def test_any_damage_becomes_a_reason():
    def fail():
        raise KeyError("x")

    assert or_reason(fail) == "KeyError: 'x'"
    assert or_reason(lambda: 3) == 3


def test_two_copies_show_the_same(panel, session):
    other = ComparePanel(session)
    panel._runs.value = ("runs/long",)
    settled(panel)
    assert other._runs.value == ("runs/long",)
    assert other._sides["right"].which.value == ("runs/long", 0)
    other.close()


def test_headless_it_compares_what_it_is_given(folder, monkeypatch):
    monkeypatch.chdir(folder)
    session = Session.open("runs/short")
    assert not session.config.live
    table, curves, *maps = ComparePanel(session, "runs/long", text="red cat").still()
    assert isinstance(table, Table)
    assert table.columns == ("setting", "this session", "long")
    assert "; long " in curves.to_dict()["description"]
    assert len(maps) == 2


def test_what_stays_in_the_notebook_follows_what_is_compared(panel, monkeypatch):
    kept = []
    monkeypatch.setattr(Keepsake, "show", lambda _, make: kept.append(make()))
    panel._repr_mimebundle_()
    settled(panel)
    assert len(kept[-1]) == 2  # settings and curves
    panel._runs.value = ("runs/long",)
    settled(panel)
    assert "; long " in kept[-1][1].to_dict()["description"]
    Choices.of(panel.session).text = "red cat"
    settled(panel)
    panel._both.click()
    settled(panel)
    before = len(kept)
    assert len(kept[-1]) == 4
    settled(panel)
    assert len(kept) == before  # drawing them asks no model anew


def test_a_model_without_attention_says_so(trained):
    side, found = Side("Left"), trained.translate("red cat")
    blind = replace(found.best, attention=found.best.attention[:0])
    side.paint({"a": HERE}, HERE, replace(found, hypotheses=(blind,)))
    assert "the model has no attention" in side.words.value
    assert "wb-hidden" in side.map._dom_classes
