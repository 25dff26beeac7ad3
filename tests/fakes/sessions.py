"""Sessions at work: what takes the place of their steps, and what waits for them.

TensorFlow loads only where it is used.
"""

import time

import numpy as np

import workbench
from workbench.records import Evaluation

STEPS = 6  # 51 training pairs, 16 at a time, for at most so many steps
WHOLE = {"epochs": 3, "max_steps": 0, "evaluate_every": 2}  # twelve steps


def live(settings, **changes):
    """Return a session that trains in the background, for long if nothing is said."""
    return workbench.Session(settings, **{"live": True, "epochs": 100, "max_steps": 0, **changes})


def no_step(monkeypatch, action):
    """Let `action` take the place of a training step."""
    from workbench.training.step import TrainingStep

    monkeypatch.setattr(TrainingStep, "__call__", lambda *_: action())


def no_look(monkeypatch):
    """Let nothing be measured on the way."""
    from workbench.session.instruments import Instruments

    found = Evaluation("validation", {"loss": 1.0}), ()
    monkeypatch.setattr(Instruments, "look", lambda *_: found)


def stopping_look(monkeypatch, session):
    """Stop training as an evaluation begins."""
    from workbench.session.instruments import Instruments

    look = Instruments.look

    def stopped(*given):
        session.stop()
        return look(*given)

    monkeypatch.setattr(Instruments, "look", stopped)


def until(true):
    """Wait until something is true."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.005)


def same(translation, other):
    """Check that two translations are the same to the last bit."""
    assert translation.source == other.source
    assert translation.source_tokens == other.source_tokens
    for ours, theirs in zip(translation.hypotheses, other.hypotheses, strict=True):
        assert (ours.tokens, ours.score) == (theirs.tokens, theirs.score)
        np.testing.assert_array_equal(ours.log_probabilities, theirs.log_probabilities)
        np.testing.assert_array_equal(ours.attention, theirs.attention)
