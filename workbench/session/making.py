"""From settings and vocabularies to a model that can be asked and trained."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.config import RunConfig, Strategy
from workbench.data.corpus import Corpus
from workbench.data.encoding import Codec
from workbench.model.protocol import Factory, build_own, check_class
from workbench.model.seq2seq import Seq2Seq
from workbench.model.storage import build_model, load_weights
from workbench.runs import RunDirectory, run_hash
from workbench.session.instruments import Instruments
from workbench.training import device, distribution
from workbench.training.checkpoint import Checkpoints
from workbench.training.workers import Workers


@dataclass(frozen=True)
class Made:
    """A model that is there.

    Attributes:
        instruments: what asks it.
        strategy: what it can be trained with.
        leads: whether this process leads its training, and not another worker.
    """

    model: Seq2Seq
    instruments: Instruments
    strategy: Strategy
    leads: bool


def make(
    config: RunConfig,
    codec: Codec,
    corpus: Corpus | None,
    strategy: Strategy,
    factory: Factory | None,
    do: Callable[[Callable[[], Any]], Any],
) -> Made:
    """Make a model with its first weights, a model of the user's own where there is a factory.

    `do` does the work of steppers.

    Raises:
        RunError: other workers have other settings or another corpus.
    """
    device.prepare(config.deterministic)
    workers = Workers(strategy)
    workers.agree(run_hash(config, corpus.fingerprint if corpus else ""))
    with distribution.strategy(strategy).scope():
        model = build_own(factory, config, codec) if factory else build_model(config, codec)
    instruments = Instruments(model, codec, config.batch_size, do)
    return Made(model, instruments, strategy, workers.leads)


def restore(model: Seq2Seq, saved: Path, directory: RunDirectory, step: int | None) -> None:
    """Give a model the weights that are saved, or those of the checkpoint at `step`.

    Raises:
        RunError: they are those of another model; there is no such checkpoint.
    """
    check_class(saved, model)
    load_weights(saved, model)
    if step is not None:
        Checkpoints(directory.checkpoints).restore_weights(step, model)
