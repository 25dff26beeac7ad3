"""The rules of complements: what each kind of verb takes, and where either language puts it."""

import random

from workbench.data.phrases.lexicon import (
    MANNERED,
    MANNERS,
    PREPOSITIONS,
    PRONOUNS,
    STATES,
    VERBS,
    Pronoun,
)
from workbench.data.phrases.nouns import Nominal, adjectives, name, noun_phrase, pronoun_subject
from workbench.data.phrases.verbs import Complement, Mood, Scene, compose
from workbench.data.phrases.words import Phrase, Word, expression, join, pair, sequence

PEOPLE = frozenset({"person"})
PLACES = frozenset({"place", "building"})


def nothing(scene: Scene) -> Complement:  # noqa: ARG001
    """Take nothing: it rains → il pleut."""
    return Complement()


def intransitive(scene: Scene) -> Complement:
    """Apply: sleeps near the market → dort près du marché."""
    if scene.rng.random() < 0.5:
        return _with_manner(scene, Complement())
    return _to_place(scene, expression(*scene.rng.choice(list(PREPOSITIONS.items()))))


def motion(scene: Scene) -> Complement:
    """Apply: goes to the market → va au marché."""
    return _to_place(scene, pair("to", "à"))


def _to_place(scene: Scene, preposition: Phrase) -> Complement:
    place = noun_phrase(scene.rng, PLACES, "definite")
    return Complement(*sequence(preposition, Phrase(place.english, place.french)))


def transitive(scene: Scene) -> Complement:
    """Apply: sees the cat → voit le chat; sees it → le voit."""
    rng = scene.rng
    if rng.random() < 0.4:
        return _with_manner(scene, _direct(_loved(scene)))
    noun = related(rng, _thing(scene), chance=0.2)
    return _with_manner(scene, Complement(noun.english, noun.french))


def ditransitive(scene: Scene) -> Complement:
    """Apply: gives him the cat → lui donne le chat; gives it to us → nous le donne."""
    if scene.rng.random() < 0.4:
        thing = _direct(scene.rng.choice(_THINGS))
    else:
        noun = _thing(scene)
        thing = Complement(noun.english, noun.french)
    return _to_pronoun(scene, thing) if scene.rng.random() < 0.55 else _to_noun(scene, thing)


def _to_pronoun(scene: Scene, thing: Complement) -> Complement:
    pronoun = _person(scene)
    him, to = Word(pronoun.object), Word("to")
    if not thing.clitics:
        return thing._replace(
            english=[him, *thing.english], clitics=[Word(pronoun.indirect, sure=(him,))]
        )
    clitic = Word(pronoun.indirect, sure=(him,), possible=(to,))
    third = pronoun.indirect in ("lui", "leur")  # le lui, but me le
    return thing._replace(
        english=[*thing.english, to, him],
        clitics=[*thing.clitics, clitic] if third else [clitic, *thing.clitics],
    )


def _to_noun(scene: Scene, thing: Complement) -> Complement:
    person = noun_phrase(scene.rng, PEOPLE, "definite")
    if thing.clitics or scene.rng.random() < 0.4:
        to = pair("to", "à")
        return thing._replace(
            english=join(thing.english, to.english, person.english),
            french=join(thing.french, to.french, person.french),
        )
    return thing._replace(  # English tells by the order who is given to
        english=join(person.english, thing.english),
        french=join(thing.french, [_marker(scene, person)], person.french),
    )


def indirect(scene: Scene) -> Complement:
    """Apply: answers the man → répond à l' homme; speaks to him → lui parle."""
    particle = tuple(scene.group.particle)
    if scene.rng.random() < 0.5:
        pronoun = _person(scene)
        him = Word(pronoun.object)
        clitic = Word(pronoun.indirect, sure=(him,), possible=particle)
        return _with_manner(scene, Complement([him], clitics=[clitic]))
    person = noun_phrase(scene.rng, PEOPLE, "definite")
    to = Word("à", sure=particle) if particle else _marker(scene, person)
    return _with_manner(scene, Complement(person.english, [to, *person.french]))


def inverse(scene: Scene) -> Complement:
    """Apply: the boy misses her → elle manque au garçon; she likes the cat → le chat lui plaît."""
    if scene.rng.random() < 0.4:
        pronoun = _loved(scene)
        her = Word(pronoun.object)
        agent = Nominal([], [Word(pronoun.french, (her,))], pronoun.person, pronoun.feminine)
        english = [her]
    else:
        agent = noun_phrase(scene.rng, scene.verb.kinds, "definite")
        english = agent.english
    lover = scene.subject
    if lover.pronoun:
        clitic = Word(lover.pronoun.indirect, sure=tuple(lover.english))
        return Complement(english, clitics=[clitic], agent=agent)
    return Complement(english, [_marker(scene, lover), *lover.french], agent=agent)


