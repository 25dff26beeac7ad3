from pathlib import Path
from types import SimpleNamespace

import pytest

from workbench.config import RunConfig
from workbench.data import catalogue, load_corpus
from workbench.data.catalogue import build
from workbench.data.corpus import Corpus, Pair
from workbench.data.loading import corpus_from
from workbench.errors import DataError, SettingsError
from workbench.records import Alignment, Link

SURE = frozenset({Link(0, 1)}), frozenset({Link(1, 0)})
POSSIBLE = frozenset({Link(0, 0)}), frozenset({Link(0, 0)})
SHARED = Path(__file__).parents[2] / "../shared/data"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "mine.tsv"
    path.write_text("".join(f"S{i}\tT{i}\n" for i in range(100)))
    return str(path)


@pytest.fixture
def aligned(monkeypatch):
    """Put a corpus of one aligned pair in the place of a grammar."""
    pairs = (Pair("X", "Z Q", Alignment(SURE[0], POSSIBLE[0])),)
    grammar = SimpleNamespace(SPLITS=("any",), build=lambda *_: Corpus("phrases", *[pairs] * 3))
    monkeypatch.setattr(catalogue, "_grammar", lambda _: grammar)


def write(folder, name, letter, size=3):
    path = folder / name
    path.write_text("".join(f"{letter}{i}\t{letter.lower()}{i}\n" for i in range(size)))
    return str(path)


def sizes(corpus):
    return tuple(len(pairs) for pairs in corpus.splits.values())


def test_one_file_is_split_by_share_and_seed(table):
    corpus = load_corpus(table)
    assert corpus.name == "mine"
    assert sizes(corpus) == (85, 5, 10)
    assert len({pair.source for pairs in corpus.splits.values() for pair in pairs}) == 100
    assert corpus.fingerprint == load_corpus(table).fingerprint
    assert corpus.fingerprint != load_corpus(table, seed=2).fingerprint
    assert sizes(load_corpus(table, validation_share=0.2, test_share=0.3)) == (50, 20, 30)
    assert corpus.train[0].origin.startswith(f"{table}:")


def test_given_files_are_taken_and_the_rest_split_off(table, tmp_path):
    validation, test = write(tmp_path, "v.tsv", "V"), write(tmp_path, "t.tsv", "T", 4)
    assert sizes(load_corpus(table, test_file=test)) == (95, 5, 4)
    assert sizes(load_corpus(table, validation_file=validation)) == (90, 3, 10)
    corpus = corpus_from(RunConfig(train_file=table, validation_file=validation, test_file=test))
    assert sizes(corpus) == (100, 3, 4)
    assert [pair.source for pair in corpus.train[:2]] == ["S0", "S1"]  # nothing is shuffled
    assert [pair.source for pair in corpus.test] == ["T0", "T1", "T2", "T3"]


def test_a_built_in_corpus_with_a_test_file_of_ones_own(tmp_path):
    corpus = load_corpus("scan", test_file=write(tmp_path, "t.tsv", "T"))
    own = build("scan")
    assert corpus.train == own.train
    assert [pair.source for pair in corpus.test] == ["T0", "T1", "T2"]


def test_built_in_corpora_take_split_shares_and_seed(monkeypatch):
    taken = []
    pairs = (Pair("a", "b"),)
    corpus = Corpus("scan", pairs, pairs, pairs)
    grammar = SimpleNamespace(SPLITS=("x", "y"), build=lambda *got: taken.append(got) or corpus)
    monkeypatch.setattr(catalogue, "_grammar", lambda _: grammar)
    assert load_corpus("scan", split="y", validation_share=0.2, seed=3) == corpus
    load_corpus("scan")
    assert taken == [("y", 0.2, 0.1, 3), ("x", 0.05, 0.1, 1)]


def test_swap_exchanges_alignments_too(aligned):
    corpus = load_corpus("phrases", swap=True)
    assert corpus.train == (Pair("Z Q", "X", Alignment(SURE[1], POSSIBLE[1])),)
    assert load_corpus("phrases").train == (Pair("X", "Z Q", Alignment(SURE[0], POSSIBLE[0])),)


def test_swap_of_a_file_and_of_a_corpus_without_alignments(table):
    assert load_corpus(table, swap=True).train[0].source.startswith("T")
    assert load_corpus("scan", swap=True).train[0].source.startswith("I_")


def test_lowercase_folds_references_and_keeps_alignments(table, aligned):
    corpus = load_corpus(table, lowercase=True)
    for pairs in corpus.splits.values():
        assert all(pair.source[0] == "s" and pair.target[0] == "t" for pair in pairs)
    (pair,) = load_corpus("phrases", lowercase=True).train
    assert pair == Pair("x", "z q", Alignment(SURE[0], POSSIBLE[0]))


