"""A thousand buttons pressed in random order: nothing is uncaught, nothing hangs.

Beside them everything else is used that a person finds on the screen, and asked for from Python.

Every model compiles what is first asked of it, up to ten seconds for one command on a busy machine,
and a person who presses at random builds one model after the other. So much more is asked than
can be done: what has not begun after a while is taken back, and only what has begun must end.
"""

import logging
import os
import sys
import tempfile
import time
from concurrent.futures import wait
from pathlib import Path
from typing import ClassVar

import ipywidgets
import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from workbench.config import RunConfig
from workbench.data.corpus import Pair
from workbench.errors import WorkbenchError
from workbench.records import Evaluation, Hypothesis, Translation
from workbench.search.stepper import Stepper
from workbench.session import COMMANDS, Session
from workbench.session.instruments import Instruments
from workbench.training.step import TrainingStep
from workbench.widgets import headless
from workbench.widgets.candidates import Candidates
from workbench.widgets.choices import Choices
from workbench.widgets.forms import Form
from workbench.widgets.slider import Slider
from workbench.widgets.state_tree import StateTree
from workbench.widgets.strip import Strip
from workbench.widgets.ticker import Ticker
from workbench.widgets.workbench import PANELS, Workbench

EXAMPLES, ACTIONS = 8, 270
PRESSES, USES, REACHED = 1000, 1000, {"built", "training", "paused", "trained"}
ROUNDS = 4  # at most: chance may let nobody of a round press Pause while something trains
HANG = 60  # seconds for the answer to one question, on a busy machine
PATIENCE = 5  # seconds for all that is still to be answered in the end; the rest is taken back
BELOW = st.integers(0, 9_999)
TYPED = ("", "abc", "7", "0.001", "-1", "nan", "the black cat", "<b>x</b>", "../nowhere.tsv")
TINY = {
    "units": 8, "embedding": 8, "encoder": "rnn", "decoder": "rnn", "attention": "dot",
    "train_limit": 40, "batch_size": 20, "validation_sentences": 4, "beam_width": 2,
    "max_length": 12, "max_decode_length": 8,
}  # fmt: skip
CORPUS = "".join(f"a b {n}\tc d {n}\n" for n in range(60))


