"""A model on disk: settings, tokenizers and weights, none of which is code."""

from pathlib import Path

import numpy as np

from workbench.config import RunConfig
from workbench.data.encoding import Codec
from workbench.errors import RunError, SettingsError
from workbench.files import replacing, write_text
from workbench.model.seq2seq import Seq2Seq

SETTINGS, WEIGHTS = "config.json", "model.weights.h5"


def is_model(path: Path) -> bool:
    """Say whether `path` looks like what `save_model` writes."""
    return (path / SETTINGS).exists()


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
        codec.save(beside)
        model.save_weights(beside / WEIGHTS)


def read_settings(path: Path) -> RunConfig:
    """Read the settings of the model in `path`.

    Raises:
        RunError: there is none, or its settings are not of this version.
    """
    if not is_model(path):
        raise RunError(f"{path}: expected a directory with a model, found none")
    try:
        return RunConfig.from_file(path / SETTINGS)
    except SettingsError as error:
        raise RunError(f"{path}: cannot read its settings: {error}") from None


def load_weights(path: Path, model: Seq2Seq) -> None:
    """Load the weights of the model in `path`.

    Raises:
        RunError: the file is missing, damaged, or of a model of another shape.
    """
    try:
        model.load_weights(path / WEIGHTS)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]  # Keras goes on to print the weights
        raise RunError(f"{path}: cannot load weights: {reason}") from None


def build_model(config: RunConfig, codec: Codec) -> Seq2Seq:
    """Return a new model for the vocabularies of `codec`, its weights made from `seed` alone."""
    # Each weight takes the next few numbers: runs of neighbouring seeds must not share them.
    seed = int(np.random.SeedSequence(config.seed).generate_state(1)[0]) >> 1
    return Seq2Seq(config, codec.source.size, codec.target.size, seed=seed)
