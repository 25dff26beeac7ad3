import pytest

from workbench.errors import DataError
from workbench.widgets.uploads import LONGEST, Upload, safe_name, store


@pytest.fixture
def upload(tmp_path):
    saved = []
    upload = Upload("Upload pairs", saved.append, tmp_path / "uploads")
    upload.saved, upload.replies = saved, []
    upload.send = lambda content: upload.replies.append(content)
    yield upload
    upload.close()


def tell(upload, content, *buffers):
    upload._answer(upload, {"asker": "a", **content}, [memoryview(each) for each in buffers])
    return upload.replies[-1]


def test_a_file_arrives_in_parts(upload, tmp_path):
    assert tell(upload, {"begin": "pairs.tsv"}) == {"asker": "a", "next": 0}
    assert tell(upload, {}, b"a\tb\n")["next"] == 4
    assert tell(upload, {}, b"c\td\n")["next"] == 8
    path = tmp_path / "uploads" / "pairs.tsv"
    assert tell(upload, {"end": True}) == {"asker": "a", "saved": str(path)}
    assert path.read_bytes() == b"a\tb\nc\td\n"
    assert upload.saved == [path]


def test_a_file_that_is_too_large_is_refused_with_what_to_do(upload, tmp_path):
    upload.limit = 10
    tell(upload, {"begin": "big.tsv"})
    error = tell(upload, {}, b"x" * 11)["error"]
    assert error.startswith("big.tsv: expected at most 10 bytes, got 11 bytes or more; put it")
    assert "another upload" in tell(upload, {}, b"x")["error"]  # nothing of it is kept
    assert not (tmp_path / "uploads").exists()


def test_two_views_do_not_mix_their_files(upload):
    tell(upload, {"begin": "one.tsv"})
    tell(upload, {"asker": "b", "begin": "two.tsv"})
    assert "choose the file again" in tell(upload, {}, b"1")["error"]
    assert upload.saved == []


def test_an_empty_file_and_a_full_disk_are_messages(upload, monkeypatch):
    tell(upload, {"begin": "empty.tsv"})
    assert "found an empty file" in tell(upload, {"end": True})["error"]

    def full(path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("workbench.widgets.uploads.replacing", full)
    tell(upload, {"begin": "a.tsv"})
    tell(upload, {}, b"a\tb")
    assert "No space left" in tell(upload, {"end": True})["error"]


def test_what_refuses_the_file_is_a_message(upload):
    def refuse(path):
        raise DataError("not now")

    upload._done = refuse
    tell(upload, {"begin": "a.tsv"})
    tell(upload, {}, b"a\tb")
    assert tell(upload, {"end": True})["error"] == "not now"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("pairs.tsv", "pairs.tsv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\a b.tsv", "a_b.tsv"),
        ("..", "file"),
        (".bashrc", "bashrc"),
        ("-rf.tsv", "rf.tsv"),
        ("a,b.tsv", "a_b.tsv"),
        ("train\0\n.tsv", "train_.tsv"),
        ("CON.tsv", "file_CON.tsv"),
        ("e\u0301te\u0301.tsv.gz", "été.tsv.gz"),
        ("日本語.txt", "日本語.txt"),
        ("<b>.csv", "_b_.csv"),
        ("???", "file"),
        ("", "file"),
    ],
)
def test_names_lead_nowhere_else(name, safe):
    assert safe_name(name) == safe


def test_a_long_name_keeps_its_suffix():
    assert safe_name("a" * 500 + ".tsv.gz") == "a" * LONGEST + ".tsv.gz"


def test_nothing_is_written_over(tmp_path):
    first = store(tmp_path, "a.tsv.gz", b"1")
    assert store(tmp_path, "a.tsv.gz", b"1") == first
    second = store(tmp_path, "a.tsv.gz", b"2")
    assert (first.name, second.name) == ("a.tsv.gz", "a-2.tsv.gz")
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")
    (tmp_path / "b.tsv").mkdir()
    assert store(tmp_path, "b.tsv", b"1").name == "b-2.tsv"