class Complaints(logging.Handler):
    """Keeps what the panels, the painter and the widgets' callbacks could not catch."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.heard = []

    def emit(self, record):
        if record.exc_info and not record.name.startswith(("tensorflow", "absl")):
            self.heard.append(self.format(record))


DRAWN = Candidates | StateTree | Strip  # what answers to the mouse with messages of its own


def controls(widget):
    """Yield every control below `widget` that a person could use now."""
    if isinstance(widget, ipywidgets.ValueWidget | ipywidgets.Button | Form | Slider | DRAWN):
        if not getattr(widget, "disabled", False):
            yield widget
        return
    for child in getattr(widget, "children", ()):
        yield from controls(child)


def pressed(drawn, number, flag):
    """Return what the page says when something drawn is pressed."""
    if isinstance(drawn, Candidates):
        rows = drawn.shown.get("rows") or [{"token": "none"}]
        what = ("choose", "force", "ban")[number % 3]
        return {"do": what, "token": rows[number % len(rows)]["token"]}
    if isinstance(drawn, StateTree):
        states = drawn.shown.get("states") or [{"key": "0"}]
        return {"do": "go", "key": states[number % len(states)]["key"]}
    position, weight = number % (1 + len(drawn.shown.get("tokens", ()))), number % 101 / 100
    return {"do": "set" if flag else "mark", "position": position, "weight": weight}


class Person(RuleBasedStateMachine):
    """Somebody who presses and types whatever is there."""

    presses = 0  # of buttons
    uses = 0  # of any other control, and what is asked for from Python
    states: ClassVar[set[str]] = set()

    @initialize()
    def begin(self):
        self.home = tempfile.TemporaryDirectory()
        self.before = Path.cwd()
        os.chdir(self.home.name)
        Path("pairs.tsv").write_text(CORPUS)
        self.session = Session(RunConfig(corpus="pairs.tsv", live=True, **TINY))
        self.session.observe(lambda change: self.states.add(change["new"]), "state")
        self.told = []
        self.session.observe(lambda change: self.told.append(change["new"]), "error")
        Choices.of(self.session).observe(lambda it: self.told.append(it["new"][1]), "notice")
        self.bench = Workbench(self.session)
        self.complaints = Complaints()
        logging.getLogger().addHandler(self.complaints)
        self.asked, self.refused = [], []
        request = self.session.request

        def remembered(command, *given, **more):
            self.asked.append(request(command, *given, **more))
            return self.asked[-1]

        self.session.request = remembered

    @rule(tab=st.integers(0, len(PANELS) - 1))
    def turn_to(self, tab):
        Choices.of(self.session).tab = tab
        assert Ticker.of(self.session).settle(HANG), "the painter hangs"

    @rule(several=st.lists(BELOW, min_size=6, max_size=12))
    def press_buttons(self, several):
        """Some of them quicker than what they begin can be done."""
        for which in several:
            there = [it for it in controls(self.bench) if isinstance(it, ipywidgets.Button)]
            type(self).presses += 1
            there[which % len(there)].click()

    @rule(which=BELOW, field=BELOW, number=BELOW, typed=st.sampled_from(TYPED), flag=st.booleans())
    def use_a_control(self, which, field, number, typed, flag):
        """What is there depends on time, so what is drawn must not depend on what is there."""
        there = [it for it in controls(self.bench) if not isinstance(it, ipywidgets.Button)]
        control = there[which % len(there)]
        type(self).uses += 1
        if isinstance(control, Form):
            chosen = control.fields[field % len(control.fields)]
            options = control.state[chosen["name"]].get("options") or [typed]
            value = flag if chosen["kind"] == "flag" else options[number % len(options)]
            control._handle_custom_msg({"name": chosen["name"], "value": value}, [])
        elif isinstance(control, DRAWN):
            control._handle_custom_msg(pressed(control, number, flag), [])
        elif isinstance(control, ipywidgets.Checkbox):
            control.value = flag
        elif hasattr(control, "options"):
            if options := control.options:
                several = isinstance(control, ipywidgets.SelectMultiple)
                index = number % len(options)
                control.index = (index,) if several else index
        elif isinstance(control, ipywidgets.Text | ipywidgets.Textarea | ipywidgets.Combobox):
            control.value = typed
        elif isinstance(control, Slider):
            control.value = number % (control.max + 1)

    @rule(command=st.sampled_from(COMMANDS))
    def ask_for_something(self, command):
        type(self).uses += 1
        arguments = {
            "translate": ["a b 1"], "score": ["a b", "c d"], "self_attention": ["a", "c"],
            "stepper": ["a b"], "take_apart": [Stepper.advance], "attribute": [Pair("a b", "c")],
            "diagnose": ["test", 3], "wanted_attention": ["a b", (), "c"], "states": ["train", 50],
            "over_time": ["a b 1"],
        }  # fmt: skip
        try:
            self.session.request(command, *arguments.get(command, []))
        except WorkbenchError as error:
            self.refused.append(str(error))

    @rule(wanted=st.sampled_from(
        [{"units": 6}, {"units": 8}, {"epochs": 2}, {"units": "x"}, {"learning_rate": 0.01}]
    ))  # fmt: skip
    def want_other_settings(self, wanted):
        type(self).uses += 1
        try:
            self.session.configure(**wanted)
        except WorkbenchError as error:
            self.refused.append(str(error))

    def teardown(self):
        if not hasattr(self, "session"):
            return
        try:
            wait(self.asked, PATIENCE)
            for future in self.asked:
                future.cancel()
            assert self.session._worker.submit(lambda: "alive").result(HANG) == "alive"
            deadline = time.monotonic() + HANG
            while wait(self.asked, 0.05).not_done or self.session.state in ("training", "paused"):
                self.session.stop()
                assert time.monotonic() < deadline, f"hangs in {self.session.state}"
            assert Ticker.of(self.session).settle(HANG)
            assert not self.complaints.heard, self.complaints.heard[0]
            assert all(self.refused), "refused without a reason"
            self.nothing_unforeseen()
        finally:
            logging.getLogger().removeHandler(self.complaints)
            headless.Headless.of(self.session).stop()
            self.bench.close()
            os.chdir(self.before)
            self.home.cleanup()

    def nothing_unforeseen(self):
        """What went wrong in the session's thread is said, and is something to be said."""
        for future in self.asked:
            error = None if future.cancelled() else future.exception()
            if error is not None and not isinstance(error, WorkbenchError):
                raise AssertionError("a request failed as was not foreseen") from error
        unforeseen = [text for text in self.told if "a fault of the workbench" in text]
        assert not unforeseen, unforeseen[0]


def watched_sentences():
    """Return what training shows of two sentences, one of them ending early."""
    shares = np.full((1, 1, 3, 4), 0.25, np.float32)
    best = Hypothesis("c d", ("c", "d", "<end>"), np.zeros(3, np.float32), shares, -1.0)
    first = Hypothesis("", ("<end>",), np.zeros(1, np.float32), shares[:, :, :1], -2.0)
    source = ("a", "b", "1", "<end>")
    return tuple(Translation("a b 1", source, (one,), "c d 1") for one in (best, first))


def test_a_thousand_presses_in_random_order(monkeypatch):
    def step(self, batch, *_, **__):
        time.sleep(0.002)
        return 1.0, 1.0, int((batch.target != 0).sum())

    monkeypatch.setattr(TrainingStep, "__call__", step)
    look = Evaluation("validation", {"loss": 1.0, "exact_match": 0.5, "bleu": 2.0})
    probes = watched_sentences()
    monkeypatch.setattr(Instruments, "look", lambda *_: (look, probes))
    monkeypatch.setattr(headless, "COMMAND", (sys.executable, "-c", "print('no report')"))
    Person.presses, Person.uses, Person.states = 0, 0, set()
    for _ in range(ROUNDS):
        run_state_machine_as_test(
            Person,
            settings=settings(
                max_examples=EXAMPLES, stateful_step_count=ACTIONS, deadline=None, database=None,
                phases=[Phase.generate], suppress_health_check=list(HealthCheck), print_blob=True,
            ),
        )  # fmt: skip
        print(
            f"{Person.presses} buttons pressed, {Person.uses} other things used; "
            f"states: {', '.join(sorted(Person.states))}"
        )
        if Person.presses >= PRESSES and Person.uses >= USES and Person.states >= REACHED:
            break
    assert Person.presses >= PRESSES
    assert Person.uses >= USES
    assert Person.states >= REACHED
