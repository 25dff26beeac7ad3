"""The rules of clauses: who does what, when, and whether at all."""

import random
from functools import cache

from workbench.data.phrases.frames import RULES, nothing, related, short_subject
from workbench.data.phrases.lexicon import PRONOUNS, VERBS
from workbench.data.phrases.nouns import Nominal, couple, noun_phrase, pronoun_subject
from workbench.data.phrases.verbs import MODALS, Mood, compose
from workbench.data.phrases.words import Phrase, often

_PEOPLE = frozenset({"person"})
_ANIMATE = frozenset({"person", "animal"})
_INANIMATE = frozenset({"thing", "metal", "container", "opening", "place", "building"})

# How often each kind of verb is chosen; not all go with a modal verb, or with who.
_ACTIONS = {"transitive": 28, "ditransitive": 16, "intransitive": 12, "indirect": 8, "motion": 5}
_FRAMES = {**_ACTIONS, "inverse": 16, "copula": 8, "need": 5, "state": 4}

# How often each adverb is chosen, where the tense allows it.
_ADVERBS = {"": 60, "not": 18, "never": 8, "no longer": 6, "often": 5, "always": 3}
_TENSES_OF_ADVERBS = {"no longer": ("present", "can", "want"), "often": ("present", "past"),
                      "always": ("present", "past")}  # fmt: skip


def some_mood(rng: random.Random, tenses: tuple[str, ...], question: bool = False) -> Mood:
    """Choose a tense and perhaps an adverb; a question has none."""
    tense = rng.choice(tenses)
    if question:
        return Mood(tense, question=True)
    return Mood(tense, rng.choice(_adverbs(tense)))


@cache
def _frames(action: bool) -> list[str]:
    return often(_ACTIONS if action else _FRAMES)


@cache
def _adverbs(tense: str) -> list[str]:
    allowed = {word: _TENSES_OF_ADVERBS.get(word, (tense,)) for word in _ADVERBS}
    return often({word: _ADVERBS[word] for word, tenses in allowed.items() if tense in tenses})


def clause(
    rng: random.Random, mood: Mood, who: Nominal | None = None, short: bool = False
) -> Phrase:
    """Derive a clause; a `short` one has a short subject, unless the subject is `who`."""
    action = bool(who) or mood.tense in MODALS
    frame = rng.choice(_frames(action))
    subject = who or (short_subject(rng) if short else _subject(rng, frame))
    return compose(rng, rng.choice(VERBS[frame]), subject, mood, RULES[frame])


def weather(rng: random.Random, mood: Mood) -> Phrase:
    """Derive: it rains → il pleut."""
    return compose(rng, rng.choice(VERBS["weather"]), pronoun_subject(PRONOUNS[-1]), mood, nothing)


def clause_of_what(rng: random.Random, mood: Mood) -> Phrase:
    """Derive a clause whose object is asked for: … does she eat → … elle mange."""
    verbs = [verb for verb in VERBS["transitive"] if not verb.kinds <= _ANIMATE]
    return compose(rng, rng.choice(verbs), short_subject(rng), mood, nothing)


def _subject(rng: random.Random, frame: str) -> Nominal:
    if frame == "copula" and rng.random() < 0.5:
        return noun_phrase(rng, _INANIMATE, "definite")
    chance = rng.random()
    if chance < 0.4:
        return pronoun_subject(rng.choice(PRONOUNS[:-1]))
    if frame == "inverse":  # it ends up behind à, where only what is short sounds well
        return noun_phrase(rng, _PEOPLE)
    if chance < 0.45:
        return couple(rng)
    noun = noun_phrase(rng, _ANIMATE if frame in ("transitive", "intransitive") else _PEOPLE)
    return related(rng, noun, chance=0.25)
