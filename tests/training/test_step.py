import numpy as np
import pytest
import tensorflow as tf

from workbench.data.batches import Batch, batches
from workbench.data.tokenizer import PAD
from workbench.training.step import TrainingStep


@pytest.fixture(scope="module")
def step_for(make_model, config):
    def make(**changes):
        settings = config.replace(**changes)
        return TrainingStep(make_model(settings), settings, settings.dropout)

    return make


# Compiling a step takes seconds: steps whose weights every test puts back are shared.
DESCENT = {"optimizer": "sgd", "dropout": 0.0, "clip_norm": 0, "label_smoothing": 0.1}
CLIP = 0.05  # far below the norm of a gradient here


@pytest.fixture(scope="module")
def adam(step_for):
    return step_for(dropout=0.1)


@pytest.fixture(scope="module")
def descent(step_for):
    """Plain descent, unclipped: at rate 1 the weights move by the gradient itself."""
    return step_for(**DESCENT)


@pytest.fixture(scope="module")
def clipping(step_for):
    """Plain descent, clipped."""
    return step_for(**DESCENT | {"clip_norm": CLIP})


@pytest.fixture(scope="module")
def half(step_for):
    """Plain descent in float16, which is tried without a GPU; it only is slow there."""
    return step_for(**DESCENT, precision="float16")


@pytest.fixture(scope="module")
def some(encoded):
    return list(batches(encoded, 16, seed=1, epoch=0))


def moved_by(steps, *arguments, **named):
    """Return by how much a step moves the weights, and what it says it did; put them back."""
    before = steps.model.get_weights()
    said = steps(*arguments, **named)
    after = steps.model.get_weights()
    steps.model.set_weights(before)
    moved = [(new - old).ravel() for new, old in zip(after, before, strict=True)]
    return np.concatenate(moved), said


def test_one_seed_and_step_drop_the_same_units(adam, some):
    """At rate 0 nothing is learnt in between."""
    first = adam(some[0], 7, 0.0)
    assert adam(some[0], 7, 0.0) == first
    assert adam(some[0], 8, 0.0) != first


def test_a_small_batch_is_learnt_by_heart_and_the_graph_traced_once(adam, some):
    assert len({each.source.shape + each.target.shape for each in some}) > 1
    losses = [adam(some[0], step, 0.02)[0] for step in range(1, 61)]
    assert losses[0] == pytest.approx(np.log(adam.model.target_size), abs=0.2)  # knows nothing
    assert losses[-1] < 0.25 * losses[0]
    for number, other in enumerate(some, 61):
        _, norm, tokens = adam(other, number, 0.01)
        assert tokens == (other.target != PAD).sum()
        assert norm > 0
    assert adam.traces == 1


def test_a_long_gradient_is_clipped_and_its_length_before_reported(descent, clipping, some):
    whole, (_, norm, _) = moved_by(descent, some[0], 1, 1.0)
    short, (_, same_norm, _) = moved_by(clipping, some[0], 1, 1.0)
    assert norm > 0.1
    assert norm == pytest.approx(same_norm, rel=1e-5)
    assert np.linalg.norm(whole) == pytest.approx(norm, rel=1e-3)
    assert np.linalg.norm(short) == pytest.approx(CLIP, rel=1e-3)
    cosine = whole @ short / np.linalg.norm(whole) / np.linalg.norm(short)
    assert cosine == pytest.approx(1, abs=1e-4)


def test_the_loss_is_the_mean_over_real_tokens(descent):
    """A sentence that stands twice in a batch, with padding behind it, counts the same."""
    source, target = np.array([[4, 5, 3]], np.int32), np.array([[6, 3]], np.int32)
    alone, _, tokens = descent(Batch(source, target, np.arange(1)), 1, 0.0)
    assert tokens == 2
    source, target = np.pad(source, [(0, 0), (0, 2)]), np.pad(target, [(0, 0), (0, 3)])
    double = Batch(np.repeat(source, 2, 0), np.repeat(target, 2, 0), np.arange(2))
    twice, _, tokens = descent(double, 1, 0.0)
    assert tokens == 4
    assert twice == pytest.approx(alone, rel=1e-5)


def merged(parts):
    """Pad batches to one."""
    rows = [[getattr(part, side) for part in parts] for side in ("source", "target")]
    wide = [max(array.shape[1] for array in side) for side in rows]
    source, target = (
        np.concatenate([np.pad(a, [(0, 0), (0, width - a.shape[1])]) for a in side])
        for side, width in zip(rows, wide, strict=True)
    )
    return Batch(source, target, np.concatenate([part.indices for part in parts]))


