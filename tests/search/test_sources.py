"""Sources as the encoder reads them, edited, and the names of target tokens."""

import pytest

from workbench.data.encoding import Codec
from workbench.errors import InterventionError
from workbench.interventions import EditSource
from workbench.search.sources import Source


@pytest.fixture(scope="module")
def make(pairs, config):
    """Return the source of a text under other settings."""

    def make(text, **settings):
        return Source.of(Codec.train(pairs, config.replace(**settings)), text)

    return make


def edited(source, position, token):
    return source.edited(EditSource(position=position, token=token))


def test_positions_are_in_the_order_in_which_the_encoder_reads(make):
    source = make("small cat and dog", reverse_source=True)
    assert source.tokens == ("dog", "and", "cat", "small", "<end>")
    after = edited(source, 0, "fish")
    assert after.text == "small cat and fish"
    assert after.tokens == ("fish", "and", "cat", "small", "<end>")
    assert after.words == (3, 2, 1, 0, -1)
    assert after.ids == make(after.text, reverse_source=True).ids
    assert [edit.token for edit in edited(after, 3, "").edits] == ["fish", ""]
    assert edited(after, 3, "").text == "cat and fish"


def test_words_that_nobody_knows_stay_in_the_text(make):
    source = make("small Zebra and dog", lowercase=True)
    assert source.tokens[1] == "<unknown>"
    assert edited(source, 0, "old").text == "old zebra and dog"


@pytest.mark.parametrize("unit", ["char", "bpe", "unigram"])
def test_smaller_units_are_exchanged_one_by_one(make, unit):
    source = make("cat", source_tokens=unit, source_vocabulary=60)
    other = make("dog", source_tokens=unit, source_vocabulary=60)
    after = source
    for _ in source.pieces[1:]:
        after = edited(after, len(after.pieces) - 1, "")
    after = edited(after, 0, other.tokens[0])
    assert after.ids == (other.ids[0], source.ids[-1])
    assert after.tokens[0] == other.tokens[0]


def test_unknown_letters_between_learned_pieces_are_one_token(make):
    source = make("cat ###", source_tokens="bpe", source_vocabulary=60)
    assert len(source.pieces) == len(source.ids) - 1
    assert len(edited(source, 0, "").ids) == len(source.ids) - 1


def test_a_model_that_copies_may_be_given_any_word(make):
    source = make("small zebra and dog", copy_source=True)
    assert source.named([source.number("zebra")]) == ("zebra",)
    after = edited(source, 3, "zebra")
    assert after.text == "small zebra and zebra"
    assert after.ids[1] == after.ids[3]  # the same unknown word
    assert after.number("zebra") == source.number("zebra")
    assert edited(source, 1, "yak").named([source.number("zebra")]) == ("yak",)
    with pytest.raises(
        InterventionError, match="a token of the source vocabulary, got 'two words'"
    ):
        edited(source, 1, "two words")


def test_a_text_becomes_numbers_of_its_tokens(make):
    source = make("cat", target_tokens="char")
    assert source.named(source.numbers("chat noir")) == tuple("chat␣noir")
    assert make("cat", lowercase=True).numbers("Chat") == make("cat", lowercase=True).numbers(
        "chat"
    )
