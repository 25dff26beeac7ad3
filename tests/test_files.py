import errno
import json
import os
import threading
from pathlib import Path

import pytest

from workbench.files import replacing, write_json, write_text


@pytest.fixture
def full_disk(monkeypatch):
    def fail(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)


def write_weights(directory, text, error=None):
    with replacing(directory) as beside:
        beside.mkdir()
        (beside / "weights").write_text(text)
        if error:
            raise error


def test_text_and_json_are_written_whole(tmp_path):
    write_text(tmp_path / "new" / "a.txt", "één\n")
    write_json(tmp_path / "b.json", {"ø": [1, 2.5, None]})
    assert (tmp_path / "new" / "a.txt").read_bytes() == "één\n".encode()
    assert json.loads((tmp_path / "b.json").read_text(encoding="utf-8")) == {"ø": [1, 2.5, None]}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.json", "new"]


def test_not_a_number_is_no_json(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert not list(tmp_path.iterdir())


def test_an_error_in_the_block_leaves_what_was_there(tmp_path):
    model = tmp_path / "model"
    write_weights(model, "old")
    with pytest.raises(KeyError):
        write_weights(model, "half of it", error=KeyError())
    assert (model / "weights").read_text() == "old"
    assert list(tmp_path.iterdir()) == [model]


def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path, full_disk):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OSError, match=r"No space left on device: '.*/a\.txt'$") as error:
        write_text(path, "new")
    assert (error.value.errno, error.value.filename) == (errno.ENOSPC, str(path))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_directory(tmp_path, full_disk):
    old = tmp_path / "model"
    old.mkdir()
    (old / "weights").write_text("old")
    with pytest.raises(OSError, match="No space left on device"):
        write_weights(old, "new")
    assert (old / "weights").read_text() == "old"
    assert list(tmp_path.iterdir()) == [old]


def test_a_directory_replaces_a_directory(tmp_path):
    for text in ("old", "new"):
        with replacing(tmp_path / "model") as beside:
            (beside / "deep").mkdir(parents=True)
            (beside / "deep" / text).write_text(text)
    assert [path.name for path in (tmp_path / "model" / "deep").iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_directory_that_cannot_be_moved_in_leaves_the_old_one(tmp_path, monkeypatch):
    model = tmp_path / "model"
    write_weights(model, "old")
    move = Path.replace

    def fail(self, target):
        if "writing" in self.name:
            raise OSError(errno.EIO, "Input/output error")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="Input/output error"):
        write_weights(model, "new")
    assert (model / "weights").read_text() == "old"
    assert list(tmp_path.iterdir()) == [model]


def test_what_is_written_keeps_the_suffix_and_is_hidden(tmp_path):
    with replacing(tmp_path / "a.weights.h5") as beside:
        beside.touch()
        assert beside.name.endswith("a.weights.h5")
        assert beside.name.startswith(".")
        assert beside.parent == tmp_path


def test_what_a_killed_process_left_is_no_obstacle(tmp_path):
    with replacing(tmp_path / "model") as beside:
        beside.mkdir()
    beside.mkdir()
    with replacing(tmp_path / "model") as again:
        assert again == beside
        again.mkdir()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_two_threads_do_not_meet(tmp_path):
    path, texts = tmp_path / "a.txt", {letter * 10_000 for letter in "abcdefgh"}
    threads = [threading.Thread(target=write_text, args=(path, text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_hold_a_file_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file") as error:
        write_text(tmp_path / "file" / "b", "text")
    assert error.value.filename == str(tmp_path / "file")
    with pytest.raises(OSError, match="Not a directory") as error:
        write_weights(tmp_path / "file", "a directory over a file")
    assert error.value.filename == str(tmp_path / "file")
    assert (tmp_path / "file").read_text() == ""


def test_an_error_of_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as error, replacing(tmp_path / "a"):
        (tmp_path / "other").read_text()
    assert error.value.filename == str(tmp_path / "other")
