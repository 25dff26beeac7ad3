import pytest

from workbench.data import read_alignments
from workbench.data.catalogue import BUILT_IN, build, built_in, write_corpus
from workbench.data.corpus import Corpus, Pair
from workbench.data.readers import read_pairs
from workbench.errors import DataError
from workbench.records import Alignment, Link

LINKS = Alignment(frozenset({Link(0, 0)}), frozenset({Link(0, 1)}))
CORPUS = Corpus(
    "small",
    (Pair("a", "b c"), Pair("ʰː", "d e", LINKS)),
    (Pair("f", "g h", LINKS),),
    (Pair("i", "j k", LINKS), Pair("l", "m n", LINKS)),
)


def sides(pairs):
    return [(pair.source, pair.target) for pair in pairs]


def test_what_is_built_in():
    listed = built_in()
    assert [one.name for one in listed] == list(BUILT_IN) == ["scan", "dates", "phrases"]
    assert all(one.title and one.splits for one in listed)
    assert listed[0].splits[0] == "simple"


@pytest.mark.parametrize(
    ("name", "split", "message"),
    [
        ("scna", "", r"corpus 'scna': expected one of scan, dates, phrases; did you mean 'scan'\?"),
        ("scan", "jump", r"scan: expected a split among simple, .*, got 'jump'; did you mean "
         r"'addprim_jump'\?"),
    ],
)  # fmt: skip
def test_unknown_names_are_answered_with_the_nearest(name, split, message):
    with pytest.raises(DataError, match=message):
        build(name, split)


def test_a_corpus_written_is_read_back(tmp_path):
    files = write_corpus(CORPUS, tmp_path / "new" / "small")
    assert [file.name for file in files] == [
        "train.tsv", "validation.tsv", "alignments.validation.pharaoh",
        "test.tsv", "alignments.test.pharaoh",
    ]  # fmt: skip
    assert sorted(files) == sorted((tmp_path / "new" / "small").iterdir())
    for split, pairs in CORPUS.splits.items():
        read, bad = read_pairs(tmp_path / "new" / "small" / f"{split}.tsv")
        assert (sides(read), bad) == (sides(pairs), ())
    assert read_alignments(files[-1]) == [LINKS, LINKS]


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DataError, match="expected a new or empty folder, found one in use; name"):
        write_corpus(CORPUS, tmp_path)
    with pytest.raises(DataError, match="expected a new or empty folder"):
        write_corpus(CORPUS, tmp_path / "mine.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_may_be_filled(tmp_path):
    (tmp_path / "small").mkdir()
    assert len(write_corpus(CORPUS, str(tmp_path / "small"))) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["small"]
