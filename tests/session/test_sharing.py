"""A run from another person: it opens from its `.zip`, and nothing in it is executed."""

import json
import pickle
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from workbench.errors import RunError
from workbench.reports.export import export
from workbench.runs import RunDirectory
from workbench.session import Session
from workbench.training.checkpoint import Checkpoints


@pytest.fixture(scope="module")
def trained(pairs, config, tmp_path_factory):
    """A trained run, whose corpus is gone."""
    folder = tmp_path_factory.mktemp("sharing")
    corpus = folder / "pairs.tsv"
    corpus.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
    session = Session(config.replace(corpus=str(corpus), max_steps=4, run_directory=folder / "run"))
    session.train()
    corpus.unlink()
    return session


@pytest.fixture
def run(trained, tmp_path):
    """A copy to be spoilt."""
    return RunDirectory(shutil.copytree(trained.directory.path, tmp_path / "run"))


def test_a_zipped_run_opens_and_translates_as_it_did(trained, tmp_path):
    export(trained.directory.path, str(tmp_path / "sent.zip"))
    opened = Session.open(tmp_path / "sent.zip")
    assert opened.translate("red cat").best.tokens == trained.translate("red cat").best.tokens
    assert [each.loss for each in opened.history] == [each.loss for each in trained.history]
    assert opened.history[-1].probes[0].source == trained.history[-1].probes[0].source
    assert not opened.directory.path.is_relative_to(tmp_path)  # where it is unpacked


def test_a_trained_run_tells_the_digest_of_its_weights(trained):
    record = trained.directory.read()
    assert len(record["weights"]) == 64
    assert list(record["files"].values()) == [record["files"][trained.config.corpus]]


class Bomb:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def pickled(run, mark):
    np.savez(run.probes, texts=np.array([Bomb(mark)], dtype=object))


def not_what_we_write(run, mark):
    run.metrics.write_text('{"step": 1, "__class__": "os.system"}\n')


def pickle_for_probes(run, mark):
    run.probes.write_bytes(pickle.dumps(Bomb(mark)))


def pickle_for_weights(run, mark):
    (run.model / "model.weights.h5").write_bytes(pickle.dumps(Bomb(mark)))


def pickle_for_tokenizer(run, mark):
    (run.model / "source.model").write_bytes(pickle.dumps(Bomb(mark)))


def weights_from_another_file(run, mark):
    """HDF5 may say that an array lies in any file of the machine."""
    secret = run.path / "secret"
    secret.write_bytes(b"\x01" * 100_000)
    with h5py.File(run.model / "model.weights.h5", "r+") as file:
        names = []
        file.visititems(lambda name, it: names.append(name) if hasattr(it, "shape") else None)
        shape = file[names[0]].shape
        del file[names[0]]
        size = int(np.prod(shape)) * 4
        file.create_dataset(names[0], shape, "f4", external=[(str(secret), 0, size)])


def settings_with_code(run, mark):
    path = run.model / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"encoder": f"__import__('os').system('touch {mark}')"}))


@pytest.mark.parametrize("spoil", [
    pickled, pickle_for_probes, pickle_for_weights, pickle_for_tokenizer, not_what_we_write,
    weights_from_another_file, settings_with_code,
])  # fmt: skip
def test_a_hostile_run_is_one_line_and_executes_nothing(run, tmp_path, spoil):
    spoil(run, tmp_path / "mark")
    with pytest.raises(RunError) as error:
        Session.open(run.path)
    assert "\n" not in str(error.value)
    assert str(run.path) in str(error.value)
    assert not (tmp_path / "mark").exists()


def test_code_in_the_weights_is_not_looked_at(run, tmp_path, trained):
    """A lambda layer is code in the configuration of a Keras model; weights alone need none."""
    with h5py.File(run.model / "model.weights.h5", "r+") as file:
        file.attrs["model_config"] = json.dumps(
            {"class_name": "Lambda", "config": {"function": f"open('{tmp_path}/mark', 'w')"}}
        )
    opened = Session.open(run.path)
    assert opened.translate("red cat").best.tokens == trained.translate("red cat").best.tokens
    assert not (tmp_path / "mark").exists()


def test_a_hostile_zip_is_one_line(tmp_path):
    with zipfile.ZipFile(tmp_path / "run.zip", "w") as archive:
        archive.writestr("../../outside", "")
    with pytest.raises(RunError, match="leads out of it"):
        Session.open(tmp_path / "run.zip")


def test_a_checkpoint_that_is_a_link_loses_nobody_s_files(run, tmp_path):
    """Old checkpoints are removed when training goes on; what a link leads to is not."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    shutil.rmtree(run.checkpoints)
    run.checkpoints.mkdir()
    link = run.checkpoints / "step-00000001"
    link.symlink_to(tmp_path / "mine")
    Checkpoints(run.checkpoints)._retire(1)
    assert not link.is_symlink()
    assert (tmp_path / "mine" / "thesis.txt").exists()
