import json
from dataclasses import replace

import numpy as np
import pytest

from workbench.records import Evaluation, Hypothesis, Progress, Translation
from workbench.training.sinks import JsonLines, ProbeLog, read_history, read_probes


def progress(step, **more):
    return Progress(
        step=step, epoch=0, loss=1 / 3 + step, learning_rate=0.1, gradient_norm=2.5, tokens=9,
        tokens_per_second=90.0, seconds=0.1 * step, total_steps=10, **more,
    )  # fmt: skip


EVALUATED = progress(2, evaluation=Evaluation("validation", {"loss": 0.1 + 0.2}, 4), best=True)


def probe(text, layers=1):
    tokens = (*text.split(), "<end>")
    generator = np.random.default_rng(len(text))
    return Translation(
        source="the cat\u2028",
        source_tokens=("the", "cat", "<end>"),
        hypotheses=(
            Hypothesis(
                text=text,
                tokens=tokens,
                log_probabilities=-generator.random(len(tokens), np.float32),
                attention=generator.random((layers, 1, len(tokens), 3), np.float32),
                score=-0.5,
                finished=False,
            ),
        ),
        reference="le chat",
    )


def write(sink, *steps):
    for step in steps:
        sink.write(step)
    sink.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "metrics.jsonl"


def test_history_comes_back_without_the_probes(path):
    write(JsonLines(path), progress(1), replace(EVALUATED, probes=(probe("le chat"),)))
    assert read_history(path) == (progress(1), EVALUATED)
    assert "chat" not in path.read_text()
    assert len(path.read_text().splitlines()) == 2


def test_every_step_is_on_the_disk_at_once(path):
    sink = JsonLines(path)
    sink.write(progress(1))
    assert read_history(path) == (progress(1),)
    sink.close()


def test_no_file_is_no_history(path):
    assert read_history(path) == ()


def test_a_line_cut_short_is_left_out(path):
    write(JsonLines(path), progress(1), EVALUATED)
    whole = path.read_text()
    for cut in (2, 30, len(whole.splitlines()[1])):
        path.write_text(whole[:-cut])
        assert read_history(path) == (progress(1),)


def test_steps_after_the_checkpoint_are_lost_and_written_again(path):
    write(JsonLines(path), progress(1), EVALUATED, progress(3), progress(4))
    with path.open("a") as stream:
        stream.write('{"step": 5, "ep')
    again = replace(progress(3), loss=7.0)
    write(JsonLines(path, resumed_at=2), again)
    assert read_history(path) == (progress(1), EVALUATED, again)


def test_a_new_run_begins_an_empty_file(path):
    write(JsonLines(path), progress(1))
    write(JsonLines(path))
    assert path.read_text() == ""


def test_probes_come_back_without_pickle(tmp_path):
    path = tmp_path / "run" / "probes.npz"
    sink = ProbeLog(path)
    first, later = (probe("le"), probe("chien")), (probe("le chat"), probe("le chien noir", 0))
    write(sink, replace(EVALUATED, probes=first), progress(3), replace(progress(4), probes=later))
    with np.load(path, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)
        assert set(arrays.files) == {"texts", "2.0", "2.1", "4.0", "4.1"}
        assert json.loads(arrays["texts"].tobytes())["4"][0]["text"] == "le chat"
    found = read_probes(path)
    assert list(found) == [2, 4]
    for read, written in zip(found[2] + found[4], first + later, strict=True):
        assert (read.source, read.source_tokens) == (written.source, written.source_tokens)
        assert read.reference == written.reference
        ours, theirs = read.best, written.best
        assert (ours.text, ours.tokens, ours.score) == (theirs.text, theirs.tokens, theirs.score)
        assert ours.finished == theirs.finished
        np.testing.assert_array_equal(ours.log_probabilities, theirs.log_probabilities)
        assert ours.log_probabilities.dtype == ours.attention.dtype == np.float32
        assert ours.attention.shape == theirs.attention.shape
        np.testing.assert_allclose(ours.attention, theirs.attention, atol=5e-4)  # float16


def test_probes_after_the_checkpoint_are_lost(tmp_path):
    path = tmp_path / "probes.npz"
    steps = [replace(progress(step), probes=(probe("le"),)) for step in (2, 4, 6)]
    write(ProbeLog(path), *steps)
    write(ProbeLog(path, resumed_at=4), replace(steps[2], probes=(probe("la"),)))
    found = read_probes(path)
    assert [each[0].text for each in found.values()] == ["le", "le", "la"]
    write(ProbeLog(path), steps[0])
    assert list(read_probes(path)) == [2]


def test_no_file_is_no_probes(tmp_path):
    assert read_probes(tmp_path / "probes.npz") == {}
