import gzip
import io
import sys

import pytest

from workbench.data.text import BadLines, TextFile, exists, raw_lines, read_lines, start, tidy
from workbench.errors import DataError
from workbench.records import BadLine

TEXT = "één\n\nzwei  drei\n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.encode().removesuffix(b"\n"),
        gzip.compress(TEXT.encode()),
        gzip.compress(TEXT.encode("utf-8-sig")),
        gzip.compress(TEXT[:5].encode()) + gzip.compress(TEXT[5:].encode()),
    ],
    ids=["plain", "bom", "crlf", "no last end", "gzip", "gzip bom", "gzip in two parts"],
)
def test_lines_are_the_same_however_they_are_stored(tmp_path, content):
    path = tmp_path / "any.name"
    path.write_bytes(content)
    assert read_lines(path) == ["één", "", "zwei  drei"]


def test_a_minus_is_standard_input(monkeypatch):
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO(gzip.compress(b"a\nb\n"))))
    monkeypatch.setattr(sys, "stdin", stream)
    assert read_lines("-") == ["a", "b"]
    assert not stream.closed


def test_an_empty_file_has_no_lines(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    assert read_lines(tmp_path / "a") == []


def test_a_carriage_return_within_a_line_stays(tmp_path):
    (tmp_path / "a").write_bytes(b"a\rb\r\n")
    assert read_lines(tmp_path / "a") == ["a\rb"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\xff\n", r"a\.txt:2: expected UTF-8, found byte 0xff at 2; save the file as UTF-8"),
        ("é".encode("latin-1"), r"a\.txt:1: expected UTF-8, found byte 0xe9 at 1"),
        ("ab".encode("utf-16"), r"a\.txt:1: expected UTF-8, found byte 0xff at 1"),
        ("ab".encode("utf-16-le"), r"a\.txt:1: expected UTF-8 text, found a NUL character"),
        (gzip.compress(b"a\n" * 9999, mtime=0)[:-9], r"a\.txt:\d+: expected a whole gzip file"),
        (gzip.compress(b"a\n", mtime=0)[:-4] + b"1234", r"a\.txt:2: expected a whole gzip file"),
        (b"\x1f\x8bno gzip", r"a\.txt:1: expected a whole gzip file"),
    ],
)
def test_what_is_no_text_is_told_with_its_line(tmp_path, content, message):
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        read_lines(path)
    assert str(error.value).startswith(str(path))


def test_corrupt_bytes_in_gzip_are_an_error(tmp_path):
    content = bytearray(gzip.compress(bytes(range(256)) * 64))
    content[30] ^= 0xFF
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(DataError, match="whole gzip file"):
        list(raw_lines(str(tmp_path / "a.gz")))


def test_a_missing_file_names_a_similar_one(tmp_path):
    (tmp_path / "train.tsv").write_text("a\tb\n")
    with pytest.raises(DataError, match=r"trian\.tsv: expected a file, .*mean 'train\.tsv'\?"):
        read_lines(tmp_path / "trian.tsv")
    with pytest.raises(DataError, match="found nothing; check the path"):
        read_lines(tmp_path / "no" / "folder")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_a_name_that_no_file_can_have(name):
    assert not exists(name)
    with pytest.raises(DataError, match="expected a readable file"):
        read_lines(name)


def test_a_directory_is_no_file(tmp_path):
    assert exists(str(tmp_path))
    with pytest.raises(DataError, match="expected a file, found a directory; name a file in it"):
        read_lines(tmp_path)


def test_white_space_is_tidied():
    assert tidy("\u00a0 a\tb \u2009\u3000c\n") == "a b c"
    assert tidy("\u200b") == "\u200b"  # a zero-width space is not white space


def test_long_text_is_cut_in_messages():
    assert start("a'b") == '"a\'b"'
    assert start("x" * 41) == "'" + "x" * 39 + "…'"


def test_bad_lines_are_raised_or_collected():
    with pytest.raises(DataError, match=r"a:3: odd; correct it, or .*--skip-bad-lines"):
        BadLines(skip=False).add("a", 3, "odd")
    bad = BadLines(skip=True)
    bad.add("a", 3, "odd")
    assert bad.lines == [BadLine("a", 3, "odd")]


def test_blank_lines_at_the_end_are_left_out_and_numbers_stay_right(tmp_path):
    path = str(tmp_path / "a")
    (tmp_path / "a").write_bytes(b"one\n\n\xff\nfour\n\n  \n")
    bad = BadLines(skip=True)
    file = TextFile.read(path, bad)
    assert file.lines == [(1, "one"), (2, ""), (4, "four")]
    assert [(line.file, line.line) for line in bad.lines] == [(path, 3)]
