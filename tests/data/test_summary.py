import pytest

from workbench.data.corpus import Pair
from workbench.data.summary import Lengths, check, summarise
from workbench.errors import DataError
from workbench.records import Alignment


def test_figures_worked_by_hand():
    none = Alignment(frozenset(), frozenset())
    pairs = [Pair("a b", "x", none), Pair("a b", "x"), Pair("a b", "y"), Pair("c", "x y z")]
    summary = summarise(pairs)
    assert (summary.pairs, summary.duplicates) == (4, 1)
    assert (summary.ambiguous_sources, summary.aligned) == (1, 1)
    assert summary.source.words == Lengths(1, 2.0, 1.75, 2.0, 2)
    assert summary.source.characters == Lengths(1, 3.0, 2.5, 3.0, 3)
    assert (summary.source.word_types, summary.source.character_types) == (3, 4)  # a b c, blank
    assert summary.target.words.longest == 3
    assert (summary.target.word_types, summary.target.character_types) == (3, 4)
    assert summary.bad_lines == ()


def test_check_reads_to_the_end_whatever_is_wrong(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("id\ten\tde\n1\ta\tb c\n2\tbad\n3\td\t\n4\te\tf\n")
    summary = check(path, source_column="en", target_column="de", swap=True)
    assert summary.pairs == 2
    assert summary.source.words.longest == 2  # German, being swapped
    assert [line.line for line in summary.bad_lines] == [3, 4]


def test_check_of_nothing_is_an_error(tmp_path):
    with pytest.raises(DataError, match="expected a file, found nothing"):
        check(tmp_path / "a.tsv")
