"""The data of a session: read once, and numbered."""

import pytest

from workbench.data.corpus import Pair
from workbench.errors import DataError, WorkbenchError
from workbench.session.data import Data


@pytest.fixture
def loaded(cheap):
    data = Data()
    data.load(cheap)
    return data


def test_the_corpus_is_read_once_and_all_of_it_numbered(loaded, cheap):
    corpus = loaded.corpus
    assert loaded.load(cheap.replace(corpus="gone.tsv")) is corpus
    assert {name: len(pairs) for name, pairs in loaded.encoded.items()} == {
        "train": 51, "validation": 3, "test": 6,
    }  # fmt: skip
    assert loaded.split("test").pairs == corpus.test
    assert loaded.pairs("test") == corpus.test
    given = [Pair("cat", "chat")]
    assert loaded.pairs(given) is given


def test_an_unknown_split_is_an_error(loaded):
    with pytest.raises(WorkbenchError, match=r"train, validation, test.*did you mean 'test'\?"):
        loaded.split("tset")


def test_what_is_forgotten_is_read_anew(loaded, cheap):
    before = loaded.corpus
    loaded.forget()
    assert (loaded.corpus, loaded.codec, loaded.encoded, loaded.bad_lines) == (None, None, {}, [])
    assert loaded.load(cheap).train == before.train


def test_tokenizers_that_are_there_are_kept(loaded, cheap, tmp_path):
    other = tmp_path / "other.tsv"
    other.write_text("".join(f"x y {n}\tz {n}\n" for n in range(30)))
    data = Data()
    data.codec = loaded.codec  # of a run that is opened
    data.load(cheap.replace(corpus=str(other)))
    assert data.codec is loaded.codec


def test_lines_left_out_are_told_those_of_later_pairs_too(loaded, cheap):
    long = Pair("cat " * 101, "chat", None, "more.tsv:4")
    with pytest.raises(DataError, match=r"more\.tsv:4: source has 101 tokens"):
        loaded.encode([long], cheap)
    assert loaded.bad_lines == []
    found = loaded.encode([Pair("cat", "chat"), long], cheap.replace(skip_bad_lines=True))
    assert len(found) == 1
    assert [line.line for line in loaded.bad_lines] == [4]


def test_vocabularies_of_a_file_that_failed_are_forgotten(cheap, tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"a b {n}\tc d {n}\n" for n in range(30)) + "a\t" + "c " * 80 + "\n")
    data, config = Data(), cheap.replace(corpus=str(path), max_length=60)
    with pytest.raises(DataError):
        data.load(config)
    path.write_text("".join(f"x y {n}\tz {n}\n" for n in range(30)))
    data.load(config)
    assert "x" in data.codec.source.tokens(data.codec.encode_source("x y"))
