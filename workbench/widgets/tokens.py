"""A sentence as the model reads it: its tokens as chips, unknown ones marked."""

from html import escape

from workbench.data.encoding import Codec
from workbench.data.tokenizer import BLANK, MARK, UNKNOWN

MOST = 300  # chips


def chips(codec: Codec, side: str, text: str) -> str:
    """Return the tokens of a `source` or `target` text as HTML, in the order they are read in."""
    tokenizer = codec.source if side == "source" else codec.target
    pieces = tokenizer.cut(text.lower() if codec.lowercase else text)
    if not pieces:
        return '<p class="wb-note">Type a sentence to see its tokens.</p>'
    if side == "source" and codec.reverse_source:
        pieces.reverse()
    numbers = [tokenizer.number(piece) for piece in pieces]
    mark = {"word": "", "char": BLANK}.get(tokenizer.unit, MARK)
    shown = [
        _chip(piece.replace(MARK, mark), number)
        for piece, number in zip(pieces[:MOST], numbers, strict=False)
    ]
    told = _told(len(pieces), numbers.count(UNKNOWN), codec.max_length)
    return f'<div class="wb-tokens">{"".join(shown)}</div><p class="wb-note">{told}</p>'


def _chip(piece: str, number: int) -> str:
    if number != UNKNOWN:
        return f'<span class="wb-token" title="number {number}">{escape(piece)}</span>'
    return (
        '<span class="wb-token wb-unknown" title="unknown: not in the vocabulary">'
        f'{escape(piece)}<sup aria-label="unknown">?</sup></span>'
    )


def _told(count: int, unknown: int, most: int) -> str:
    parts = [f"{count:,} tokens" if count != 1 else "1 token"]
    if unknown:
        parts.append(f"{unknown:,} unknown, marked with ?")
    if count > MOST:
        parts.append(f"the first {MOST} are shown")
    if count > most:
        parts.append(f"more than max_length allows ({most})")
    return "; ".join(parts) + "."
