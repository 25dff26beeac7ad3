import asyncio
import time

import pytest

from workbench.charts.tables import Table
from workbench.session import Session
from workbench.training.step import TrainingStep
from workbench.widgets.choices import LATEST, Choices
from workbench.widgets.live_curves import LiveCurves
from workbench.widgets.ticker import Ticker
from workbench.widgets.train_panel import TrainPanel, moments, probe_table


@pytest.fixture(scope="module")
def settings(pairs, config, tmp_path_factory):
    corpus = tmp_path_factory.mktemp("train-panel") / "phrases.tsv"
    corpus.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
    return config.replace(corpus=str(corpus), live=True, max_steps=6, evaluate_every=2)


@pytest.fixture(scope="module")
def trained(settings, tmp_path_factory):
    """A session that has trained to its end."""
    session = Session(settings, run_directory=tmp_path_factory.mktemp("trained") / "run")
    session.train()
    asyncio.run(session.wait())
    return session


@pytest.fixture
def session(trained):
    """The trained session, with nothing chosen yet."""
    for name in ("moment", "probe", "notice", "unfolded"):
        setattr(Choices.of(trained), name, getattr(Choices(), name))
    return trained


@pytest.fixture
def fresh(settings, tmp_path):
    """A session that has done nothing yet."""
    session = Session(settings, run_directory=tmp_path / "run")
    yield session
    session.stop()
    settle(session)


@pytest.fixture
def open_panel():
    panels = []

    def open_panel(session):
        panels.append(TrainPanel(session))
        return panels[-1]

    yield open_panel
    for panel in panels:
        panel.close()


def settle(session):
    assert Ticker.of(session).settle(30)


