import os

import pytest

import workbench.kept
from workbench.kept import kept


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A cache folder of the test's own, which is not there yet."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(workbench.kept, "folder", lambda: folder)
    return folder


def never():
    raise AssertionError("made again")


def test_what_was_made_once_is_read_again_as_it_was():
    text = "déjà vu\r\nrow\rend"
    assert kept("text", (1, "a"), lambda: text) == text
    assert kept("text", (1, "a"), never) == text


@pytest.mark.parametrize(("name", "of"), [("text", (2, "a")), ("other", (1, "a"))])
def test_something_else_is_made(name, of):
    kept("text", (1, "a"), lambda: "one")
    assert kept(name, of, lambda: "two") == "two"


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"0" * 64 + b"\nlies"])
def test_a_damaged_file_is_made_anew(folder, damage):
    kept("text", 1, lambda: "one")
    [path] = folder.iterdir()
    path.write_bytes(damage)
    assert kept("text", 1, lambda: "one") == "one"
    assert kept("text", 1, never) == "one"


def test_it_works_where_nothing_can_be_kept(folder):
    folder.write_text("a file in the place of the folder", encoding="utf-8")
    assert kept("text", 1, lambda: "one") == "one"
    assert kept("text", 1, lambda: "one") == "one"


def test_what_was_not_used_for_longest_makes_room(folder, monkeypatch):
    monkeypatch.setattr(workbench.kept, "MOST", 3 * (64 + 1 + 10))
    for age, name in enumerate("cab"):
        kept(name, 1, lambda: 10 * "x")
        [path] = folder.glob(f"{name}-*")
        os.utime(path, (1000 + age, 1000 + age))
    kept("c", 1, never)  # the oldest, but used just now
    kept("d", 1, lambda: 10 * "x")
    assert sorted(path.name[0] for path in folder.iterdir()) == ["b", "c", "d"]
