import numpy as np
import pytest

from workbench.charts.tables import Table
from workbench.session import Session
from workbench.widgets.choices import Choices
from workbench.widgets.over_time_panel import NOTHING, Lookout, OverTimePanel
from workbench.widgets.shelf import Shelf
from workbench.widgets.ticker import Ticker


@pytest.fixture(scope="module")
def session(config, pairs, tmp_path_factory):
    """A run of four steps with two checkpoints, opened again, live."""
    folder = tmp_path_factory.mktemp("over_time")
    corpus = folder / "phrases.tsv"
    corpus.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
    settings = {"corpus": str(corpus), "run_directory": str(folder / "run"), "max_steps": 4}
    Session(config, **settings, evaluate_every=2, beam_width=1).train()
    return Session.open(folder / "run", live=True)


@pytest.fixture
def panel(session):
    for known in (Choices, Lookout, Shelf):
        known._all.pop(session, None)
    panel = OverTimePanel(session)
    yield panel
    settled(panel)
    panel.close()


def settled(panel):
    panel.session._worker.do(lambda: None)
    Shelf.of(panel.session)._worker.do(lambda: None)
    assert Ticker.of(panel.session).settle()


def hidden(widget):
    return "wb-hidden" in widget._dom_classes


def test_before_anything_is_asked_it_says_what_it_is_for(panel):
    assert panel._nothing.value == NOTHING
    assert hidden(panel._shown)
    panel._look.click()
    assert panel.choices.notice[1].startswith("there is nothing to translate")


def test_a_slider_goes_over_the_checkpoints(panel):
    panel.choices.text = "red cat"
    panel._look.click()
    settled(panel)
    found = panel.lookout.found
    assert (panel._moment.max, panel._moment.value, panel._moment.disabled) == (1, 1, False)
    assert panel._moment.text == "step 4, 2 of 2"
    [view] = panel._views
    assert found.moments[1].translation.text in view.said.value
    assert view._map.rows == list(found.moments[1].translation.best.tokens)
    panel._moment.value = 0
    settled(panel)
    assert panel._moment.text == "step 2, 1 of 2"
    assert view.when.value.startswith("run, step 2 · BLEU")
    assert view._map.rows == list(found.moments[0].translation.best.tokens)
    panel._fold._turn(None)
    settled(panel)
    assert "over time" in panel._table.value
    chart, table = panel.still()
    assert chart.to_dict()["params"][0]["bind"]["max"] == 2
    assert isinstance(table, Table)


def test_runs_that_are_compared_stand_beside_it(panel, session):
    panel.choices.text, panel.choices.runs = "red cat", (str(session.directory.path),)
    panel._look.click()
    settled(panel)
    settled(panel)
    found = panel.lookout.found
    assert found.runs == ("run", "run (2)")
    assert len(panel._runs.children) == 2
    ours, theirs = found.at(4)
    np.testing.assert_allclose(
        ours.scored.best.log_probabilities, theirs.scored.best.log_probabilities, atol=1e-5
    )
    assert panel.lookout.waiting == 0


def test_a_run_that_cannot_be_looked_over_is_a_notice(panel):
    panel.choices.text, panel.choices.runs = "red cat", ("nowhere",)
    panel._look.click()
    settled(panel)
    settled(panel)
    assert panel.choices.notice[0] == "error"
    assert "nowhere" in panel.choices.notice[1]
    assert panel.lookout.found.runs == ("run",)


def test_while_training_goes_on_the_button_says_why_it_is_off(panel, session):
    session.set_trait("state", "training")
    settled(panel)
    assert panel._look.disabled
    assert "pause it first" in panel._look.tooltip
    session.set_trait("state", "trained")


def test_headless_it_looks_and_shows_the_chart(session):
    still = Session.open(session.directory.path, live=False)
    Choices.of(still).text = "red cat"
    chart, table = OverTimePanel(still).still()
    assert "over 2 checkpoints" in chart.to_dict()["description"]
    assert len(table.rows) == 2
