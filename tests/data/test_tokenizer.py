import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from workbench.data.readers import read_pairs
from workbench.data.tokenizer import BEGIN, END, PAD, UNKNOWN, Tokenizer
from workbench.errors import DataError, RunError, SettingsError

SHARED = Path(__file__).parents[2] / "../shared/data"
UNITS = ("word", "char", "bpe", "unigram")
TEXTS = ["jump twice and run", "run twice after jump", "walk and run"]
PHONES = ["t͡ʃ aː cʰ r̥ ɪ nː ʃʲ", "ɟː ŋ̊ ʏ œ", "ﬁ ½ Ａ Å é é …"]  # é in both compositions


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("texts", [TEXTS, PHONES, ["a"], ["x" * 40, "a " * 3000 + "b"]])
def test_what_was_trained_on_comes_back(unit, texts):
    tokenizer = Tokenizer.train(texts, unit, 8000)
    assert tokenizer.size == len(tokenizer.pieces) <= 8000
    for text in texts:
        assert UNKNOWN not in tokenizer.encode(text)
        assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("name", ["g2p/ice_train.tsv", "g2p/rum_train.tsv", "tatoeba/deu-eng.tsv"])
def test_real_text_comes_back(unit, name):
    if not (SHARED / name).exists():
        pytest.skip(f"{name} absent")
    texts = [pair.target for pair in read_pairs(SHARED / name)[0]]
    tokenizer = Tokenizer.train(texts, unit, 8000)
    assert [tokenizer.decode(tokenizer.encode(text)) for text in texts] == texts


def test_special_symbols_come_first():
    assert (PAD, UNKNOWN, BEGIN, END) == (0, 1, 2, 3)
    for unit in UNITS:
        tokenizer = Tokenizer.train(TEXTS, unit, 8000)
        assert tokenizer.pieces[:4] == ("<pad>", "<unknown>", "<begin>", "<end>")
        assert not {PAD, UNKNOWN, BEGIN, END} & set(tokenizer.encode(TEXTS[0]))
        ids = tokenizer.encode(TEXTS[0])
        assert tokenizer.decode([BEGIN, *ids, END, PAD, PAD]) == TEXTS[0]
        assert tokenizer.tokens([BEGIN, UNKNOWN, END, PAD]) == (
            "<begin>", "<unknown>", "<end>", "<pad>",
        )  # fmt: skip


def test_words_are_kept_by_frequency():
    tokenizer = Tokenizer.train(["b a b", "c b a"], "word", 6)
    assert set(tokenizer.pieces[4:]) == {"▁a", "▁b"}
    ids = tokenizer.encode("a c d b")
    assert ids[1:3] == [UNKNOWN, UNKNOWN]  # one for every unknown word
    assert tokenizer.tokens(ids) == ("a", "<unknown>", "<unknown>", "b")
    assert tokenizer.decode(ids) == "a <unknown> <unknown> b"
    assert tokenizer.word_indices([BEGIN, *ids, END, PAD]) == [-1, 0, 1, 2, 3, -1, -1]


def test_characters():
    tokenizer = Tokenizer.train(["ab a", "b"], "char", 100)
    assert set(tokenizer.pieces[4:]) == {"a", "b", "▁"}
    ids = tokenizer.encode("a xxb")
    assert tokenizer.tokens(ids) == ("a", "␣", "<unknown>", "<unknown>", "b")
    assert tokenizer.decode(ids) == "a <unknown><unknown>b"
    assert tokenizer.word_indices([*ids, END]) == [0, -1, 1, 1, 1, -1]
    assert len(Tokenizer.train(["aab"], "char", 5).pieces) == 5  # the most frequent one


@pytest.mark.parametrize("unit", ["bpe", "unigram"])
def test_learned_pieces_show_where_words_start(unit):
    tokenizer = Tokenizer.train(TEXTS * 5, unit, 100)
    ids = tokenizer.encode("jump §§ run")
    tokens = tokenizer.tokens([*ids, END])
    assert tokens[0].startswith("▁")
    assert tokens[-1] == "<end>"
    assert "<unknown>" in tokens
    words = tokenizer.word_indices([BEGIN, *ids, END])
    assert (words[0], words[-1]) == (-1, -1)
    assert words[1:-1] == sorted(words[1:-1])
    assert set(words[1:-1]) == {0, 1, 2}
    by_word = ["", "", ""]
    for word, token in zip(words[1:-1], tokens, strict=False):
        by_word[word] += token
    assert by_word == ["▁jump", "▁<unknown>", "▁run"]


def test_a_generated_piece_without_word_start_belongs_to_the_first_word():
    tokenizer = Tokenizer.train(TEXTS, "unigram", 100)
    letter = tokenizer.pieces.index("j")
    assert tokenizer.word_indices([letter, END]) == [0, -1]


def test_arrays_are_taken_as_well():
    tokenizer = Tokenizer.train(TEXTS, "bpe", 100)
    ids = np.array([BEGIN, *tokenizer.encode("walk"), END, PAD], np.int32)
    assert tokenizer.decode(ids) == "walk"
    assert tokenizer.tokens(ids)[-2:] == ("<end>", "<pad>")
    assert tokenizer.word_indices(ids)[-1] == -1


