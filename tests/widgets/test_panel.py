import threading
import time

import ipywidgets
import pytest
import traitlets

from workbench.charts.frame import notice
from workbench.charts.tables import Table
from workbench.config import RunConfig
from workbench.errors import RunError
from workbench.widgets import panel as module
from workbench.widgets.choices import QUIET, Choices
from workbench.widgets.figure import VEGA_LITE
from workbench.widgets.panel import Panel
from workbench.widgets.ticker import Ticker


class Session(traitlets.HasTraits):
    """As much of a session as a panel looks at."""

    state = traitlets.Unicode("built")
    config = traitlets.Instance(RunConfig)
    error = traitlets.Unicode("")
    busy = traitlets.Unicode("")
    progress = traitlets.Any(None)
    history = ()
    stale = ()


class Example(Panel):
    title = "Example"

    def body(self):
        self.painted = []
        self.layer = ipywidgets.IntSlider(description="Layer", min=-2, max=5)
        self.kind = ipywidgets.Dropdown(description="Kind", options=["cross"])
        self.bind(self.layer, "value", self.choices, "layer")
        self.bind(self.kind, "value", self.choices, "kind")
        return [self.layer, self.kind]

    def paint(self):
        self.painted.append((self.session.state, threading.current_thread().name))
        if len(self.kind.options) < 3:  # writing options sets the value, to the first of them
            self.kind.options = ["cross", "encoder", "decoder"]

    def still(self):
        return [notice("First", "nothing"), Table(("a",), ((1,),), "Second")]


@pytest.fixture
def session():
    return Session(config=RunConfig(live=True))


@pytest.fixture
def make(session):
    made = []

    def make(kind=Example):
        made.append(kind(session))
        return made[-1]

    yield make
    for panel in made:
        panel.close()


def settled(panel):
    assert Ticker.of(panel.session).settle()
    return panel


def status(panel):
    return settled(panel).children[-1]


def test_a_page_that_is_loaded_again_is_told_what_it_may_have_missed(make, said):
    panel = make()
    mounted = panel._status._handle_custom_msg
    mounted({"mounted": True}, [])
    panel.layer.comm.said.clear()
    settled(panel)
    assert panel.layer.comm.said == []  # the first page has all
    mounted({"mounted": True}, [])
    settled(panel)
    states = [data["state"] for _, data, _ in panel.layer.comm.said]
    assert [("max" in state, "value" in state) for state in states] == [
        (True, False),
        (False, True),
    ]
    [text, *_] = [data["state"]["text"] for _, data, _ in panel._status.comm.said[-1:]]
    assert text == panel._status.text
    assert not any("_esm" in data["state"] for _, data, _ in panel._status.comm.said[1:])


def test_a_panel_is_its_body_and_a_line_of_status(make):
    panel = make()
    assert panel.children[:2] == (panel.layer, panel.kind)
    assert status(panel).text == "The model is built. Next: start training."
    assert panel.painted[0] == ("built", "MainThread")


def test_it_is_painted_on_the_painter_s_thread_after_a_change(make, session):
    panel = settled(make())
    panel.painted.clear()
    session.state = "training"
    assert settled(panel).painted == [("training", "workbench painter")]
    assert status(panel).text == "Training begins."
    panel.painted.clear()
    panel.choices.gold = False
    assert len(settled(panel).painted) == 1


def test_what_a_person_chooses_becomes_the_choice_of_all_copies(make):
    first, second = make(), make()
    first.layer.set_state({"value": 3})
    assert first.choices.layer == 3
    settled(first)
    assert (first.layer.value, second.layer.value) == (3, 3)
    first.choices.layer = 1
    settled(first)
    assert (first.layer.value, second.layer.value) == (1, 1)


def test_what_a_panel_writes_into_its_controls_is_no_choice(make, session):
    Choices.of(session).kind = "decoder"
    panel = settled(make())
    assert panel.choices.kind == "decoder"
    assert panel.kind.value == "decoder"


def test_a_person_who_moves_on_while_the_copies_follow_is_not_pulled_back(make):
    first, second = make(), make()
    settled(first)

    def moved_on(change):
        if change.new == 3:
            first.layer.set_state({"value": 4})
            time.sleep(0.01)

    second.layer.observe(moved_on, "value")
    first.layer.set_state({"value": 3})
    settled(first)
    assert (first.choices.layer, first.layer.value, second.layer.value) == (4, 4, 4)


def test_another_source_can_be_bound(make):
    class Other(traitlets.HasTraits):
        width = traitlets.Int(2)

    other = Other()

    class Bound(Example):
        def body(self):
            self.width = ipywidgets.IntText()
            self.bind(self.width, "value", other, "width")
            return [*super().body(), self.width]

    panel = settled(make(Bound))
    assert panel.width.value == 2
    other.width = 5
    assert settled(panel).width.value == 5
    panel.width.set_state({"value": 7})
    assert other.width == 7


