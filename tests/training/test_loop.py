import time

import numpy as np
import pytest

from workbench.config import RunConfig
from workbench.data.batches import batch_count
from workbench.errors import RunError, SettingsError
from workbench.records import Evaluation
from workbench.training.checkpoint import Checkpoints
from workbench.training.control import Stopped
from workbench.training.evaluation import TeacherForcing
from workbench.training.loop import Loop, LossNotFiniteError, planned_steps
from workbench.training.step import TrainingStep


@pytest.fixture
def count_steps(monkeypatch):
    """Make a training step that computes nothing but sets the output bias to its number."""
    seen = []

    def step(self, batch, step, rate):
        self.model.output_bias.assign([float(step)] * self.model.target_size)
        seen.append((step, rate, batch.indices))
        return 1.0, 2.0, 10

    monkeypatch.setattr(TrainingStep, "__call__", step)
    return seen


@pytest.fixture
def make_loop(count_steps, make_model, config, encoded):
    """Prepare a loop whose evaluations give the `figures` one after another."""

    def make(figures=(), checkpoints=None, clock=time.perf_counter, **changes):
        settings = config.replace(**{"epochs": 100, "batch_size": 20} | changes)
        coming = iter(figures)

        def look():
            return Evaluation("validation", {settings.monitor: next(coming, 1e9)}), ()

        return Loop(make_model(settings), encoded, settings, look, checkpoints, clock=clock)

    return make


def evaluated(history):
    return [progress.step for progress in history if progress.evaluation]


def mark(loop):
    """Return the step whose weights the model holds."""
    return loop.model.output_bias.numpy()[0]


def test_every_pair_once_an_epoch_and_an_evaluation_at_its_end(make_loop, count_steps, encoded):
    loop = make_loop(epochs=2)
    history = list(loop.run())
    assert [progress.step for progress in history] == [1, 2, 3, 4, 5, 6]
    assert [progress.epoch for progress in history] == [0, 0, 0, 1, 1, 1]
    assert evaluated(history) == [3, 6]
    first, second = (
        np.concatenate([indices for _, _, indices in count_steps[part]])
        for part in (slice(0, 3), slice(3, 6))
    )
    assert sorted(first) == sorted(second) == list(range(len(encoded)))
    assert list(first) != list(second)


def test_a_step_says_what_it_did(make_loop, count_steps):
    loop = make_loop(epochs=2, learning_rate=0.5, schedule="constant", warmup_steps=4)
    history = list(loop.run())
    assert [rate for _, rate, _ in count_steps] == [0.125, 0.25, 0.375, 0.5, 0.5, 0.5]
    last = history[-1]
    assert (last.loss, last.gradient_norm, last.tokens, last.total_steps) == (1.0, 2.0, 10, 6)
    assert [progress.learning_rate for progress in history][:2] == [0.125, 0.25]
    seconds = [progress.seconds for progress in history]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    assert history[0].tokens_per_second == pytest.approx(10 / seconds[0])


def test_patience_ends_training_and_the_best_weights_stay(make_loop):
    loop = make_loop([5.0, 3.0, 4.0, 3.0, 2.0], patience=2, evaluate_every=2)
    history = list(loop.run())
    assert evaluated(history) == [2, 4, 6, 8]  # no gain at 6 and at 8: 3.0 again is none
    assert [progress.best for progress in history if progress.evaluation] == [
        True, True, False, False,
    ]  # fmt: skip
    assert (loop.position.best, loop.position.best_step, loop.position.waited) == (3.0, 4, 2)
    assert mark(loop) == 4


def test_a_gain_starts_the_patience_anew(make_loop):
    loop = make_loop([5, 6, 4, 6, 3, 6, 6], patience=2, evaluate_every=1)
    assert len(list(loop.run())) == 7


@pytest.mark.parametrize(
    ("monitor", "best"),
    [("loss", 2), ("word_error_rate", 2), ("character_error_rate", 2), ("bleu", 3),
     ("chrf", 3), ("exact_match", 3), ("token_accuracy", 3)],
)  # fmt: skip
def test_errors_fall_and_scores_rise(make_loop, monitor, best):
    loop = make_loop([0.5, 0.1, 0.9, 0.2], monitor=monitor, evaluate_every=1, max_steps=4)
    list(loop.run())
    assert loop.position.best_step == best
    assert mark(loop) == best


