"""What the settings let be chosen, in NumPy, for the decoding of one sentence.

The rules are those of `workbench.search.constraints`, which see. They keep a token from being
chosen and leave the model's own log-probabilities alone; a token that somebody forces comes
whatever they say.
Shape letters: T target tokens so far, V what may come next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workbench.config import SearchSettings
from workbench.data.encoding import Codec
from workbench.data.tokenizer import END, UNKNOWN
from workbench.errors import SettingsError


@dataclass(frozen=True)
class Rules:
    """What holds for every token that is not forced.

    Attributes:
        prefix: numbers of the tokens that come first, whatever was forced before them.
        least: tokens of a finished sentence at least, its end symbol included.
        no_repeat: n; no n tokens in a row come twice; 0 for no such rule.
    """

    prefix: tuple[int, ...] = ()
    least: int = 0
    no_repeat: int = 0

    @classmethod
    def of(cls, settings: SearchSettings, codec: Codec, source: str) -> Self:
        """Read the rules for the translation of a text.

        Raises:
            SettingsError: see `prefix_numbers`.
        """
        prefix = prefix_numbers(settings, codec, source)
        return cls(tuple(prefix), settings.min_decode_length, settings.no_repeat_ngram)

    def barred(self, ids: Sequence[int], size: int) -> NDArray[np.bool_]:
        """Tell which of `size` tokens may not follow `ids` [T]: [V]."""
        place = len(ids)
        if place < len(self.prefix):
            return np.arange(size) != self.prefix[place]
        out = np.zeros(size, bool)
        out[END] = place + 1 < self.least
        out[self._repeating(tuple(ids))] = True
        return out

    def _repeating(self, ids: tuple[int, ...]) -> list[int]:
        """Return what followed wherever the latest n - 1 tokens stood before."""
        before = self.no_repeat - 1
        if before < 0:
            return []
        latest = ids[len(ids) - before :]
        places = range(len(ids) - before)
        return [ids[at + before] for at in places if ids[at : at + before] == latest]


def prefix_numbers(settings: SearchSettings, codec: Codec, source: str) -> list[int]:
    """Return the pieces with which the translation of a text must begin.

    Raises:
        SettingsError: the target vocabulary lacks one, or there are more of them than a
            translation may have.
    """
    if not settings.prefix:
        return []
    ids = codec.encode_target(settings.prefix, source)[:-1]
    if UNKNOWN in ids:
        beside = f" of {source!r}" if codec.copy_source else ""
        raise SettingsError(
            f"prefix is {settings.prefix!r}: expected words of the target vocabulary{beside}, "
            f"got {codec.target_tokens(ids, source)}; choose others"
        )
    if len(ids) > settings.max_decode_length:
        raise SettingsError(
            f"prefix has {len(ids)} tokens and max_decode_length is "
            f"{settings.max_decode_length}: shorten the one or raise the other"
        )
    return ids
