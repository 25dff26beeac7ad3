"""One sentence with the weights of every checkpoint of a run, and of two."""

import shutil

import numpy as np
import pytest

from workbench.errors import RunError, SettingsError, WorkbenchError
from workbench.inspection.over_time import compare_over
from workbench.interventions import Ban, EditSource, Force, Mask
from workbench.session import Session
from workbench.training.checkpoint import Checkpoints

TEXT = "red cat"


@pytest.fixture(scope="module")
def trained(config, pairs, tmp_path_factory):
    """A run of six steps, evaluated at every second one, and all three checkpoints of it."""
    folder = tmp_path_factory.mktemp("over_time")
    corpus = folder / "phrases.tsv"
    corpus.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
    session = Session(
        config, corpus=str(corpus), run_directory=str(folder / "run"), max_steps=6,
        evaluate_every=2, learning_rate=0.05, keep_checkpoints=3, beam_width=2,
    )  # fmt: skip
    session.train()
    return session


@pytest.fixture(scope="module")
def over(trained):
    return trained.over_time(TEXT)


def opened_at(session, step):
    return Session.open(session.directory.path, step=step)


def test_every_moment_is_what_its_checkpoint_translates(trained, over):
    assert [moment.step for moment in over.moments] == [2, 4, 6]
    for moment in over.moments:
        there = opened_at(trained, moment.step)
        wanted, scored = there.translate(TEXT).best, there.score(TEXT, over.followed).best
        ours = moment.translation.best
        assert ours.tokens == wanted.tokens
        np.testing.assert_allclose(ours.log_probabilities, wanted.log_probabilities, atol=1e-5)
        np.testing.assert_allclose(ours.attention, wanted.attention, atol=1e-5)
        assert moment.scored.best.tokens == scored.tokens
        np.testing.assert_allclose(
            moment.scored.best.log_probabilities, scored.log_probabilities, atol=1e-5
        )


def test_figures_are_those_of_the_evaluation_at_the_step(trained, over):
    known = {one.step: one.evaluation.figures for one in trained.history if one.evaluation}
    assert [moment.figures for moment in over.moments] == [known[step] for step in (2, 4, 6)]
    assert {moment.run for moment in over.moments} == {"run"}


def test_what_is_written_last_is_followed_or_the_reference(trained, over):
    assert over.followed == over.moments[-1].translation.text != ""
    wanted = trained.over_time(TEXT, reference="chat rouge")
    assert wanted.followed == "chat rouge"
    assert {moment.scored.best.text for moment in wanted.moments} == {"chat rouge"}
    logs = [moment.scored.best.log_probability for moment in wanted.moments]
    assert len(set(logs)) == 3


