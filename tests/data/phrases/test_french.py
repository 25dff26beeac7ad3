import pytest

from workbench.data.phrases import french


@pytest.mark.parametrize(
    ("word", "following", "written"),
    [("le", "homme", "l'"), ("le", "héros", "le"), ("la", "eau", "l'"), ("de", "oiseaux", "d'"),
     ("ne", "écoute", "n'"), ("je", "ai", "j'"), ("que", "elle", "qu'"), ("que", "tu", "que"),
     ("si", "il", "s'"), ("si", "elle", "si"), ("ce", "arbre", "cet"), ("ce", "hibou", "ce"),
     ("ma", "amie", "mon"), ("sa", "sœur", "sa"), ("les", "œufs", "les"), ("tu", "as", "tu")],
)  # fmt: skip
def test_elide(word, following, written):
    assert french.elide(word, following) == written


def test_contract():
    assert french.contract("à", "le") == "au"
    assert french.contract("de", "les") == "des"
    assert french.contract("de", "la") == french.contract("le", "le") == ""


@pytest.mark.parametrize(
    ("singular", "plural"),
    [("chat", "chats"), ("souris", "souris"), ("cheval", "chevaux"), ("oiseau", "oiseaux"),
     ("hibou", "hiboux"), ("beau", "beaux"), ("vieux", "vieux"), ("œuf", "œufs")],
)  # fmt: skip
def test_plural(singular, plural):
    assert french.plural(singular) == plural


@pytest.mark.parametrize(
    ("masculine", "feminine"),
    [("petit", "petite"), ("rouge", "rouge"), ("heureux", "heureuse"), ("vieux", "vieille"),
     ("beau", "belle"), ("blanc", "blanche"), ("fatigué", "fatiguée"), ("bon", "bonne")],
)  # fmt: skip
def test_feminine(masculine, feminine):
    assert french.feminine(masculine) == feminine


def test_participle():
    agreements = [(False, False), (True, False), (False, True), (True, True)]
    forms = [french.participle("vu", feminine, plural) for feminine, plural in agreements]
    assert forms == ["vu", "vue", "vus", "vues"]


@pytest.mark.parametrize(
    ("infinitive", "forms"),
    [("donner", "donne donnes donne donnons donnent donné"),
     ("attendre", "attends attends attend attendons attendent attendu"),
     ("manger", "mange manges mange mangeons mangent mangé"),
     ("être", "suis es est sommes sont été")],
)  # fmt: skip
def test_conjugate(infinitive, forms):
    assert " ".join(french.conjugate(infinitive)) == forms