def test_a_budget_of_steps_ends_with_an_evaluation(make_loop):
    loop = make_loop([1.0, 0.5], max_steps=5)
    history = list(loop.run())
    assert [len(history), history[-1].total_steps] == [5, 5]
    assert evaluated(history) == [3, 5]
    assert mark(loop) == 5


def six_seconds_more():
    """A clock of which every look finds six seconds more: a step takes six, an evaluation too."""
    times = iter(range(0, 10_000, 6))
    return lambda: next(times)


def test_a_budget_of_minutes_ends_with_an_evaluation(make_loop):
    loop = make_loop(
        [1.0, 0.5, 0.4, 0.3], clock=six_seconds_more(), max_minutes=0.68, evaluate_every=2
    )
    history = list(loop.run())
    assert [progress.seconds for progress in history] == [6, 12, 24, 30, 42]
    assert evaluated(history) == [2, 4, 5]


def test_no_time_left_after_an_evaluation_is_the_end(make_loop):
    loop = make_loop([1.0, 0.5], clock=six_seconds_more(), max_minutes=0.2, evaluate_every=1)
    assert [progress.step for progress in loop.run()] == [1]


def test_evaluations_may_fall_within_an_epoch(make_loop):
    loop = make_loop(evaluate_every=4, epochs=3)
    assert evaluated(loop.run()) == [4, 8, 9]  # and always at the end


def test_probes_ride_on_the_evaluation(make_loop):
    loop = make_loop(max_steps=3)
    loop.evaluate = lambda: (Evaluation("validation", {"loss": 1.0}), ("a probe",))
    assert [progress.probes for progress in loop.run()] == [(), (), ("a probe",)]


