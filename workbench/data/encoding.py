"""From sentence pairs to numbers and back: the two tokenizers and what is done around them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from textwrap import shorten
from typing import Self, cast

import numpy as np

from workbench.config import RunConfig, Tokens
from workbench.data.corpus import Pair
from workbench.data.text import REMEDY
from workbench.data.tokenizer import END, MARK, SPECIAL, UNKNOWN, Tokenizer
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
    copy_source: bool = False  # not known to older versions


@dataclass(frozen=True)
class Codec:
    """How text becomes numbers: two tokenizers, letter case, direction and the length limit.

    With `copy_source` (See et al. 2017, section 2.2) unknown pieces are told apart within a pair.
    A source piece gets `source.size` + its number in the target vocabulary; one that is unknown
    there too, `source.size + target.size` + k, the k-th such piece of its sentence. A target
    piece that is unknown but stands in the source gets `target.size` + the first position where
    the encoder reads it.
    """

    source: Tokenizer
    target: Tokenizer
    lowercase: bool = False
    reverse_source: bool = False
    max_length: int = 100
    copy_source: bool = False

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
            config.copy_source,
        )

    def encode_source(self, text: str) -> list[int]:
        """Return the pieces of a source text, backwards if so chosen, then the end symbol."""
        if self.copy_source:
            ids = self._told_apart(self.source.cut(self._folded(text)))
        else:
            ids = self.source.encode(self._folded(text))
        return [*(ids[::-1] if self.reverse_source else ids), END]

    def readable_source(self, text: str) -> list[int]:
        """Return `encode_source` of a text that a model is to read.

        Raises:
            DataError: it has more tokens than `max_length`, the end symbol not counted.
        """
        return self._readable("source", text, self.encode_source(text), self.max_length)

    def readable_target(self, text: str, source: str = "", room: int = 0) -> list[int]:
        """Return `encode_target` of a text that a model is to read.

        Raises:
            DataError: it has more tokens than `max_length` and than `room`.
        """
        ids = self.encode_target(text, source)
        return self._readable("target", text, ids, max(self.max_length, room))

    def unknown_in_source(self, text: str) -> list[str]:
        """Return the pieces of a source text that the vocabulary lacks, in their letters."""
        pieces = self.source.cut(self._folded(text))
        return [it.replace(MARK, "") for it in pieces if self.source.number(it) == UNKNOWN]

    def encode_target(self, text: str, source: str = "") -> list[int]:
        """Return the pieces of a target text, then the end symbol.

        Unknown pieces may be copied from the text `source`, where the codec copies.
        """
        if not self.copy_source:
            return [*self.target.encode(self._folded(text)), END]
        read, size = self._read(source), self.target.size
        first = {piece: size + place for place, piece in reversed(list(enumerate(read)))}
        pieces = self.target.cut(self._folded(text))
        ids = [(self.target.number(piece), first.get(piece, UNKNOWN)) for piece in pieces]
        return [*(copied if known == UNKNOWN else known for known, copied in ids), END]

    def decode_target(self, ids: Sequence[int], source: str = "") -> str:
        """Return the text of target pieces, those copied from the text `source` included."""
        return self.target.decode(ids, self._read(source))

    def target_tokens(self, ids: Sequence[int], source: str = "") -> tuple[str, ...]:
        """Return target pieces as a person reads them, those copied from `source` included."""
        return self.target.tokens(ids, self._read(source))

    def target_numbers(self, source: str = "") -> dict[str, int]:
        """Return the number of every target token by what `target_tokens` shows of it.

        Those that may be copied from the text `source` are among them. Of tokens that read the
        same the vocabulary's own piece counts, then what may be copied first.
        """
        size, copied = self.target.size, len(self._read(source))
        own = [*range(len(SPECIAL), size), *range(size, size + copied)]
        ids = [END, *own, *SPECIAL]
        known: dict[str, int] = {}
        for number, token in zip(ids, self.target_tokens(ids, source), strict=True):
            known.setdefault(token, number)
        return known

    def twins(self) -> Integers:
        """Return for every source piece the number of the same target piece, or -1 [source.size].

        The end symbol is its own twin; the other special symbols have none.
        """
        numbers = [self.target.number(piece) for piece in self.source.pieces]
        twins = np.array([-1 if number == UNKNOWN else number for number in numbers], np.int32)
        twins[list(SPECIAL)] = -1
        twins[END] = END
        return twins

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
            source = self.encode_source(pair.source)
            target = self.encode_target(pair.target, pair.source)
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

    def target_words(self, ids: Sequence[int], source: str = "") -> list[int]:
        """Return for every target position the word of its text, as `source_words`.

        Pieces may be copied from the text `source`.
        """
        return _words(self.target, ids, backwards=False, more=self._read(source))

    def save(self, directory: Path) -> None:
        """Write `source.model`, `target.model` and `codec.json`."""
        choices = _Choices(
            self.source.unit, self.target.unit,
            self.lowercase, self.reverse_source, self.max_length, self.copy_source,
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
            choices.copy_source,
        )

    def _folded(self, text: str) -> str:
        return text.lower() if self.lowercase else text

    def _read(self, source: str) -> list[str]:
        """Return the pieces of a source text as the encoder reads them; none without copying."""
        pieces = self.source.cut(self._folded(source)) if self.copy_source else []
        return pieces[::-1] if self.reverse_source else pieces

    def _told_apart(self, pieces: list[str]) -> list[int]:
        """Number the pieces of a source, every unknown one with a number of its own."""
        ids = dict[str, int]()
        strangers = count(self.source.size + self.target.size)
        for piece in dict.fromkeys(pieces):
            known, twin = self.source.number(piece), self.target.number(piece)
            if known != UNKNOWN:
                ids[piece] = known
            else:
                ids[piece] = next(strangers) if twin == UNKNOWN else self.source.size + twin
        return [ids[piece] for piece in pieces]

    def _readable(self, side: str, text: str, ids: list[int], limit: int) -> list[int]:
        if len(ids) - 1 > limit:
            raise DataError(
                f"the {side} {shorten(text, 40, placeholder=' …')!r} has {len(ids) - 1} tokens, "
                f"the model allows {limit}: shorten it, or train with a larger max_length"
            )
        return ids

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


def _words(
    tokenizer: Tokenizer, ids: Sequence[int], backwards: bool, more: Sequence[str] = ()
) -> list[int]:
    end = list(ids).index(END) if END in ids else len(ids)
    body = list(ids[:end])
    words = tokenizer.word_indices(body[::-1] if backwards else body, more)
    return [*(words[::-1] if backwards else words), *[-1] * (len(ids) - end)]
