import os

import pytest

from workbench.model.quiet import LEVEL, held_back


def test_what_libraries_write_is_held_back(capfd):
    with held_back():
        os.write(2, b"noise\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_what_was_written_before_a_failure_is_shown(capfd):
    def fail():
        os.write(2, b"no such library\n")
        raise ImportError

    with pytest.raises(ImportError), held_back():
        fail()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "no such library\nafter\n"


def test_the_level_of_messages_is_set():
    assert os.environ[LEVEL]
