"""How French words change: gender, number, person, elision and contraction."""

from functools import cache

_VOWELS = "aàâeéèêëiîïoôœuùûyh"
_ASPIRATED = {"héros", "hibou", "hiboux"}  # an h that counts as a consonant
_BEFORE_VOWEL = {"le": "l'", "la": "l'", "de": "d'", "ne": "n'", "je": "j'", "me": "m'",
                 "te": "t'", "se": "s'", "que": "qu'",
                 "ce": "cet", "ma": "mon", "ta": "ton", "sa": "son"}  # fmt: skip
_CONTRACTIONS = {("à", "le"): "au", ("à", "les"): "aux", ("de", "le"): "du", ("de", "les"): "des"}

_FEMININES = {"blanc": "blanche", "bon": "bonne", "vieux": "vieille", "beau": "belle",
              "nouveau": "nouvelle"}  # fmt: skip
_ADJECTIVES_BEFORE_VOWEL = {"vieux": "vieil", "beau": "bel", "nouveau": "nouvel"}

_IRREGULAR = {
    "acheter": "achète achètes achète achetons achètent acheté",
    "aller": "vais vas va allons vont allé",
    "avoir": "ai as a avons ont eu",
    "boire": "bois bois boit buvons boivent bu",
    "devoir": "dois dois doit devons doivent dû",
    "dire": "dis dis dit disons disent dit",
    "dormir": "dors dors dort dormons dorment dormi",
    "envoyer": "envoie envoies envoie envoyons envoient envoyé",
    "être": "suis es est sommes sont été",
    "lever": "lève lèves lève levons lèvent levé",
    "manger": "mange manges mange mangeons mangent mangé",
    "ouvrir": "ouvre ouvres ouvre ouvrons ouvrent ouvert",
    "plaire": "plais plais plaît plaisons plaisent plu",
    "pleuvoir": "- - pleut - - plu",
    "pouvoir": "peux peux peut pouvons peuvent pu",
    "savoir": "sais sais sait savons savent su",
    "voir": "vois vois voit voyons voient vu",
    "vouloir": "veux veux veut voulons veulent voulu",
}
IMPERFECT = {
    "être": ("étais", "étais", "était", "étions", "étaient"),
    "avoir": ("avais", "avais", "avait", "avions", "avaient"),
}
REFLEXIVE = ("me", "te", "se", "nous", "se")


def vowel(word: str) -> bool:
    """Whether a word begins with a vowel sound; an h is mute unless known not to be."""
    return word[0] in _VOWELS and word not in _ASPIRATED


def elide(word: str, following: str) -> str:
    """Return `word` as it stands before the next: l' for le, s' for si, cet for ce, mon for ma."""
    if word == "si":
        return "s'" if following in ("il", "ils") else word
    if word in _BEFORE_VOWEL and vowel(following):
        return _BEFORE_VOWEL[word]
    return word


def contract(word: str, following: str) -> str:
    """Return the one word that two become: au for à le; empty where they stay two."""
    return _CONTRACTIONS.get((word, following), "")


@cache
def plural(word: str) -> str:
    """Return the plural of a noun or a masculine adjective."""
    if word.endswith(("s", "x")):
        return word
    if word.endswith("al"):
        return word[:-1] + "ux"
    return word + ("x" if word.endswith("eau") or word == "hibou" else "s")


@cache
def feminine(adjective: str) -> str:
    """Return the feminine of an adjective."""
    if adjective in _FEMININES:
        return _FEMININES[adjective]
    if adjective.endswith("eux"):
        return adjective[:-1] + "se"
    return adjective if adjective.endswith("e") else adjective + "e"


def before_vowel(adjective: str) -> str:
    """Return a masculine adjective as it stands before a vowel: vieil for vieux."""
    return _ADJECTIVES_BEFORE_VOWEL.get(adjective, adjective)


def participle(masculine: str, feminine: bool, plural: bool) -> str:
    """Return a past participle in a gender and number."""
    return masculine + "e" * feminine + "s" * plural


@cache
def conjugate(infinitive: str) -> tuple[str, ...]:
    """Return the present for je, tu, il, nous, ils, and the past participle."""
    if infinitive in _IRREGULAR:
        return tuple(_IRREGULAR[infinitive].split())
    endings = "e es e ons ent é" if infinitive.endswith("er") else "s s - ons ent u"
    return tuple(infinitive[:-2] + ending.strip("-") for ending in endings.split())
