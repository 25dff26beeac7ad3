"""The words of the grammar, English beside French: one entry a word, the rest by rule.

Nouns, adjectives and verbs carry kinds (person, thing, food, …), so that nobody eats a church.
"""

from typing import NamedTuple

from workbench.data.phrases import english, french


class Noun(NamedTuple):
    """A noun with its plural in both languages, and the gender of the French one."""

    kind: str
    feminine: bool
    english: str
    french: str

    def forms(self, plural: bool) -> tuple[str, str]:
        """Return the English and the French form."""
        if plural:
            return english.plural(self.english), french.plural(self.french)
        return self.english, self.french


class Adjective(NamedTuple):
    """An adjective, the kinds it goes with, and whether French puts it before the noun."""

    kinds: frozenset[str]
    before: bool
    english: str
    french: str

    def agree(self, feminine: bool, plural: bool) -> str:
        """Return the French form for a gender and number."""
        form = french.feminine(self.french) if feminine else self.french
        return french.plural(form) if plural else form


class Determiner(NamedTuple):
    """A determiner; an empty form does not exist."""

    english: str
    english_plural: str
    masculine: str
    feminine: str
    plural: str

    def forms(self, feminine: bool, plural: bool) -> tuple[str, str]:
        """Return the English and the French form for a gender and number."""
        if plural:
            return self.english_plural, self.plural
        return self.english, self.feminine if feminine else self.masculine


class Pronoun(NamedTuple):
    """A personal pronoun as subject and as object; `person` counts I, you, he, we, they from 0.

    Each English sentence has one French one: I and you are men, you is the familiar tu, it and
    they are masculine.
    """

    person: int
    feminine: bool
    subject: str
    object: str
    french: str
    direct: str
    indirect: str

    @property
    def plural(self) -> bool:
        """Whether more than one is meant."""
        return self.person > 2


class Verb(NamedTuple):
    """A verb in both languages.

    Attributes:
        kinds: what its object may be.
        base, past, particle: English (look, looked, for); the particle may be empty.
        infinitive, present, participle: French; the present is for je, tu, il, nous, ils.
        mark: `+être` if its perfect is formed with être, `+se` if it is reflexive, or empty.
    """

    kinds: frozenset[str]
    base: str
    past: str
    particle: str
    infinitive: str
    present: tuple[str, ...]
    participle: str
    mark: str


_NOUNS = {
    ("person", "m"): "boy garçon, man homme, teacher professeur, doctor médecin, hero héros, "
                     "brother frère, friend ami, child enfant",
    ("person", "f"): "girl fille, woman femme, sister sœur, aunt tante, nurse infirmière, "
                     "queen reine, actress actrice",
    ("animal", "m"): "cat chat, dog chien, horse cheval, bird oiseau, owl hibou",
    ("animal", "f"): "mouse souris, cow vache",
    ("thing", "m"): "book livre, hat chapeau, tree arbre",
    ("thing", "f"): "car voiture, dress robe, flower fleur, letter lettre, table table",
    ("metal", "f"): "ring bague, key clé, plate assiette",
    ("container", "m"): "bag sac",
    ("container", "f"): "box boîte",
    ("opening", "f"): "door porte, window fenêtre",
    ("food", "m"): "cake gâteau, egg œuf",
    ("food", "f"): "apple pomme, orange orange",
    ("dish", "m"): "bread pain, cheese fromage",
    ("dish", "f"): "soup soupe",
    ("drink", "m"): "milk lait",
    ("drink", "f"): "water eau",
    ("place", "m"): "garden jardin, village village, market marché",
    ("building", "m"): "hospital hôpital",
    ("building", "f"): "kitchen cuisine, school école, church église, station gare",
}  # fmt: skip

_ADJECTIVES = {
    ("person animal thing metal container opening food building place", "before"):
        "small petit, old vieux, beautiful beau",
    ("animal thing metal container opening food building place", "before"): "big grand",
    ("thing metal container opening building", "before"): "new nouveau",
    ("person animal", "before"): "young jeune",
    ("food dish drink", "before"): "good bon",
    ("animal thing container opening", "after"): "black noir, white blanc",
    ("thing container opening food", "after"): "red rouge, green vert",
    ("person animal", "after"): "tired fatigué, sad triste, happy heureux",
    ("person", "after"): "rich riche, famous célèbre, intelligent intelligent",
}  # fmt: skip

_DETERMINERS = {
    "definite": "the the le la les, this these ce cette ces, my my mon ma mes, "
                "your your ton ta tes, his his son sa ses, her her son sa ses, "
                "our our notre notre nos, their their leur leur leurs",
    "indefinite": "a - un une -, - some - - des, - two - - deux, - three - - trois, "
                  "- many - - beaucoup_de, every - chaque chaque -",
    "mass": "some - de_le de_la -",
    "negated": "any any de de de",
}  # fmt: skip

