"""From sentence pairs to numbers and back: the two tokenizers and what is done around them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self, cast

import numpy as np

from workbench.config import RunConfig, Tokens
from workbench.data.corpus import Pair
from workbench.data.text import REMEDY
from workbench.data.tokenizer import END, Tokenizer
from workbench.errors import DataError, RunError
from workbench.files import write_json
from workbench.records import BadLine, Integers


@dataclass(frozen=True)
class EncodedPairs:
    """Pairs with the piece numbers of both sides, each [length] and closed by the end symbol."""

    sources: list[Integers]
    targets: list[Integers]
    pairs: tuple[Pair, ...]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.pairs)


@dataclass(frozen=True)
class _Choices:
    """What `codec.json` holds."""

    source_tokens: str
    target_tokens: str
    lowercase: bool
    reverse_source: bool
    max_length: int


@dataclass(frozen=True)
class Codec:
    """How text becomes numbers: two tokenizers, letter case, direction and the length limit."""

    source: Tokenizer
    target: Tokenizer
    lowercase: bool = False
    reverse_source: bool = False
    max_length: int = 100

    @classmethod
    def train(cls, pairs: Sequence[Pair], config: RunConfig) -> Self:
        """Learn both vocabularies from the training pairs, as the settings say.

        Raises:
            SettingsError: a vocabulary that is too small for its characters.
        """

        def learn(side: str, texts: Iterable[str]) -> Tokenizer:
            unit, size = getattr(config, f"{side}_tokens"), getattr(config, f"{side}_vocabulary")
            folded = (text.lower() for text in texts) if config.lowercase else texts
            return Tokenizer.train(folded, unit, size, setting=f"{side}_vocabulary")

        return cls(
            learn("source", (pair.source for pair in pairs)),
            learn("target", (pair.target for pair in pairs)),
            config.lowercase,
            config.reverse_source,
            config.max_length,
        )

    def encode_source(self, text: str) -> list[int]:
        """Return the pieces of a source text, backwards if so chosen, then the end symbol."""
        ids = self.source.encode(text.lower() if self.lowercase else text)
        return [*(ids[::-1] if self.reverse_source else ids), END]

    def encode_target(self, text: str) -> list[int]:
        """Return the pieces of a target text, then the end symbol."""
        return [*self.target.encode(text.lower() if self.lowercase else text), END]

    def encode_pairs(
        self, pairs: Iterable[Pair], skip_bad_lines: bool = False
    ) -> tuple[EncodedPairs, tuple[BadLine, ...]]:
        """Encode both sides of every pair.

        Raises:
            DataError: a side without tokens, or longer than `max_length` (the end symbol not
                counted), unless bad lines are skipped; no pair is left.
        """
        kept, sources, targets, bad = [], [], [], []
        for number, pair in enumerate(pairs, 1):
            source, target = self.encode_source(pair.source), self.encode_target(pair.target)
            reason = self._fault("source", source) or self._fault("target", target)
            if not reason:
                kept.append(pair)
                sources.append(np.array(source, np.int32))
                targets.append(np.array(target, np.int32))
                continue
            bad.append(_bad_line(pair.origin, number, reason))
            if not skip_bad_lines:
                raise DataError(f"{bad[0]}; raise max_length, {REMEDY}")
        if not kept:
            found = f"; the first: {bad[0]}" if bad else ""
            raise DataError(f"expected pairs to encode, found none of usable length{found}")
        return EncodedPairs(sources, targets, tuple(kept)), tuple(bad)

    def source_words(self, ids: Sequence[int]) -> list[int]:
        """Return for every source position the word of the original text, from 0.

        `ids` is as `encode_source` gives it, padded or not. The end symbol and what follows are
        -1, and so are blanks that are pieces of their own.
        """
        return _words(self.source, ids, self.reverse_source)

    def target_words(self, ids: Sequence[int]) -> list[int]:
        """Return for every target position the word of the original text, as `source_words`."""
        return _words(self.target, ids, backwards=False)

    def save(self, directory: Path) -> None:
        """Write `source.model`, `target.model` and `codec.json`."""
        choices = _Choices(
            self.source.unit, self.target.unit,
            self.lowercase, self.reverse_source, self.max_length,
        )  # fmt: skip
        self.source.save(directory / "source.model")
        self.target.save(directory / "target.model")
        write_json(directory / "codec.json", asdict(choices))

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            RunError: a file is missing or damaged.
        """
        path = directory / "codec.json"
        try:
            choices = _Choices(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise RunError(f"{path}: expected the settings of a codec: {error}") from None
        return cls(
            Tokenizer.load(directory / "source.model", cast(Tokens, choices.source_tokens)),
            Tokenizer.load(directory / "target.model", cast(Tokens, choices.target_tokens)),
            choices.lowercase,
            choices.reverse_source,
            choices.max_length,
        )

    def _fault(self, side: str, ids: list[int]) -> str:
        tokens = len(ids) - 1
        if not tokens:
            return f"{side} has no tokens"
        if tokens > self.max_length:
            return f"{side} has {tokens} tokens, max_length is {self.max_length}"
        return ""


def _bad_line(origin: str, number: int, reason: str) -> BadLine:
    file, _, line = origin.rpartition(":")
    if file and line.isdecimal():
        return BadLine(file, int(line), reason)
    return BadLine(origin or "pair", number, reason)  # a pair that comes from no file


def _words(tokenizer: Tokenizer, ids: Sequence[int], backwards: bool) -> list[int]:
    end = list(ids).index(END) if END in ids else len(ids)
    body = list(ids[:end])
    words = tokenizer.word_indices(body[::-1] if backwards else body)
    return [*(words[::-1] if backwards else words), *[-1] * (len(ids) - end)]
