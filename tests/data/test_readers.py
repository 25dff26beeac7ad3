import gzip
from pathlib import Path

import pytest

from workbench.data.corpus import Pair
from workbench.data.readers import parallel_paths, read_pairs
from workbench.errors import DataError

SHARED = Path(__file__).parents[2] / "../shared/data"
PAIRS = [("Go on.", "Geh weiter."), ('Say "a, b".', "Sag „a, b“.")]

FORMATS = {
    "a.tsv": 'Go on.\tGeh weiter.\nSay "a, b".\tSag „a, b“.\n',
    "a.txt": 'Go on.\tGeh weiter.\tCC-BY\nSay "a, b".\tSag „a, b“.\tCC-BY\n',
    "noname": 'Go  on. \t Geh weiter.\nSay "a, b".\tSag „a, b“.\n\n\n',
    "a.csv": 'Go on.,Geh weiter.\n"Say ""a, b"".","Sag „a, b“."\n',
    "b.CSV": 'Go on.;Geh weiter.\n"Say ""a, b"".";"Sag „a, b“."\n',
    "c.csv": 'target,source\nGeh weiter.,Go\u00a0on.\n"Sag „a, b“.","Say ""a,\nb""."\n',
    "a.jsonl": '{"source": "Go on.", "target": "Geh weiter."}\n'
    '{"source": "Say \\"a, b\\".", "target": "Sag „a, b“."}\n',
    "a.ndjson": '{"id": 1, "en": "Go on.", "de": "Geh weiter."}\n'
    '{"de": "Sag „a, b“.", "id": 2, "en": "Say \\"a, b\\"."}\n',
    "a.src-tgt": 'Go on. ||| Geh weiter.\nSay "a, b". ||| Sag „a, b“.  \n',
    "scan.txt": 'IN: Go on. OUT: Geh weiter.\nIN: Say "a, b". OUT: Sag „a, b“.\n',
}
STORED = {
    "plain": lambda text: text.encode(),
    "bom": lambda text: text.encode("utf-8-sig"),
    "crlf": lambda text: text.replace("\n", "\r\n").encode(),
    "gzip": lambda text: gzip.compress(text.encode("utf-8-sig")),
}


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def sides(pairs):
    return [(pair.source, pair.target) for pair in pairs]


def message(*paths, **choices):
    with pytest.raises(DataError) as error:
        read_pairs(*paths, **choices)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_pairs(tmp_path, name, stored):
    suffix = ".gz" if stored == "gzip" else ""
    path = write(tmp_path, name + suffix, STORED[stored](FORMATS[name]))
    pairs, bad = read_pairs(path)
    assert sides(pairs) == PAIRS
    assert bad == ()
    first = 2 if name == "c.csv" else 1
    assert [pair.origin for pair in pairs] == [f"{path}:{first}", f"{path}:{first + 1}"]
    assert sides(read_pairs(path, swap=True)[0]) == [(b, a) for a, b in PAIRS]


@pytest.mark.parametrize("stored", STORED)
def test_parallel_files(tmp_path, stored):
    store = STORED[stored]
    english = write(tmp_path, "a.en", store("".join(f"{a}\n" for a, _ in PAIRS)))
    german = write(tmp_path, "a.de", store("".join(f"{b}\n" for _, b in PAIRS)))
    pairs, bad = read_pairs(f"{english},{german}")
    assert (sides(pairs), bad) == (PAIRS, ())
    assert pairs[1].origin == f"{english}:2"
    assert read_pairs(english, target_path=Path(german)) == (pairs, bad)
    assert sides(read_pairs(f"{english},{german}", swap=True)[0]) == [(b, a) for a, b in PAIRS]


def test_a_comma_in_the_name_of_a_file_that_exists(tmp_path):
    path = write(tmp_path, "a,b.tsv", FORMATS["a.tsv"])
    assert parallel_paths(path) is None
    assert sides(read_pairs(path)[0]) == PAIRS
    assert parallel_paths("x.en,x.de") == ("x.en", "x.de")
    assert parallel_paths("x.en") is None


@pytest.mark.parametrize("empty", [b"", b"\n \n", gzip.compress(b"", mtime=0), b"\xef\xbb\xbf"])
def test_an_empty_file(tmp_path, empty):
    path = write(tmp_path, "a.tsv", empty)
    assert (
        message(path)
        == f"{path}: expected sentence pairs, found none; the file is empty or all header"
    )


def test_empty_parallel_files(tmp_path):
    paths = write(tmp_path, "a.en", b"") + "," + write(tmp_path, "a.de", b"")
    assert (
        message(paths)
        == f"{paths}: expected sentence pairs, found none; the file is empty or all header"
    )