_PRONOUNS = """
    0 m i    me   je   me   me
    1 m you  you  tu   te   te
    2 m he   him  il   le   lui
    2 f she  her  elle la   lui
    3 m we   us   nous nous nous
    4 m they them ils  les  leur
    2 m it   it   il   le   lui
"""

# English with its past where irregular and its particle | French | kinds of the object
_VERBS = {
    "transitive": """
        see/saw | voir | person animal thing metal container opening building food
        find/found | trouver | person animal thing metal container food
        look_for | chercher | person animal thing metal container
        buy/bought | acheter | animal thing metal container food dish drink
        open | ouvrir | container opening
        eat/ate | manger | food dish
        drink/drank | boire | drink
        hear/heard | entendre | person animal
        wait_for | attendre | person
        help | aider | person animal""",
    "intransitive": """
        sleep/slept | dormir |
        sing/sang | chanter |
        arrive | arriver +être |
        fall/fell | tomber +être |
        rest | reposer +se |
        get/got_up | lever +se |""",
    "motion": """
        go/went | aller +être | place building""",
    "ditransitive": """
        give/gave | donner | animal thing metal container food
        send/sent | envoyer | thing metal container food
        show | montrer | animal thing metal container opening""",
    "indirect": """
        answer | répondre | person
        speak/spoke_to | parler | person animal""",
    "inverse": """
        miss | manquer | person animal
        like | plaire | person animal thing metal building place""",
    "need": """
        need | avoir | person animal thing metal container food""",
    "copula": """
        be/was | être |""",
    "state": """
        be/was | avoir |""",
    "clausal": """
        know/knew | savoir |
        think/thought | penser |
        say/said | dire |""",
    "weather": """
        rain | pleuvoir |
        snow | neiger |""",
}
STATES = {"hungry": "faim", "thirsty": "soif", "afraid": "peur", "sleepy": "sommeil"}
METALS = {"gold": "or", "silver": "argent"}
NAMES = {"paul": False, "pierre": False, "marie": True, "alice": True}  # whether feminine
ADVERBS = {"not": "pas", "never": "jamais", "no longer": "plus",
           "often": "souvent", "always": "toujours"}  # fmt: skip
MANNERS = {"slowly": "lentement", "quickly": "rapidement", "quietly": "doucement"}
MANNERED = {"eat", "drink", "open", "sing", "answer", "speak"}
PREPOSITIONS = {"in": "dans:0", "behind": "derrière:0", "near": "près:0 de:0?",
                "in front of": "devant:0?,1,2?"}  # fmt: skip
TIMES = {
    "present": {"today": "aujourd'hui:0", "now": "maintenant:0", "at night": "la:0? nuit:1",
                "in the morning": "le:0?,1 matin:2", "in the evening": "le:0?,1 soir:2"},
    "past": {"yesterday": "hier:0", "this morning": "ce:0 matin:1",
             "last week": "la:0?,1? semaine:1 dernière:0",
             "last year": "la:0?,1? année:1 dernière:0"},
    "future": {"tomorrow": "demain:0", "tonight": "ce:0? soir:0",
               "next week": "la:0?,1? semaine:1 prochaine:0"},
}  # fmt: skip


def _verb(line: str) -> Verb:
    entry, translation, kinds = (part.strip() for part in line.split("|"))
    forms, _, particle = entry.partition("_")
    base, _, past = forms.partition("/")
    infinitive, _, mark = translation.partition(" ")
    *present, participle = french.conjugate(infinitive)
    return Verb(frozenset(kinds.split()), base, past or english.past(base), particle,
                infinitive, tuple(present), participle, mark)  # fmt: skip


NOUNS = [
    Noun(kind, gender == "f", *entry.split())
    for (kind, gender), entries in _NOUNS.items()
    for entry in entries.split(", ")
]
ADJECTIVES = [
    Adjective(frozenset(kinds.split()), place == "before", *entry.split())
    for (kinds, place), entries in _ADJECTIVES.items()
    for entry in entries.split(", ")
]
DETERMINERS = {
    kind: [
        Determiner(*(form.strip("-").replace("_", " ") for form in entry.split()))
        for entry in entries.split(", ")
    ]
    for kind, entries in _DETERMINERS.items()
}
PRONOUNS = [
    Pronoun(int(person), gender == "f", *forms)
    for person, gender, *forms in map(str.split, _PRONOUNS.strip().splitlines())
]
VERBS = {
    frame: [_verb(line) for line in lines.strip().splitlines()] for frame, lines in _VERBS.items()
}
