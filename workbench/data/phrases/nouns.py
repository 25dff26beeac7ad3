"""The rules of noun phrases: determiners, adjectives, the Saxon genitive, noun before noun."""

import random
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from workbench.data.phrases import french
from workbench.data.phrases.lexicon import (
    ADJECTIVES,
    DETERMINERS,
    METALS,
    NAMES,
    NOUNS,
    Adjective,
    Determiner,
    Noun,
    Pronoun,
)
from workbench.data.phrases.words import Phrase, Word, expression, join, pair, sequence

MASS = ("dish", "drink")
SINGULAR = (*MASS, "place", "building")


class Nominal(NamedTuple):
    """A noun phrase, a name or a pronoun, with what a verb agrees with."""

    english: list[Word]
    french: list[Word]
    person: int  # I, you, he, we, they from 0
    feminine: bool
    noun: Noun | None = None
    pronoun: Pronoun | None = None

    @property
    def kind(self) -> str:
        """What is meant: the kind of its noun; names and pronouns mean people."""
        return self.noun.kind if self.noun else "person"

    @property
    def plural(self) -> bool:
        """Whether more than one is meant."""
        return self.person > 2


def pronoun_subject(pronoun: Pronoun) -> Nominal:
    """Return a pronoun as the subject of a clause."""
    phrase = pair(pronoun.subject, pronoun.french)
    return Nominal(*phrase, pronoun.person, pronoun.feminine, pronoun=pronoun)


def noun_phrase(rng: random.Random, kinds: frozenset[str], determiners: str = "any") -> Nominal:
    """Derive a noun phrase of one of the `kinds`.

    Args:
        rng: makes every choice.
        kinds: what may be meant.
        determiners: "any", "definite" (the, this, my), or "negated" (these, or any: French de).
    """
    noun = rng.choice(_nouns(kinds))
    if noun.kind == "person" and rng.random() < 0.2:
        return name(rng)
    plural = noun.kind not in SINGULAR and rng.random() < 0.3
    if noun.kind not in MASS and rng.random() < 0.2:
        phrase = _possessed(rng, noun, plural)
    elif noun.kind == "opening" and rng.random() < 0.5:
        phrase = _belonging(rng, noun, plural)
    else:
        phrase = _determined(rng, noun, plural, determiners)
    return Nominal(*phrase, 4 if plural else 2, noun.feminine, noun)


def name(rng: random.Random) -> Nominal:
    """Derive a person's name."""
    chosen = rng.choice(list(NAMES))
    return Nominal(*pair(chosen, chosen), 2, NAMES[chosen])


def couple(rng: random.Random) -> Nominal:
    """Derive two names, e.g. paul and marie."""
    first, second = rng.sample(list(NAMES), 2)
    phrase = sequence(pair(first, first), pair("and", "et"), pair(second, second))
    return Nominal(*phrase, 4, NAMES[first] and NAMES[second])


@cache
def _nouns(kinds: frozenset[str]) -> list[Noun]:
    return [noun for noun in NOUNS if noun.kind in kinds]


@cache
def adjectives(kind: str, before: bool) -> list[Adjective]:
    """Return the adjectives that go with a kind of noun and stand before or after it in French."""
    return [word for word in ADJECTIVES if kind in word.kinds and word.before == before]


def _determined(rng: random.Random, noun: Noun, plural: bool, determiners: str) -> Phrase:
    determiner = _determiner(rng, noun, plural, determiners)
    metal = noun.kind == "metal" and rng.random() < 0.4
    core, before = _core(rng, noun, plural, after=not metal)
    if metal:
        english, translation = rng.choice(list(METALS.items()))
        modifier = expression(english, f"en:0? {translation}:0")
        core = Phrase(
            join(core.english[:-1], modifier.english, core.english[-1:]),
            join(core.french, modifier.french),
        )
    return sequence(_article(determiner, noun.feminine, plural, before), core)


