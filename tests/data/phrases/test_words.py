from workbench.data.phrases.words import (
    Phrase,
    Word,
    align,
    expression,
    often,
    pair,
    sequence,
    spell,
    text,
)
from workbench.records import Link


def test_expression_links_by_place():
    links = align(expression("last week", "la:0?,1? semaine:1 dernière:0"))
    assert links.sure == {Link(1, 1), Link(0, 2)}
    assert links.possible == {Link(0, 0), Link(1, 0), Link(1, 1), Link(0, 2)}


def test_sequence_keeps_the_order_of_both_sides():
    phrase = sequence(pair("my", "ma"), pair("actress", "actrice"))
    assert [text(side) for side in spell(phrase)] == ["my actress", "mon actrice"]
    assert align(phrase).sure == {Link(0, 0), Link(1, 1)}


def test_contraction_of_two_words_is_only_a_possible_rendering():
    phrase = spell(sequence(pair("to", "à"), pair("the", "le"), pair("boy", "garçon")))
    assert text(phrase.french) == "au garçon"
    assert align(phrase).sure == {Link(2, 1)}
    assert align(phrase).possible == {Link(0, 0), Link(1, 0), Link(2, 1)}


def test_contraction_of_one_word_is_sure():
    phrase = spell(sequence(expression("some", "de:0 le:0"), pair("bread", "pain")))
    assert text(phrase.french) == "du pain"
    assert align(phrase).sure == {Link(0, 0), Link(1, 1)}


def test_elision_comes_before_contraction():
    phrase = spell(expression("to the man", "à:0 le:1 homme:2"))
    assert text(phrase.french) == "à l' homme"


def test_english_article_depends_on_the_next_word():
    assert text(spell(expression("a old owl and a cat", "")).english) == "an old owl and a cat"


def test_reordering_keeps_the_links():
    red, car = pair("red", "rouge"), pair("car", "voiture")
    phrase = Phrase(red.english + car.english, car.french + red.french)
    assert align(phrase).sure == {Link(1, 0), Link(0, 1)}


def test_two_words_of_one_spelling_are_two_words():
    him = pair("him", "le")
    phrase = Phrase([Word("him"), *him.english], him.french)
    assert align(phrase).sure == {Link(1, 0)}


def test_often_repeats_by_weight():
    assert often({"a": 2, "b": 1}) == ["a", "a", "b"]