def test_what_cannot_be_done_is_said_and_forgotten_at_the_next_thing(make):
    panel, done = make(), []

    def refused():
        raise RunError("nothing is training; there is nothing to stop")

    stop = panel.button("Stop", refused, tooltip="after this step")
    go = panel.button("Train", lambda: done.append(1), primary=True)
    assert (stop.description, stop.tooltip) == ("Stop", "after this step")
    assert "wb-primary" in go._dom_classes
    assert "wb-primary" not in stop._dom_classes
    stop.click()
    assert panel.choices.notice == ("error", "nothing is training; there is nothing to stop")
    assert (status(panel).tone, status(panel).text) == panel.choices.notice
    go.click()
    assert done == [1]
    assert panel.choices.notice == QUIET


def test_a_mistake_of_ours_is_said_and_logged(make, caplog):
    panel = make()
    panel.button("Train", lambda: {}["x"]).click()
    tone, text = panel.choices.notice
    assert tone == "error"
    assert text.startswith("KeyError: 'x'; a fault of the workbench")
    assert (status(panel).tone, status(panel).text) == (tone, text)
    assert "Traceback" in caplog.text


def test_a_panel_that_cannot_be_painted_says_so_and_so_do_the_others(make, session, caplog):
    class Broken(Example):
        def paint(self):
            super().paint()
            if self.session.state == "training":
                raise RuntimeError(f"no such widget, {len(self.painted)}")

    broken, other = settled(make(Broken)), settled(make())
    session.state = "training"
    for panel in (broken, other):
        assert status(panel).tone == "error"
        assert status(panel).text.startswith("RuntimeError: no such widget")
    settled(broken)
    count = len(broken.painted)
    time.sleep(0.3)
    assert len(settled(broken).painted) == count  # its own notice does not bring it forth again
    session.state = "paused"
    broken.attempt(lambda: None)
    assert status(broken).text == status(other).text == "Training is paused."
    session.state = "training"
    assert status(other).text.startswith("RuntimeError: no such widget")
    assert "Traceback" in caplog.text


def test_a_setting_that_is_refused_is_said_too(make):
    class Bound(Example):
        def body(self):
            self.rate = ipywidgets.Text()
            self.heed(self.rate, "value", self.take)
            return [*super().body(), self.rate]

        def take(self, value):
            raise RunError(f"learning_rate is {value!r}: expected a number")

    panel = make(Bound)
    panel.rate.set_state({"value": "abc"})
    assert panel.choices.notice == ("error", "learning_rate is 'abc': expected a number")


def test_a_closed_panel_is_painted_no_more(make, session):
    panel = settled(make())
    panel.close()
    panel.painted.clear()
    session.state = "training"
    assert settled(panel).painted == []


def test_live_a_cell_shows_a_widget(make):
    assert "application/vnd.jupyter.widget-view+json" in make()._repr_mimebundle_()


def test_figures_stay_once_the_model_is_trained_and_only_where_it_is_displayed(make, monkeypatch):
    kept = []
    monkeypatch.setattr(module.Keepsake, "show", lambda _, make: kept.append(len(make())))
    panel = make()
    panel.session.state = "trained"
    settled(panel)
    assert kept == []
    panel.session.state = "built"
    panel._repr_mimebundle_()
    settled(panel)
    assert kept == []
    panel.session.state = "trained"
    settled(panel)
    assert kept == [2]
    panel.session.busy = "translating"
    settled(panel)
    assert kept == [2]
    panel.session.state = "training"
    settled(panel)
    assert kept == [2]
    panel.session.state = "trained"
    panel.session.config = RunConfig(units=8)
    settled(panel)
    assert kept == [2, 2]


def test_figures_are_made_anew_of_something_else_that_is_looked_at(make, monkeypatch):
    kept, looked_at = [], [object()]
    monkeypatch.setattr(module.Keepsake, "show", lambda *_: kept.append(looked_at[-1]))
    panel = make()
    panel.kept_of = lambda: looked_at[-1]
    panel.session.state = "trained"
    panel._repr_mimebundle_()
    settled(panel)
    looked_at.append(object())
    panel.session.busy = "translating"
    settled(panel)
    assert kept == looked_at


def test_headless_there_is_no_widget_but_every_still_form(session, monkeypatch):
    shown = []
    monkeypatch.setattr(module, "show", lambda *things: shown.extend(things))
    session.config = RunConfig(live=False)
    panel = Example(session)
    assert panel.children == ()
    last = panel._repr_mimebundle_()
    assert [thing.to_dict()["title"]["text"] for thing in shown] == ["First"]
    assert set(last) == {"text/html", "text/plain"}
    assert "Second" in last["text/plain"]


def test_headless_with_nothing_to_show_there_is_the_title(session, monkeypatch):
    session.config = RunConfig(live=False)
    panel = Example(session)
    monkeypatch.setattr(panel, "still", list)
    assert panel._repr_mimebundle_() == {"text/plain": "Example"}
    monkeypatch.setattr(panel, "still", lambda: [notice("Only", "nothing")])
    assert VEGA_LITE in panel._repr_mimebundle_()


def test_a_subclass_says_what_it_holds(session):
    session.config = RunConfig(live=False)
    panel = Panel(session)
    for method in (panel.body, panel.paint, panel.still):
        with pytest.raises(NotImplementedError):
            method()
