"""The rules of the verb: tense, do-support, negation, clitics, and what agrees with what."""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from workbench.data.phrases import english, french
from workbench.data.phrases.lexicon import ADVERBS, Verb
from workbench.data.phrases.nouns import Nominal
from workbench.data.phrases.words import Phrase, Word, join, words

MODALS = {"can": "pouvoir", "must": "devoir", "want": "vouloir"}
NEGATIONS = ("not", "never", "no longer")


class Mood(NamedTuple):
    """How a clause is said.

    Attributes:
        tense: present, past, future (going to), can, must or want.
        adverb: a key of ADVERBS, or empty.
        question: whether the auxiliary comes first.
    """

    tense: str
    adverb: str = ""
    question: bool = False

    @property
    def negated(self) -> bool:
        """Whether the clause says no."""
        return self.adverb in NEGATIONS


class Group(NamedTuple):
    """The English words of a verb, in their order: does, not, want to, look, for."""

    auxiliary: list[Word]
    adverb: list[Word]
    helpers: list[Word]
    head: Word
    particle: list[Word]

    @property
    def words(self) -> list[Word]:
        """All but the auxiliary."""
        lexical = [] if self.head in self.auxiliary else [self.head]
        return [*self.adverb, *self.helpers, *lexical, *self.particle]


def english_group(verb: Verb, person: int, mood: Mood) -> Group:
    """Conjugate a verb in English."""
    first, helpers, lexical = _english_forms(verb, person, mood)
    adverb = mood.adverb
    if (first, adverb) == ("can", "not"):
        first, adverb = "cannot", ""
    auxiliary = words(first)
    return Group(
        auxiliary,
        words(adverb),
        words(helpers),
        Word(lexical) if lexical else auxiliary[0],
        words(verb.particle),
    )


def _english_forms(verb: Verb, person: int, mood: Mood) -> tuple[str, str, str]:
    """Return the auxiliary, the helpers and the head; no head where to be is its own auxiliary."""
    third = person == 2
    supported = mood.question or mood.adverb == "not"
    match mood.tense:
        case "future":
            return english.BE[person], "going to", verb.base
        case "can" | "must":
            return mood.tense, "", verb.base
        case "want":
            if supported:
                return "does" if third else "do", "want to", verb.base
            return "", "wants to" if third else "want to", verb.base
    if verb.base == "be":
        return (english.BE if mood.tense == "present" else english.WAS)[person], "", ""
    if mood.tense == "past":
        return ("did", "", verb.base) if supported else ("", "", verb.past)
    if supported:
        return "does" if third else "do", "", verb.base
    return "", "", english.third(verb.base) if third else verb.base


def french_group(
    verb: Verb,
    subject: Nominal,
    mood: Mood,
    group: Group,
    clitics: Sequence[Word],
    agreement: tuple[bool, bool],
) -> list[Word]:
    """Conjugate the same verb in French, with ne, its adverb and its clitics in place.

    `agreement` is the gender and number (feminine, plural) of a direct object that comes
    before the verb: a perfect with avoir agrees with it, one with être with the subject.
    """
    finite = _finite(verb, subject.person, mood, group)
    if verb.mark == "+se":
        itself = french.REFLEXIVE[subject.person]
        clitics = [Word(itself, possible=(group.head, *group.particle)), *clitics]
    ne, slot = _adverb(mood, group)
    if mood.tense == "future" or mood.tense in MODALS:
        infinitive = Word(
            verb.infinitive, sure=(group.head,), possible=(*group.helpers[1:], *group.particle)
        )
        return [*ne, finite, *slot, *clitics, infinitive]
    if mood.tense == "past" and verb.infinitive not in french.IMPERFECT:
        gender, number = (subject.feminine, subject.plural) if verb.mark else agreement
        form = french.participle(verb.participle, gender, number)
        participle = Word(form, sure=(group.head,), possible=tuple(group.particle))
        return [*ne, *clitics, finite, *slot, participle]
    return [*ne, *clitics, finite, *slot]


def _finite(verb: Verb, person: int, mood: Mood, group: Group) -> Word:
    auxiliary, helpers, head = group.auxiliary, group.helpers, group.head
    match mood.tense:
        case "future":
            form = french.conjugate("aller")[person]
            return Word(form, sure=(helpers[0],), possible=(*auxiliary, helpers[1]))
        case "can" | "must":
            return Word(french.conjugate(MODALS[mood.tense])[person], sure=tuple(auxiliary))
        case "want":
            form = french.conjugate("vouloir")[person]
            return Word(form, sure=(helpers[0],), possible=(*auxiliary, helpers[1]))
        case "past" if verb.infinitive in french.IMPERFECT:
            form = french.IMPERFECT[verb.infinitive][person]
            return Word(form, sure=(head,), possible=tuple(auxiliary))
        case "past":
            form = french.conjugate("être" if verb.mark else "avoir")[person]
            return Word(form, possible=(head, *auxiliary))
    return Word(verb.present[person], sure=(head,), possible=(*auxiliary, *group.particle))


def _adverb(mood: Mood, group: Group) -> tuple[list[Word], list[Word]]:
    """Return ne, if it is needed, and the word after the finite verb."""
    if not mood.adverb:
        return [], []
    said = group.adverb or group.auxiliary  # cannot
    support = [word for word in group.auxiliary if word.text in ("do", "does", "did")]
    sure = tuple(group.adverb[-1:])
    slot = Word(ADVERBS[mood.adverb], sure, possible=(*said, *support))
    ne = [Word("ne", possible=(*said, *support))] if mood.negated else []
    return ne, [slot]


class Complement(NamedTuple):
    """What a verb takes: English words, French words after the verb, French clitics.

    `agreement` is the gender and number of a direct object before the verb; `agent` is the
    French subject where it is not the English one.
    """

    english: Sequence[Word] = ()
    french: Sequence[Word] = ()
    clitics: Sequence[Word] = ()
    agreement: tuple[bool, bool] = (False, False)
    agent: Nominal | None = None


class Scene(NamedTuple):
    """What the rule of a verb sees of its clause."""

    rng: random.Random
    verb: Verb
    subject: Nominal
    mood: Mood
    group: Group


def compose(
    rng: random.Random,
    verb: Verb,
    subject: Nominal,
    mood: Mood,
    complement: Callable[[Scene], Complement],
) -> Phrase:
    """Put subject, verb and complement into the order of each language."""
    group = english_group(verb, subject.person, mood)
    taken = complement(Scene(rng, verb, subject, mood, group))
    agent = taken.agent or subject
    conjugated = french_group(verb, agent, mood, group, taken.clitics, taken.agreement)
    start = (
        [group.auxiliary, subject.english] if mood.question else [subject.english, group.auxiliary]
    )
    return Phrase(
        join(*start, group.words, taken.english),
        join(agent.french, conjugated, taken.french),
    )
