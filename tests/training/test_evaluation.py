import numpy as np
import pytest

from workbench.data.encoding import EncodedPairs
from workbench.data.tokenizer import PAD
from workbench.training.evaluation import TeacherForcing


def one_by_one(model, encoded):
    """Return nats and correct tokens, a sentence at a time, without padding."""
    nats = correct = 0
    for source, target in zip(encoded.sources, encoded.targets, strict=True):
        logits = model.forward(source[None], target[None])[0].numpy()[0]
        probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        nats -= np.log(probabilities[np.arange(len(target)), target]).sum()
        correct += (logits.argmax(-1) == target).sum()
    return nats, correct


def test_figures_are_means_over_real_tokens(make_model, config, encoded):
    some = EncodedPairs(encoded.sources[:30:3], encoded.targets[:30:3], encoded.pairs[:30:3])
    tokens = sum(map(len, some.targets))
    model = make_model(config)
    model.output_bias.assign_add(0.3 * np.arange(model.target_size))
    nats, correct = one_by_one(model, some)
    measure = TeacherForcing(model)
    for batch_size in (3, 100):
        figures = measure(some, batch_size)
        assert figures["loss"] == pytest.approx(nats / tokens, rel=1e-5)
        assert figures["perplexity"] == pytest.approx(np.exp(nats / tokens), rel=1e-5)
        assert figures["token_accuracy"] == pytest.approx(correct / tokens)
    assert correct  # or the accuracy above proves nothing

    model.output_bias.assign(model.output_bias * 0)
    assert measure(some, 3)["loss"] < figures["loss"]  # the weights may change between calls


def test_a_model_that_predicts_nothing_but_padding(make_model, config, encoded):
    model = make_model(config)
    model.output_bias.assign(np.where(np.arange(model.target_size) == PAD, 5000, 0))
    figures = TeacherForcing(model)(encoded, 100)
    assert figures["loss"] > 1000
    assert np.isfinite(figures["perplexity"])
    assert figures["token_accuracy"] == 0  # right at all padding, which does not count