def _determiner(rng: random.Random, noun: Noun, plural: bool, determiners: str) -> Determiner:
    mass = noun.kind in MASS
    some = "definite"
    if determiners == "any" and rng.random() < 0.5:
        some = "mass" if mass else "indefinite"
    elif determiners == "negated" and (mass or plural) and rng.random() < 0.5:
        some = "negated"
    return rng.choice(_determiners(some, plural))


@cache
def _determiners(kind: str, plural: bool) -> list[Determiner]:
    return [word for word in DETERMINERS[kind] if word.forms(False, plural)[0]]


def _article(determiner: Determiner, feminine: bool, plural: bool, before: bool) -> Phrase:
    text, translation = determiner.forms(feminine, plural)
    english = Word(text)
    if translation == "des" and before:  # some small cats: de petits chats
        translation = "de"
    first, *rest = translation.split()
    head = Word(first, sure=(english,))
    if determiner in DETERMINERS["mass"]:  # de l' eau: both are some
        return Phrase([english], [head, *(Word(word, sure=(english,)) for word in rest)])
    return Phrase([english], [head, *(Word(word, possible=(english,)) for word in rest)])


def _possessed(rng: random.Random, noun: Noun, plural: bool) -> Phrase:
    """Apply: POSSESSOR 's CORE → le CORE de POSSESSOR."""
    owner = name(rng) if rng.random() < 0.4 else _owner(rng)
    mark = Word("'s")
    core, _ = _core(rng, noun, plural)
    article = Word(_definite(noun.feminine, plural), possible=(mark,))
    return Phrase(
        join(owner.english, [mark], core.english),
        join([article], core.french, [Word("de", sure=(mark,))], owner.french),
    )


def _owner(rng: random.Random) -> Phrase:
    noun = rng.choice(_nouns(frozenset({"person"})))
    determiner = rng.choice([word for word in DETERMINERS["definite"] if word.english])
    article = _article(determiner, noun.feminine, plural=False, before=False)
    return sequence(article, pair(noun.english, noun.french))


def _belonging(rng: random.Random, noun: Noun, plural: bool) -> Phrase:
    """Apply: the ADJECTIVE WHOLE PART → le ADJECTIVE PART de le WHOLE."""
    whole = rng.choice(_nouns(frozenset({"building"})))
    core, _ = _core(rng, noun, plural, after=False)
    the, modifier = Word("the"), Word(whole.english)
    return Phrase(
        join([the], core.english[:-1], [modifier], core.english[-1:]),
        join(
            [Word(_definite(noun.feminine, plural), sure=(the,))],
            core.french,
            [Word("de", possible=(modifier,))],
            [Word(_definite(whole.feminine, False), possible=(modifier,))],
            [Word(whole.french, sure=(modifier,))],
        ),
    )


def _core(rng: random.Random, noun: Noun, plural: bool, after: bool = True) -> tuple[Phrase, bool]:
    """Apply: BEFORE AFTER NOUN → BEFORE NOUN AFTER; say whether BEFORE is there."""
    head, translation = noun.forms(plural)
    before = _some(rng, adjectives(noun.kind, True), 0.25)
    behind = _some(rng, adjectives(noun.kind, False), 0.35) if after else []
    english = [Word(adjective.english) for adjective in (*before, *behind)]
    forms = [adjective.agree(noun.feminine, plural) for adjective in (*before, *behind)]
    if before and not (plural or noun.feminine) and french.vowel(translation):
        forms[0] = french.before_vowel(forms[0])
    words = [Word(form, sure=(word,)) for form, word in zip(forms, english, strict=True)]
    english.append(Word(head))
    words.insert(len(before), Word(translation, sure=(english[-1],)))
    return Phrase(english, words), bool(before)


def _some(rng: random.Random, choices: Sequence[Adjective], chance: float) -> list[Adjective]:
    return [rng.choice(choices)] if choices and rng.random() < chance else []


def _definite(feminine: bool, plural: bool) -> str:
    return DETERMINERS["definite"][0].forms(feminine, plural)[1]