def test_checkpoints_are_written_at_evaluations_and_in_between(make_loop, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    found = []
    loop = make_loop(checkpoints=checkpoints, epochs=2, checkpoint_every=2)
    for progress in loop.run():
        next_one = checkpoints.steps[-1] if checkpoints.steps else 0
        found.append((progress.step, next_one))
    assert found == [(1, 0), (2, 2), (3, 3), (4, 4), (5, 4), (6, 6)]


def test_stopping_writes_a_checkpoint_and_leaves_the_best_weights(make_loop, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    loop = make_loop([1.0], checkpoints, checkpoint_every=1000)
    steps = loop.run()
    for _ in range(5):
        next(steps)
    steps.close()
    assert checkpoints.steps == [3, 5]
    assert mark(loop) == 3
    again = make_loop([], checkpoints, max_steps=6)
    assert mark(again) == 5  # goes on from the last weights, not from the best
    assert [progress.step for progress in again.run()] == [6]
    assert mark(again) == 3


def test_stopping_before_any_evaluation_leaves_the_last_weights(make_loop):
    loop = make_loop()
    steps = loop.run()
    next(steps)
    steps.close()
    assert mark(loop) == 1


def test_an_evaluation_that_was_broken_off_is_made_when_training_goes_on(make_loop, tmp_path):
    whole = list(make_loop([3.0, 1.0, 2.0], evaluate_every=2, max_steps=6).run())
    loop = make_loop(checkpoints=Checkpoints(tmp_path), evaluate_every=2, max_steps=6)
    loop.evaluate = broken_off
    assert [progress.step for progress in loop.run()] == [1]
    assert Checkpoints(tmp_path).steps == [2]
    again = make_loop([3.0, 1.0, 2.0], Checkpoints(tmp_path), evaluate_every=2, max_steps=6)
    rest = list(again.run())
    assert [progress.step for progress in rest] == [2, 3, 4, 5, 6]
    assert [each.evaluation for each in rest] == [each.evaluation for each in whole[1:]]
    assert [each.best for each in rest] == [each.best for each in whole[1:]]
    assert (again.position.best_step, mark(again)) == (4, 4)


def broken_off():
    raise Stopped


def test_a_finished_run_does_nothing_more(make_loop, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    list(make_loop([2.0, 1.0, 3.0], checkpoints, epochs=3).run())
    again = make_loop([], checkpoints, epochs=3)
    assert list(again.run()) == []
    assert mark(again) == 6


@pytest.fixture
def break_at(count_steps, monkeypatch):
    """Let a step have a finite loss and write a weight that is no number."""
    take = TrainingStep.__call__

    def break_at(number):
        def step(self, batch, step, rate):
            taken = take(self, batch, step, rate)
            if step == number:
                self.model.output_bias.assign([np.nan] * self.model.target_size)
            return taken

        monkeypatch.setattr(TrainingStep, "__call__", step)

    return break_at


@pytest.mark.parametrize("changes", [{"evaluate_every": 2}, {"checkpoint_every": 2}])
@pytest.mark.parametrize("monitor", ["loss", "bleu"])
def test_weights_that_are_no_numbers_are_neither_saved_nor_the_best(
    make_loop, break_at, tmp_path, changes, monitor
):
    checkpoints = Checkpoints(tmp_path)
    loop = make_loop([1.0, 9.0], checkpoints, monitor=monitor, **changes)
    break_at(4)
    with pytest.raises(LossNotFiniteError, match="the weights after step 4 are no numbers any"):
        list(loop.run())
    assert checkpoints.steps[-1] < 4
    assert np.isfinite(mark(loop))
    again = make_loop([1.0, 9.0], checkpoints, monitor=monitor, **changes)
    assert again.position.step == checkpoints.steps[-1]
    assert np.isfinite(mark(again))


def test_stopping_with_weights_that_are_no_numbers_saves_none(make_loop, break_at, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    loop = make_loop([1.0], checkpoints, evaluate_every=2, checkpoint_every=1000)
    break_at(3)
    steps = loop.run()
    for _ in range(3):
        next(steps)
    with pytest.raises(LossNotFiniteError, match="weights after step 3"):
        steps.close()
    assert checkpoints.steps == [2]
    assert mark(loop) == 2


def test_a_gradient_without_end_and_a_finite_loss_write_no_checkpoint(
    make_model, config, encoded, tmp_path, monkeypatch
):
    settings = config.replace(max_steps=1, evaluate_every=1)
    gradients = TrainingStep._gradients

    def endless(self, *given):
        found, sums = gradients(self, *given)
        return [each * np.inf for each in found], sums

    monkeypatch.setattr(TrainingStep, "_gradients", endless)
    loop = Loop(make_model(settings), encoded, settings, lambda: None, Checkpoints(tmp_path))
    before = loop.model.get_weights()
    with pytest.raises(LossNotFiniteError, match=r"or train anew .* clip_norm \(now 1\)"):
        list(loop.run())
    assert Checkpoints(tmp_path).steps == []
    assert all(map(np.array_equal, before, loop.model.get_weights()))


def test_a_loss_that_is_no_number_is_never_the_best(make_loop, tmp_path):
    loop = make_loop([float("nan"), 2.0, float("nan")], Checkpoints(tmp_path), epochs=3)
    list(loop.run())
    assert (loop.position.best, loop.position.best_step) == (2.0, 6)


@pytest.mark.parametrize(
    ("settings", "steps"), [({"epochs": 7}, 21), ({"epochs": 7, "max_steps": 20}, 20),
                            ({"epochs": 7, "max_steps": 100}, 21)],
)  # fmt: skip
def test_planned_steps(settings, steps, encoded):
    assert batch_count(encoded, 20) == 3
    assert planned_steps(encoded, RunConfig(batch_size=20, **settings)) == steps


@pytest.mark.parametrize("accumulate", [1, 2])
def test_nothing_is_traced_after_the_first_epoch(make_model, config, encoded, accumulate):
    """Batches of other shapes come in the second epoch, in another order."""
    settings = config.replace(epochs=2, batch_size=13, accumulate=accumulate)
    model = make_model(settings)
    measure = TeacherForcing(model)

    def look():
        return Evaluation("validation", measure(encoded, 17)), ()

    loop = Loop(model, encoded, settings, look, traced={"evaluation": measure})
    assert loop.traces == {"step": 0, "evaluation": 0, "after_first_epoch": 0}
    history = list(loop.run())
    assert history[-1].epoch == 1
    steps = 1 if accumulate == 1 else loop.traces["step"]
    assert loop.traces == {"step": steps, "evaluation": 1, "after_first_epoch": 0}
    assert steps <= 2
    measure.traces += 3
    assert loop.traces["after_first_epoch"] == 3


def test_several_batches_make_a_step_and_what_is_left_a_smaller_one(
    make_model, config, encoded, monkeypatch
):
    """Sixty pairs are five batches of 13, so an epoch has steps of two, two and one."""
    seen = []

    def step(self, batch, step, rate, further=()):
        seen.append((step, [len(each.indices) for each in (batch, *further)]))
        return 1.0, 2.0, 10

    monkeypatch.setattr(TrainingStep, "__call__", step)
    settings = config.replace(epochs=2, batch_size=13, accumulate=2)
    assert planned_steps(encoded, settings) == 6
    loop = Loop(make_model(settings), encoded, settings,
                lambda: (Evaluation("validation", {"loss": 1.0}), ()))  # fmt: skip
    history = list(loop.run())
    assert [progress.epoch for progress in history] == [0, 0, 0, 1, 1, 1]
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert [len(sizes) for _, sizes in seen] == [2, 2, 1, 2, 2, 1]
    assert sum(sum(sizes) for _, sizes in seen[:3]) == len(encoded)
    assert evaluated(history) == [3, 6]


def test_the_last_evaluations_are_averaged_and_measured_once_more(make_loop, tmp_path):
    """The output bias is the number of the step: the mean of steps 4, 6 and 8 is 6."""
    checkpoints = Checkpoints(tmp_path)
    changes = {"average_checkpoints": 3, "evaluate_every": 2, "max_steps": 8}
    loop = make_loop([4.0, 1.0, 2.0, 3.0, 0.5], checkpoints, **changes)
    history = list(loop.run())
    assert mark(loop) == 6
    assert history[-1].evaluation == loop.averaged == Evaluation("validation", {"loss": 0.5})
    assert (loop.position.best, loop.position.best_step) == (1.0, 4)
    again = make_loop([], checkpoints, **changes)
    assert mark(again) == 8  # the checkpoint is that of training, not of the mean
    assert list(again.run()) == []
    assert mark(again) == 6


def test_averaging_goes_on_after_a_stop(make_loop, tmp_path):
    checkpoints = Checkpoints(tmp_path)
    changes = {"average_checkpoints": 2, "evaluate_every": 2, "max_steps": 6}
    stopped = make_loop([1.0, 2.0], checkpoints, **changes)
    steps = stopped.run()
    for _ in range(5):
        next(steps)
    steps.close()
    assert mark(stopped) == 2  # the best, as ever
    again = make_loop([3.0, 4.0], checkpoints, **changes)
    list(again.run())
    assert mark(again) == 5  # the mean of steps 4 and 6


def test_the_chance_of_sampling_rises(make_model, config, encoded, monkeypatch):
    chances = []

    def step(self, batch, step, rate, chance):
        chances.append(chance)
        return 1.0, 2.0, 10

    monkeypatch.setattr(TrainingStep, "__call__", step)
    settings = config.replace(epochs=1, batch_size=13, scheduled_sampling=0.4)
    loop = Loop(make_model(settings), encoded, settings,
                lambda: (Evaluation("validation", {"loss": 1.0}), ()))  # fmt: skip
    list(loop.run())
    assert chances == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_float16_needs_a_gpu(make_model, config, encoded, monkeypatch):
    settings = config.replace(precision="float16")
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda *_: [])
    with pytest.raises(SettingsError, match="precision is float16 and there is no GPU: choose"):
        Loop(make_model(settings), encoded, settings, lambda: None)


def test_a_loss_that_is_no_number_ends_training_on_one_line(model, encoded, config, monkeypatch):
    monkeypatch.setattr(TrainingStep, "__call__", lambda *_: (float("nan"), 1.0, 5))
    loop = Loop(model, encoded, config, lambda: None)
    with pytest.raises(RunError, match="lower learning_rate") as refusal:
        next(loop.run())
    assert "step 1" in str(refusal.value)
