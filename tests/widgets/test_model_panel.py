import time

import pytest

from workbench.charts.tables import Table
from workbench.config import RunConfig
from workbench.errors import SettingsError
from workbench.model.estimate import Speed
from workbench.session import Session
from workbench.training import speed
from workbench.widgets import model_panel as module
from workbench.widgets.choices import QUIET, Choices
from workbench.widgets.code import parameters_of, python_of
from workbench.widgets.model_panel import GROUPS, ModelPanel, measure
from workbench.widgets.ticker import Ticker

SPEED = Speed(products=1e9, memory=1e9, positions=1e4)


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """For which precisions the panel wants the machine measured; nothing is."""
    asked = []
    monkeypatch.setattr(module, "measure", lambda _, precision: asked.append(precision))
    return asked


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
    panel = ModelPanel(session)
    yield panel
    panel.close()


def press_build(panel):
    panel._build_button.click()
    return done(panel.session)


def done(session):
    session._worker.do(lambda: None)
    assert Ticker.of(session).settle()
    return Choices.of(session).notice


def boxes(panel):
    """Return what the diagram says of each box, by its name."""
    rows = [row for rows in panel._diagram._sets.values() for row in rows if "parameters" in row]
    return {row["name"]: row for row in rows}


def test_one_group_of_settings_is_open(panel, session):
    def shown():
        return [name for name, part in panel._parts.items() if "wb-hidden" not in part._dom_classes]

    assert list(panel._forms) == list(GROUPS)
    assert shown() == ["Model"]
    panel.choices.group = "Training"
    done(session)
    assert shown() == ["Training"]


def test_the_diagram_follows_every_change_before_anything_is_built(panel, session):
    assert boxes(panel)["decoder layer 1"]["kind"] == "lstm"
    panel._forms["Model"].take("layers", "2")
    done(session)
    assert "decoder layer 2" in boxes(panel)
    panel._forms["Model"].take("decoder", "gru")
    done(session)
    assert boxes(panel)["decoder layer 2"]["kind"] == "gru"
    assert boxes(panel)["decoder layer 2"]["parameters"] == 3 * 8 * (8 + 8 + 1)
    assert session.state == "empty"


def test_an_impossible_change_leaves_the_diagram(panel, session):
    before = boxes(panel)
    panel._forms["Model"].take("units", "7")
    done(session)
    assert boxes(panel) == before
    assert panel._forms["Model"].state["units"]["tone"] == "error"


def test_weights_and_memory_are_estimated_from_the_data(panel, session):
    assert "load the data to estimate it" in panel._costs.value
    session.load()
    done(session)
    count = sum(block.parameters for block in session.sketch())
    assert f">{count:,}<" in panel._costs.value
    assert "a batch of" in panel._costs.value
    session.build()
    assert session.model.count_params() == count


def test_the_time_of_an_epoch_appears_once_the_machine_is_measured(panel, session, asked):
    session.load()
    done(session)
    assert "not measured yet" in panel._costs.value
    panel.choices.speeds = {"float32": SPEED}
    done(session)
    assert "batches of" in panel._costs.value
    session.configure(precision="bfloat16")
    done(session)
    assert "not measured yet" in panel._costs.value
    for _ in range(100):
        time.sleep(0.01 * (len(asked) < 2))
    assert asked == ["float32", "bfloat16"]


def test_the_machine_is_not_measured_while_it_works(session, asked):
    session.set_trait("busy", "reading the corpus")
    panel = ModelPanel(session)
    assert panel._asked == set()
    session.set_trait("busy", "")
    done(session)
    assert panel._asked == {"float32"}
    panel.close()


def test_measuring_tells_all_panels(session, monkeypatch):
    choices = Choices.of(session)
    monkeypatch.setattr(speed, "measure", lambda _: SPEED)
    measure(choices, "float32")
    measure(choices, "bfloat16")
    assert choices.speeds == {"float32": SPEED, "bfloat16": SPEED}

    def refuse(precision):
        raise SettingsError("there is no GPU")

    monkeypatch.setattr(speed, "measure", refuse)
    measure(choices, "float16")
    assert "float16" not in choices.speeds


def test_build_makes_the_model_and_says_so_the_second_time(panel, session):
    assert "Nothing is built yet" in panel._stale.value
    assert press_build(panel) == QUIET
    assert session.state == "built"
    assert panel._stale.value == "The model that is there has these settings."
    tone, text = press_build(panel)
    assert tone == "error"
    assert "built already" in text
    assert panel._status.text == text


def test_a_changed_setting_asks_for_another_build(panel, session):
    press_build(panel)
    before = session.model
    panel._forms["Model"].take("units", "16")
    panel._forms["Model"].take("dropout", "0.3")
    done(session)
    assert panel._stale.value == "Rebuild needed: units, dropout"
    press_build(panel)
    assert session.model is not before
    assert session.model.settings.units == 16
    assert panel._stale.value == "The model that is there has these settings."


def test_build_with_a_bad_value_or_while_busy_is_a_message(panel, session):
    panel._forms["Model"].take("units", "abc")
    assert press_build(panel) == (
        "error", "units: expected an integer from 1 to 4096, got 'abc'")  # fmt: skip
    assert session.state == "empty"
    panel._forms["Model"].take("units", "8")
    session.set_trait("busy", "building the model")
    assert press_build(panel)[1] == "building the model is under way; wait for it"


def test_build_without_data_is_a_message(panel, session):
    session.configure(corpus="phrases")
    panel.choices.own_files = True
    tone, text = press_build(panel)
    assert (tone, session.state) == ("error", "empty")
    assert text.startswith("train_file: name the file with the training pairs")


def test_build_while_training_is_refused(panel, session):
    press_build(panel)
    session.set_trait("state", "training")
    assert "training is under way" in press_build(panel)[1]


def test_the_code_is_that_of_the_draft(panel, session):
    panel._forms["Model"].take("units", "16")
    done(session)
    assert panel._python.text == python_of(session.draft)
    assert "units=16" in panel._python.text
    assert panel._parameters.text == parameters_of(session.draft)


def test_two_copies_show_the_same(panel, session):
    other = ModelPanel(session)
    panel._forms["Model"].take("units", "16")
    panel._forms["Model"].take("layers", "none")
    done(session)
    assert boxes(other) == boxes(panel)
    assert other._costs.value == panel._costs.value
    assert other._forms["Model"].state == panel._forms["Model"].state
    other.close()


def test_headless_it_shows_still_forms():
    panel = ModelPanel(Session(RunConfig(live=False, units=64)))
    diagram, costs, chosen = panel.still()
    assert diagram.to_dict()["title"]["text"] == "Model"
    assert costs.rows[0][0] == "parameters"
    assert isinstance(chosen, Table)
    assert [row[:2] for row in chosen.rows] == [("units", "64"), ("live", "False")]
