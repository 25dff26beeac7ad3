"""What was written is read back with TensorBoard's own readers."""

import os
import sys

import numpy as np
import pytest
from google.protobuf import text_format
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from workbench.training.tensorboard import TensorBoard, find_program, read_scalars


@pytest.fixture
def read(logged):
    def read():
        return EventAccumulator(str(logged().directory / "tensorboard")).Reload()

    return read


def points(events, tag):
    return [(one.step, round(one.value, 4)) for one in events.Scalars(tag)]


def test_curves_and_diagram(logged, read, progress):
    log = TensorBoard(logged())
    log.write(progress(1, 4.0))
    log.write(progress(2, 3.0, {"bleu": 12.5}))
    log.close()
    events = read()
    assert points(events, "training/loss") == [(1, 4.0), (2, 3.0)]
    assert points(events, "validation/bleu") == [(2, 12.5)]
    [image] = events.Images("model")
    assert image.encoded_image_string.startswith(b"\x89PNG")
    assert image.width > 100
    assert image.height > 30


def test_steps_after_the_checkpoint_are_forgotten(logged, read, progress):
    log = TensorBoard(logged())
    for step in (1, 2, 3, 4):
        log.write(progress(step, 9.0))
    log.close()
    again = TensorBoard(logged(step=2))
    again.write(progress(3, 5.0))
    again.close()
    events = read()
    assert points(events, "training/loss") == [(1, 9.0), (2, 9.0), (3, 5.0)]
    assert len(events.Images("model")) == 1


def test_the_program_of_this_python_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("TENSORBOARD_BINARY", "")
    monkeypatch.delenv("TENSORBOARD_BINARY")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    find_program()
    assert "TENSORBOARD_BINARY" not in os.environ
    (tmp_path / "tensorboard").touch()
    find_program()
    assert os.environ["TENSORBOARD_BINARY"] == str(tmp_path / "tensorboard")
    (tmp_path / "tensorboard.exe").touch()
    find_program()
    assert os.environ["TENSORBOARD_BINARY"] == str(tmp_path / "tensorboard")


def test_all_scalars_are_read_back(logged, progress):
    log = TensorBoard(logged())
    for step in range(1, 1203):
        log.write(progress(step, 1.0 / step, {"bleu": 1.5} if step == 1202 else None))
    log.close()
    found = read_scalars(logged().directory / "tensorboard")
    assert list(found) == [
        "training/gradient_norm", "training/learning_rate", "training/loss",
        "training/tokens_per_second", "validation/bleu",
    ]  # fmt: skip
    assert [step for step, _ in found["training/loss"]] == list(range(1, 1203))
    assert found["training/loss"][3][1] == 0.25
    assert found["validation/bleu"] == [(1202, 1.5)]


def test_a_run_from_the_start_forgets_the_one_before(logged, read, progress):
    for loss in (9.0, 5.0):
        log = TensorBoard(logged())
        log.write(progress(1, loss))
        log.close()
    events = read()
    assert points(events, "training/loss") == [(1, 5.0)]
    assert len(events.Images("model")) == 1


def test_the_vocabularies_for_the_projector(logged, model, codec):
    TensorBoard(logged()).close()
    directory = logged().directory / "tensorboard"
    config = ProjectorConfig()
    text_format.Parse((directory / "projector_config.pbtxt").read_text(), config)
    assert [one.tensor_name for one in config.embeddings] == [
        "source vocabulary", "target vocabulary",
    ]  # fmt: skip
    for one, tokenizer, table in zip(
        config.embeddings, (codec.source, codec.target),
        (model.source_embedding, model.target_embedding), strict=True,
    ):  # fmt: skip
        vectors = np.loadtxt(directory / one.tensor_path, delimiter="\t")
        tokens = (directory / one.metadata_path).read_text(encoding="utf-8").splitlines()
        np.testing.assert_allclose(vectors, np.asarray(table), rtol=1e-4)
        assert tuple(tokens) == tokenizer.tokens(range(tokenizer.size))
    assert "chien" in tokens


def test_a_model_of_ones_own_may_have_no_tables(logged, progress):
    told = logged()
    object.__setattr__(told, "model", object())
    TensorBoard(told).close()
    assert not (told.directory / "tensorboard" / "projector_config.pbtxt").exists()
