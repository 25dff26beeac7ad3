"""What asks a model: here, the inverse question below what was edited by hand."""

import numpy as np
import pytest

from workbench.config import SearchSettings
from workbench.data.encoding import Codec
from workbench.errors import InterventionError
from workbench.interventions import Mask, SetRow
from workbench.model.seq2seq import Seq2Seq
from workbench.session.instruments import Instruments

FAMILIES = {
    "lstm": {"layers": 2, "input_feeding": True, "coverage": True},
    "cnn": {"encoder": "cnn", "decoder": "cnn", "attention": "multi_step"},
    "transformer": {"encoder": "transformer", "decoder": "transformer", "heads": 2, "layers": 2,
                    "attention": "multi_head"},
    "copying": {"copy_source": True},
}  # fmt: skip


@pytest.fixture(scope="module", params=FAMILIES)
def instruments(request, pairs, config):
    settings = config.replace(**FAMILIES[request.param])
    codec = Codec.train(pairs, settings)
    twins = codec.twins() if settings.copy_source else None
    model = Seq2Seq(settings, codec.source.size, codec.target.size, 5, twins)
    for weight in model.weights:
        weight.assign(1.5 * weight)
    return Instruments(model, codec, 8, lambda work: work())


def test_the_inverse_question_is_about_the_state_below_the_edits(instruments, monkeypatch):
    stepper = instruments.stepper("small cat and dog", SearchSettings(max_decode_length=8))
    stepper.edit_source(0, "old")
    stepper.force("chat")
    stepper.edit_attention(Mask(positions=(1,)))
    stepper.force("noir")
    node = stepper.current
    plain = instruments.seek("small cat and dog", ("chat", "noir"), "chien")
    monkeypatch.setattr(instruments.seek, "_step", None)  # nothing is run again
    wanted = instruments.seek_at(stepper, node.id, "chien")
    here, number = node.decoded, node.decoded.source.number("chien")
    np.testing.assert_array_equal(wanted.own, here.attention)
    assert wanted.own_log_probability == here.following[number]
    assert wanted.rivals[0] == np.delete(here.following, number).max()
    assert (wanted.source_tokens[0], wanted.prefix) == ("old", ("chat", "noir"))
    assert abs(plain.own_log_probability - wanted.own_log_probability) > 1e-3
    rows = [
        SetRow(layer=layer, head=head, weights=wanted.found[layer, head].tolist())
        for layer, head in zip(*wanted.sought.nonzero(), strict=True)
    ]
    reached = stepper.edit_attention(*rows).decoded.following[number]
    assert wanted.log_probability == pytest.approx(reached, abs=2e-3)
    assert wanted.log_probability >= wanted.own_log_probability


def test_at_an_edited_node_what_is_read_there_counts(instruments):
    stepper = instruments.stepper("small cat", SearchSettings(max_decode_length=8))
    here = stepper.edit_attention(Mask(positions=(0,)))
    top = len(here.decoded.attention) - 1
    wanted = instruments.seek_at(stepper, None, "chien", layer=top)
    np.testing.assert_array_equal(wanted.own, here.decoded.attention)
    assert (wanted.found[:top, :, 0] == 0).all()  # what is not sought stays edited
    assert wanted.divergences[0] == pytest.approx(0, abs=1e-3)


def test_without_edits_it_is_the_same_question(instruments):
    stepper = instruments.stepper("small cat", SearchSettings(max_decode_length=8))
    stepper.force("chat")
    ours = instruments.seek_at(stepper, None, "noir")
    theirs = instruments.seek("small cat", ("chat",), "noir")
    np.testing.assert_allclose(ours.own, theirs.own, atol=1e-6)
    np.testing.assert_allclose(ours.log_probabilities, theirs.log_probabilities, atol=1e-2)
    assert ours.source_tokens == theirs.source_tokens


def test_what_makes_no_sense_is_told(instruments):
    stepper = instruments.stepper("small cat", SearchSettings(max_decode_length=8))
    with pytest.raises(InterventionError, match="got 'noire'; did you mean 'noir'"):
        instruments.seek_at(stepper, None, "noire")
    with pytest.raises(InterventionError, match="a node or a branch of the tree, got 7"):
        instruments.seek_at(stepper, 7, "noir")
    stepper.force("<end>")
    with pytest.raises(InterventionError, match="the sentence has ended"):
        instruments.seek_at(stepper, None, "noir")
