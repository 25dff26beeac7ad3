"""Two sentences derived at once, and the word alignment that the derivation leaves behind.

A rule of the grammar puts the same parts into an English and a French order. A French word
knows the English words it stands for, so the links survive every reordering.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise
from typing import NamedTuple, TypeVar

from workbench.data.phrases import english, french
from workbench.records import Alignment, Link

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Word:
    """One word; a French one names the English words that it surely or possibly renders."""

    text: str
    sure: tuple["Word", ...] = ()
    possible: tuple["Word", ...] = ()


class Phrase(NamedTuple):
    """The same in English and French."""

    english: list[Word]
    french: list[Word]


def pair(english_text: str, french_text: str) -> Phrase:
    """Return a word that renders a word, surely."""
    source = Word(english_text)
    return Phrase([source], [Word(french_text, (source,))])


def expression(english_text: str, french_text: str) -> Phrase:
    """Return a fixed expression; links are given as places in the English, `?` if only possible.

    For example `last week` and `la:0? semaine:1 dernière:0`.
    """
    source = words(english_text)
    target = [
        Word(form, tuple([source[i] for i in sure]), tuple([source[i] for i in possible]))
        for form, sure, possible in _links(french_text)
    ]
    return Phrase(source, target)


def words(text: str) -> list[Word]:
    """Return words that are not linked yet."""
    return [Word(form) for form in text.split()]


@cache
def _links(text: str) -> list[tuple[str, list[int], list[int]]]:
    parsed = []
    for item in text.split():
        form, _, places = item.partition(":")
        links = [place for place in places.split(",") if place]
        parsed.append((form, [int(place) for place in links if place[-1] != "?"],
                       [int(place[:-1]) for place in links if place[-1] == "?"]))  # fmt: skip
    return parsed


def spell(phrase: Phrase) -> Phrase:
    """Write each word as its neighbour demands: an, l', n', qu', cet, mon, au, du.

    Where two French words become one, a link is sure only if it was sure for both.
    """
    source = _respell(phrase.english, english.article)
    target: list[Word] = []
    for word in _respell(phrase.french, french.elide):
        joined = french.contract(target[-1].text, word.text) if target else ""
        if joined:
            before = target.pop()
            sure = tuple([source for source in before.sure if source in word.sure])
            links = before.sure + before.possible + word.sure + word.possible
            word = Word(joined, sure, links)
        target.append(word)
    return Phrase(source, target)


def _respell(line: list[Word], form: Callable[[str, str], str]) -> list[Word]:
    for word, following in pairwise(line):
        word.text = form(word.text, following.text)
    return line


def align(phrase: Phrase) -> Alignment:
    """Return the links of a spelled phrase by position."""
    place = {id(word): i for i, word in enumerate(phrase.english)}
    sure: list[Link] = []
    possible: list[Link] = []
    for target, word in enumerate(phrase.french):
        sure += [_link(place[id(source)], target) for source in word.sure]
        possible += [_link(place[id(source)], target) for source in word.possible]
    return Alignment(frozenset(sure), frozenset(possible))


@cache
def _link(source: int, target: int) -> Link:
    return Link(source, target)  # few differ: half a million objects less in a corpus


def often(weights: Mapping[T, int]) -> list[T]:
    """Return each key as many times as its weight says, to choose from."""
    return [key for key, weight in weights.items() for _ in range(weight)]


def text(line: Sequence[Word]) -> str:
    """Return the words with spaces between."""
    return " ".join([word.text for word in line])


def join(*parts: Sequence[Word]) -> list[Word]:
    """Return the words of the parts in order."""
    return list(chain.from_iterable(parts))


def sequence(*phrases: Phrase) -> Phrase:
    """Return the phrases one after the other, in the same order in both languages."""
    return Phrase(
        join(*(phrase.english for phrase in phrases)), join(*(phrase.french for phrase in phrases))
    )