@pytest.mark.parametrize(
    ("name", "content", "line", "reason"),
    [
        ("a.tsv", "a\tb\nc\nd\te\n", 2, "expected 2 columns as in line 1, found 1"),
        ("a.tsv", "a\tb\nc\td\te\nf\tg", 2, "expected 2 columns as in line 1, found 3"),
        ("a.tsv", "a\tb\n\nd\te\n", 2, "expected 2 columns as in line 1, found 1"),
        ("a.tsv", "a\nb\tc\n", 1, "expected at least 2 columns, found 1: 'a' (parallel"),
        ("a.tsv", "a\tb\nc\t \nd\te\n", 2, "expected text on both sides, found an empty target"),
        ("a.tsv", "a\tb\n\tc\nd\te\n", 2, "expected text on both sides, found an empty source"),
        ("a.tsv", "a\tb\n\t\nd\te\n", 2, "found an empty source and target"),
        ("a.tsv", b"a\tb\nc\td\xe9\ne\tf\n", 2, "expected UTF-8, found byte 0xe9 at 4"),
        ("a.csv", "a,b\nc\nd,e\n", 2, "expected 2 columns as in line 1, found 1"),
        ("a.csv", 'a,b\n"c"d,e\nf,g\n', 2, "expected CSV, found an error: ',' expected after"),
        ("a.csv", 'a,b\n"c\nd",e,f\ng,h\n', 2, "expected 2 columns as in line 1, found 3"),
        ("s.txt", "IN: a OUT: b\nIN: c\nIN: d OUT: e\n", 2, "expected IN: … OUT: …, found 'IN: c'"),
        ("s.txt", "IN: a OUT: b\nIN: OUT: c\nIN: d OUT: e\n", 2, "found an empty source"),
    ],
)
def test_a_bad_line_is_an_error_or_skipped(tmp_path, name, content, line, reason):
    path = write(tmp_path, name, content)
    told = message(path)
    assert told.startswith(f"{path}:{line}: ")
    assert reason in told
    assert "or leave bad lines out with skip_bad_lines (--skip-bad-lines)" in told
    assert told.endswith("`workbench data check` lists them all")
    pairs, bad = read_pairs(path, skip_bad_lines=True)
    assert [pair.source for pair in pairs] in (
        ["a", "d"],
        ["a", "e"],
        ["a", "f"],
        ["a", "g"],
        ["b"],
    )
    assert [(one.file, one.line) for one in bad] == [(path, line)]
    assert reason in bad[0].reason


def test_a_file_without_a_good_line_is_an_error_even_when_lines_are_skipped(tmp_path):
    path = write(tmp_path, "a.tsv", "a\nb\n")
    told = message(path, skip_bad_lines=True)
    assert told.startswith(f"{path}: expected sentence pairs, found none; the first bad line: ")
    assert f"{path}:1: expected at least 2 columns" in told


def test_parallel_files_of_unequal_length(tmp_path):
    english, german = write(tmp_path, "a.en", "a\nb\nc\n"), write(tmp_path, "a.de", "d\ne\n")
    told = message(f"{english},{german}", skip_bad_lines=True)
    assert told.startswith(f"{german}: expected 3 lines as in {english}, found 2; ")


def test_bad_lines_of_parallel_files_drop_both_sides(tmp_path):
    english = write(tmp_path, "a.en", b"a\n\nc\xff\nd\ne\n")
    german = write(tmp_path, "a.de", b"f\ng\nh\n\xff\nj\n")
    assert message(f"{english},{german}").startswith(f"{english}:2: expected text on both sides")
    pairs, bad = read_pairs(f"{english},{german}", skip_bad_lines=True)
    assert sides(pairs) == [("a", "f"), ("e", "j")]
    assert [(one.file, one.line) for one in bad] == [(english, 2), (english, 3), (german, 4)]


def test_bad_lines_are_listed_in_their_order(tmp_path):
    """What is no UTF-8 is found before what has no second column."""
    path = write(tmp_path, "a.tsv", b"a\tb\nc\n\xff\td\ne\nf\xff\tg\n")
    _, bad = read_pairs(path, skip_bad_lines=True)
    assert [one.line for one in bad] == [2, 3, 4, 5]


def test_parallel_files_have_no_columns(tmp_path):
    paths = write(tmp_path, "a.en", "a\n") + "," + write(tmp_path, "a.de", "b\n")
    assert "have no columns to choose" in message(paths, source_column="en")


def test_a_missing_file(tmp_path):
    write(tmp_path, "a.en", "a\n")
    assert "a.tsv: expected a file, found nothing" in message(str(tmp_path / "a.tsv"))
    told = message(f"{tmp_path}/a.en,{tmp_path}/a.fr")
    assert told == f"{tmp_path}/a.fr: expected a file, found nothing; did you mean 'a.en'?"


def test_a_pair_without_origin_has_no_alignment(tmp_path):
    (pair,), _ = read_pairs(write(tmp_path, "a.tsv", "a b\tc\n"))
    assert pair == Pair("a b", "c", None, f"{tmp_path}/a.tsv:1")


def shared(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} absent")
    return path


@pytest.mark.parametrize(
    ("name", "size", "first"),
    [
        ("scan/tasks.txt.gz", 20_910, None),
        ("scan/tasks_train_addprim_jump.txt.gz", 14_670, ("jump", "I_JUMP")),
        ("scan/tasks_test_length.txt.gz", 3_920, None),
        ("g2p/ice_test.tsv", 450, ("ástand", "a uː s t a n t")),
        ("g2p/rum_train.tsv", 3_600, ("abandona", "a b a n d o n a")),
        ("tatoeba/deu-eng.tsv", 10_000, ("Hi.", "Hallo!")),
    ],
)
def test_real_files_are_read_to_the_last_line(name, size, first):
    pairs, bad = read_pairs(shared(name))
    assert (len(pairs), bad) == (size, ())
    assert first is None or sides(pairs)[0] == first


def test_the_sentences_of_the_alignment_folder_are_read():
    path = SHARED / "alignment" / "roen.src-tgt"
    if not path.exists():
        pytest.skip(f"{path.name} absent")
    pairs, bad = read_pairs(path)
    assert (len(pairs), bad) == (248, ())
    assert pairs[0][:2] == ("ajunge !", "that 's enough !")


def test_a_line_without_bars_among_lines_with_them_is_told(tmp_path):
    path = write(tmp_path, "a.src-tgt", "one ||| un\ntwo\n")
    with pytest.raises(DataError, match=r"a\.src-tgt:2: expected 2 columns as in line 1, found 1"):
        read_pairs(path)
