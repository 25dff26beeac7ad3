import gc
import stat
import zipfile
from pathlib import Path

import pytest

from workbench import archives
from workbench.archives import unpack, unpacked
from workbench.errors import RunError


@pytest.fixture
def packed(tmp_path):
    """Zip texts by name, or by an entry with all its oddities, beside a whole record."""

    def pack(*entries, record="run/run.json"):
        path = tmp_path / "run.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for entry in (*([record] if record else []), *entries):
                archive.writestr(*(entry if isinstance(entry, tuple) else (entry, "{}")))
        return path

    return pack


@pytest.fixture
def place(tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    return place


def link(name, kind=stat.S_IFLNK):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (kind | 0o777) << 16
    return entry, "/etc/passwd"


def test_a_run_is_found_wherever_it_lies_in_it(packed, place):
    assert unpack(packed("run/model/config.json"), place) == place / "run"
    assert (place / "run/model/config.json").read_text() == "{}"


def test_a_run_without_a_folder_around_it(packed, place):
    assert unpack(packed("report.html", record="run.json"), place) == place


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("../outside.txt", "leads out of it"),
        ("run/../../outside.txt", "leads out of it"),
        ("/tmp/outside.txt", "leads out of it"),
        ("C:/outside.txt", "leads out of it"),
        ("run\\..\\..\\outside.txt", "leads out of it"),
        (link("run/model"), "which is a link or no file"),
        (link("run/pipe", stat.S_IFIFO), "which is a link or no file"),
        (("run/metrics.jsonl", b"\0" * (archives.SMALL + 1)), "would grow to 100000003 bytes"),
    ],
)
def test_hostile_archives_leave_nothing(packed, place, tmp_path, entry, words):
    path = packed(entry)
    with pytest.raises(RunError, match=words) as error:
        unpack(path, place)
    assert "\n" not in str(error.value)
    assert list(place.rglob("*")) == []
    assert sorted(tmp_path.iterdir()) == [place, path]
    assert not Path("/tmp/outside.txt").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name(packed, place):
    with pytest.raises(RunError, match="two files of one name"):
        unpack(packed("run/a", "run/a"), place)


def test_too_many_files(packed, place, monkeypatch):
    monkeypatch.setattr(archives, "MOST_FILES", 2)
    with pytest.raises(RunError, match="at most 2 files, found 3"):
        unpack(packed("run/a", "run/b"), place)


def test_a_lie_about_a_size_is_found(packed, place):
    """The directory promises 2 bytes of a file of 10 million; no more than that is written."""
    path = packed(("run/metrics.jsonl", b"\0" * 10_000_000))
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("run/metrics.jsonl").file_size
    path.write_bytes(path.read_bytes().replace(size.to_bytes(4, "little"), b"\x02\0\0\0"))
    with pytest.raises(RunError, match="cannot be unpacked"):
        unpack(path, place)
    assert sum(file.stat().st_size for file in place.rglob("*") if file.is_file()) < 100


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut"])
def test_what_is_no_archive(tmp_path, place, content):
    (tmp_path / "run.zip").write_bytes(content)
    with pytest.raises(RunError, match=r"run.zip: expected .* cannot be unpacked: "):
        unpack(tmp_path / "run.zip", place)


def test_an_archive_without_a_run(packed, place):
    with pytest.raises(RunError, match=r"found no run\.json in it"):
        unpack(packed("notes.txt", record=""), place)


class Owner:
    pass


def test_what_was_unpacked_lives_as_long_as_its_owner(packed, tmp_path):
    owner = Owner()
    assert unpacked(tmp_path, owner) == tmp_path
    path = unpacked(packed(), owner)
    assert (path / "run.json").exists()
    del owner
    gc.collect()
    assert not path.parent.exists()
