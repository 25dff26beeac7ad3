"""Adapting a trained run: from its settings to the model that anybody can open."""

import json
import math
import shutil

import numpy as np
import pytest

from workbench import __version__
from workbench.config import RunConfig
from workbench.errors import RunError, SettingsError
from workbench.model.storage import read_settings
from workbench.session import Session

KINDS = ["lora", "bottleneck"]


@pytest.fixture(scope="module")
def files(pairs, tmp_path_factory):
    """What the base learns, and what only the adapted learn: the other order of words."""
    directory = tmp_path_factory.mktemp("corpora")
    whole = (f"{pair.source}\t{pair.target}\n" for pair in pairs)
    (directory / "whole.tsv").write_text("".join(whole))
    other = (f"{p.source}\t{' '.join(p.target.split()[::-1])}\n" for p in pairs[30:])
    (directory / "second.tsv").write_text("".join(other))
    return directory


@pytest.fixture(scope="module")
def base(config, files, tmp_path_factory):
    """A trained run, and nothing but its directory."""
    directory = tmp_path_factory.mktemp("base") / "run"
    whole = files / "whole.tsv"
    settings = config.replace(
        corpus=str(whole), max_steps=6, units=12, encoder="gru", decoder="rnn", attention="dot",
        bidirectional=False, beam_width=2,
    )  # fmt: skip
    Session(settings, run_directory=str(directory)).train()
    return directory


def adapting(base, files, directory, **settings):
    """The settings of an adapted run; the model's are those of the base."""
    return RunConfig(
        corpus=str(files / "second.tsv"), adapt_from=str(base), adapter_rank=2, batch_size=16,
        max_steps=8, learning_rate=0.05, beam_width=2, max_decode_length=6, probe_sentences=2,
        validation_sentences=4, live=False, run_directory=str(directory), **settings,
    )  # fmt: skip


@pytest.fixture(scope="module")
def adapted(base, files, tmp_path_factory):
    """One trained session of each kind; look at it, but do not change it."""
    sessions = {}
    for kind in KINDS:
        directory = tmp_path_factory.mktemp(kind) / "run"
        sessions[kind] = Session(adapting(base, files, directory, adapter=kind))
        sessions[kind].train()
    return sessions


def same_translations(one, other, atol=0.0):
    for text in ("red cat", "dog and bird", "old fish and dog"):
        ours, theirs = one.translate(text), other.translate(text)
        assert [each.tokens for each in ours.hypotheses] == [
            each.tokens for each in theirs.hypotheses
        ]
        for mine, yours in zip(ours.hypotheses, theirs.hypotheses, strict=True):
            np.testing.assert_allclose(
                mine.log_probabilities, yours.log_probabilities, rtol=0, atol=atol
            )


def test_text_and_model_settings_are_those_of_the_adapted_run(base, files, tmp_path):
    session = Session(adapting(base, files, tmp_path / "run", adapter="lora"))
    theirs = read_settings(base / "model")
    for name in ("units", "embedding", "encoder", "attention", "source_tokens", "dropout"):
        assert getattr(session.config, name) == getattr(theirs, name)
    assert session.config.corpus == str(files / "second.tsv")
    opened = Session.open(base)
    for side in ("source", "target"):
        ours, others = getattr(session.codec, side), getattr(opened.codec, side)
        assert ours.size == others.size
        assert ours.encode("red chat") == others.encode("red chat")


