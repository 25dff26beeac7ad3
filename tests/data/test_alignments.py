import gzip
from pathlib import Path

import pytest

from workbench.data.alignments import format_alignment, read_alignments, swap_alignment
from workbench.errors import DataError
from workbench.records import Alignment, Link

SHARED = Path(__file__).parents[2] / "../shared/data/alignment"


def links(*pairs):
    return frozenset(Link(*pair) for pair in pairs)


def write(folder, text):
    (folder / "a.pharaoh").write_text(text, encoding="utf-8")
    return folder / "a.pharaoh"


def test_sure_and_possible_links(tmp_path):
    path = write(tmp_path, "0-0 1-2 3p4\n\n 2?1 \n")
    first, blank, last = read_alignments(path)
    assert first == Alignment(links((0, 0), (1, 2)), links((0, 0), (1, 2), (3, 4)))
    assert blank == Alignment(frozenset(), frozenset())
    assert last == Alignment(frozenset(), links((2, 1)))


def test_counted_from_one_and_swapped(tmp_path):
    path = write(tmp_path, "1-2 3p1\n")
    assert read_alignments(path, first=1) == [Alignment(links((0, 1)), links((2, 0)))]
    assert read_alignments(path, first=1, swap=True) == [Alignment(links((1, 0)), links((0, 2)))]
    assert read_alignments(path, 0, True) == [Alignment(links((2, 1)), links((1, 3)))]


def test_gzip(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"0-1\n"))
    assert read_alignments(tmp_path / "a.gz") == [Alignment(links((0, 1)), frozenset())]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1-1\n1-1 2\n", ":2: expected links such as 0-0 (sure) or 0p0 (possible), found '2'"),
        ("1-1\n1--1\n", ":2: expected links such as 0-0 (sure) or 0p0 (possible), found '1--1'"),
        ("1-1\n1-1\n1-0\n", ":3: expected words counted from 1, found '1-0'; set first=0"),
    ],
)
def test_bad_links_are_told_with_their_line(tmp_path, text, reason):
    path = write(tmp_path, text)
    with pytest.raises(DataError) as error:
        read_alignments(path, first=1)
    assert str(error.value).startswith(f"{path}{reason}")


def test_written_lines_are_read_back(tmp_path):
    alignment = Alignment(links((10, 0), (2, 1)), links((0, 3)))
    assert format_alignment(alignment) == "0p3 2-1 10-0"
    assert read_alignments(write(tmp_path, format_alignment(alignment) + "\n")) == [alignment]


def test_swapping_twice_changes_nothing():
    alignment = Alignment(links((10, 0), (2, 1)), links((0, 3)))
    assert swap_alignment(alignment) != alignment
    assert swap_alignment(swap_alignment(alignment)) == alignment


@pytest.mark.parametrize(
    ("name", "first", "swap"),
    [("roen.gold", 1, False), ("fastalign.roen.talp", 0, False),
     ("giza.roen.reverse.talp", 0, True)],
)  # fmt: skip
def test_real_alignments_stay_within_their_sentences(name, first, swap):
    if not SHARED.exists():
        pytest.skip("../shared/data/alignment absent")
    sentences = (SHARED / "roen.src-tgt").read_text(encoding="utf-8").splitlines()
    alignments = read_alignments(SHARED / name, first, swap)
    assert len(alignments) == len(sentences) == 248
    for alignment, sentence in zip(alignments, sentences, strict=True):
        source, target = (side.split() for side in sentence.split("|||"))
        for link in alignment.possible:
            assert 0 <= link.source < len(source)
            assert 0 <= link.target < len(target)
