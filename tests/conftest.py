"""A language so small that a model of it takes no time. TensorFlow loads only where it is used."""

import os
from itertools import product

import pytest
from fake_step import FakeStep, Plain

from workbench.config import RunConfig, SearchSettings
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.records import Alignment, Link
from workbench.search.stepper import Stepper

ADJECTIVES = {"red": "rouge", "black": "noir", "small": "mini", "old": "vieux"}
NOUNS = {"cat": "chat", "dog": "chien", "bird": "oiseau", "fish": "poisson", "horse": "cheval"}


def _pair(source, target, *links):
    alignment = Alignment(frozenset(Link(*link) for link in links), frozenset())
    return Pair(source, target, alignment)


@pytest.fixture(scope="session")
def pairs():
    """Sixty phrases: the adjective goes behind the noun, a comma joins without moving."""
    one = [_pair(noun, NOUNS[noun], (0, 0)) for noun in NOUNS]
    two = [
        _pair(f"{adjective} {noun}", f"{NOUNS[noun]} {ADJECTIVES[adjective]}", (0, 1), (1, 0))
        for adjective, noun in product(ADJECTIVES, NOUNS)
    ]
    three = [
        _pair(f"{a} and {b}", f"{NOUNS[a]} et {NOUNS[b]}", (0, 0), (1, 1), (2, 2))
        for a, b in product(NOUNS, NOUNS)
    ]
    four = [
        _pair(f"{a} {n} and dog", f"{NOUNS[n]} {ADJECTIVES[a]} et chien",
              (0, 1), (1, 0), (2, 2), (3, 3))
        for a, n in list(product(ADJECTIVES, NOUNS))[:10]
    ]  # fmt: skip
    return tuple(one + two + three + four)


@pytest.fixture(scope="session")
def config():
    return RunConfig(
        encoder="lstm", decoder="lstm", attention="additive", units=8, embedding=6, dropout=0.2,
        batch_size=16, epochs=2, learning_rate=0.01, beam_width=3, max_decode_length=6,
        validation_sentences=4, probe_sentences=2, live=False, seed=3,
    )  # fmt: skip


@pytest.fixture(scope="session")
def codec(pairs, config):
    return Codec.train(pairs, config)


@pytest.fixture(scope="session")
def encoded(codec, pairs):
    return codec.encode_pairs(pairs)[0]


@pytest.fixture(scope="session")
def make_model(codec):
    """Build the model of some settings for the small language."""
    from workbench.model.seq2seq import Seq2Seq

    def make(settings, seed=5):
        return Seq2Seq(settings, codec.source.size, codec.target.size, seed=seed)

    return make


@pytest.fixture(scope="session")
def model(make_model, config):
    """A model that has learnt nothing but has strong opinions: no two tokens are equally likely."""
    model = make_model(config)
    for weight in model.weights:
        weight.assign(3 * weight)
    return model


@pytest.fixture(scope="session")
def experiment(request, tmp_path_factory):
    """The outcome of `notebooks/experiment.ipynb`, run headless for a moment on phrases.

    Processes that share the tests run it once: who comes second waits and finds it done.
    """
    import fcntl

    from workbench.reports.run import run_report

    settings = {
        "units": 16, "embedding": 12, "epochs": 2, "train_limit": 200, "batch_size": 50,
        "validation_sentences": 20, "beam_width": 2, "max_decode_length": 8,
        "learning_rate": "1e-2",
    }  # fmt: skip
    notebook = request.config.rootpath / "notebooks" / "experiment.ipynb"
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / "experiment.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return run_report(notebook, settings, run_directory=shared / "experiment" / "run")


@pytest.fixture
def fake(codec):
    return FakeStep(codec.source.size, codec.target.size)


@pytest.fixture
def make_stepper(codec, fake):
    """Make a stepper over the fake step, or over another one."""

    def make(text="small cat and dog", step=None, limit=10_000, codec=codec, **settings):
        settings = {"beam_width": 3, "max_decode_length": 8, **settings}
        return Stepper(step or fake, codec, text, SearchSettings(**settings), limit)

    make.step_for = lambda codec: FakeStep(codec.source.size, codec.target.size)
    make.plain = Plain(codec.source.size, codec.target.size)
    return make


@pytest.fixture
def stepper(make_stepper):
    return make_stepper()


@pytest.fixture
def greatest_tree(make_stepper):
    """As many nodes as a tree may have, a thousand of them with ten children or nine."""
    stepper, waiting = make_stepper(step=make_stepper.plain), [0]
    words = stepper.current.decoded.source.named(range(4, 14))
    for count in [10] * 999 + [9]:
        stepper.go(waiting.pop(0))
        stepper.expand(*words[:count])
        waiting += stepper.current.children
    stepper.go(waiting[-1])
    return stepper


@pytest.fixture
def make_run(tmp_path):
    """Write by hand the directory of a run on which nothing was trained."""
    import json

    import numpy as np

    from workbench.runs import RunDirectory

    def make(
        name, *, status="ok", bleu=None, losses=(3.0, 2.0), samples=(), page=False,
        parameters=None, error=None, **settings,
    ):  # fmt: skip
        run = RunDirectory(tmp_path / "runs" / name)
        run.path.mkdir(parents=True)
        figures = {} if bleu is None else {"bleu": bleu}
        config = RunConfig(**settings).model_dump()
        fields = {"schema": 1, "status": status, "config": config, "parameters": parameters or {},
                  "error": error, "wall_seconds": 5.0, "validation": figures}  # fmt: skip
        run.record.write_text(json.dumps(fields), encoding="utf-8")
        lines = [
            {"step": step, "epoch": 0, "loss": loss, "learning_rate": 0.1, "gradient_norm": 1.0,
             "tokens": 10, "tokens_per_second": 1.0, "seconds": 1.0, "total_steps": len(losses),
             "evaluation": None, "best": False}
            for step, loss in enumerate(losses, 1)
        ]  # fmt: skip
        if lines and figures:
            evaluation = {"split": "validation", "figures": figures, "sentences": 9}
            lines[-1] |= {"evaluation": evaluation, "best": True}
        run.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
        if samples:
            texts = [
                dict(zip(("source", "reference", "text"), one, strict=True)) for one in samples
            ]
            document = json.dumps({str(len(losses)): texts}).encode()
            np.savez_compressed(run.probes, texts=np.frombuffer(document, dtype=np.uint8))
        if page:
            run.page.write_text("<h1>report</h1>")
        return run

    return make
