"""What a model will take, as a table: weights, memory, the time of an epoch."""

from collections.abc import Sequence

from workbench.charts.tables import Table
from workbench.config import RunConfig
from workbench.data.encoding import EncodedPairs
from workbench.data.size import in_bytes
from workbench.model.estimate import Memory, Speed, memory, work
from workbench.records import Block, Integers

_BLANK = "\N{NO-BREAK SPACE}"
_UNITS = (("ms", 0.001, 1), ("s", 1, 90), ("min", 60, 5400), ("h", 3600, 48 * 3600))
_LOAD_FIRST = "load the data to estimate it"


def cost_table(
    settings: RunConfig,
    blocks: Sequence[Block],
    pairs: EncodedPairs | None = None,
    speed: Speed | None = None,
) -> Table:
    """Return estimates for training on `pairs`, as far as these and the `speed` are known."""
    count = sum(block.parameters for block in blocks)
    weights = memory(settings, blocks, 0, 0)
    known = "" if pairs else " at most: the vocabularies count as full before the data are loaded"
    return Table(
        ("what", "estimate", "of which"),
        (
            ("parameters", f"{count:,}", f"{in_bytes(weights.parameters)}{known}"),
            ("memory", *_memory(settings, blocks, pairs)),
            ("an epoch", *_epoch(settings, blocks, pairs, speed)),
        ),
        "What it will take",
    )


def _memory(
    settings: RunConfig, blocks: Sequence[Block], pairs: EncodedPairs | None
) -> tuple[str, str]:
    if pairs is None:
        return "–", _LOAD_FIRST
    longest = max(map(len, pairs.sources)), max(map(len, pairs.targets))
    used: Memory = memory(settings, blocks, *longest)
    parts = {
        "weights": used.parameters,
        "gradients": used.gradients,
        settings.optimizer: used.moments,
        f"a batch of {longest[0]} + {longest[1]} tokens": used.activations,
    }
    listed = ", ".join(f"{name} {in_bytes(count)}" for name, count in parts.items() if count)
    return in_bytes(used.total), listed


def _epoch(
    settings: RunConfig,
    blocks: Sequence[Block],
    pairs: EncodedPairs | None,
    speed: Speed | None,
) -> tuple[str, str]:
    if pairs is None:
        return "–", _LOAD_FIRST
    batches = -(-len(pairs) // settings.batch_size)
    if speed is None:
        return "–", f"{batches:,} batches; this machine is not measured yet"
    step = work(settings, blocks, _mean(pairs.sources), _mean(pairs.targets)).seconds(speed)
    epoch = step * batches
    return (
        f"about{_BLANK}{in_time(epoch)}",
        f"{batches:,} batches of {in_time(step)}; "
        f"{settings.epochs:,} epochs: {in_time(epoch * settings.epochs)}",
    )


def in_time(seconds: float) -> str:
    """Write a span of time as a person reads it: `40 ms`, `8 s`, `12 min`, `3.5 h`, `4 days`."""
    for unit, length, until in _UNITS:
        if seconds < until:
            number = seconds / length
            return f"{number:.2g}{_BLANK}{unit}" if number < 9.5 else f"{number:.0f}{_BLANK}{unit}"
    return f"{seconds / 86_400:.0f}{_BLANK}days"


def _mean(sentences: Sequence[Integers]) -> float:
    return sum(map(len, sentences)) / len(sentences)