@pytest.mark.parametrize("kind", ["none", *KINDS])
def test_an_adapted_run_begins_as_the_run_it_adapts(base, files, tmp_path, kind):
    session = Session(adapting(base, files, tmp_path / "run", adapter=kind))
    same_translations(session, Session.open(base), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_training_changes_the_adapter_alone_and_helps(base, files, adapted, kind):
    session = adapted[kind]
    losses = [each.evaluation.figures["loss"] for each in session.history if each.evaluation]
    fresh = Session(adapting(base, files, session.directory.path.with_name("fresh")))
    assert min(losses) < fresh.evaluate("validation")[0].figures["loss"] - 0.05
    old, new = Session.open(base).model, session.model
    trained = {id(weight) for weight in new.trainable_variables}
    kept = [weight for weight in new.weights if id(weight) not in trained]
    assert 0 < len(trained) < len(new.weights)
    assert len(kept) == len(old.weights)
    assert all(map(np.array_equal, kept, old.get_weights()))


def test_without_an_adapter_all_weights_go_on(base, files, tmp_path):
    session = Session(adapting(base, files, tmp_path / "run"))
    session.train()
    assert len(session.model.trainable_variables) == len(session.model.weights)
    old = Session.open(base).model.get_weights()
    assert not any(map(np.array_equal, session.model.get_weights(), old))
    again = Session.open(tmp_path / "run")
    same_translations(session, again)


@pytest.mark.parametrize("kind", KINDS)
def test_an_adapted_run_opens_without_the_run_it_adapts(adapted, kind, tmp_path):
    session = adapted[kind]
    copy = shutil.copytree(session.directory.path, tmp_path / "copy")
    settings = copy / "model" / "config.json"
    fields = json.loads(settings.read_text())
    fields["adapt_from"] = str(tmp_path / "gone")
    settings.write_text(json.dumps(fields))
    opened = Session.open(copy)
    assert opened.config.adapter == kind
    same_translations(session, opened)
    assert len(opened.model.trainable_variables) == len(session.model.trainable_variables)


def test_a_merged_model_is_like_any_other(adapted, tmp_path):
    session = adapted["lora"]
    before = session.model.get_weights()
    path = session.merge(tmp_path / "merged")
    assert all(map(np.array_equal, session.model.get_weights(), before))
    opened = Session.open(path)
    assert (opened.config.adapter, opened.config.adapt_from) == ("none", "")
    assert len(opened.model.weights) == len(session.model.base.weights)
    same_translations(session, opened, atol=1e-5)


def test_only_a_lora_can_be_merged(base, adapted, tmp_path):
    for session in (adapted["bottleneck"], Session.open(base)):
        with pytest.raises(RunError, match="only lora can be merged"):
            session.merge(tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_a_lora_run_is_merged_before_it_is_adapted(adapted, files, tmp_path):
    first = adapted["lora"]
    second = Session(adapting(first.directory.path, files, tmp_path / "run", adapter="lora"))
    same_translations(second, first, atol=1e-5)


def test_what_is_trained_is_told(adapted):
    for kind, session in adapted.items():
        facts = session.directory.read()
        model = session.model
        count = sum(math.prod(each.shape) for each in model.trainable_variables)
        assert facts["trained_parameters"] == count, kind
        assert facts["parameters_count"] == model.count_params()
        assert f"{count:,} of them trained" in session.where_it_ran()["weights"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_diagram_counts_the_adapter(adapted, kind):
    session = adapted[kind]
    assert sum(block.parameters for block in session.blocks) == session.model.count_params()


@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_run_goes_on_at_the_very_step(base, files, adapted, tmp_path, kind):
    settings = adapting(base, files, tmp_path / "run", adapter=kind)
    session = Session(settings)

    def stop(change):
        if change["new"].step == 3:
            session.stop()

    session.observe(stop, "progress")
    with pytest.raises(KeyboardInterrupt):
        session.train()
    again = Session(settings)
    again.train()
    assert [each.step for each in again.history] == list(range(1, 9))
    whole = adapted[kind]
    assert [each.loss for each in again.history] == [each.loss for each in whole.history]
    assert all(map(np.array_equal, again.model.get_weights(), whole.model.get_weights()))


# What cannot be adapted --------------------------------------------------------------------


def test_a_run_that_is_not_there_is_named(files, tmp_path):
    for path in (tmp_path / "nowhere", files):
        with pytest.raises(RunError, match=f"{path}: expected a run directory with a model"):
            Session(adapting(path, files, tmp_path / "run", adapter="lora"))


def test_another_model_than_the_trained_one_is_refused(base, files, tmp_path):
    settings = adapting(base, files, tmp_path / "run")
    with pytest.raises(SettingsError, match=r"units is 64 .* has 12: leave units out"):
        Session(settings, units=64)
    with pytest.raises(SettingsError, match=r"source_tokens is 'char' .* has 'word'"):
        Session(settings, source_tokens="char")
    assert Session(settings, units=12, dropout=0.5).config.dropout == 0.5


def test_a_model_of_ones_own_is_not_adapted(base, files, tmp_path):
    settings = adapting(base, files, tmp_path / "run")
    with pytest.raises(SettingsError, match=r"adapt_from is .* and model= brings a model"):
        Session(settings, model=lambda *_: None)
    copy = shutil.copytree(base, tmp_path / "own")
    (copy / "model" / "own.json").write_text('{"model": "Theirs"}')
    with pytest.raises(RunError, match="own: its model is its user's own"):
        Session(adapting(copy, files, tmp_path / "run"))


def test_bottlenecks_cannot_be_adapted_again(base, adapted, files, tmp_path):
    path = adapted["bottleneck"].directory.path
    with pytest.raises(RunError, match=f"cannot be merged; adapt the run .*{base}"):
        Session(adapting(path, files, tmp_path / "run", adapter="lora"))


def test_weights_that_do_not_fit_are_refused_on_one_line(base, files, tmp_path):
    """The table of positions of a convolutional model is as long as the longest translation."""
    settings = RunConfig(
        corpus=str(files / "whole.tsv"), encoder="cnn", decoder="cnn", units=4, embedding=4,
        max_length=9, max_decode_length=9, run_directory=str(tmp_path / "cnn"),
    )  # fmt: skip
    Session(settings).save()
    with pytest.raises(RunError, match="do not fit") as refusal:
        Session(adapting(tmp_path / "cnn", files, tmp_path / "run"), max_decode_length=20).build()
    assert "\n" not in str(refusal.value)


# Other versions ----------------------------------------------------------------------------

OF_0_1 = """
corpus train_file validation_file test_file source_column target_column swap split
validation_share test_share train_limit skip_bad_lines source_tokens target_tokens
source_vocabulary target_vocabulary max_length lowercase reverse_source encoder decoder attention
layers units embedding bidirectional residual dropout input_feeding tie_embeddings optimizer
learning_rate schedule warmup_steps learning_rate_floor batch_size epochs max_steps max_minutes
patience monitor weight_decay clip_norm label_smoothing evaluate_every validation_sentences
probe_sentences checkpoint_every deterministic seed beam_width length_penalty max_decode_length
name run_directory live
"""


def test_a_run_of_version_0_1_opens(base, tmp_path):
    copy = shutil.copytree(base / "model", tmp_path / "copy")
    settings = copy / "config.json"
    fields = json.loads(settings.read_text())
    settings.write_text(json.dumps({name: fields[name] for name in OF_0_1.split()}))
    (copy / "version.json").unlink()
    opened = Session.open(copy)
    assert opened.config.adapter == "none"
    same_translations(opened, Session.open(base))


def test_a_run_of_a_newer_version_says_which_can_open_it(base, tmp_path):
    copy = shutil.copytree(base / "model", tmp_path / "copy")
    assert json.loads((copy / "version.json").read_text()) == {"workbench": __version__}
    fields = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(fields | {"telepathy": True}))
    (copy / "version.json").write_text('{"workbench": "9.1.0"}')
    expected = f"written by workbench 9.1.0, this is {__version__}: install 9.1.0"
    with pytest.raises(RunError, match=f"telepathy.*{expected}"):
        Session.open(copy)
    (copy / "version.json").write_text("{")
    with pytest.raises(RunError, match="telepathy"):
        Session.open(copy)
