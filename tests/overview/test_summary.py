import json
import pickle

import numpy as np
import pytest

from workbench.overview.summary import Sample, _read, summarized
from workbench.runs import RunDirectory


def test_a_run_tells_its_settings_figures_curves_and_sentences(make_run):
    run = make_run("a", units=64, bleu=20.0, losses=[4.0, 2.0], page=True,
                   parameters={"mine": [1, 2]}, samples=[["x", "y", "z"]])  # fmt: skip
    found = summarized(run)
    assert (found.name, found.status, found.page, found.faults) == ("a", "ok", run.page, ())
    assert found.parameters["units"] == 64
    assert found.parameters["mine"] == "[1, 2]"
    assert found.figures == {"validation.bleu": 20.0, "wall_seconds": 5.0}
    assert found.curves == {"training_loss": [(1, 4.0), (2, 2.0)], "bleu": [(2, 20.0)]}
    assert (found.sampled, found.samples) == (2, (Sample("x", "y", "z"),))


def test_validation_comes_from_the_weights_kept_where_the_record_lacks_it(make_run):
    run = make_run("a", bleu=20.0)
    run.update(validation=None)
    line = json.loads(run.metrics.read_text().splitlines()[-1])
    later = line | {"step": 3, "best": False}
    later["evaluation"] = line["evaluation"] | {"figures": {"bleu": 10.0}}
    run.metrics.write_text(run.metrics.read_text() + json.dumps(later) + "\n")
    assert summarized(run).figures["validation.bleu"] == 20.0


def test_what_stopped_a_run_is_one_line_with_its_cell(make_run):
    error = {"type": "ValueError", "message": "no\nway", "number": 7, "traceback": "a\nb"}
    found = summarized(make_run("a", status="failed", error=error))
    assert (found.error, found.traceback) == ("cell [7]: ValueError: no way", "a\nb")


def test_a_run_whose_process_is_gone_was_killed(make_run):
    run = make_run("a", status="running")
    found = summarized(run)
    assert (found.status, found.error) == ("killed", "Killed: the process ended without a word")


def test_a_run_that_dies_is_seen_though_no_file_changes(make_run, monkeypatch):
    run = make_run("a")
    run.begin()
    assert summarized(run).status == "running"
    monkeypatch.setattr("workbench.runs._alive", lambda _: False)
    assert summarized(run).status == "killed"


@pytest.mark.parametrize("text", [
    "{", "[]", '{"schema": 99}', '{"schema": 1}', '{"schema": 1, "status": ["ok"]}',
    '{"schema": 1, "status": "running", "process": {"id": -7, "born": 1}}',
    '{"schema": 1, "status": "ok", "config": [1]}', "\xff",
])  # fmt: skip
def test_a_damaged_record_is_a_fault_and_the_rest_is_told(make_run, text):
    run = make_run("a", bleu=20.0)
    run.record.write_text(text, encoding="latin-1")
    found = summarized(run)
    assert found.faults
    assert found.name == "a"
    assert found.curves["bleu"] == [(2, 20.0)]


@pytest.mark.parametrize("lines", ['{"step": 1}\n', "[1]\n", '"x"\n', "\x00"])
def test_damaged_metrics_are_a_fault_or_no_curve(make_run, lines):
    run = make_run("a", bleu=20.0)
    run.metrics.write_text(lines)
    found = summarized(run)
    assert found.status == "ok"
    assert found.curves == {}


def test_metrics_of_words_are_a_fault(make_run):
    run = make_run("a", bleu=20.0)
    run.metrics.write_text(run.metrics.read_text().replace("3.0", '"<b>"'))
    found = summarized(run)
    assert any("metrics.jsonl" in fault for fault in found.faults)


def test_opening_a_stranger_s_run_executes_nothing(make_run, tmp_path):
    run = make_run("a", bleu=20.0)
    trap = tmp_path / "was-here"
    np.savez(run.probes, texts=np.array([Trap(trap)], dtype=object))
    found = summarized(run)
    assert not trap.exists()
    assert any(fault.startswith("probes.npz") for fault in found.faults)
    run.probes.write_bytes(pickle.dumps(Trap(trap)))
    assert any(fault.startswith("probes.npz") for fault in _read(run).faults)
    assert not trap.exists()


class Trap:
    """Pickled, it makes a file when it is read back."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (type(self.path).touch, (self.path,))


def test_an_absent_directory_is_told_of(tmp_path):
    found = summarized(RunDirectory(tmp_path / "none"))
    assert (found.name, found.status) == ("none", "unreadable")
    assert "found no run.json" in found.faults[0]
