"""What the settings of a search rule out, whatever a model thinks of it.

The rules are those of `workbench.search.rules`, here on tokens as a person reads them.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from workbench.config import SearchSettings
from workbench.data.tokenizer import END, NAMES


class Bounds(NamedTuple):
    """What a search may write.

    Attributes:
        prefix: the tokens that come first; least, most: how many there may be, the end symbol
            included; no_repeat: n; no n tokens in a row come twice; 0 for no such rule.
        banned: tokens that somebody does not let come first.
    """

    prefix: tuple[str, ...] = ()
    least: int = 0
    most: int | None = None
    no_repeat: int = 0
    banned: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, search: SearchSettings, prefix: Iterable[str] = (), banned: Iterable[str] = ()
    ) -> Self:
        """Return the bounds of a search whose prefix has these tokens."""
        return cls(
            tuple(prefix), search.min_decode_length, search.max_decode_length,
            search.no_repeat_ngram, frozenset(banned),
        )  # fmt: skip


class RuledOut(NamedTuple):
    """The first step, from 0, at which a sentence may not go on as it does, and why."""

    step: int
    why: str


def ruled_out(tokens: Sequence[str], bounds: Bounds) -> RuledOut | None:
    """Say where and why no search within `bounds` can write `tokens`; None where one can."""
    for step in range(len(tokens)):
        if why := _why(tuple(tokens[: step + 1]), bounds):
            return RuledOut(step, why)
    return None


def _why(tokens: tuple[str, ...], bounds: Bounds) -> str:
    """Say why the last of `tokens` may not come, if the others did; empty where it may."""
    step, token, n = len(tokens) - 1, tokens[-1], bounds.no_repeat
    if bounds.most is not None and step >= bounds.most:
        return f"it is longer than max_decode_length, {bounds.most}"
    if not step and token in bounds.banned:
        return f"{token} is banned at the beginning"
    if step < len(bounds.prefix):
        wanted = bounds.prefix[step]
        return "" if token == wanted else f"the prefix has {wanted} at step {step + 1}"
    if token == NAMES[END] and len(tokens) < bounds.least:
        return f"it is shorter than min_decode_length, {bounds.least}"
    earlier = {tokens[place : place + n] for place in range(step - n + 1)} if n else set()
    if tokens[-n:] in earlier and token != NAMES[END]:
        return f"it repeats {' '.join(tokens[-n:])}, and no_repeat_ngram is {n}"
    return ""
