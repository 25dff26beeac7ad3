import io

from workbench.reports.sweep_record import RunEntry, TrialEntry
from workbench.reports.sweep_view import Bars, Lines, label, outcome, view_on

TRIAL = TrialEntry(0, {"units": 8}, "running")
LINE = {"step": 3, "total_steps": 9, "loss": 1.25}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def entry(seed=2, **fields):
    return RunEntry(seed, f"runs/x-{seed}", "12", {}, **fields)


def test_one_line_tells_all_of_a_run():
    assert label(TRIAL, entry()) == "units=8 seed=2"
    assert label(TrialEntry(0, {}, "running"), RunEntry(None, "runs/x", "12", {})) == "runs/x"
    assert outcome(TRIAL, entry(status="ok", value=41.25)) == "ok 41.25, units=8 seed=2"
    failed = entry(status="failed", message="no memory")
    assert outcome(TRIAL, failed) == "failed, units=8 seed=2: no memory"
    assert outcome(TRIAL, entry(status="pruned", message="x")) == "pruned, units=8 seed=2"


def test_lines_where_there_is_no_terminal():
    stream = io.StringIO()
    with view_on(stream, 4) as view:
        assert isinstance(view, Lines)
        view.began(TRIAL, entry())
        view.moved(entry(), LINE)
        view.ended(TRIAL, entry(status="ok", value=3.0))
        view.say("a word")
    assert stream.getvalue() == ("began units=8 seed=2\n1 of 4: ok 3, units=8 seed=2\na word\n")


def test_a_bar_for_the_sweep_and_a_line_for_each_live_run():
    stream = Terminal()
    with view_on(stream, 4) as view:
        assert isinstance(view, Bars)
        for seed in (2, 3):
            view.began(TRIAL, entry(seed))
        view.moved(entry(2), {})
        view.moved(entry(2), LINE)
        view.ended(TRIAL, entry(2, status="failed", message="no memory"))
        view.began(TRIAL, entry(4))
        view.ended(TRIAL, entry(3, status="ok"))
        view.ended(TRIAL, entry(9, status="ok"))  # found done
    text = stream.getvalue()
    for words in ("Sweep:   0%", "units=8 seed=2  starting", "units=8 seed=3  starting",
                  "units=8 seed=2  step 3 of 9, loss 1.250", "no memory", "3/4"):  # fmt: skip
        assert words in text


def test_fewer_runs_than_were_planned_are_all_of_them():
    stream = io.StringIO()
    with view_on(stream, 4) as view:
        view.ended(TRIAL, entry(2, status="ok"))
        view.expect(1)  # two more were of a trial that was pruned
        view.ended(TRIAL, entry(3, status="ok"))
    assert "2 of 2" in stream.getvalue()
    terminal = Terminal()
    with view_on(terminal, 4) as view:
        view.ended(TRIAL, entry(2, status="ok"))
        view.expect(1)
        view.ended(TRIAL, entry(3, status="ok"))
    assert "100%" in terminal.getvalue().splitlines()[-1]