def test_several_small_batches_are_one_big_batch(clipping, step_for, some):
    """And are clipped together; undoing that at the end compares the gradients themselves."""
    big, small = clipping, step_for(**DESCENT | {"clip_norm": CLIP}, accumulate=3)
    wanted, (loss, norm, tokens) = moved_by(big, merged(some[:3]), 1, 1.0)
    assert norm > 2 * CLIP
    for _ in range(2):  # what was added up for a step does not stay for the next
        found, said = moved_by(small, some[0], 1, 1.0, further=some[1:3])
        np.testing.assert_allclose(found * norm / CLIP, wanted * norm / CLIP, atol=1e-5)
        assert said == pytest.approx((loss, norm, tokens), rel=1e-5)
    left, (_, norm, _) = moved_by(small, some[3], 2, 1.0)
    alone, _ = moved_by(big, some[3], 2, 1.0)
    np.testing.assert_allclose(left * norm / CLIP, alone * norm / CLIP, atol=1e-5)
    assert np.abs(alone).max() > 1e-3
    assert small.traces == 1
    assert int(small.optimizer.iterations) == 3


def test_batches_of_a_step_drop_different_units(step_for, some):
    """The same batch twice, at rate 0: were the same units dropped, the losses would be equal."""
    steps = step_for(dropout=0.5, accumulate=2)
    once, _, tokens = steps(some[0], 1, 0.0)
    twice, _, both = steps(some[0], 1, 0.0, further=[some[0]])
    assert both == 2 * tokens
    assert abs(twice - once) > 1e-4


def test_reading_again_is_a_loss_of_its_own(descent, step_for, some):
    """The sum over steps of min(a, c) (See et al. 2017, equation 12), a real token."""
    loss, _, tokens = descent(some[0], 1, 0.0)
    _, attention = descent.model.forward(some[0].source, some[0].target)
    a = attention.numpy()[:, 0, 0]  # [B, T, S]
    again = np.minimum(a, np.cumsum(a, 1) - a).sum(-1)
    wanted = loss + 0.7 * again[some[0].target != PAD].sum() / tokens
    found, _, _ = step_for(**DESCENT, coverage_loss=0.7)(some[0], 1, 0.0)
    assert found == pytest.approx(wanted, rel=1e-5)
    assert found > loss + 0.05


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_fewer_digits_give_nearly_the_same_step(descent, half, step_for, some, precision):
    steps = half if precision == "float16" else step_for(**DESCENT, precision=precision)
    wanted, (loss, norm, _) = moved_by(descent, some[0], 1, 1.0)
    found, said = moved_by(steps, some[0], 1, 1.0)
    assert said[0] == pytest.approx(loss, rel=0.01)
    assert said[0] != loss
    assert said[1] == pytest.approx(norm, rel=0.02)
    assert np.linalg.norm(found - wanted) < 0.02 * norm


def test_weights_and_loss_stay_float32(step_for, some):
    steps = step_for(precision="bfloat16")
    logits, attention = steps.model.forward(some[0].source, some[0].target)
    kinds = {logits.dtype, attention.dtype} | {tf.as_dtype(w.dtype) for w in steps.model.weights}
    assert kinds == {tf.float32}


def test_a_step_that_overflows_is_left_out_and_the_scale_halved(half, some):
    optimizer, taken = half.optimizer, int(half.optimizer.iterations)
    assert float(optimizer.dynamic_scale) == 2**15
    optimizer.dynamic_scale.assign(2.0**40)
    moved, (loss, norm, _) = moved_by(half, some[0], 1, 1.0)
    assert np.isfinite(loss)
    assert norm == 0
    assert not moved.any()
    assert float(optimizer.dynamic_scale) == 2**39
    assert int(optimizer.iterations) == taken


def test_the_scale_doubles_after_two_thousand_good_steps(half, some):
    half.optimizer.dynamic_scale.assign(2.0**15)
    half.optimizer.step_counter.assign(1998)
    for scale in (2**15, 2**16, 2**16):
        _, norm, _ = half(some[0], 1, 0.0)
        assert norm > 0
        assert float(half.optimizer.dynamic_scale) == scale


def test_xla_computes_the_same_on_lengths_of_eight(step_for, some):
    settings = {"dropout": 0.0, "label_smoothing": 0.1}
    wanted, said = moved_by(step_for(**settings), some[0], 1, 0.01)
    steps = step_for(**settings, xla=True)
    found, same = moved_by(steps, some[0], 1, 0.01)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert same == pytest.approx(said, rel=1e-5)
    source, target = steps._ids(some[0])
    assert (source.shape[1] % 8, target.shape[1] % 8) == (0, 0)
    assert steps.traces == 1
