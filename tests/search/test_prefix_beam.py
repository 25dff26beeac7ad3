"""The beam in Python over a step in NumPy; `test_compiled_step` sets it beside TensorFlow's."""

from itertools import product

import numpy as np
import pytest
from identical import identical

from workbench.data.encoding import Codec
from workbench.data.tokenizer import BEGIN, END
from workbench.errors import InterventionError
from workbench.interventions import Ban, EditSource, Force, Mask, to_json


@pytest.fixture(scope="module")
def tiny(pairs, config):
    """Three target words."""
    return Codec.train(pairs, config.replace(target_vocabulary=7))


def scored(step, source, ids, alpha, beta=0.0):
    """Return the score of a sentence, word by word."""
    state, memory = step.encode(source)
    total, covered = 0.0, np.zeros(len(source))
    for before, token in zip((BEGIN, *ids), ids, strict=False):
        logs, read, state = step.one(before, state, memory)
        total, covered = total + logs[token], covered + read.mean((0, 1))
    penalty = beta * np.log(np.clip(covered, 1e-6, 1)).sum()
    return total / ((5 + len(ids)) / 6) ** alpha + penalty


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("text", ["cat", "small cat", "red dog and old fish", "horse and bird"])
def test_a_wide_beam_finds_what_trying_all_finds(make_stepper, tiny, text, alpha):
    step, limit = make_stepper.step_for(tiny), 4
    settings = {"beam_width": 40, "max_decode_length": limit, "length_penalty": alpha}
    stepper = make_stepper(text, step, codec=tiny, **settings)
    words = range(END + 1, tiny.target.size)
    assert len(words) == 3
    every = [(*some, END) for size in range(limit) for some in product(words, repeat=size)]
    source = tiny.encode_source(text)
    score, ids = max((scored(step, source, ids, alpha), ids) for ids in every)
    found = stepper.beam().best
    assert found.finished
    assert found.tokens == tiny.target.tokens(ids)
    assert found.score == pytest.approx(score, abs=1e-5)


def test_the_coverage_penalty_by_hand(make_stepper, fake, codec):
    stepper = make_stepper(coverage_penalty=0.5)
    source = codec.encode_source("small cat and dog")
    for one in stepper.beam().hypotheses:
        ids = [stepper.current.decoded.source.number(token) for token in one.tokens]
        assert one.score == pytest.approx(scored(fake, source, ids, 0.6, 0.5), abs=1e-4)


def test_the_record_is_that_of_a_search(make_stepper):
    stepper = make_stepper()
    stepper.force("chien")
    found = stepper.beam(width=2)
    record = found.beam
    first, *rest = record.candidates
    assert (first.step, first.token, first.fate, first.beam) == (0, "chien", "kept", 0)
    assert record.attention.shape[1:] == (2, 2, 2, 5)
    assert len(record.attention) == 1 + max(one.step for one in rest)
    np.testing.assert_array_equal(record.attention[0, 0], stepper.node(0).decoded.attention)
    for step in range(1, len(record.attention)):
        here = [one for one in rest if one.step == step]
        totals = [one.log_probability for one in here]
        assert totals == sorted(totals, reverse=True)
        kept = [one.beam for one in here if one.fate == "kept"]
        assert kept == list(range(len(kept)))
    end = found.best.tokens[-1]
    assert [one.token for one in rest if one.score == found.best.score] == [end]


def test_a_beam_from_where_nothing_follows_is_what_is_there(make_stepper):
    stepper = make_stepper(max_decode_length=2)
    for place in (
        stepper.force_text("chien et").id,
        stepper.go(1).id and stepper.force("<end>").id,
    ):
        [only] = stepper.beam(place).hypotheses
        assert only.tokens == stepper.node(place).decoded.prefix
        assert len(stepper.beam(place).beam.candidates) == 2
    assert only.finished


def test_interventions_act_at_their_prefix_alone(make_stepper):
    free = make_stepper().beam()
    items = [
        EditSource(position=0, token="old"),
        Ban(token=free.best.tokens[0]),
        Force(prefix=("chien",), token="chat"),
        Mask(prefix=("chien",), positions=(1,)),
        Force(token="chien"),
    ]
    stepper = make_stepper()
    items = [one for one in items if getattr(one, "token", "") != "chien" or one.kind == "force"]
    if free.best.tokens[0] == "chien":
        items.pop(1)
    found = stepper.replay(items, width=3)
    assert found.source == "old cat and dog"
    greedy = make_stepper()
    greedy.edit_source(0, "old")
    for one in found.hypotheses:
        assert one.tokens[:2] == ("chien", "chat")
        assert (one.attention[:, :, 1, 1] == 0).all()
        assert (one.attention[:, :, 0, 1] > 0).all()
    greedy.force("chien")
    greedy.edit_attention(Mask(positions=(1,)))
    greedy.force("chat")
    logs = greedy.hypothesis().log_probabilities  # the model's own, of what was forced too
    np.testing.assert_allclose(found.best.log_probabilities[:2], logs, atol=1e-6)


@pytest.mark.parametrize("width", [0, 1, 3, 4])
def test_a_saved_list_gives_the_same_record(make_stepper, tmp_path, width):
    """All of it, bit by bit, through a file and with a tree that has never seen the edits."""
    rules = {"beam_groups": 2, "diversity": 0.5, "no_repeat_ngram": 2} if width == 4 else {}
    first = make_stepper(**rules)
    first.edit_source(0, "old")
    first.ban("chat")
    first.edit_attention(Mask(positions=(1,)))
    first.force("chien")
    saved = tmp_path / "done.json"
    saved.write_text(to_json(first.interventions()), encoding="utf-8")
    one, other = (make_stepper(**rules).replay(str(saved), width) for _ in range(2))
    assert (one.beam is not None) == (width > 0)
    assert identical(one, other)
    assert not identical(one, make_stepper(**rules).replay("[]", width))


def test_width_one_is_greedy(make_stepper):
    one, greedy = make_stepper().replay([], width=1).best, make_stepper().finish().best
    assert one.tokens == greedy.tokens
    np.testing.assert_array_equal(one.log_probabilities, greedy.log_probabilities)


def test_where_every_token_is_banned_nothing_is_found(make_stepper, codec):
    items = [Ban(token=token) for token in codec.target.tokens(range(END, codec.target.size))]
    with pytest.raises(InterventionError, match="every token is banned"):
        make_stepper().replay(items, width=2)
