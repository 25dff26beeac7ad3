import sys
import time

import pytest

from workbench.errors import RunError
from workbench.records import Evaluation
from workbench.runs import RunDirectory
from workbench.widgets import headless as module
from workbench.widgets.headless import Headless

# The command in its place: a script that says what the command would.
SAY = "import json, sys, time; say = lambda **it: print(json.dumps(it), flush=True)\n"
WELL = (
    SAY
    + """
print("a library greets")
say(cells=3, cells_done=1)
say(cells=3, cells_done=2, step=5, total_steps=9, loss=0.25)
print("left out a line", file=sys.stderr)
say(run=sys.argv[-1] + "-run", status="ok", page=sys.argv[-1] + "-run/report.html", ran=True)
"""
)
BADLY = (
    SAY
    + """
say(cells=3, cells_done=1)
say(run="r", status="failed", page="", ran=True)
print("workbench: r: failed in cell [2]: ValueError: no", file=sys.stderr)
sys.exit(1)
"""
)
REFUSED = "import sys; sys.exit('workbench: units: expected an integer, got many')"
SILENT = "import sys; sys.exit(3)"
LONG = (
    SAY
    + """
say(cells=3, cells_done=1)
try:
    time.sleep(60)
except KeyboardInterrupt:
    say(run="r", status="stopped", page="", ran=True)
    sys.exit("workbench: r: was stopped in cell [2]")
"""
)
STUBBORN = (
    SAY
    + """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
say(cells=3, cells_done=1)
time.sleep(60)
"""
)


@pytest.fixture
def headless(monkeypatch, tmp_path):
    """What runs a script of Python instead of the command."""
    monkeypatch.chdir(tmp_path)
    headless = Headless()
    headless.play = lambda script: monkeypatch.setattr(
        module, "COMMAND", (sys.executable, "-c", script)
    )
    yield headless
    while headless.running:
        headless.stop()
        time.sleep(0.05)


def until(test, seconds=20):
    end = time.monotonic() + seconds
    while not test() and time.monotonic() < end:
        time.sleep(0.02)
    assert test()


def ended(headless):
    until(lambda: not headless.running)
    return headless.jobs[-1]


def test_a_run_is_followed_to_its_report(headless, tmp_path):
    run = RunDirectory(tmp_path / "book.ipynb-run")
    run.update(test={"bleu": 30.0}, validation={"bleu": 31.0})
    run.page.write_text("<p>")
    seen = []
    headless.observe(lambda change: seen.append(change.new[-1]), "jobs")
    headless.play(WELL)
    headless.start("book.ipynb", {"units": 8})
    job = ended(headless)
    assert [(one.status, one.cells_done, one.step) for one in seen] == [
        ("starting", 0, 0), ("running", 1, 0), ("running", 2, 5), ("ok", 2, 5)
    ]  # fmt: skip
    assert (job.cells, job.total_steps, job.loss, job.message) == (3, 9, 0.25, "")
    assert job.page == "book.ipynb-run/report.html"
    assert job.evaluations == (
        Evaluation("validation", {"bleu": 31.0}), Evaluation("test", {"bleu": 30.0})
    )  # fmt: skip


def test_settings_and_what_to_do_with_an_earlier_run_are_passed_on(headless):
    script = SAY + "say(run=json.dumps(sys.argv[1:]), status='ok', page='', ran=False)"
    headless.play(script)
    headless.start("-book.ipynb", {"units": 8, "live": False, "split": ""}, "go on with it")
    job = ended(headless)
    assert job.run == (
        '["--progress", "json", "--json", "--resume", "-p", "units", "8", "-p", "live", "False", '
        '"-p", "split", "", "--", "-book.ipynb"]'
    )
    assert job.message == "this very run was there already"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (BADLY, "r: failed in cell [2]: ValueError: no"),
        (REFUSED, "units: expected an integer, got many"),
        (SILENT, "it ended without a word"),
        ("x", "NameError: name 'x' is not defined"),
    ],
)
def test_a_run_that_fails_says_why_on_one_line(headless, script, message):
    headless.play(script)
    headless.start("book.ipynb", {})
    job = ended(headless)
    assert (job.status, job.message) == ("failed", message)


def test_a_command_that_does_not_start_is_a_failure(headless, monkeypatch):
    monkeypatch.setattr(module, "COMMAND", ("/nowhere/python",))
    headless.start("book.ipynb", {})
    job = ended(headless)
    assert job.status == "failed"
    assert "/nowhere/python" in job.message


def test_stop_interrupts_and_the_run_says_how_it_ended(headless):
    headless.play(LONG)
    headless.start("book.ipynb", {})
    until(lambda: headless.running.status == "running")
    headless.stop()
    job = ended(headless)
    assert (job.status, job.run) == ("stopped", "r")
    assert job.message == "r: was stopped in cell [2]"


def test_a_second_stop_ends_what_does_not_listen(headless):
    headless.play(STUBBORN)
    headless.start("book.ipynb", {})
    until(lambda: headless.running.status == "running")
    headless.stop()
    assert headless.running.status == "stopping"
    headless.stop()
    assert ended(headless).status == "stopped"


def test_one_run_at_a_time_and_all_are_kept(headless):
    headless.play(LONG)
    headless.start("one.ipynb", {})
    with pytest.raises(RunError, match="is being run"):
        headless.start("two.ipynb", {})
    until(lambda: headless.running.status == "running")
    headless.stop()
    ended(headless)
    headless.play(SILENT)
    headless.start("three.ipynb", {})
    ended(headless)
    assert [(job.number, job.notebook) for job in headless.jobs] == [
        (1, "one.ipynb"), (2, "three.ipynb")
    ]  # fmt: skip
    headless.stop()  # nothing to stop is no harm


def test_a_session_has_one(config):
    from workbench.session import Session

    session = Session(config)
    assert Headless.of(session) is Headless.of(session)
    assert Headless.of(session) is not Headless.of(Session(config))
