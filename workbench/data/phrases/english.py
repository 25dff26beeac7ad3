"""How English words change: number, person, tense, a and an."""

from functools import cache

_PLURALS = {"man": "men", "woman": "women", "child": "children", "mouse": "mice", "hero": "heroes"}

# By person: I, you, he, we, they.
BE = ("am", "are", "is", "are", "are")
WAS = ("was", "were", "was", "were", "were")


def article(word: str, following: str) -> str:
    """Return `word` as it stands before the next: a becomes an."""
    return "an" if word == "a" and following[0] in "aeiou" else word


@cache
def plural(noun: str) -> str:
    """Return the plural of a noun."""
    return _PLURALS.get(noun) or noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


@cache
def third(base: str) -> str:
    """Return the third person singular of a verb: sees, goes, misses."""
    return base + ("es" if base.endswith(("s", "o", "ch", "sh")) else "s")


def past(base: str) -> str:
    """Return the past of a regular verb: looked, arrived."""
    return base + ("d" if base.endswith("e") else "ed")
