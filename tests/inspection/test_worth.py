from dataclasses import replace

import numpy as np
import pytest

from workbench.inspection.worth import worth_a_look
from workbench.records import Diagnosis, Fall, Hypothesis, Translation


def diagnosis(fault, margin=-1.0, nats=(-1, -1), tokens=("x", "<end>"), fall=None):
    nats = np.array(nats, np.float32)
    reference = Hypothesis("x", tokens, nats, np.zeros((0, 1, 2, 1), np.float32), float(nats.sum()))
    scored = Translation("s", ("s",), (reference,))
    return Diagnosis(scored, scored, fault, -1.0, -1.0 + margin, fall)


def test_reasons_take_turns_the_strongest_first():
    """Places: 0 right, 1 and 2 search errors, 3 and 4 model errors, 5 a word it cannot write."""
    found = list(worth_a_look([
        diagnosis("none", 0),
        diagnosis("search", 0.5),
        diagnosis("search", 2.0, fall=Fall(2, "cat", "pruned", 0.3)),
        diagnosis("model", -9),
        diagnosis("model", -0.25),
        diagnosis("vocabulary", tokens=("<unknown>", "<end>")),
    ]))  # fmt: skip
    assert [one.place for one in found] == [2, 3, 4, 5, 1]
    assert found[0].why == (
        "search error: the reference scores 2.00 higher and was lost at step 3, cat"
    )
    assert found[1].why == ("the model is sure of something else: the reference scores 9.00 lower")
    assert found[2].why == "a near miss: the reference scores only 0.25 lower"
    assert found[3].why == "the vocabulary lacks 1 of the reference's tokens"


def test_what_the_settings_rule_out_is_told_once():
    out = replace(diagnosis("settings", 0.5), ruled_out="it is shorter than min_decode_length, 4")
    found = list(worth_a_look([diagnosis("none", 0), out]))
    assert found == [(
        1, "the settings rule the reference out: it is shorter than min_decode_length, 4"
    )]  # fmt: skip


def test_one_token_that_carries_the_surprise():
    blamed = diagnosis("model", -2, nats=(-0.5, -4, -0.5), tokens=("a", "b", "<end>"))
    surer, even = diagnosis("model", -8), diagnosis("model", -4, nats=(-1, -1.2))
    found = list(worth_a_look([surer, blamed, even]))
    assert found[1].place == 1
    assert found[1].why == "one token is to blame: b carries 80% of the surprise"
    assert not any("blame" in one.why for one in found if one.place != 1)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_no_more_than_asked_for_and_each_once(count):
    every = [diagnosis("model", -float(n)) for n in range(1, 6)]
    found = [one.place for one in worth_a_look(every, count)]
    assert len(found) == len(set(found)) == count
    assert len(list(worth_a_look(every))) == 5
