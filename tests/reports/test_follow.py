import io
import threading

import pytest

from workbench.reports import follow
from workbench.reports.follow import last_line, training_bar


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
