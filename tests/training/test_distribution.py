"""Several devices, and several processes: all of them real, see `replicas.py`."""

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from workbench.session import Session
from workbench.training.sinks import read_history

SCRIPT = Path(__file__).with_name("replicas.py")
PATIENCE = 400  # seconds, on a machine that has much else to do


def begin(*words, **environment):
    """Start the script beside; its output comes with what it fails with."""
    return subprocess.Popen(
        [sys.executable, SCRIPT, *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def end(process):
    with process:
        try:
            output, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert process.returncode == 0, output


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What two logical devices have found, and one beside them."""
    out = tmp_path_factory.mktemp("mirrored")
    end(begin("mirrored", out))
    with np.load(out / "found.npz") as arrays:
        return dict(arrays)


def test_a_batch_is_shared_and_what_fills_it_up_counts_nothing(found):
    assert found["share_source"].tolist() == [[[4, 5], [6, 0]], [[7, 8], [7, 8]]]
    assert found["share_target"].tolist() == [[[14, 15], [16, 10]], [[17, 18], [17, 18]]]
    assert found["share_counted"].tolist() == [[[14, 15], [16, 10]], [[17, 18], [0, 0]]]
    assert found["share_seed"][0].tolist() != found["share_seed"][1].tolist()


@pytest.mark.parametrize("case", ["lstm", "transformer", "sum"])
def test_two_devices_take_the_steps_of_one(found, case):
    """The last batch is odd, or has one sentence, so that one device has nothing to do."""
    alone, both = (
        {what: found[f"{case}_{name}_{what}"] for what in ("said", "weights", "traces")}
        for name in ("none", "mirrored")
    )
    np.testing.assert_allclose(both["weights"], alone["weights"], atol=1e-5)
    np.testing.assert_allclose(both["said"], alone["said"], rtol=1e-5)  # loss, norm, tokens
    assert np.abs(np.diff(alone["weights"], axis=0)).max(-1).min() > 1e-3  # every step moves them
    assert both["traces"] == alone["traces"] == 1


def test_what_is_dropped_depends_on_the_step_alone(found):
    first, again, other = found["again"].tolist()
    assert first == again != other


@pytest.fixture(scope="module")
def settings(config, pairs, tmp_path_factory):
    """Settings of four steps, the second and the fourth with a batch that is not full."""
    folder = tmp_path_factory.mktemp("workers")
    corpus = folder / "pairs.tsv"
    corpus.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs[:35]))
    changes = {"corpus": str(corpus), "batch_size": 27, "dropout": 0.0, "optimizer": "sgd"}
    chosen = config.replace(**changes, patience=9, learning_rate=0.5)
    (folder / "config.json").write_text(chosen.to_json())
    return folder, chosen


def free_ports(count):
    with ExitStack() as opened:
        doors = [opened.enter_context(socket.socket()) for _ in range(count)]
        for door in doors:
            door.bind(("127.0.0.1", 0))
        return [door.getsockname()[1] for door in doors]


def test_two_processes_train_as_one(settings):
    """Worker 0 alone writes a run; the other ends with the same weights."""
    folder, config = settings
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    workers = []
    for index in range(2):
        (folder / str(index)).mkdir()
        cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        words = ("worker", folder / str(index), config.corpus)
        workers.append(begin(*words, TF_CONFIG=json.dumps(cluster)))
    alone = Session(config, run_directory=str(folder / "alone"))
    alone.train()
    try:
        for each in workers:
            end(each)
    finally:
        for each in workers:
            with each:
                each.kill()
    wanted = alone.model.get_weights()
    for index in range(2):
        with np.load(folder / str(index) / "weights.npz") as arrays:
            for name, weight in zip(arrays.files, wanted, strict=True):
                np.testing.assert_allclose(arrays[name], weight, atol=1e-5)
    [one, two] = (read_history(folder / name / "metrics.jsonl") for name in ("alone", "0/run"))
    told = [[(p.step, p.loss, p.gradient_norm, p.tokens) for p in each] for each in (one, two)]
    np.testing.assert_allclose(*told, rtol=1e-5)
    assert len(told[0]) == 4
    assert not (folder / "1" / "run").exists()
    facts = json.loads((folder / "0/run/run.json").read_text())
    assert (facts["status"], facts["strategy"], facts["replicas"]) == ("ok", "multi_worker", 2)
    said = [json.loads((folder / f"{index}/said.json").read_text()) for index in range(2)]
    assert said[0]["text"] == said[1]["text"] == alone.translate("red cat").text
    assert [each["state"] for each in said] == ["trained", "trained"]
    assert said[1]["stop"] == "worker 0 leads this training; ask for it there"
    assert all(each["error"].startswith("worker 1: other settings or data") for each in said)


def test_one_device_is_one_replica_and_says_so(config, pairs, tmp_path):
    corpus = tmp_path / "pairs.tsv"
    corpus.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs[:20]))
    session = Session(config, strategy="mirrored", max_steps=1, corpus=str(corpus),
                      run_directory=str(tmp_path / "run"))  # fmt: skip
    session.train()
    assert session.where_it_ran()["strategy"] == "mirrored, 1 replica: there was only one device"
    opened = Session.open(tmp_path / "run")
    text = "red cat"
    assert opened.translate(text).text == session.translate(text).text
    with pytest.raises(Exception, match="strategy is 'mirrored' and a run that was opened"):
        opened.train()
