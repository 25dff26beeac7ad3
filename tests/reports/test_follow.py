import io
import json
import threading
import time

import nbformat
import pytest

from workbench.reports import follow
from workbench.reports.follow import last_line, progress_lines, training_bar


class Terminal(io.StringIO):
    """A stream that says that somebody is looking, and remembers what was asked of it."""

    def __init__(self, looked_at):
        super().__init__()
        self.looked_at = looked_at
        self.wrote_step = threading.Event()

    def isatty(self):
        return self.looked_at

    def write(self, text):
        if "7/9" in text:
            self.wrote_step.set()
        return super().write(text)


@pytest.fixture
def metrics(tmp_path, monkeypatch):
    monkeypatch.setattr(follow, "SECONDS", 0.01)
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 6, "total_steps": 9, "loss": 1}\n'
                    '{"step": 7, "total_steps": 9, "loss": 0.5}\n{"step": 8, "tot')  # fmt: skip
    return path


def test_the_bar_follows_training_on_a_terminal(metrics):
    terminal = Terminal(looked_at=True)
    with training_bar(metrics, terminal):
        assert terminal.wrote_step.wait(10)
    assert "loss=0.500" in terminal.getvalue()


def test_no_terminal_no_bar(metrics):
    stream = Terminal(looked_at=False)
    with training_bar(metrics, stream):
        pass
    assert stream.getvalue() == ""


def test_the_last_whole_line_is_read_from_a_file_of_any_length(metrics, tmp_path):
    assert last_line(metrics)["step"] == 7
    long = tmp_path / "long.jsonl"
    long.write_text("".join(f'{{"step": {step}}}\n' for step in range(5000)))
    assert last_line(long) == {"step": 4999}


def test_before_there_is_a_line_there_is_nothing(tmp_path):
    assert last_line(tmp_path / "none.jsonl") == {}
    (tmp_path / "begun.jsonl").write_text('{"st')
    assert last_line(tmp_path / "begun.jsonl") == {}


def document(*statuses):
    cells = [
        nbformat.v4.new_code_cell("x", metadata={"papermill": {"status": status}})
        for status in statuses
    ]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("text"), *cells])


def lines_of(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def until(stream, count):
    end = time.monotonic() + 10
    while len(lines_of(stream)) < count and time.monotonic() < end:
        time.sleep(0.01)


def test_a_program_is_told_of_each_cell_and_of_training(metrics, tmp_path):
    book, stream = document("completed", "running", "pending"), io.StringIO()
    with progress_lines(book, tmp_path / "later.jsonl", stream):
        until(stream, 1)
        metrics.rename(tmp_path / "later.jsonl")
        until(stream, 2)
        book.cells[2].metadata.papermill["status"] = "failed"
    training = {"step": 7, "total_steps": 9, "loss": 0.5}
    assert lines_of(stream) == [
        {"cells": 3, "cells_done": 1},
        {"cells": 3, "cells_done": 1, **training},
        {"cells": 3, "cells_done": 2, **training},
    ]


def test_what_has_not_changed_is_not_told_again(metrics):
    stream = io.StringIO()
    with progress_lines(document("running"), metrics, stream):
        time.sleep(0.1)
    assert len(lines_of(stream)) == 1


def test_nobody_reading_any_more_is_no_harm(metrics):
    class Closed(io.StringIO):
        def write(self, _):
            raise BrokenPipeError

    with progress_lines(document("running"), metrics, Closed()):
        pass
