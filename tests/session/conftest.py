"""Sessions of the small language, which all tests of this folder share.

TensorFlow loads only where it is used.
"""

import shutil

import pytest
from sessions import STEPS, WHOLE

import workbench


@pytest.fixture(scope="session")
def corpus(pairs, tmp_path_factory):
    """The sixty pairs as a file."""
    path = tmp_path_factory.mktemp("corpus") / "phrases.tsv"
    path.write_text("".join(f"{pair.source}\t{pair.target}\n" for pair in pairs))
    return path


@pytest.fixture(scope="session")
def settings(config, corpus):
    return config.replace(corpus=str(corpus), max_steps=STEPS, probe_sentences=2)


@pytest.fixture(scope="session")
def plain(settings):
    """Settings whose model is compiled fast."""
    return settings.replace(
        encoder="rnn", decoder="rnn", attention="none", bidirectional=False, beam_width=1
    )


@pytest.fixture
def cheap(plain, tmp_path):
    """The same, with a directory of the test's own."""
    return plain.replace(run_directory=str(tmp_path / "run"))


@pytest.fixture(scope="session")
def undisturbed(plain, tmp_path_factory):
    """A plain session that has trained in one go, to hold against those that did not."""
    directory = tmp_path_factory.mktemp("undisturbed") / "run"
    session = workbench.Session(plain, run_directory=str(directory), **WHOLE)
    session.train()
    return session


@pytest.fixture(scope="session")
def trained(settings, tmp_path_factory):
    """A session that has trained to its end; look at it, but do not change it."""
    directory = tmp_path_factory.mktemp("trained") / "run"
    session = workbench.Session(settings, run_directory=str(directory))
    session.train()
    return session


@pytest.fixture
def copy(trained, tmp_path):
    """A copy of the trained run's directory, to do with as one likes."""
    return shutil.copytree(trained.directory.path, tmp_path / "copy")
