"""The source of one translation, which may be edited, and the names of tokens on both sides.

Shape letters: S source tokens, the end symbol included; V target vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from workbench.data.encoding import Codec
from workbench.data.tokenizer import BEGIN, END, MARK, PAD, UNKNOWN
from workbench.errors import InterventionError, nearest
from workbench.interventions import EditSource


@dataclass(frozen=True)
class Source:
    """One source sentence as the encoder reads it.

    Attributes:
        text: as a person reads it, edits included.
        ids: piece numbers [S], the end symbol last; pieces: the same without it [S - 1], as the
            tokenizer spells them.
        edits: what made it of the text that was given.
    """

    codec: Codec
    text: str
    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    edits: tuple[EditSource, ...] = ()

    @classmethod
    def of(cls, codec: Codec, text: str) -> "Source":
        """Read a text.

        Raises:
            DataError: it is longer than a model of the codec allows.
            InterventionError: it has no tokens.
        """
        ids = codec.readable_source(text)
        if len(ids) == 1:
            raise InterventionError("expected a source to translate, got a text without tokens")
        pieces = codec.source.cut(text.lower() if codec.lowercase else text)
        if len(pieces) != len(ids) - 1:  # neighbouring unknown letters are one token
            pieces = list(codec.source.tokens(ids[:-1]))
        elif codec.reverse_source:
            pieces.reverse()
        return cls(codec, text, tuple(ids), tuple(pieces))

    def edited(self, edit: EditSource) -> "Source":
        """Return the source with another token at a position, or without the one that is there.

        A model that copies reads the new text anew, and may be given words that it does not know.

        Raises:
            InterventionError: there is no such position or token, or nothing would be left.
        """
        if edit.position >= len(self.pieces):
            raise InterventionError(
                f"expected a source position from 0 to {len(self.pieces) - 1}, got {edit.position}"
            )
        if not edit.token and len(self.pieces) == 1:
            raise InterventionError("the source would be empty; put another token there instead")
        place = slice(edit.position, edit.position + 1)
        piece, number = self._known(edit.token) if edit.token else ("", 0)
        pieces, ids = list(self.pieces), list(self.ids)
        pieces[place], ids[place] = [piece] * bool(piece), [number] * bool(piece)
        text = self._joined(pieces)
        if self.codec.copy_source:  # unknown words are numbered anew
            fresh = Source.of(self.codec, text)
            ids, pieces = list(fresh.ids), list(fresh.pieces)
        return Source(self.codec, text, tuple(ids), tuple(pieces), (*self.edits, edit))

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """The tokens as a person reads them [S]."""
        return self.codec.source.tokens(self.ids)

    @cached_property
    def words(self) -> tuple[int, ...]:
        """The word of the text that each token belongs to, -1 for none [S]."""
        return tuple(self.codec.source_words(self.ids))

    def named(self, ids: Sequence[int]) -> tuple[str, ...]:
        """Return target tokens as a person reads them, copied ones included."""
        return self.codec.target_tokens(ids, self.text)

    def number(self, token: str) -> int:
        """Return the number of a target token, below V + S.

        Raises:
            InterventionError: it is not in the vocabulary, nor a word to be copied.
        """
        if (number := self._targets.get(token)) is None:
            raise InterventionError(
                f"expected a token of the target vocabulary, got {token!r}"
                f"{nearest(token, self._targets)}"
            )
        return number

    def numbers(self, text: str) -> list[int]:
        """Return the numbers of the tokens of a target text, without the end symbol.

        Raises:
            InterventionError: one of them is not in the vocabulary, or there is none.
        """
        target = self.codec.target
        mark = {"word": "", "char": "␣"}.get(target.unit, MARK)
        pieces = target.cut(text.lower() if self.codec.lowercase else text)
        if not pieces:
            raise InterventionError(f"expected a text to force, got {text!r}")
        return [self.number(piece.replace(MARK, mark)) for piece in pieces]

    @cached_property
    def _targets(self) -> dict[str, int]:
        known = self.codec.target_numbers(self.text)
        return {token: number for token, number in known.items() if number not in (PAD, BEGIN)}

    def _known(self, token: str) -> tuple[str, int]:
        """Return the piece and the number of a source token."""
        tokenizer = self.codec.source
        known = _numbered(tokenizer.tokens(range(tokenizer.size)))
        number = known.get(token, UNKNOWN)
        if number > END:
            return tokenizer.pieces[number], number
        if self.codec.copy_source and tokenizer.unit == "word" and len(token.split()) == 1:
            return MARK + token, UNKNOWN
        raise InterventionError(
            f"expected a token of the source vocabulary, got {token!r}{nearest(token, known)}"
        )

    def _joined(self, pieces: Sequence[str]) -> str:
        natural = pieces[::-1] if self.codec.reverse_source else pieces
        return "".join(natural).replace(MARK, " ").strip()


def _numbered(tokens: Sequence[str]) -> dict[str, int]:
    """Number tokens; of two that read the same the first counts."""
    return {token: number for number, token in reversed(list(enumerate(tokens)))}