@pytest.mark.parametrize("unit", UNITS)
def test_white_space_is_tidied_and_the_mark_is_no_blank(unit):
    tokenizer = Tokenizer.train(["a_b c"], unit, 100)
    assert tokenizer.encode(" a▁b\u00a0 c\n") == tokenizer.encode("a_b c")
    assert tokenizer.encode(" ") == []


def test_a_sign_that_training_skips_loses_no_sentence():
    tokenizer = Tokenizer.train(["load ▅▅▅ high"], "word", 100)
    assert set(tokenizer.pieces[4:]) == {"▁load", "▁high"}


def test_long_sentences_are_not_left_out():
    tokenizer = Tokenizer.train(["a " * 50_000 + "zebra"], "word", 100)
    assert "▁zebra" in tokenizer.pieces


@pytest.mark.parametrize("unit", ["bpe", "unigram"])
def test_a_vocabulary_below_the_characters_names_both_numbers(unit):
    texts = ["abcdef ghij"]  # ten letters, the blank, four symbols
    message = r"^target_vocabulary is 14, but the texts need 15: 11 characters and 4 symbols; raise"
    with pytest.raises(SettingsError, match=message):
        Tokenizer.train(texts, unit, 14, setting="target_vocabulary")
    assert Tokenizer.train(texts, unit, 15).size == 15


@pytest.mark.parametrize("texts", [[], ["", " "]])
def test_no_text_is_no_vocabulary(texts):
    with pytest.raises(DataError, match="expected text to learn a vocabulary from, found none"):
        Tokenizer.train(texts, "bpe", 100)


@pytest.mark.parametrize("unit", UNITS)
def test_training_says_nothing(unit, capfd):
    Tokenizer.train(TEXTS, unit, 8000)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("unit", UNITS)
def test_a_saved_model_is_the_same(tmp_path, unit):
    tokenizer = Tokenizer.train(TEXTS, unit, 30)
    tokenizer.save(tmp_path / "a.model")
    again = Tokenizer.load(tmp_path / "a.model", unit)
    assert again.pieces == tokenizer.pieces
    assert again.fingerprint == tokenizer.fingerprint
    assert again.encode("run twice") == tokenizer.encode("run twice")
    assert [path.name for path in tmp_path.iterdir()] == ["a.model"]


def test_fingerprints_tell_texts_and_units_apart():
    prints = {Tokenizer.train(texts, unit, 100).fingerprint
              for unit in UNITS for texts in (TEXTS, PHONES)}  # fmt: skip
    assert len(prints) == 8
    assert all(len(one) == 16 for one in prints)


@pytest.mark.parametrize("content", [b"", b"no model", None])
def test_a_damaged_model_is_told(tmp_path, content):
    if content is not None:
        (tmp_path / "a.model").write_bytes(content)
    with pytest.raises(RunError, match=r"a\.model: expected a tokenizer model") as error:
        Tokenizer.load(tmp_path / "a.model", "word")
    assert "\n" not in str(error.value)


def test_the_same_texts_give_the_same_model_in_another_process():
    program = (
        "import random; from workbench.data.tokenizer import Tokenizer\n"
        "random.seed(7); texts = [' '.join(random.choices(['ab', 'abc', 'ba', 'cab'], k=9)) "
        "for _ in range(50)]\n"
        "print(*(Tokenizer.train(texts, unit, 40).fingerprint for unit in ('bpe', 'unigram')))"
    )
    runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
            for _ in range(2)]  # fmt: skip
    assert runs[0] == runs[1]
    assert len(runs[0].split()) == 2


@pytest.mark.parametrize("unit", UNITS)
def test_pieces_in_their_letters_stand_where_their_numbers_do(unit):
    tokenizer = Tokenizer.train(TEXTS, unit, 100)
    text = "jump  żółw, run"
    pieces = tokenizer.cut(text)
    ids = [tokenizer.number(piece) for piece in pieces]
    assert UNKNOWN in ids
    if unit in ("word", "char"):
        assert ids == tokenizer.encode(text)
    else:  # "żółw," is four letters there and a known one
        assert pieces[pieces.index("ż") :][:5] == ["ż", "ó", "ł", "w", ","]
    more = [piece for piece, number in zip(pieces, ids, strict=True) if number == UNKNOWN]
    beyond = iter(range(tokenizer.size, tokenizer.size + len(more)))
    ids = [next(beyond) if number == UNKNOWN else number for number in ids]
    assert tokenizer.decode(ids, more) == "jump żółw, run"
    assert "<unknown>" not in tokenizer.tokens(ids, more)
    assert max(tokenizer.word_indices(ids, more)) == 2
    assert "<unknown>" in tokenizer.decode(ids)


def test_no_text_spells_a_special_symbol():
    tokenizer = Tokenizer.train(TEXTS, "word", 100)
    assert tokenizer.number("<end>") == UNKNOWN
    assert tokenizer.encode("<end> run")[0] == UNKNOWN
