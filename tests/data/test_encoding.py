import json
import random

import numpy as np
import pytest

from workbench.config import RunConfig
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.data.tokenizer import END, PAD, UNKNOWN, Tokenizer
from workbench.errors import DataError, RunError, SettingsError

PAIRS = (
    Pair("Jump twice", "I_JUMP I_JUMP", origin="a.tsv:1"),
    Pair("walk and run", "I_WALK I_RUN", origin="a.tsv:2"),
)


def codec(**settings):
    return Codec.train(PAIRS, RunConfig(**settings))


def test_a_sentence_ends_with_the_end_symbol():
    words = codec()
    ids = words.encode_source("walk and run")
    assert ids[-1] == END
    assert words.source.tokens(ids) == ("walk", "and", "run", "<end>")
    assert words.target.tokens(words.encode_target("I_RUN I_RUN")) == ("I_RUN", "I_RUN", "<end>")


def test_a_source_read_backwards_still_ends_with_the_end_symbol():
    backwards = codec(reverse_source=True)
    ids = backwards.encode_source("walk and run")
    assert backwards.source.tokens(ids) == ("run", "and", "walk", "<end>")
    assert backwards.source_words([*ids, PAD, PAD]) == [2, 1, 0, -1, -1, -1]
    assert backwards.encode_target("I_WALK I_RUN") == codec().encode_target("I_WALK I_RUN")


def test_letters_are_folded_in_training_and_in_use():
    folded = codec(lowercase=True)
    assert "▁jump" in folded.source.pieces
    assert "▁Jump" not in folded.source.pieces
    assert folded.encode_source("JUMP twice") == folded.encode_source("jump TWICE")
    assert folded.target.decode(folded.encode_target("I_JUMP")) == "i_jump"
    assert "▁Jump" in codec().source.pieces


@pytest.mark.parametrize("unit", ["word", "char", "bpe", "unigram"])
@pytest.mark.parametrize("backwards", [False, True])
def test_every_position_knows_its_word(unit, backwards):
    some = codec(source_tokens=unit, target_tokens=unit, reverse_source=backwards)
    source, target = PAIRS[1].source, PAIRS[1].target
    for tokenizer, ids, words, text in (
        (some.source, some.encode_source(source), some.source_words, source),
        (some.target, some.encode_target(target), some.target_words, target),
    ):
        indices = words(ids)
        assert len(indices) == len(ids)
        assert indices[-1] == -1
        spelt = dict.fromkeys(range(len(text.split())), "")
        order = reversed if backwards and tokenizer is some.source else list
        for index, token in order(list(zip(indices, tokenizer.tokens(ids), strict=True))):
            if index >= 0:
                spelt[index] += token.replace("▁", "")
        assert list(spelt.values()) == text.split()


def test_words_of_an_array_without_end_symbol():
    words = codec()
    ids = np.array(words.encode_target("I_WALK I_RUN")[:-1], np.int32)
    assert words.target_words(ids) == [0, 1]


def test_pairs_become_arrays():
    encoded, bad = codec().encode_pairs(PAIRS)
    assert (len(encoded), bad, encoded.pairs) == (2, (), PAIRS)
    assert [len(ids) for ids in encoded.sources] == [3, 4]
    assert [len(ids) for ids in encoded.targets] == [3, 3]
    assert {ids.dtype for ids in [*encoded.sources, *encoded.targets]} == {np.dtype(np.int32)}


def test_a_sentence_beyond_the_limit():
    short = codec(max_length=2)
    expected = (
        "a.tsv:2: source has 3 tokens, max_length is 2; raise max_length, correct it, "
        "or leave bad lines out with skip_bad_lines (--skip-bad-lines); "
        "`workbench data check` lists them all"
    )
    with pytest.raises(DataError) as error:
        short.encode_pairs(PAIRS)
    assert str(error.value) == expected
    encoded, (bad,) = short.encode_pairs(PAIRS, skip_bad_lines=True)
    assert encoded.pairs == PAIRS[:1]
    assert str(bad) == "a.tsv:2: source has 3 tokens, max_length is 2"


