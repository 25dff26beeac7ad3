"""The rules of sentences: time, questions, and two clauses in either order."""

import random

from workbench.data.phrases.clauses import clause, clause_of_what, some_mood, weather
from workbench.data.phrases.frames import short_subject
from workbench.data.phrases.lexicon import TIMES, VERBS
from workbench.data.phrases.nouns import Nominal
from workbench.data.phrases.verbs import MODALS, Complement, Mood, compose
from workbench.data.phrases.words import Phrase, Word, expression, join, often, pair, sequence

_TENSES = ("present", "past", "future")
_ALL_TENSES = (*_TENSES, *_TENSES, *MODALS)
_ASKED_TENSES = (*_TENSES, "can", "want")

# Conjunction, its tenses, and the tenses of the main clause (empty: the same).
_CONJUNCTIONS = (
    ("if", "si:0", ("present",), ("present", "future", *MODALS)),
    ("when", "quand:0", ("present", "past"), ()),
    ("because", "parce:0 que:0?", ("present", "past"), ()),
    ("while", "pendant:0 que:0?", ("present",), ()),
)


def sentence(rng: random.Random) -> Phrase:
    """Derive a sentence with its full stop or question mark."""
    return rng.choice(_RULES)(rng)


def _statement(rng: random.Random) -> Phrase:
    """Apply: CLAUSE TIME . → TIME CLAUSE ."""
    mood = some_mood(rng, _ALL_TENSES)
    said = clause(rng, mood)
    related = any(word.text in ("who", "that") for word in said.english)
    if mood.adverb not in ("", "not") or related or rng.random() < 0.3:
        return _end(said, ".")
    times = TIMES.get(mood.tense, TIMES["present"])
    time = expression(*rng.choice(list(times.items())))
    return _end(Phrase(said.english + time.english, time.french + said.french), ".")


def _condition(rng: random.Random) -> Phrase:
    """Apply: if FIRST , SECOND . → SECOND si FIRST ."""
    word, translation, tenses, others = rng.choice(_CONJUNCTIONS)
    tense = rng.choice(tenses)
    mood = some_mood(rng, (tense,))
    first = weather(rng, mood) if rng.random() < 0.15 else clause(rng, mood, short=True)
    second = clause(rng, some_mood(rng, others or (tense,)), short=True)
    joint = expression(word, translation)
    english = join(joint.english, first.english, [Word(",")], second.english)
    return _end(Phrase(english, join(second.french, joint.french, first.french)), ".")


def _coordination(rng: random.Random) -> Phrase:
    """Apply: FIRST and SECOND . → FIRST et SECOND ."""
    first, second = (clause(rng, some_mood(rng, _TENSES), short=True) for _ in range(2))
    joint = pair(*rng.choice((("and", "et"), ("but", "mais"))))
    return _end(sequence(first, joint, second), ".")


def _report(rng: random.Random) -> Phrase:
    """Apply: SUBJECT knows that CLAUSE . → SUBJECT sait que CLAUSE ."""
    that = pair("that", "que")
    content = clause(rng, some_mood(rng, _TENSES), short=True)
    taken = Complement(join(that.english, content.english), join(that.french, content.french))
    verb = rng.choice(VERBS["clausal"])
    return _end(compose(rng, verb, short_subject(rng), Mood("present"), lambda _: taken), ".")


def _question(rng: random.Random) -> Phrase:
    """Apply: why does CLAUSE ? → pourquoi est-ce que CLAUSE ?"""
    adverbs = (Phrase([], []), pair("when", "quand"), pair("why", "pourquoi"))
    asked = clause(rng, some_mood(rng, _ASKED_TENSES, question=True))
    return _ask(rng.choice(adverbs), asked)


def _question_what(rng: random.Random) -> Phrase:
    """Apply: what does CLAUSE ? → qu' est-ce que CLAUSE ?"""
    asked = clause_of_what(rng, some_mood(rng, _ASKED_TENSES, question=True))
    return _ask(pair("what", "que"), asked)


def _question_who(rng: random.Random) -> Phrase:
    """Apply: who sings ? → qui chante ?"""
    who = Nominal(*pair("who", "qui"), person=2, feminine=False)
    return _end(clause(rng, some_mood(rng, _ALL_TENSES), who), "?")


_RULES = often({_statement: 40, _condition: 25, _coordination: 7, _report: 8,
                _question: 12, _question_what: 4, _question_who: 4})  # fmt: skip


def _ask(word: Phrase, asked: Phrase) -> Phrase:
    support = (asked.english[0],)  # the auxiliary that makes it a question
    form = [Word("est-ce", possible=support), Word("que", possible=support)]
    return _end(
        Phrase(join(word.english, asked.english), join(word.french, form, asked.french)), "?"
    )


def _end(said: Phrase, mark: str) -> Phrase:
    return sequence(said, pair(mark, mark))
