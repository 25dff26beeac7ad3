"""What a run that adapts a trained one takes from it: settings, tokenizers and weights."""

import numpy as np

from workbench.config import (
    ModelSettings,
    ParallelSettings,
    RecurrentSettings,
    RunConfig,
    TokenSettings,
)
from workbench.data.encoding import Codec
from workbench.errors import RunError, SettingsError
from workbench.model.adapters import bottlenecks
from workbench.model.lora import Lora
from workbench.model.protocol import own_class
from workbench.model.seq2seq import Seq2Seq
from workbench.model.storage import build_model, find_model, load_weights, read_settings

ADOPTED = (TokenSettings, ModelSettings, RecurrentSettings, ParallelSettings)
MAY_DIFFER = {"dropout", "stochastic_depth", "segment", "segment_memory"}  # shape no weights


def adopted(config: RunConfig) -> RunConfig:
    """Return `config` with the text and model settings of the run that it adapts, if any.

    What `config` leaves at its default is taken from there.

    Raises:
        RunError: there is no such run, it holds no model, or it cannot be adapted.
        SettingsError: `config` asks for another model than the trained one.
    """
    if not config.adapt_from:
        return config
    path = find_model(config.adapt_from)
    if own_class(path):
        raise RunError(f"{config.adapt_from}: its model is its user's own, which cannot be adapted")
    theirs = read_settings(path)
    if theirs.adapter == "bottleneck":
        raise RunError(
            f"{config.adapt_from}: holds bottleneck adapters, which cannot be merged; adapt "
            f"the run that it adapted, {theirs.adapt_from}"
        )
    changes = {}
    for name in (name for group in ADOPTED for name in group.model_fields):
        here, there = getattr(config, name), getattr(theirs, name)
        if here == RunConfig.model_fields[name].default:
            changes[name] = there
        elif here != there and name not in MAY_DIFFER:
            raise SettingsError(
                f"{name} is {here!r} and the run in adapt_from has {there!r}: leave {name} out "
                "or choose another run"
            )
    return config.replace(**changes)


def trained_codec(config: RunConfig) -> Codec:
    """Read the tokenizers of the run that `config` adapts."""
    return Codec.load(find_model(config.adapt_from))


def take_weights(model: Seq2Seq, config: RunConfig, codec: Codec) -> None:
    """Give `model` the weights of the run that it adapts; those of adapters stay as they are.

    Raises:
        RunError: the weights are missing, damaged, or of a model of another shape.
    """
    path = find_model(config.adapt_from)
    trained = build_model(read_settings(path), codec)
    load_weights(path, trained)
    base = model.base if isinstance(model, Lora) else model
    new = {id(weight) for weight in bottlenecks(base)}
    shared = [weight for weight in base.weights if id(weight) not in new]
    for weight, value in zip(shared, _whole(trained), strict=True):
        if weight.shape != value.shape:
            raise RunError(
                f"{path}: its weights do not fit the settings: {weight.name} is {value.shape} "
                f"there, {tuple(weight.shape)} here; choose max_decode_length as it is there"
            )
        weight.assign(value)


def merged(config: RunConfig, codec: Codec, model: Seq2Seq) -> tuple[RunConfig, Seq2Seq]:
    """Return the model that a LoRA amounts to, with settings that know of no adapter.

    Raises:
        RunError: there is no LoRA.
    """
    if not isinstance(model, Lora):
        raise RunError(f"adapter is {config.adapter!r}: only lora can be merged; save the model")
    plain = config.replace(adapter="none", adapt_from="")
    whole = build_model(plain, codec)
    whole.set_weights(model.merged_weights())
    return plain, whole


def _whole(model: Seq2Seq) -> list[np.ndarray]:
    """Return all weights of a model, a LoRA merged into those of its base."""
    return model.merged_weights() if isinstance(model, Lora) else model.get_weights()