def test_train_limit_counts_after_the_split(table):
    corpus = load_corpus(table)
    limited = load_corpus(table, train_limit=7)
    assert limited.train == corpus.train[:7]
    assert (limited.validation, limited.test) == (corpus.validation, corpus.test)


def test_columns_and_bad_lines_go_through(tmp_path):
    path = tmp_path / "a.tsv.gz"  # by its content it is not compressed, and that is what counts
    path.write_text("de\ten\n" + "".join(f"t{i}\ts{i}\n" for i in range(5)) + "odd\n")
    choices = {"source_column": "en", "target_column": "de"}
    with pytest.raises(DataError, match=r"a\.tsv\.gz:7: expected 2 columns"):
        load_corpus(str(path), **choices)
    corpus = load_corpus(str(path), skip_bad_lines=True, **choices)
    assert corpus.name == "a"
    assert sizes(corpus) == (3, 1, 1)
    assert [line.line for line in corpus.bad_lines] == [7]
    assert corpus.train[0].source.startswith("s")


def test_parallel_files(tmp_path):
    for suffix in ("en", "de"):
        (tmp_path / f"train.{suffix}").write_text("".join(f"{suffix}{i}\n" for i in range(10)))
    corpus = load_corpus(f"{tmp_path}/train.en,{tmp_path}/train.de")
    assert (corpus.name, sizes(corpus)) == ("train", (8, 1, 1))
    pair = corpus.train[0]
    assert pair.source.replace("en", "de") == pair.target


def test_a_name_that_is_nothing_is_answered_with_the_nearest():
    message = (
        r"^corpus 'phrase': expected a file, or one of scan, dates, phrases, found neither; "
        r"did you mean 'phrases'\?$"
    )
    with pytest.raises(DataError, match=message):
        load_corpus("phrase")


def test_a_missing_file_of_a_split_is_told(table):
    with pytest.raises(DataError, match=r"none\.tsv: expected a file, found nothing"):
        load_corpus(table, test_file="none.tsv")
    with pytest.raises(DataError, match=r"none\.tsv: expected a file, found nothing"):
        load_corpus("phrases", train_file="none.tsv")
    with pytest.raises(DataError, match=r"b\.de: expected a file, found nothing"):
        load_corpus(f"{table},b.de")


def test_a_file_has_no_named_splits(table):
    with pytest.raises(SettingsError, match=r"split is 'simple', but .*mine\.tsv is a file"):
        load_corpus(table, split="simple")
    with pytest.raises(SettingsError, match="split is 'simple'"):
        load_corpus("phrases", train_file=table, split="simple")


def test_an_unknown_split_is_answered_with_the_nearest():
    with pytest.raises(DataError, match=r"got 'lenght'; did you mean 'length'\?"):
        load_corpus("scan", split="lenght")


def test_a_corpus_too_small_to_split(tmp_path):
    with pytest.raises(DataError, match=r"two: .* none in train \(train 0, validation 1, test 1\)"):
        load_corpus(write(tmp_path, "two.tsv", "A", 2))


def test_settings_are_validated():
    with pytest.raises(SettingsError, match="did you mean 'source_column'"):
        load_corpus("scan", source_colum="1")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"train_file": "g2p/hun_train.tsv", "validation_file": "g2p/hun_dev.tsv",
          "test_file": "g2p/hun_test.tsv"}, (3600, 450, 450)),
        ({"train_file": "scan/tasks_train_length.txt.gz",
          "test_file": "scan/tasks_test_length.txt.gz"}, (16_140, 850, 3920)),
        ({"corpus": "tatoeba/deu-eng.tsv"}, (8500, 500, 1000)),
    ],
)  # fmt: skip
def test_real_corpora(settings, expected):
    paths = {name: SHARED / path for name, path in settings.items()}
    if not all(path.exists() for path in paths.values()):
        pytest.skip("../shared/data absent")
    corpus = corpus_from(RunConfig(**{name: str(path) for name, path in paths.items()}))
    assert sizes(corpus)[1:] == pytest.approx(expected[1:], abs=5)  # identical sources go together
    assert sum(sizes(corpus)) == sum(expected)


@pytest.mark.parametrize("name", ["train_file", "validation_file", "test_file"])
def test_a_file_beyond_the_memory_is_refused_before_it_is_read(name, table, tmp_path):
    path = tmp_path / "vast.tsv"
    with path.open("wb") as stream:
        stream.truncate(10**13)  # a hole that takes no room on the disk
    with pytest.raises(DataError, match="pairs that fit into memory"):
        corpus_from(RunConfig(**{"train_file": table, name: str(path)}))
