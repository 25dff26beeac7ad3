"""Cut a sentence into pieces and number them, with SentencePiece (Kudo & Richardson 2018).

Normalisation is identity: phonetic symbols such as `ʰ`, `ː` and tie bars, full-width and
composed letters stay what they are. Only white space is tidied. SentencePiece marks the start
of a word with `▁`; that sign itself is read as `_`.
"""

import hashlib
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import sentencepiece

from workbench.config import Tokens
from workbench.data.text import tidy
from workbench.errors import DataError, RunError, SettingsError
from workbench.files import replacing

PAD, UNKNOWN, BEGIN, END = SPECIAL = range(4)
NAMES = ("<pad>", "<unknown>", "<begin>", "<end>")
MARK = "▁"  # SentencePiece's sign for a blank
BLANK = "␣"  # how a blank that is a piece of its own is shown
_SKIPPED = "▅"  # training leaves out every sentence that holds this sign
_LONGEST = 2**30  # bytes: longer sentences would be left out of training without a word


class Tokenizer:
    """Text to piece numbers and back; the unit of text is a word, a character, or learned."""

    def __init__(self, model: bytes, unit: Tokens) -> None:
        """Take a serialized SentencePiece model and the unit it was trained for."""
        self.unit = unit
        self._model = model
        self._processor = sentencepiece.SentencePieceProcessor()
        self._processor.LoadFromSerializedProto(model)
        self.pieces = tuple(self._processor.id_to_piece(list(range(len(self._processor)))))
        self._ids = {piece: number for number, piece in enumerate(self.pieces)}
        for name in NAMES:  # a text that spells one out does not mean it
            self._ids.pop(name, None)

    @classmethod
    def train(
        cls, texts: Iterable[str], unit: Tokens, vocabulary: int, setting: str = "vocabulary"
    ) -> Self:
        """Choose at most `vocabulary` pieces, the four special symbols included.

        Words and characters are kept by frequency. The same texts give the same pieces.

        Args:
            texts: the sentences to learn from.
            unit: word (between white space), char, bpe (Sennrich et al. 2016) or unigram
                (Kudo 2018).
            vocabulary: pieces at most; fewer where the texts have no more.
            setting: what to call `vocabulary` in an error.

        Raises:
            SettingsError: fewer pieces than a bpe or unigram model needs, which keeps every
                character.
            DataError: there is no text.
        """
        sentences = [_plain(text).replace(_SKIPPED, " ") for text in texts]
        letters = {MARK if letter == " " else letter for text in sentences for letter in text}
        if not letters - {MARK}:
            raise DataError("expected text to learn a vocabulary from, found none")
        needed = len(letters | {MARK}) + len(SPECIAL)
        if unit in ("bpe", "unigram") and vocabulary < needed:
            raise SettingsError(
                f"{setting} is {vocabulary}, but the texts need {needed}: {len(letters)} "
                f"characters and {len(SPECIAL)} symbols; raise it, or choose the unit word or char"
            )
        return cls(_trained(sentences, unit, vocabulary), unit)

    @property
    def size(self) -> int:
        """Number of pieces, the four special symbols included."""
        return len(self.pieces)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the unit and the model: 16 hexadecimal digits."""
        return hashlib.sha256(self.unit.encode() + self._model).hexdigest()[:16]

    def encode(self, text: str) -> list[int]:
        """Return the numbers of the pieces of `text`, without begin and end symbol."""
        text = _plain(text)
        if self.unit == "word":  # SentencePiece would melt neighbouring unknown words into one
            return [self._ids.get(MARK + word, UNKNOWN) for word in text.split()]
        if self.unit == "char":
            return [self._ids.get(letter, UNKNOWN) for letter in text.replace(" ", MARK)]
        return list(self._processor.encode(text))

    def cut(self, text: str) -> list[str]:
        """Return the pieces of `text` in their letters, unknown ones too, each with its `▁`.

        They are those of `encode`, but that it takes neighbouring unknown letters between learned
        pieces for one, and they are one each here.
        """
        text = _plain(text)
        if self.unit == "word":
            return [MARK + word for word in text.split()]
        if self.unit == "char":
            return list(text.replace(" ", MARK))
        cut = self._processor.encode(text, out_type=str)
        return [part for piece in cut for part in ([piece] if piece in self._ids else piece)]

    def number(self, piece: str) -> int:
        """Return the number of a piece that `cut` gave, from this or another tokenizer."""
        return self._ids.get(piece, UNKNOWN)

    def decode(self, ids: Iterable[int], more: Sequence[str] = ()) -> str:
        """Return the text of `ids`; padding, begin and end symbols are left out.

        Numbers from `size` on are the pieces `more`, and unknown ones where those end.
        """
        text = "".join(self._spelling(number, more) for number in ids).replace(MARK, " ")
        return text if self.unit == "char" else text.removeprefix(" ")

    def tokens(self, ids: Iterable[int], more: Sequence[str] = ()) -> tuple[str, ...]:
        """Return every piece as a person reads it; `more` is as `decode` takes it.

        A word stands as it is, a blank among characters as `␣`; learned pieces keep the `▁` of a
        word's start. The special symbols are `<pad>`, `<unknown>`, `<begin>` and `<end>`.
        """
        mark = {"word": "", "char": BLANK}.get(self.unit, MARK)
        return tuple(self._piece(number, more).replace(MARK, mark) for number in ids)

    def word_indices(self, ids: Iterable[int], more: Sequence[str] = ()) -> list[int]:
        """Return for every piece which white-space separated word it belongs to, from 0.

        Padding, begin and end symbols, and a blank that is a piece of its own, are -1. `more` is
        as `decode` takes it.
        """
        word = 0 if self.unit == "char" else -1
        indices = []
        for number in ids:
            spelling = self._spelling(number, more)
            word += spelling.startswith(MARK)
            alone = not spelling or (self.unit == "char" and spelling == MARK)
            indices.append(-1 if alone else max(word, 0))
        return indices

    def save(self, path: Path) -> None:
        """Write the SentencePiece model whole or not at all."""
        with replacing(path) as beside:
            beside.write_bytes(self._model)

    @classmethod
    def load(cls, path: Path, unit: Tokens) -> Self:
        """Read a model that `save` wrote.

        Raises:
            RunError: the file is missing or no SentencePiece model.
        """
        try:
            return cls(path.read_bytes(), unit)
        except (OSError, RuntimeError) as error:
            raise RunError(f"{path}: expected a tokenizer model: {error}") from None

    def _piece(self, number: int, more: Sequence[str]) -> str:
        if number < self.size:
            return self.pieces[number]
        place = number - self.size
        return more[place] if place < len(more) else NAMES[UNKNOWN]

    def _spelling(self, number: int, more: Sequence[str]) -> str:
        """Return the piece as SentencePiece has it; nothing for padding, begin and end."""
        piece = self._piece(number, more)
        if piece == NAMES[UNKNOWN] and self.unit == "word":
            return MARK + piece
        return "" if number in (PAD, BEGIN, END) else piece


def _plain(text: str) -> str:
    return tidy(text.replace(MARK, "_"))


def _trained(sentences: list[str], unit: Tokens, vocabulary: int) -> bytes:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=model,
        model_type=unit,
        vocab_size=vocabulary,
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name="identity",
        add_dummy_prefix=unit != "char",
        max_sentence_length=_LONGEST,
        num_threads=1,  # the sums of a unigram model depend on how threads share the sentences
        pad_id=PAD, unk_id=UNKNOWN, bos_id=BEGIN, eos_id=END,
        pad_piece=NAMES[PAD], unk_piece=NAMES[UNKNOWN],
        bos_piece=NAMES[BEGIN], eos_piece=NAMES[END],
        minloglevel=2,
    )  # fmt: skip
    return model.getvalue()