def copula(scene: Scene) -> Complement:
    """Apply: she is happy → elle est heureuse."""
    subject = scene.subject
    fitting = adjectives(subject.kind, before=False) or adjectives(subject.kind, before=True)
    adjective = scene.rng.choice(fitting)
    word = Word(adjective.english)
    form = adjective.agree(subject.feminine, subject.plural)
    return Complement([word], [Word(form, sure=(word,))])


def state(scene: Scene) -> Complement:
    """Apply: he is hungry → il a faim."""
    english, french = scene.rng.choice(list(STATES.items()))
    return Complement(*pair(english, french))


def need(scene: Scene) -> Complement:
    """Apply: he needs the key → il a besoin de la clé."""
    noun = noun_phrase(scene.rng, scene.verb.kinds, "definite")
    head = scene.group.head
    want = [Word("besoin", sure=(head,)), Word("de", possible=(head,))]
    return Complement(noun.english, join(want, noun.french))


RULES = {
    "transitive": transitive,
    "ditransitive": ditransitive,
    "inverse": inverse,
    "intransitive": intransitive,
    "indirect": indirect,
    "copula": copula,
    "need": need,
    "state": state,
    "motion": motion,
}


def related(rng: random.Random, noun: Nominal, chance: float) -> Nominal:
    """Perhaps add a relative clause: who sings → qui chante; that she saw → qu' elle a vue."""
    if noun.english[0].text not in _RELATED or rng.random() > chance:
        return noun
    mood = Mood(rng.choice(("present", "past")))
    if noun.kind == "person" and rng.random() < 0.6:
        that = Phrase([], [])
        who = Nominal(*pair("who", "qui"), noun.person, noun.feminine, noun.noun)
        frame = rng.choice(("intransitive", "transitive"))
        clause = compose(rng, rng.choice(VERBS[frame]), who, mood, RULES[frame])
    else:
        that = pair("that", "que")
        verb = rng.choice([verb for verb in VERBS["transitive"] if noun.kind in verb.kinds])
        gap = Complement(agreement=(noun.feminine, noun.plural))
        clause = compose(rng, verb, short_subject(rng), mood, lambda _: gap)
    return noun._replace(
        english=join(noun.english, that.english, clause.english),
        french=join(noun.french, that.french, clause.french),
    )


def short_subject(rng: random.Random) -> Nominal:
    """Derive a subject of a word or few."""
    chance = rng.random()
    if chance < 0.6:
        return pronoun_subject(rng.choice(_PERSONS))
    return name(rng) if chance < 0.75 else noun_phrase(rng, PEOPLE, "definite")


_RELATED = ("the", "a", "some", "two", "three", "many", "every")  # may have a relative clause
_PERSONS = PRONOUNS[:-1]
_THINGS = PRONOUNS[-2:]  # they, it


def _person(scene: Scene) -> Pronoun:
    """Choose who is met with: not me by us, for that would be a reflexive."""
    same = {0: (0, 3), 3: (0, 3), 1: (1,)}.get(scene.subject.person, ())
    return scene.rng.choice([pronoun for pronoun in _PERSONS if pronoun.person not in same])


def _loved(scene: Scene) -> Pronoun:
    return _person(scene) if "person" in scene.verb.kinds else scene.rng.choice(_THINGS)


def _marker(scene: Scene, person: Nominal) -> Word:
    """Return an à that English has no word for: it comes from the verb, and marks the person."""
    following = person.french[0]
    return Word("à", possible=(scene.group.head, *following.sure, *following.possible))


def _direct(pronoun: Pronoun) -> Complement:
    it = Word(pronoun.object)
    clitic = Word(pronoun.direct, sure=(it,))
    return Complement([it], clitics=[clitic], agreement=(pronoun.feminine, pronoun.plural))


def _thing(scene: Scene) -> Nominal:
    determiners = "negated" if scene.mood.negated else "any"
    return noun_phrase(scene.rng, scene.verb.kinds, determiners)


def _with_manner(scene: Scene, complement: Complement) -> Complement:
    """Apply: V COMPLEMENT slowly → V lentement COMPLEMENT."""
    if scene.mood.adverb or scene.verb.base not in MANNERED or scene.rng.random() < 0.6:
        return complement
    english, french = scene.rng.choice(list(MANNERS.items()))
    manner = pair(english, french)
    return complement._replace(
        english=join(complement.english, manner.english),
        french=join(manner.french, complement.french),
    )
