"""Decoding by hand, shared by all panels: over a step in NumPy, without a model or TensorFlow."""

from time import perf_counter

import numpy as np
import pytest
from by_hand_session import HandSession
from fake_step import FakeStep

from workbench.errors import WorkbenchError
from workbench.interventions import Mask
from workbench.records import WantedAttention
from workbench.widgets.choices import QUIET, Choices
from workbench.widgets.now import UNWRITTEN, Now
from workbench.widgets.stepping import BY_HAND, SEARCHED, Stepping


@pytest.fixture
def session(make_stepper):
    return HandSession(make_stepper)


@pytest.fixture
def stepping(session):
    stepping = Stepping.of(session)
    stepping.begin("small cat")
    return stepping


def notice(session):
    return Choices.of(session).notice


def test_there_is_one_for_a_session(session, stepping, make_stepper):
    assert Stepping.of(session) is stepping
    assert Stepping.of(HandSession(make_stepper)) is not stepping


def test_it_begins_before_the_first_token(session, stepping):
    now = stepping.now
    assert now.current.decoded.prefix == ()
    own = session.taken_apart.candidates(12)
    assert now.candidates == tuple(one for one in own if one.token not in UNWRITTEN)[:10]
    assert (now.can_undo, now.can_redo, now.interventions) == (False, False, "[]")
    assert stepping.view == BY_HAND


def test_what_is_done_shows(stepping):
    stepping.do(lambda stepper: stepper.force("chien"))
    now = stepping.now
    assert [node.decoded.prefix for node in now.path] == [(), ("chien",)]
    assert now.can_undo
    assert '"chien"' in now.interventions
    stepping.do(lambda stepper: stepper.undo())
    assert (stepping.now.current.id, stepping.now.can_redo) == (0, True)


def test_every_candidate_can_be_forced(session, stepping):
    left_out = set()
    for _ in range(4):
        left_out |= {one.token for one in session.taken_apart.candidates(12)} & UNWRITTEN
        for one in stepping.now.candidates:
            stepping.do(lambda stepper, token=one.token: (stepper.force(token), stepper.undo()))
        stepping.do(lambda stepper: stepper.advance())
    assert notice(session) == QUIET
    assert left_out == UNWRITTEN


def test_what_is_done_in_python_shows_as_well(session, stepping):
    before = stepping.now
    session.taken_apart.force("chat")
    assert stepping.now.current.decoded.prefix == ("chat",)
    assert stepping.now.version == before.version + 1


def test_what_is_refused_is_a_notice_and_the_tree_stays(session, stepping):
    before = stepping.now
    stepping.do(lambda stepper: stepper.force("chein"))
    assert notice(session) == (
        "error",
        "expected a token of the target vocabulary, got 'chein'; did you mean 'chien'?",
    )
    assert stepping.now is before


def test_a_sentence_is_needed(session, stepping):
    with pytest.raises(WorkbenchError, match="nothing to take apart"):
        stepping.begin("  ")
    assert session.taken_apart is not None


@pytest.mark.parametrize(
    ("state", "told"),
    [("empty", "no model yet"), ("data", "no model yet"), ("training", "training is under way")],
)
def test_a_model_at_rest_is_needed(session, state, told):
    session.state = state
    stepping = Stepping.of(session)
    with pytest.raises(WorkbenchError, match=told):
        stepping.begin("small cat")
    assert (stepping.now, stepping.view) == (None, SEARCHED)


def test_a_model_that_has_learnt_has_no_use_for_the_tree(session, stepping):
    stepping.do(lambda stepper: stepper.force("chien"))
    session.state = "training"
    with pytest.raises(WorkbenchError, match="training is under way"):
        stepping.do(lambda stepper: stepper.advance())
    session.history.append("a step")
    session.state = "trained"
    with pytest.raises(WorkbenchError, match="the model has changed"):
        stepping.do(lambda stepper: stepper.advance())
    assert stepping.now.current.decoded.prefix == ("chien",)
    stepping.begin("small cat")
    stepping.do(lambda stepper: stepper.advance())
    assert '"chien"' in stepping.script  # to be replayed
    assert notice(session) == QUIET


def test_another_model_takes_the_tree_away(session, stepping):
    session.taken_apart = None
    assert stepping.now is None
    with pytest.raises(WorkbenchError, match="taken apart yet"):
        stepping.there()


def test_the_settings_of_the_search_act_at_once(session, stepping):
    session.draft = session.draft.model_copy(update={"max_decode_length": 1})
    stepping.do(lambda stepper: stepper.advance())
    stepping.do(lambda stepper: stepper.advance())
    assert "raise max_decode_length" in notice(session)[1]
    session.draft = session.draft.model_copy(update={"max_decode_length": 2})
    Choices.of(session).notice = QUIET
    stepping.do(lambda stepper: stepper.advance())
    assert notice(session) == QUIET


def test_the_reference_of_a_known_sentence_is_filled_in(session, stepping, encoded):
    session.encoded = {"test": encoded}
    pair = encoded.pairs[7]
    stepping.begin(pair.source)
    assert stepping.reference == pair.target
    stepping.reference = "mine"
    stepping.begin(pair.source)
    assert stepping.reference == "mine"
    stepping.begin("small small cat")
    assert stepping.reference == ""


def test_the_search_of_the_latest_translation_is_there_from_the_start(session, stepping):
    session.translation = session.taken_apart.beam()
    stepping.begin("small cat")
    assert stepping.found.translation is session.translation
    stepping.begin("red dog")
    assert stepping.found is None


def test_a_search_of_other_weights_is_not(session, stepping, make_stepper, codec):
    session.translation = session.taken_apart.beam()
    other = FakeStep(codec.source.size, codec.target.size, seed=9)
    session.make = lambda text: make_stepper(text, other)
    stepping.begin("small cat")
    assert stepping.found is None


def test_the_answer_to_the_inverse_question_belongs_to_a_node(session, stepping):
    stepping.do(lambda stepper: stepper.advance())
    place = stepping.now.current
    stepping.ask_wanted("chien", None, 1)
    question, future = session.asked[-1]
    assert question == (
        "wanted_attention", "small cat", place.decoded.prefix, "chien", None, 1, place.id
    )  # fmt: skip
    shape = np.zeros((1, 1, 1), np.float32)
    nats = np.zeros(2, np.float32)
    answer = WantedAttention(
        ("a",), (), "chien", shape, shape, shape > 0, -1, nats, nats, nats, shape[0], shape[0]
    )
    future.set_result(answer)
    assert stepping.wanted == (place.id, answer)


def test_an_answer_that_fails_is_the_sessions_to_tell(session, stepping):
    stepping.ask_wanted("chien", None, None)
    session.asked[-1][1].set_exception(WorkbenchError("no attention"))
    assert stepping.wanted == (-1, None)


def test_a_full_tree_is_refused(session, make_stepper):
    session.make = lambda text: make_stepper(text, limit=2)
    stepping = Stepping.of(session)
    stepping.begin("small cat")
    stepping.do(lambda stepper: stepper.advance())
    before = stepping.now
    stepping.do(lambda stepper: stepper.edit_attention(Mask(positions=(0,))))
    assert "the tree has 2 nodes, as many as it may" in notice(session)[1]
    assert stepping.now is before


def test_the_greatest_tree_is_seen_at_once(greatest_tree):
    began = perf_counter()
    now = Now.of(greatest_tree, 1)
    assert perf_counter() - began < 0.5
    assert len(now.nodes) == 10_000
    depths = [len(node.decoded.prefix) for node in now.path]
    assert depths == list(range(len(greatest_tree.current.decoded.prefix) + 1))
