"""A model on disk: settings, tokenizers and weights, none of which is code."""

import hashlib
import json
from pathlib import Path

import numpy as np

from workbench import __version__
from workbench.config import RunConfig
from workbench.data.encoding import Codec
from workbench.errors import RunError, SettingsError
from workbench.files import replacing, write_json, write_text
from workbench.model.adapters import train_bottlenecks
from workbench.model.lora import Lora
from workbench.model.seq2seq import Seq2Seq
from workbench.runs import RunDirectory

SETTINGS, WEIGHTS, VERSION = "config.json", "model.weights.h5", "version.json"


def is_model(path: Path) -> bool:
    """Say whether `path` looks like what `save_model` writes."""
    return (path / SETTINGS).exists()


def find_model(run: str | Path) -> Path:
    """Return the directory of the model of a run, or `run` itself where it is one.

    Raises:
        RunError: there is no model.
    """
    path = Path(run)
    model = path if is_model(path) else RunDirectory(path).model
    if not is_model(model):
        raise RunError(f"{run}: expected a run directory with a model, found none")
    return model


def save_model(path: Path, config: RunConfig, codec: Codec, model: Seq2Seq) -> None:
    """Write a model to the directory `path`, whole or not at all.

    Raises:
        RunError: `path` is there and holds something else.
    """
    if path.exists() and not is_model(path):
        raise RunError(f"{path}: exists and is no model; choose another place to save it")
    with replacing(path) as beside:
        beside.mkdir(parents=True)
        write_text(beside / SETTINGS, config.to_json())
        write_json(beside / VERSION, {"workbench": __version__})
        codec.save(beside)
        model.save_weights(beside / WEIGHTS)


def read_settings(path: Path) -> RunConfig:
    """Read the settings of the model in `path`; those that it does not know are the defaults.

    Raises:
        RunError: there is none, or its settings are not of this version.
    """
    if not is_model(path):
        raise RunError(f"{path}: expected a directory with a model, found none")
    try:
        return RunConfig.from_file(path / SETTINGS)
    except SettingsError as error:
        raise RunError(f"{path}: cannot read its settings: {error}{_remedy(path)}") from None


def load_weights(path: Path, model: Seq2Seq) -> None:
    """Load the weights of the model in `path`.

    Raises:
        RunError: the file is missing, damaged, or of a model of another shape.
    """
    try:
        model.load_weights(path / WEIGHTS)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]  # Keras goes on to print the weights
        raise RunError(f"{path}: cannot load weights: {reason}{_remedy(path)}") from None


def weights_digest(model: Seq2Seq) -> str:
    """Return the SHA-256 of every weight's type, shape and bits, in the model's order."""
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(f"{array.dtype} {array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def build_model(config: RunConfig, codec: Codec) -> Seq2Seq:
    """Return a new model for the vocabularies of `codec`, its weights made from `seed` alone.

    With an adapter only the adapter's weights are to be trained.
    """
    # Each weight takes the next few numbers: runs of neighbouring seeds must not share them.
    seed = int(np.random.SeedSequence(config.seed).generate_state(1)[0]) >> 1
    twins = codec.twins() if config.copy_source else None
    model = Seq2Seq(config, codec.source.size, codec.target.size, seed=seed, twins=twins)
    if config.adapter == "lora":
        return Lora(model, config.adapter_rank, config.adapter_scale, seed=seed + 30_000)
    if config.adapter == "bottleneck":
        train_bottlenecks(model)
    return model


def _remedy(path: Path) -> str:
    """Name the version that wrote the model in `path`, where it is another than this one."""
    try:
        theirs = json.loads((path / VERSION).read_text(encoding="utf-8"))["workbench"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # version 0.1.0 wrote none
    if theirs == __version__:
        return ""
    return f"; written by workbench {theirs}, this is {__version__}: install {theirs}"
