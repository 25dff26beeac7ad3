import json
from dataclasses import replace

import numpy as np
import pytest

from workbench.data.batches import batch_count
from workbench.errors import RunError
from workbench.records import Evaluation
from workbench.training import checkpoint
from workbench.training.checkpoint import (
    KEPT,
    Checkpoints,
    Position,
    _load_arrays,
    _save_arrays,
    thinned,
)
from workbench.training.loop import Loop
from workbench.training.optimizer import make_optimizer


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints")


@pytest.fixture
def save(checkpoints, make_model, config):
    """Write a checkpoint of a model whose output bias is the number of the step."""

    def save(step):
        model = make_model(config)
        model.output_bias.assign_add([float(step)] * model.target_size)
        optimizer = make_optimizer(config)
        optimizer.build(model.trainable_variables)
        for number, variable in enumerate(optimizer.variables):
            variable.assign(variable + step + number)
        checkpoints.save(Position(step, 1, 2, 0.5, 0.25, 3, 4), model, optimizer, [np.ones(3)])
        return model, optimizer

    return save


def restored(checkpoints, make_model, config, **changes):
    settings = config.replace(**changes)
    model, optimizer = make_model(settings, seed=99), make_optimizer(settings)
    optimizer.build(model.trainable_variables)
    return model, optimizer, checkpoints.restore(model, optimizer)


def test_everything_comes_back(checkpoints, save, make_model, config):
    saved, saved_optimizer = save(7)
    model, optimizer, (position, best, recent) = restored(checkpoints, make_model, config)
    assert position == Position(7, 1, 2, 0.5, 0.25, 3, 4)
    np.testing.assert_array_equal(best, [np.ones(3)])
    assert recent == []
    assert all(map(np.array_equal, model.get_weights(), saved.get_weights()))
    for ours, theirs in zip(optimizer.variables, saved_optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_the_weights_of_recent_evaluations_come_back(checkpoints, make_model, config):
    model, optimizer = make_model(config), make_optimizer(config)
    optimizer.build(model.trainable_variables)
    recent = [[number + each for each in model.get_weights()] for number in range(3)]
    checkpoints.save(Position(3), model, optimizer, [], recent)
    _, _, (_, _, found) = restored(checkpoints, make_model, config)
    assert len(found) == 3
    for ours, theirs in zip(found, recent, strict=True):
        assert all(map(np.array_equal, ours, theirs))
    (checkpoints.directory / "step-00000003" / "recent.npz").unlink()  # as older versions wrote it
    assert restored(checkpoints, make_model, config)[2][2] == []


def test_the_scale_of_the_loss_comes_back(checkpoints, make_model, config):
    """Its two numbers are among the optimizer's variables."""
    settings = config.replace(precision="float16")
    model, optimizer = make_model(settings), make_optimizer(settings)
    optimizer.build(model.trainable_variables)
    optimizer.dynamic_scale.assign(512.0)
    optimizer.step_counter.assign(77)
    checkpoints.save(Position(3), model, optimizer, [])
    _, fresh, _ = restored(checkpoints, make_model, settings)
    assert float(fresh.dynamic_scale) == 512
    assert int(fresh.step_counter) == 77


def test_only_the_last_are_kept(checkpoints, save):
    for step in (2, 9, 10, 100_000_000):
        save(step)
    assert checkpoints.steps == [10, 100_000_000]
    assert len(checkpoints.steps) == KEPT
    assert len(list(checkpoints.directory.iterdir())) == KEPT


def test_of_older_ones_the_weights_are_kept_spread_evenly(checkpoints, save, make_model, config):
    checkpoints.keep = 3
    for step in range(1, 10):
        save(step)
    assert checkpoints.steps == [8, 9]
    assert checkpoints.moments == [1, 5, 7, 8, 9]
    model = make_model(config, seed=99)
    for step in (5, 9):
        checkpoints.restore_weights(step, model)
        assert model.output_bias.numpy()[0] == step
    with pytest.raises(RunError, match=r"\(1, 5, 7, 8, 9\), got step 4"):
        checkpoints.restore_weights(4, model)
    assert restored(checkpoints, make_model, config)[2][0].step == 9


def test_looking_back_costs_weights_only(checkpoints, save):
    checkpoints.keep = 2
    for step in (1, 2, 3):
        save(step)
    older = [path.name for path in checkpoints.directory.iterdir() if path.is_file()]
    assert older == ["weights-00000001.npz"]
    assert sorted(map(str, checkpoints.directory.glob(".*"))) == []


def test_what_resuming_needs_is_whole_where_a_checkpoint_is_retired_half_way(
    checkpoints, save, make_model, config, monkeypatch
):
    checkpoints.keep = 2
    save(1)
    save(2)

    def killed(path, **_):
        if path.exists():
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            save(3)
    assert checkpoints.steps == [2, 3]
    assert restored(checkpoints, make_model, config)[2][0].step == 3
    save(4)
    assert checkpoints.moments == [1, 2, 3, 4]
    assert not (checkpoints.directory / ".retired").exists()


@pytest.mark.parametrize(
    ("steps", "keep", "gone"),
    [
        ([1, 2, 3], 3, []), ([1, 2, 3], 0, [1, 2, 3]), ([1, 2, 3], 1, [2, 3]), ([], 2, []),
        ([5, 9, 10, 14], 3, [10]), ([1, 10, 20, 21, 30], 4, [21]),
    ],
)  # fmt: skip
def test_those_go_that_are_close_to_the_one_before(steps, keep, gone):
    assert thinned(steps, keep) == gone


def test_a_crash_while_writing_leaves_the_older_one(
    checkpoints, save, make_model, config, monkeypatch
):
    save(3)
    written = []

    def crash(path, arrays, write=checkpoint._save_arrays):
        written.append(path)
        if len(written) == 3:
            raise KeyboardInterrupt
        write(path, arrays)

    monkeypatch.setattr(checkpoint, "_save_arrays", crash)
    with pytest.raises(KeyboardInterrupt):
        save(4)
    assert checkpoints.steps == [3]
    model, _, (position, *_) = restored(checkpoints, make_model, config)
    assert position.step == 3
    assert model.output_bias.numpy()[0] == 3


def test_what_a_killed_process_leaves_half_written_is_no_checkpoint(checkpoints, save):
    save(3)
    (checkpoints.directory / ".writing-1-1-step-00000004").mkdir()
    assert checkpoints.steps == [3]


def test_writing_the_same_step_again_replaces_it(checkpoints, save, make_model, config):
    save(3)
    save(3)
    assert checkpoints.steps == [3]
    assert restored(checkpoints, make_model, config)[2][0].step == 3


def test_no_checkpoint_is_an_error(checkpoints, make_model, config):
    assert checkpoints.steps == []
    with pytest.raises(RunError, match="expected a checkpoint, found none"):
        restored(checkpoints, make_model, config)


def test_a_model_of_another_shape_is_an_error(checkpoints, save, make_model, config):
    save(3)
    with pytest.raises(RunError, match=r"0003: its weights .*\(8, 14\) there, \(10, 14\) here"):
        restored(checkpoints, make_model, config, units=10)
    with pytest.raises(RunError, match=r"0003: its weights .* 17 of them there, 13 here"):
        restored(checkpoints, make_model, config, attention="none")


def test_another_optimizer_is_an_error(checkpoints, save, make_model, config):
    save(3)
    with pytest.raises(RunError, match=r"0003: its optimizer variables do not fit"):
        restored(checkpoints, make_model, config, optimizer="sgd")


def damaged(checkpoints, step, file, damage):
    path = checkpoints.directory / f"step-{step:08}" / file
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        path.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")


@pytest.mark.parametrize(
    ("file", "damage"),
    [("model.npz", "cut"), ("optimizer.npz", "cut"), ("best.npz", "cut"), ("position.json", "cut"),
     ("model.npz", "empty"), ("model.npz", "gone")],
)  # fmt: skip
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    file, damage, checkpoints, save, make_model, config
):
    save(3)
    save(4)
    damaged(checkpoints, 4, file, damage)
    model, _, (position, *_) = restored(checkpoints, make_model, config)
    assert position.step == 3
    assert model.output_bias.numpy()[0] == 3