def test_the_model_has_its_own_weights_again_whatever_happens(trained, monkeypatch):
    own = trained.model.get_weights()
    trained.over_time(TEXT)
    assert all(map(np.array_equal, own, trained.model.get_weights()))

    def struck(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(trained._made.instruments, "translate", struck)
    with pytest.raises(KeyboardInterrupt):
        trained.over_time(TEXT)
    assert all(map(np.array_equal, own, trained.model.get_weights()))
    assert not trained.busy


def test_no_graph_is_traced_again(trained):
    items = [Force(token="chat")]
    trained.over_time(TEXT, items)
    step = trained._made.instruments._one_step
    graphs = step._encode, step._plain
    before = [graph.experimental_get_tracing_count() for graph in graphs]
    trained.over_time(TEXT, items)
    assert (step._encode, step._plain) == graphs
    assert [graph.experimental_get_tracing_count() for graph in graphs] == before


def test_interventions_act_at_every_moment_with_the_model_s_own_probability(trained):
    items = [
        EditSource(position=0, token="old"), Force(token="chien"),
        Ban(prefix=("chien",), token="rouge"), Mask(prefix=("chien",), positions=(1,)),
    ]  # fmt: skip
    over = trained.over_time(TEXT, items)
    for moment in over.moments:
        assert moment.fault == ""
        best = moment.translation.best
        assert best.tokens[0] == "chien"
        assert "rouge" not in best.tokens[1:2]
        assert moment.translation.source == "old cat"
        assert [(one.item, one.kind, one.token) for one in moment.opinions] == [
            (2, "force", "chien"), (3, "ban", "rouge"),
        ]  # fmt: skip
        assert moment.opinions[0].log_probability == pytest.approx(
            best.log_probabilities[0], abs=1e-5
        )
        stepper = opened_at(trained, moment.step).stepper("old cat")
        stepper.force("chien")
        stepper.edit_attention(Mask(positions=(1,)))
        own = {each.token: each.log_probability for each in stepper.candidates(50)}
        assert moment.opinions[1].log_probability == pytest.approx(own["rouge"], abs=1e-5)


def test_a_moment_that_does_not_fit_says_which_item_and_the_others_go_on(trained, tmp_path):
    copy = shutil.copytree(trained.directory.path, tmp_path / "copy")
    session = Session.open(copy, beam_width=1)
    places = [weight is session.model.output_bias for weight in session.model.weights]
    [older] = (copy / "checkpoints").glob("weights-*.npz")
    arrays = dict(np.load(older))
    bias = arrays[f"{places.index(True):04}"]
    bias[session.codec.encode_target("vieux")[0]] += 50  # at first it writes nothing else
    np.savez(older, **arrays)
    written = session.over_time(TEXT).moments[-1].translation.best.tokens[:1]
    assert written != ("vieux",)
    found = session.over_time(TEXT, [Ban(token="mini"), Ban(prefix=written, token="chien")])
    first, *others = found.moments
    assert first.fault.startswith(f"item 2: its prefix was not reached: {written[0]}")
    assert first.translation is None
    assert len(first.opinions) == 2  # what it thinks of it there is known all the same
    assert first.scored.best.text == found.followed
    for moment in others:
        assert moment.translation.best.tokens[0] in written or moment.fault
    assert others[-1].fault == ""


def test_a_damaged_checkpoint_is_a_moment_that_says_so(trained, tmp_path):
    copy = shutil.copytree(trained.directory.path, tmp_path / "copy")
    [older] = (copy / "checkpoints").glob("weights-*.npz")
    older.write_bytes(older.read_bytes()[:100])
    found = Session.open(copy).over_time(TEXT)
    assert "weights-00000002.npz: is damaged" in found.moments[0].fault
    assert all(moment.translation for moment in found.moments[1:])


def test_runs_are_compared_on_one_target(trained, over, tmp_path):
    copy = shutil.copytree(trained.directory.path, tmp_path / "run")
    found = compare_over([trained, Session.open(copy)], TEXT)
    assert found.runs == ("run", "run (2)")
    assert found.followed == over.followed
    assert [moment.step for moment in found.moments] == [2, 4, 6] * 2
    for ours, theirs in zip(found.moments[:3], found.moments[3:], strict=True):
        assert ours.translation.text == theirs.translation.text
        np.testing.assert_allclose(
            ours.scored.best.log_probabilities, theirs.scored.best.log_probabilities, atol=1e-5
        )
    with pytest.raises(WorkbenchError, match="expected sessions to compare"):
        compare_over([], TEXT)


def test_bad_input_is_refused_and_changes_nothing(trained, tmp_path):
    own = trained.model.get_weights()
    with pytest.raises(SettingsError, match="item 1"):
        trained.over_time(TEXT, [{"kind": "forse"}])
    with pytest.raises(RunError, match="no checkpoint is kept"):
        Session.open(trained.save(tmp_path / "saved")).over_time(TEXT)
    assert all(map(np.array_equal, own, trained.model.get_weights()))
    trained.set_trait("state", "training")
    with pytest.raises(RunError, match="pause it first"):
        trained.over_time(TEXT)
    trained.set_trait("state", "paused")
    assert trained.refusal("over_time") == ""
    trained.set_trait("state", "trained")
    found = trained.over_time(TEXT, [Force(token="chatt")])
    assert all("did you mean 'chat'" in moment.fault for moment in found.moments)
    assert found.followed == ""


def test_training_goes_on_as_if_nobody_had_looked(trained, tmp_path):
    def train(name, look):
        config = trained.config.replace(run_directory=str(tmp_path / name), live=True, max_steps=4)
        session = Session(config)
        session.advance(3)
        session._worker.do(lambda: None)
        while session.state != "paused":
            pass
        if look:
            assert [one.step for one in session.over_time(TEXT).moments] == [2]
        session.resume()
        session._running.result()
        return session.model.get_weights(), Checkpoints(session.directory.checkpoints).moments

    (plain, steps), (looked, same) = train("plain", False), train("looked", True)
    assert steps == same == [2, 4]
    assert all(map(np.array_equal, plain, looked))