def test_what_a_model_is_to_read_has_a_limit_and_the_refusal_names_both_numbers():
    short = codec(max_length=2)
    assert short.readable_source("jump twice") == short.encode_source("jump twice")
    with pytest.raises(DataError) as error:
        short.readable_source("walk and run")
    assert str(error.value) == (
        "the source 'walk and run' has 3 tokens, the model allows 2: shorten it, or train with a "
        "larger max_length"
    )
    with pytest.raises(DataError, match=r"the target '(I_RUN )+…' has 50 tokens"):
        short.readable_target("I_RUN\n" * 50)
    assert len(short.readable_target("I_RUN " * 5, room=5)) == 6
    with pytest.raises(DataError, match="has 6 tokens, the model allows 5"):
        short.readable_target("I_RUN " * 6, room=5)


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        (Pair("walk", "I_WALK " * 4, None, "b.tsv:7"), "b.tsv:7: target has 4 tokens"),
        (Pair("walk", "I_WALK " * 4), "pair:2: target has 4 tokens"),
        (Pair("", "I_WALK", None, "by hand"), "by hand:2: source has no tokens"),
        (Pair("walk", " \n"), "pair:2: target has no tokens"),
    ],
)
def test_what_is_left_out_is_told_by_its_origin(pair, expected):
    encoded, (bad,) = codec(max_length=3).encode_pairs([PAIRS[0], pair], skip_bad_lines=True)
    assert len(encoded) == 1
    assert str(bad).startswith(expected)


def test_no_pair_of_usable_length():
    with pytest.raises(DataError, match=r"none of usable length; the first: a\.tsv:1: source has"):
        codec(max_length=1).encode_pairs(PAIRS, skip_bad_lines=True)
    with pytest.raises(DataError, match=r"none of usable length$"):
        codec().encode_pairs([])


def test_a_vocabulary_that_is_too_small_is_told_by_its_setting():
    with pytest.raises(SettingsError, match="target_vocabulary is 5, but the texts need 17"):
        codec(target_tokens="bpe", target_vocabulary=5)


def test_saved_and_loaded(tmp_path):
    some = codec(source_tokens="char", reverse_source=True, lowercase=True, max_length=50)
    some.save(tmp_path / "model")
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "codec.json", "source.model", "target.model",
    ]  # fmt: skip
    again = Codec.load(tmp_path / "model")
    assert (again.lowercase, again.reverse_source, again.max_length) == (True, True, 50)
    assert (again.source.unit, again.target.unit) == ("char", "word")
    assert again.source.fingerprint == some.source.fingerprint
    assert again.encode_source("run") == some.encode_source("run")
    assert again.encode_target("I_RUN") == some.encode_target("I_RUN")


@pytest.mark.parametrize("content", [None, "{", "[1]", '{"lowercase": true}', '{"other": 1}'])
def test_a_damaged_codec_is_told(tmp_path, content):
    codec().save(tmp_path)
    (tmp_path / "codec.json").unlink()
    if content is not None:
        (tmp_path / "codec.json").write_text(content)
    with pytest.raises(RunError, match=r"codec\.json: expected the settings of a codec"):
        Codec.load(tmp_path)


def test_a_missing_tokenizer_is_told(tmp_path):
    codec().save(tmp_path)
    (tmp_path / "target.model").unlink()
    with pytest.raises(RunError, match=r"target\.model: expected a tokenizer model"):
        Codec.load(tmp_path)


def test_codec_json_is_readable(tmp_path):
    codec().save(tmp_path)
    assert json.loads((tmp_path / "codec.json").read_text()) == {
        "source_tokens": "word",
        "target_tokens": "word",
        "lowercase": False,
        "reverse_source": False,
        "max_length": 100,
        "copy_source": False,
    }


def test_random_text_comes_back_whatever_the_choices():
    seed = 3
    print("seed", seed)
    generator = random.Random(seed)
    texts = [" ".join("".join(generator.choices("abcdé", k=generator.randint(1, 6)))
                      for _ in range(generator.randint(1, 8))) for _ in range(60)]  # fmt: skip
    for unit in ("word", "char", "bpe", "unigram"):
        tokenizer = Tokenizer.train(texts, unit, 400)
        for backwards in (False, True):
            some = Codec(tokenizer, tokenizer, reverse_source=backwards)
            for text in texts:
                ids = some.encode_source(text)
                body = ids[-2::-1] if backwards else ids[:-1]
                assert tokenizer.decode(body) == text
                assert max(some.source_words(ids)) == len(text.split()) - 1


COPYING = (
    Pair("my name is Ada", "hello Ada"),
    Pair("Eve met Eve", "Eve hello"),
)


def copying(source_vocabulary=5, target_vocabulary=5, **settings):
    return Codec.train(
        COPYING, RunConfig(copy_source=True, source_vocabulary=source_vocabulary,
                           target_vocabulary=target_vocabulary, **settings),
    )  # fmt: skip