def test_when_all_are_damaged_the_error_names_them(checkpoints, save, make_model, config):
    save(3)
    save(4)
    damaged(checkpoints, 3, "model.npz", "cut")
    damaged(checkpoints, 4, "position.json", "cut")
    with pytest.raises(RunError, match=r"found none; step-0*4 is damaged: .*; step-0*3 is"):
        restored(checkpoints, make_model, config)


def test_no_code_is_loaded(checkpoints, save, make_model, config):
    save(3)
    for name in ("model", "best", "optimizer", "recent"):
        path = checkpoints.directory / "step-00000003" / f"{name}.npz"
        with np.load(path, allow_pickle=False) as arrays:
            assert all(arrays[each].dtype.kind in "fiu" for each in arrays.files)
    assert json.loads((path.parent / "position.json").read_text())["step"] == 3
    np.savez(path.parent / "model.npz", **{"0000": np.array([print], object)})
    with pytest.raises(RunError, match="allow_pickle=False"):
        restored(checkpoints, make_model, config)


# Resuming ----------------------------------------------------------------------------------


@pytest.fixture
def train(tmp_path, make_model, config, encoded):
    """Train until `stop` steps are done, in a directory of the given name."""
    settings = config.replace(
        dropout=0.3, epochs=3, batch_size=20, evaluate_every=2, checkpoint_every=1000, seed=8,
        max_steps=8, warmup_steps=2, encoder="rnn", decoder="gru", bidirectional=False,
    )  # fmt: skip
    assert batch_count(encoded, 20) == 3

    def train(name, stop=8):
        model = make_model(settings)

        def look():
            figure = float(np.abs(model.output_bias.numpy() - 0.02).sum())
            return Evaluation("validation", {"loss": figure}), ()

        loop = Loop(model, encoded, settings, look, Checkpoints(tmp_path / name))
        steps, history = loop.run(), []
        for progress in steps:
            history.append(replace(progress, seconds=0, tokens_per_second=0))
            if progress.step == stop:
                break
        steps.close()
        return loop, history

    return train


def test_a_resumed_run_is_bit_for_bit_the_run_that_was_not_stopped(train):
    """Stopped in the middle of the second of three epochs, between two evaluations."""
    whole, history = train("whole")
    parts = [train("parts", stop) for stop in (5, 8)]
    assert [len(some) for _, some in parts] == [5, 3]
    assert parts[0][1] + parts[1][1] == history
    last = parts[-1][0]
    assert replace(last.position, seconds=0) == replace(whole.position, seconds=0)
    assert (whole.position.step, whole.position.epoch, whole.position.batch) == (8, 2, 2)
    assert all(map(np.array_equal, last.model.get_weights(), whole.model.get_weights()))
    ours, theirs = last.step.optimizer.variables, whole.step.optimizer.variables
    assert len(ours) > 2 * len(whole.model.weights)  # two moments for each weight
    for left, right in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(left.numpy(), right.numpy())
    assert all(map(np.array_equal, last.best, whole.best))


def test_arrays_keep_their_order_beyond_ten_thousand(tmp_path):
    _save_arrays(tmp_path / "many.npz", [np.array(number) for number in range(10_002)])
    assert [int(each) for each in _load_arrays(tmp_path / "many.npz")] == list(range(10_002))
