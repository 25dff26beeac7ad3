"""A session on a model of the user's own, from training to the opened run."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from sessions import stopping_look

from workbench.config import RunConfig
from workbench.errors import RunError, SettingsError
from workbench.session import Session


class Mean(keras.Model):
    """Begins from the mean of the source; attends by dot product; drops units in training."""

    def __init__(self, source_size, target_size, units=8):
        super().__init__()
        self.source_embedding = keras.layers.Embedding(source_size, units)
        self.target_embedding = keras.layers.Embedding(target_size, units)
        self.cell = keras.layers.GRUCell(units)
        self.drop = keras.layers.Dropout(0.2)
        self.leave = keras.layers.Dense(target_size)

    def encode(self, source):
        values = self.source_embedding(source)
        return tf.reduce_mean(values, 1), (values, source != 0)

    def step(self, tokens, state, memory, attention=None, training=False):
        values, real = memory
        hidden, _ = self.cell(self.target_embedding(tokens), state)
        if attention is None:
            energy = tf.where(real, tf.einsum("bu,bsu->bs", hidden, values), -1e9)
            attention = tf.nn.softmax(energy)[:, None, None]
        context = tf.einsum("bs,bsu->bu", attention[:, 0, 0], values)
        seen = self.drop(tf.concat([context, hidden], -1), training=training)
        return self.leave(seen), attention, hidden


class Other(Mean):
    pass


class Broken(Mean):
    def step(self, *given, **more):
        return super().step(*given, **more)[:2]


@pytest.fixture(scope="module")
def settings(corpus):
    return RunConfig(
        corpus=str(corpus), batch_size=16, max_steps=40, epochs=100, learning_rate=0.03,
        beam_width=3, max_decode_length=6, validation_sentences=4, probe_sentences=2,
        evaluate_every=20, live=False, seed=3,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(settings, tmp_path_factory):
    directory = tmp_path_factory.mktemp("trained") / "run"
    session = Session(settings, model=Mean, run_directory=str(directory))
    session.train()
    return session


def test_it_learns(trained):
    evaluations = [each.evaluation for each in trained.history if each.evaluation]
    assert [each.step for each in trained.history] == list(range(1, 41))
    assert trained.history[-1].loss < 0.7 * trained.history[0].loss
    assert evaluations[-1].figures["loss"] < 2


def test_it_is_searched_scored_and_measured(trained):
    translation = trained.translate("red cat")
    assert len(translation.hypotheses) == 3
    assert translation.beam.width == 3
    best = translation.best
    assert best.attention.shape == (1, 1, len(best.tokens), len(translation.source_tokens))
    np.testing.assert_allclose(best.attention.sum(-1), 1, atol=1e-5)
    scored = trained.score("red cat", best.text).best
    assert scored.tokens == best.tokens
    np.testing.assert_allclose(scored.log_probabilities, best.log_probabilities, atol=1e-4)
    np.testing.assert_allclose(scored.attention, best.attention, atol=1e-4)
    evaluation, _ = trained.evaluate("test")
    assert {"loss", "bleu", "exact_match"} <= evaluation.figures.keys()


def test_the_record_names_the_class_and_counts_its_weights(trained):
    record = json.loads(trained.directory.record.read_text())
    assert record["model"] == "Mean"
    assert record["parameters_count"] == sum(block.parameters for block in trained.blocks)
    training = record["training"]
    assert (training["traces"], training["traces_after_first_epoch"]) == (1, 0)
    assert [block.kind for block in trained.blocks] == [
        "Embedding", "Embedding", "GRUCell", "Dropout", "Dense",
    ]  # fmt: skip


def test_a_saved_run_opens_with_the_factory(trained):
    again = Session.open(trained.directory.path, model=Mean)
    for ours, theirs in zip(again.model.get_weights(), trained.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    one, other = (session.translate("old dog and dog") for session in (again, trained))
    assert one.text == other.text
    assert one.best.score == other.best.score


def test_without_the_factory_it_says_whose_model_it_is(trained, tmp_path):
    saved = trained.save(tmp_path / "saved")
    for run in (trained.directory.path, saved):
        with pytest.raises(RunError, match=r"of the class Mean, .* model=") as error:
            Session.open(run)
        assert "\n" not in str(error.value)
    assert RunConfig.from_file(saved / "config.json") == trained.config


def test_another_model_is_refused(trained, settings, tmp_path):
    with pytest.raises(RunError, match="cannot load weights"):
        Session.open(trained.directory.path, model=lambda s, t: Mean(s, t, units=6))
    with pytest.raises(RunError, match="expected the class Mean, got Other"):
        Session.open(trained.directory.path, model=Other)
    plain = Session(settings, units=4, embedding=4, run_directory=str(tmp_path))
    with pytest.raises(RunError, match="none of your own"):
        Session.open(plain.save(), model=Mean)


def test_a_broken_model_is_refused_when_it_is_built(settings):
    session = Session(settings, model=Broken)
    with pytest.raises(SettingsError, match="model Broken: expected step to return"):
        session.build()
    with pytest.raises(SettingsError, match="model Broken"):
        _ = session.blocks


def test_two_models_of_equal_settings_are_two_runs(settings):
    runs = {str(Session(settings, model=model).directory) for model in (Mean, Other, None)}
    assert len(runs) == 3


def test_a_resumed_run_goes_on_as_if_nothing_had_been(settings, trained, tmp_path, monkeypatch):
    """Dropout of Keras included."""
    session = Session(settings, model=Mean, run_directory=str(tmp_path / "run"))
    stopping_look(monkeypatch, session)
    with pytest.raises(KeyboardInterrupt):
        session.train()
    monkeypatch.undo()
    resumed = Session(settings, model=Mean, run_directory=str(tmp_path / "run"))
    resumed.train()
    assert len(resumed.history) == 40
    ours, theirs = ([each.loss for each in s.history] for s in (resumed, trained))
    np.testing.assert_array_equal(ours, theirs)


def test_settings_of_search_and_training_hold(settings, tmp_path):
    session = Session(
        settings, model=Mean, run_directory=str(tmp_path), max_steps=2, evaluate_every=0,
        scheduled_sampling=0.5, coverage_penalty=0.4, length_penalty=1.0,
    )  # fmt: skip
    session.train()
    best = session.translate("red cat").best
    covered = np.minimum(best.attention.mean((0, 1)).sum(0), 1)  # of the real source tokens
    wanted = best.log_probability / ((5 + len(best.tokens)) / 6) + 0.4 * np.log(covered).sum()
    assert best.score == pytest.approx(wanted, abs=1e-4)
    assert best.score < best.log_probability / ((5 + len(best.tokens)) / 6) - 1e-3