def until(session, true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, (session.state, session.error)
        time.sleep(0.02)
    settle(session)


def enabled(panel):
    return {name for name, button in panel._buttons.items() if not button.disabled}


def is_hidden(widget):
    return "wb-hidden" in widget._dom_classes


def test_before_training_there_are_only_controls(open_panel, fresh):
    panel = open_panel(fresh)
    assert enabled(panel) == {"train", "advance"}
    assert panel._buttons["stop"].tooltip == fresh.refusal("stop") != ""
    assert "train from the last checkpoint" in panel._buttons["train"].tooltip
    for part in (panel._pace, panel._loss, panel._small, panel._probes, panel._translations):
        assert is_hidden(part)


def test_a_training_is_started_paused_stepped_and_stopped(open_panel, fresh):
    fresh.configure(max_steps=1000, epochs=1000, evaluate_every=1000)
    panel = open_panel(fresh)
    panel._buttons["train"].click()
    until(fresh, lambda: len(fresh.history) > 2)
    assert enabled(panel) == {"pause", "stop"}
    panel._buttons["pause"].click()
    until(fresh, lambda: fresh.state == "paused")
    assert enabled(panel) == {"resume", "advance", "stop"}
    steps = len(fresh.history)
    panel._buttons["advance"].click()
    until(fresh, lambda: len(fresh.history) == steps + 1 and fresh.state == "paused")
    assert panel._bars.bars[0]["text"].startswith(f"{steps + 1} of 1,000 · ")
    panel._buttons["resume"].click()
    until(fresh, lambda: len(fresh.history) > steps + 2)
    panel._buttons["stop"].click()
    until(fresh, lambda: fresh.state == "trained")
    assert enabled(panel) == {"train", "advance"}
    drawn = [row["step"] for row in panel._curves.loss._sets["loss"] if row["series"] == "training"]
    assert drawn == [progress.step for progress in fresh.history]


def test_a_training_that_has_come_to_its_end_is_not_started_again(open_panel, session):
    panel = open_panel(session)
    settle(session)
    assert enabled(panel) == set()
    assert "change a setting and build" in panel._buttons["train"].tooltip
    opened = Session.open(session.directory.path, live=True)
    assert opened.complete
    with_model = Session.open(session.directory.model, live=True)
    assert not with_model.complete  # nobody knows of how it was trained


def test_another_model_may_be_trained_again(open_panel, fresh):
    panel = open_panel(fresh)
    panel._buttons["train"].click()
    until(fresh, lambda: fresh.state == "trained")
    fresh.configure(units=6)
    assert enabled(panel) == set()
    fresh.build()
    settle(fresh)
    assert enabled(panel) == {"train", "advance"}


@pytest.mark.parametrize("command", ["train", "advance"])
def test_without_data_of_ones_own_nothing_is_trained_on_others(open_panel, fresh, command):
    fresh.configure(corpus="phrases")
    panel = open_panel(fresh)
    panel.choices.own_files = True
    panel._buttons[command].click()
    settle(fresh)
    assert (panel._status.tone, fresh.state) == ("error", "empty")
    assert panel._status.text.startswith("train_file: name the file with the training pairs")


@pytest.mark.parametrize("command", ["train", "advance"])
def test_a_value_that_makes_no_sense_is_not_trained_without(open_panel, fresh, command):
    panel = open_panel(fresh)
    form = next(form for form in forms(panel) if "batch_size" in form.settings)
    form.take("batch_size", "abc")
    panel._buttons[command].click()
    settle(fresh)
    assert (panel._status.tone, fresh.state) == ("error", "empty")
    assert panel._status.text.startswith("batch_size: expected an integer")
    assert form.state["batch_size"]["tone"] == "error"
    form.take("batch_size", "16")
    panel._buttons[command].click()
    until(fresh, lambda: fresh.history)
    assert fresh.config.batch_size == 16


def test_while_the_data_are_read_training_cannot_be_asked_for_twice(open_panel, fresh):
    panel = open_panel(fresh)
    fresh.set_trait("busy", "reading the corpus")
    settle(fresh)
    assert enabled(panel) == set()
    assert panel._buttons["train"].tooltip == "reading the corpus is under way; wait for it"
    fresh.set_trait("busy", "translating")  # that may be asked for meanwhile
    settle(fresh)
    assert enabled(panel) == {"train", "advance"}
    fresh.set_trait("busy", "")


def test_the_learning_rate_acts_while_it_trains(open_panel, fresh):
    fresh.configure(max_steps=1000, epochs=1000, evaluate_every=1000, schedule="constant")
    panel = open_panel(fresh)
    rate = next(form for form in forms(panel) if list(form.settings) == ["learning_rate"])
    panel._buttons["train"].click()
    until(fresh, lambda: len(fresh.history) > 1)
    rate.take("learning_rate", "0.002")
    until(fresh, lambda: fresh.history[-1].learning_rate == 0.002)
    rate.take("learning_rate", "abc")
    settle(fresh)
    assert "expected a number" in rate.state["learning_rate"]["note"]
    assert fresh.state == "training"


def forms(widget):
    if hasattr(widget, "settings"):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from forms(child)


def test_a_loss_that_is_no_number_offers_the_last_good_step(open_panel, fresh, monkeypatch):
    panel = open_panel(fresh)
    step = TrainingStep.__call__

    def broken(self, batch, number, *rest, **more):
        loss, *others = step(self, batch, number, *rest, **more)
        return float("nan") if number == 4 else loss, *others

    monkeypatch.setattr(TrainingStep, "__call__", broken)
    panel._buttons["train"].click()
    until(fresh, lambda: fresh.state == "paused")
    assert "the loss of step 4 is nan" in fresh.error
    assert panel._buttons["resume"].description == "Go on from step 2"
    assert enabled(panel) == {"resume", "advance", "stop"}
    fresh.request("translate", "cat").result(60)
    settle(fresh)
    assert "the loss of step 4 is nan" in panel._status.text
    assert panel._buttons["resume"].description == "Go on from step 2"
    monkeypatch.setattr(TrainingStep, "__call__", step)
    panel._buttons["resume"].click()
    until(fresh, lambda: fresh.state == "trained")
    assert panel._buttons["resume"].description == "Resume"
    assert [progress.step for progress in fresh.history] == [1, 2, 3, 4, 5, 6]


def test_curves_facts_and_bars_of_a_training(open_panel, session):
    panel = open_panel(session)
    assert [bar["text"] for bar in panel._bars.bars] == ["6 of 6", "2 of 2"]
    last = session.history[-1]
    assert f"loss {last.loss:.4f}" in panel._bars.note
    titles = [view._specification["title"]["text"] for view in panel._curves.small.children]
    assert titles[:2] == ["token accuracy", "exact match"]
    assert titles[-2:] == ["learning rate", "target tokens per second"]


def test_the_latest_moment_is_shown_unless_a_person_goes_back(open_panel, session):
    panel = open_panel(session)
    times = moments(session.history)
    assert [moment.step for moment in times] == [2, 4, 6]
    assert (panel._moment.max, panel._moment.value) == (2, 2)
    assert "step 6, evaluation 3 of 3" in panel._moment.text
    panel._moment.set_state({"value": 0})
    settle(session)
    assert panel.choices.moment == 0
    assert "step 2, evaluation 1 of 3" in panel._moment.text
    assert "Watched sentences at step 2" in panel._table.value
    assert panel._map.rows == list(times[0].probes[0].best.tokens)
    panel._moment.set_state({"value": 2})
    settle(session)
    assert panel.choices.moment == LATEST


def test_a_moment_of_a_longer_training_is_the_last(open_panel, session):
    Choices.of(session).moment = 40
    assert open_panel(session)._moment.value == 2


def test_another_watched_sentence_can_be_chosen(open_panel, session):
    panel = open_panel(session)
    probes = session.history[-1].probes
    assert [label for label, _ in panel._which.options] == [probe.source for probe in probes]
    panel._which.set_state({"index": 1})
    settle(session)
    assert panel._map.columns == list(probes[1].source_tokens)
    assert len(panel._map.weights) == probes[1].best.attention[0, 0].size


def test_two_views_of_one_session_stay_the_same(open_panel, session):
    one, other = open_panel(session), open_panel(session)
    one._moment.set_state({"value": 1})
    one._which.set_state({"index": 1})
    one._fold._button.click()
    settle(session)
    assert (other._moment.value, other._which.value, other._fold.is_open) == (1, 1, True)
    assert other._map.weights == one._map.weights
    assert other._table.value == one._table.value


def test_painting_again_sends_nothing(open_panel, session, said):
    panel = open_panel(session)
    before = [len(said(view)) for view in (panel._curves.loss, *panel._curves.small.children)]
    Ticker.of(session).mark(panel._refresh)
    settle(session)
    assert before == [
        len(said(view)) for view in (panel._curves.loss, *panel._curves.small.children)
    ]


def test_a_model_without_attention_says_so(open_panel, settings, tmp_path):
    session = Session(
        settings, run_directory=tmp_path / "run", attention="none", max_steps=2, beam_width=1
    )
    session.train()
    asyncio.run(session.wait())
    panel = open_panel(session)
    assert is_hidden(panel._seen)
    assert "the model has no attention" in panel._no_map.value


def test_the_memory_is_sampled_while_it_trains(open_panel, fresh, monkeypatch):
    painted = []
    paint = LiveCurves.paint

    def keep(self, history, memory, growing=False):
        painted.append(list(memory))
        return paint(self, history, memory, growing)

    monkeypatch.setattr(LiveCurves, "paint", keep)
    panel = open_panel(fresh)
    panel._buttons["train"].click()
    until(fresh, lambda: fresh.state == "trained")
    assert painted[-1]
    assert "MB of memory" in panel._bars.note


def test_headless_it_is_curves_and_watched_sentences(session, fresh):
    panel = TrainPanel(session)
    curves, table, grid = panel.still()
    assert curves.to_dict()["title"]["text"] == "Training"
    assert isinstance(table, Table)
    assert grid.to_dict()["title"]["text"] == "Attention"
    panel.close()
    (nothing,) = TrainPanel(fresh).still()
    assert "nothing is trained yet" in nothing.to_dict()["description"]


def test_without_watched_sentences_there_are_curves(open_panel, settings, tmp_path):
    session = Session(settings, run_directory=tmp_path / "run", probe_sentences=0, max_steps=2)
    session.train()
    asyncio.run(session.wait())
    panel = open_panel(session)
    assert is_hidden(panel._probes)
    assert len(panel.still()) == 1


def test_the_table_marks_what_is_the_same(session):
    moment = session.history[-1]
    table = probe_table(moment)
    assert table.columns == ("source", "reference", "translation", "the same")
    for probe, row in zip(moment.probes, table.rows, strict=True):
        assert row[:3] == (probe.source, probe.reference, probe.text)
        assert row[3] == ("✓" if probe.text == probe.reference else "")
