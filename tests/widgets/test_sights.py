from concurrent.futures import Future
from types import SimpleNamespace

import numpy as np
import pytest

from workbench.config import RunConfig
from workbench.data.corpus import Pair
from workbench.inspection.self_attention import SelfAttention
from workbench.records import Alignment, Hypothesis, Link, Translation
from workbench.widgets.choices import MAXIMUM, MEAN, Choices
from workbench.widgets.gaze import Gaze
from workbench.widgets.sights import Seen, kinds, known_pair, look, picked

CROSSED = np.array([[[[0.1, 0.9], [0.8, 0.2]], [[1.0, 0.0], [0.0, 1.0]]]], np.float32)
GOLD = Alignment(frozenset({Link(0, 1), Link(1, 0)}), frozenset())  # the first head has it right
PAIR = Pair("red cat", "chat rouge", GOLD)


def hypothesis(text, attention=CROSSED):
    tokens = tuple(text.split())
    return Hypothesis(text, tokens, np.zeros(2, np.float32), attention, 0.0, True, (0, 1))


def translation(*texts, attention=CROSSED, **known):
    several = tuple(hypothesis(text, attention) for text in texts)
    return Translation("red cat", ("red", "cat"), several, source_words=(0, 1), **known)


class Session:
    """As much of a session as is looked at; keeps what is asked of it."""

    def __init__(self, translation=None, pairs=(), **settings):
        self.translation, self.config, self.asked = translation, RunConfig(**settings), []
        self.encoded = {"test": SimpleNamespace(pairs=tuple(pairs))} if pairs else {}
        self.answers = {}

    def request(self, command, *arguments):
        self.asked.append((command, *arguments))
        future = Future()
        if command in self.answers:
            future.set_result(self.answers[command])
        return future


@pytest.fixture
def choices():
    return Choices()


def see(session, choices):
    return look(session, choices, Gaze())


def test_before_anything_is_translated_there_is_advice(choices):
    assert "press Translate" in see(Session(), choices).message


def test_the_latest_translation_is_seen_with_its_gold(choices):
    seen = see(Session(translation("chat rouge"), [PAIR]), choices)
    assert seen.sight.rows == ("chat", "rouge")
    assert seen.translation.reference == "chat rouge"
    assert len(seen.sight.links) == 2
    assert seen.message == ""


def test_another_hypothesis_can_be_looked_at(choices):
    session = Session(translation("chat rouge", "chat noir"))
    choices.hypothesis = 1
    assert see(session, choices).sight.rows == ("chat", "noir")
    choices.hypothesis = 7  # of a translation that had as many
    assert see(session, choices).hypothesis == 1


def test_the_error_rate_follows_the_chosen_head(choices):
    seen = see(Session(translation("chat rouge"), [PAIR]), choices)
    assert seen.error_rate(0, 0) == 0
    assert seen.error_rate(0, 1) == 1
    assert seen.error_rate(None, "maximum") == 1  # chat: 1.0 of red, 0.9 of cat; rouge: 0.8, 1.0


def test_without_gold_there_is_no_error_rate(choices):
    assert see(Session(translation("chat noir"), [PAIR]), choices).error_rate(0, 0) is None
    assert see(Session(translation("chat rouge")), choices).error_rate(0, 0) is None
    assert Seen().error_rate(0, 0) is None


def test_the_reference_is_scored_once_it_is_wanted(choices):
    session = Session(translation("chat noir"), [PAIR])
    choices.target = "reference"
    assert see(session, choices) == Seen(message="Scoring the reference …")
    assert session.asked == [("score", "red cat", "chat rouge")]
    session.answers["score"] = translation("chat rouge", reference="chat rouge")
    seen = see(session, choices)
    assert seen.sight.rows == ("chat", "rouge")
    assert seen.error_rate(0, 0) == 0


def test_a_sentence_that_is_not_in_the_data_has_no_reference(choices):
    choices.target = "reference"
    session = Session(translation("chat noir"))
    assert "No reference is known" in see(session, choices).message
    assert session.asked == []


def test_why_the_reference_cannot_be_scored_is_said(choices):
    session = Session(translation("chat noir"), [PAIR])
    session.answers["score"] = "target has 200 tokens"
    choices.target = "reference"
    assert see(session, choices).message == "target has 200 tokens"


@pytest.mark.parametrize(
    ("kind", "rows", "columns"),
    [
        ("encoder", ("red", "cat"), ("red", "cat")),
        ("decoder", ("chat", "rouge"), ("<begin>", "chat")),
    ],
)
def test_self_attention_is_asked_for(choices, kind, rows, columns):
    session = Session(translation("chat rouge"), encoder="transformer", decoder="transformer")
    choices.kind = kind
    seen = see(session, choices)
    assert (seen.sight, seen.message) == (None, "Reading the model's self-attention …")
    assert session.asked == [("self_attention", "red cat", "chat rouge")]
    session.answers["self_attention"] = SelfAttention(
        CROSSED, CROSSED[:, :1], ("red", "cat"), ("chat", "rouge")
    )
    sight = see(session, choices).sight
    assert (sight.rows, sight.columns) == (rows, columns)
    assert sight.weights.shape[1] == (2 if kind == "encoder" else 1)
    assert sight.links == ()


def test_a_model_without_attention_says_so(choices):
    nothing = np.zeros((0, 0, 2, 2), np.float32)
    seen = see(Session(translation("chat rouge", attention=nothing)), choices)
    assert (seen.sight, seen.message) == (
        None, "There is nothing to see: the model has no attention.",
    )  # fmt: skip
    assert seen.translation is not None


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, ["cross"]),
        ({"encoder": "transformer"}, ["cross", "encoder"]),
        ({"encoder": "transformer", "decoder": "transformer"}, ["cross", "encoder", "decoder"]),
    ],
)
def test_only_transformers_read_themselves(settings, found):
    assert list(kinds(Session(**settings)).values()) == found


def test_the_first_pair_of_a_source_is_its_own():
    twice = [Pair("a", "x"), Pair("b", "y"), Pair("a", "z")]
    encoded = {"train": SimpleNamespace(pairs=twice)}
    assert known_pair(encoded, "a").target == "x"
    assert known_pair(encoded, "c") is None
    assert known_pair({}, "a") is None


def test_choices_become_what_charts_take():
    assert [picked(choice) for choice in (MEAN, MAXIMUM, 0, 3)] == [None, "maximum", 0, 3]