def test_unknown_pieces_are_told_apart():
    """The source knows nothing but Eve, the target nothing but hello."""
    some = copying()
    assert (some.source.pieces[4:], some.target.pieces[4:]) == (("▁Eve",), ("▁hello",))
    # Of the source, hello is 5 + 4, its target piece; strangers are 5 + 5 and on.
    text = "hello Bob Eve Tim Bob"
    assert some.encode_source(text) == [9, 10, 4, 11, 10, END]
    # Of the target, what stands in the source is 5 + its first position there.
    assert some.encode_target("Tim hello Bob Eve Zoe", text) == [8, 4, 6, 7, UNKNOWN, END]
    assert some.encode_target("Tim hello") == [UNKNOWN, 4, END]
    encoded, _ = some.encode_pairs([Pair(text, "Bob Zoe")])
    assert encoded.sources[0].tolist() == [9, 10, 4, 11, 10, END]
    assert encoded.targets[0].tolist() == [6, UNKNOWN, END]


def test_a_copied_piece_counts_from_where_the_encoder_begins():
    some = copying(reverse_source=True)
    text = "hello Bob Eve Tim Bob"
    assert some.encode_source(text) == [10, 11, 4, 10, 9, END]
    assert some.encode_target("Tim Bob", text) == [6, 5, END]
    assert some.decode_target([6, 5, 9, END], text) == "Tim Bob hello"
    assert some.source_words(some.encode_source(text)) == [4, 3, 2, 1, 0, -1]


def test_copied_pieces_have_their_letters_and_blanks():
    some = copying()
    ids = [4, 6, UNKNOWN, 5 + 9, END]  # the last position is beyond the text
    assert some.decode_target(ids, "hello Bob") == "hello Bob <unknown> <unknown>"
    assert some.target_tokens(ids, "hello Bob")[:2] == ("hello", "Bob")
    assert some.target_words(ids, "hello Bob") == [0, 1, 2, 3, -1]
    assert some.decode_target(ids) == "hello <unknown> <unknown> <unknown>"


@pytest.mark.parametrize("unit", ["word", "char", "bpe", "unigram"])
@pytest.mark.parametrize("lowercase", [False, True])
def test_a_text_copied_piece_by_piece_is_the_text(unit, lowercase):
    some = copying(400, 400, source_tokens=unit, target_tokens=unit, lowercase=lowercase)
    text = "Żółw met  Ada ж is żÓŁW"
    wanted = "żółw met ada ж is żółw" if lowercase else "Żółw met Ada ж is żÓŁW"
    places = [some.target.size + place for place in range(len(some.encode_source(text)) - 1)]
    assert some.decode_target([*places, END], text) == wanted
    words = some.target_words([*places, END], text)
    assert sorted({word for word in words if word >= 0}) == list(range(6))
    copied = some.encode_target("ж", text)
    assert some.decode_target(copied, text) == "ж"
    assert max(copied) >= some.target.size


def test_twins_are_the_same_pieces():
    some = copying(8000, 8000)
    twins = some.twins()
    assert twins.dtype == np.int32
    assert len(twins) == some.source.size
    assert twins[:4].tolist() == [-1, -1, -1, END]
    both = {
        piece: some.target.pieces[twin]
        for piece, twin in zip(some.source.pieces[4:], twins[4:], strict=True)
        if twin >= 0
    }
    assert both == {"▁Ada": "▁Ada", "▁Eve": "▁Eve"}


def test_without_copying_the_source_text_changes_nothing():
    words = codec()
    assert words.encode_source("jump now") == [*words.encode_source("jump")[:1], UNKNOWN, END]
    assert words.encode_target("I_RUN now", "now") == words.encode_target("I_RUN now")
    assert words.decode_target([words.target.size], "now") == "<unknown>"


def test_a_codec_of_an_older_version_copies_nothing(tmp_path):
    copying().save(tmp_path)
    assert Codec.load(tmp_path).copy_source
    choices = json.loads((tmp_path / "codec.json").read_text())
    del choices["copy_source"]
    (tmp_path / "codec.json").write_text(json.dumps(choices))
    assert not Codec.load(tmp_path).copy_source


def test_every_target_token_has_its_number_the_copied_ones_too(pairs, config):
    codec = Codec.train(pairs, config.replace(copy_source=True))
    text, size = "red zebra", codec.target.size
    known = codec.target_numbers(text)
    assert known["<end>"] == END
    assert known["chat"] == codec.encode_target("chat")[0]
    assert (known["red"], known["zebra"]) == (size, size + 1)
    assert sorted(known.values()) == list(range(size + 2))
