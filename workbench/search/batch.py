"""Compiled search of many sentences at once, for any step function.

It asks for nothing but `step(tokens, state, memory)`, so its tests need no model. What it writes
down is what it looked at: for every step the candidates it weighed and what became of them.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from workbench.config import SearchSettings
from workbench.data.tokenizer import PAD
from workbench.records import Integers
from workbench.search.beam import Coverage, Diversity, beam_search
from workbench.search.constraints import Constraints
from workbench.search.record import SearchRecord
from workbench.search.sampling import Sampling, sample
from workbench.search.steps import Step


class BatchSearch:
    """Search with one model, compiled once for each way to search and each width."""

    def __init__(self, encode: Callable[[tf.Tensor], tuple[Any, Any]], step: Step) -> None:
        """Search with `step` from what `encode` makes of source ids [B, S]."""
        self._encode, self._step = encode, step
        self._compiled: dict[tuple[Any, ...], Any] = {}

    def __call__(
        self,
        source: Integers,
        search: SearchSettings,
        prefix: Integers | None = None,
        weighed: int = 0,
    ) -> SearchRecord:
        """Search on padded source ids [B, S]; where `search` has a temperature, draw instead.

        Target tokens [B, P] in `prefix`, padded, come first. At least `weighed` candidates go on
        record a step. See `beam_search` and `sample`.
        """
        width, groups = search.beam_width, search.beam_groups
        constrained = prefix is not None or search.min_decode_length or search.no_repeat_ngram
        no_repeat = search.no_repeat_ngram if constrained else None
        if prefix is None:
            prefix = np.zeros([len(source), 0], np.int32)
        common = source, search.max_decode_length, prefix, search.min_decode_length
        if search.temperature:
            run = self._once(self._sample, width, weighed // width, no_repeat)
            arrays = run(
                *common, np.float32(search.temperature), search.top_k, np.float32(search.top_p),
                search.sampling_seed,
            )  # fmt: skip
        else:
            covers = search.coverage_penalty > 0
            run = self._once(self._beam, width, groups, covers, weighed, no_repeat)
            strengths = search.length_penalty, search.coverage_penalty, search.diversity
            arrays = run(*common, *map(np.float32, strengths))
        record = SearchRecord(*(array.numpy() for array in arrays))
        drawn = search.temperature > 0
        return replace(record, drawn=drawn, groups=1 if drawn else groups)

    def _once(self, compile_for: Callable[..., Any], *kind: Any) -> Any:
        """Return the compiled search of one kind, from earlier where it is there."""
        key = compile_for.__name__, *kind
        if key not in self._compiled:
            self._compiled[key] = compile_for(*kind)
        return self._compiled[key]

    def _beam(
        self, width: int, groups: int, covers: bool, weighed: int, no_repeat: int | None
    ) -> Any:
        """Return the search of one width as a function of source, limit, prefix and so on."""

        def search(
            source: tf.Tensor, limit: tf.Tensor, prefix: tf.Tensor, least: tf.Tensor,
            alpha: tf.Tensor, beta: tf.Tensor, strength: tf.Tensor,
        ) -> tuple[tf.Tensor, ...]:  # fmt: skip
            return beam_search(
                self._step, *self._encode(source), width, limit, alpha,
                Coverage(beta, source != PAD) if covers else None, weighed,
                Diversity(groups, strength), _constraints(prefix, least, no_repeat),
            )  # fmt: skip

        return _compiled(search, tf.float32, tf.float32, tf.float32)

    def _sample(self, width: int, others: int, no_repeat: int | None) -> Any:
        """Return the sampling of so many as a function of source, limit, prefix and so on."""

        def search(
            source: tf.Tensor, limit: tf.Tensor, prefix: tf.Tensor, least: tf.Tensor,
            *sampling: tf.Tensor,
        ) -> tuple[tf.Tensor, ...]:  # fmt: skip
            return sample(
                self._step, *self._encode(source), width, limit, Sampling(*sampling), others,
                _constraints(prefix, least, no_repeat),
            )  # fmt: skip

        return _compiled(search, tf.float32, tf.int32, tf.float32, tf.int32)


def _constraints(prefix: tf.Tensor, least: tf.Tensor, no_repeat: int | None) -> Constraints | None:
    """Return what may be chosen; None where `no_repeat` says that everything may."""
    return None if no_repeat is None else Constraints(prefix, least, no_repeat)


def _compiled(search: Callable[..., Any], *scalars: tf.DType) -> Any:
    """Compile a function of source ids [B, S], limit, prefix [B, P], least and some scalars."""
    ids, whole = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([], tf.int32)
    signature = [ids, whole, ids, whole, *(tf.TensorSpec([], kind) for kind in scalars)]
    graph = tf.function(search, input_signature=signature, autograph=False)
    return graph.get_concrete_function()  # which knows no alarm at many kinds, as calls do
