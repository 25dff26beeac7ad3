"""Precisions and batch sizes side by side on the device at hand, in turn: A B A B.

Every trial trains on the same pairs as often, hence on equally many tokens, and every round has
a seed of its own; so what lasts longer than a round, another program or the heat of a card,
strikes all of them alike.
"""

import gc
import time
from collections.abc import Iterator, Mapping, Sequence

import psutil

from workbench.config import RunConfig
from workbench.data.encoding import Codec, EncodedPairs
from workbench.errors import SettingsError
from workbench.model.storage import build_model
from workbench.records import Evaluation, Progress, Translation, Trial
from workbench.training import device
from workbench.training.evaluation import TeacherForcing
from workbench.training.loop import Loop, planned_steps
from workbench.training.nvml import Gpu

Reasons = dict[str, str]  # what there is not, and why


def variants(
    config: RunConfig, precisions: Sequence[str], batch_sizes: Sequence[int]
) -> tuple[list[RunConfig], Reasons]:
    """Return the settings to compare, and the precisions that this device does not offer.

    Raises:
        SettingsError: a precision or a batch size that does not exist, or none is left.
    """
    found, refused = [], {}
    for precision in precisions:
        each = config.replace(precision=precision)
        try:
            device.check_precision(each.precision)
        except SettingsError as error:
            refused[precision] = str(error)
        else:
            found += [each.replace(batch_size=size) for size in batch_sizes]
    if not found:
        raise SettingsError(
            f"nothing to compare: precisions are {list(precisions)}, batch_sizes are "
            f"{list(batch_sizes)}; give at least one of each that this device can compute with"
        )
    return found, refused


def trials(
    settings: Sequence[RunConfig],
    codec: Codec,
    encoded: Mapping[str, EncodedPairs],
    repeats: int = 2,
) -> Iterator[Trial]:
    """Train with each of `settings` in turn, `repeats` times over; yield what came of it."""
    for repeat in range(repeats):
        for config in settings:
            yield _trial(config.replace(seed=config.seed + repeat), codec, encoded)
            gc.collect()  # the next one shall not find this one's memory


def not_known() -> Reasons:
    """Return what of a trial cannot be measured here, and why."""
    gpus = device.watched_gpus()
    reasons: Reasons = {}
    if not gpus:
        reasons["memory of a trial alone"] = (
            "no GPU whose driver answers: what is shown is the most that the whole process took "
            "meanwhile, with all that earlier trials left in it"
        )
    if _joules(gpus, 0.0) is None:
        reasons["energy"] = "no GPU that counts it"
    return reasons


def _trial(config: RunConfig, codec: Codec, encoded: Mapping[str, EncodedPairs]) -> Trial:
    device.prepare(config.deterministic)
    device.forget_peak_gpu_memory()
    gpus, process, began = device.watched_gpus(), psutil.Process(), time.monotonic()
    model = build_model(config, codec)
    teacher = TeacherForcing(model)
    pairs, shown = encoded["train"], encoded["validation"]

    def evaluate() -> tuple[Evaluation, tuple[Translation, ...]]:
        return Evaluation("validation", teacher(shown, config.batch_size)), ()

    once = config.replace(evaluate_every=planned_steps(pairs, config))  # at the end
    history: list[Progress] = []
    memory, first = 0, None
    for progress in Loop(model, pairs, once, evaluate).run():
        history.append(progress)
        memory = max(memory, process.memory_info().rss)
        if len(history) == 1:
            first = _joules(gpus, time.monotonic() - began)
    last = _joules(gpus, time.monotonic() - began)
    evaluation = history[-1].evaluation
    assert evaluation  # the loop measures the last step
    return Trial(
        config.precision,
        config.batch_size,
        config.seed,
        sum(one.tokens for one in history),
        _speed(history),
        sum(device.peak_gpu_memory().values()) or memory,
        None if first is None or last is None else last - first,
        evaluation.figures["loss"],
    )


def _speed(history: Sequence[Progress]) -> float:
    """Return tokens a second, without the first step unless there is no other."""
    steady = history[1:] or history
    return sum(one.tokens for one in steady) / sum(
        one.tokens / one.tokens_per_second for one in steady
    )


def _joules(gpus: Sequence[Gpu], seconds: float) -> float | None:
    """Return what all GPUs have taken so far, as far as they tell."""
    taken = [gpu.read(seconds).joules for gpu in gpus]
    known = [joules for joules in taken if joules is not None]
    return sum(known) if known else None
