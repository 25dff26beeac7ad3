import pytest
import tensorflow as tf

from workbench.config import RunConfig
from workbench.errors import SettingsError
from workbench.records import GpuReading
from workbench.training import device
from workbench.training.trials import not_known, trials, variants


@pytest.fixture(scope="module")
def done(config, codec, encoded):
    """Two ways in turn, twice over, of training on the small language for one pass."""
    small = config.replace(
        encoder="rnn", decoder="rnn", attention="none", bidirectional=False, epochs=1
    )
    settings, _ = variants(small, ["float32"], [16, 30])
    return list(trials(settings, codec, {"train": encoded, "validation": encoded}, repeats=2))


def test_they_come_in_turn_with_a_seed_for_each_round(done):
    assert [(one.batch_size, one.seed) for one in done] == [(16, 3), (30, 3), (16, 4), (30, 4)]


def test_all_train_on_the_same_tokens(done, encoded):
    wanted = sum(len(target) for target in encoded.targets)
    assert {one.tokens for one in done} == {wanted}


def test_what_is_measured_is_measured(done):
    for one in done:
        assert one.tokens_per_second > 0
        assert one.memory > 50 * 2**20  # of a process with TensorFlow
        assert one.joules is None
    losses = [one.loss for one in done]
    assert len(set(losses)) == 4  # two seeds, two batch sizes
    assert all(0 < loss < 6 for loss in losses)


def test_energy_of_gpus_begins_with_the_second_step(config, codec, encoded, monkeypatch):
    counts = iter([100.0, 160.0])

    class Gpu:
        def read(self, _):
            return GpuReading("card", joules=next(counts))

    monkeypatch.setattr(device, "watched_gpus", lambda: (Gpu(),))
    monkeypatch.setattr(device, "peak_gpu_memory", lambda: {"GPU:0": 7, "GPU:1": 8})
    monkeypatch.setattr(tf.config.experimental, "reset_memory_stats", lambda _: None)
    small = config.replace(
        encoder="rnn", decoder="rnn", attention="none", bidirectional=False, max_steps=2
    )
    [one] = trials([small], codec, {"train": encoded, "validation": encoded}, repeats=1)
    assert (one.joules, one.memory) == (60.0, 15)


def test_what_the_device_does_not_offer_is_left_out_with_the_reason():
    settings, refused = variants(RunConfig(), ["float32", "float16", "bfloat16"], [8, 4])
    assert [(one.precision, one.batch_size) for one in settings] == [
        ("float32", 8), ("float32", 4), ("bfloat16", 8), ("bfloat16", 4),
    ]  # fmt: skip
    assert refused.keys() == {"float16"}
    assert "there is no GPU" in refused["float16"]


@pytest.mark.parametrize(
    ("precisions", "sizes", "said"),
    [
        (["float64"], [8], "precision: expected one of float32, bfloat16, float16"),
        (["float32"], [0], "batch_size: expected an integer from 1"),
        (["float32"], [], "nothing to compare"),
        (["float16"], [8], "nothing to compare"),
    ],
)
def test_what_cannot_be_compared_is_refused(precisions, sizes, said):
    with pytest.raises(SettingsError, match=said):
        variants(RunConfig(), precisions, sizes)


def test_a_processor_counts_no_energy():
    assert not_known().keys() == {"memory of a trial alone", "energy"}
