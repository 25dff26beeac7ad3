"""A model's step for the rows of one sentence, compiled once: NumPy in and out.

Shape letters: R rows, S source tokens, V what may come next, L layers with attention, H heads.
"""

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from workbench.records import Floats
from workbench.search.decoding import Outcome

IDS = tf.TensorSpec([1, None], tf.int32)
TOKENS = tf.TensorSpec([None], tf.int32)
GIVEN = tf.TensorSpec([None, None, None, None], tf.float32)  # attention [R, L, H, S]

Packed = list[tuple[NDArray[Any], int]]  # leaves of a state, see `_packed`


class CompiledStep:
    """See `OneSentence`: its memories are tensors, its states NumPy arrays.

    Two graphs serve every sentence, prefix and number of rows.
    """

    def __init__(
        self,
        encode: Callable[[tf.Tensor], tuple[Any, Any]],
        step: Callable[..., tuple[tf.Tensor, tf.Tensor, Any]],
        do: Callable[[Callable[[], Any]], Any] = lambda work: work(),
    ) -> None:
        """Step with a model's `encode` and `step`; `do` does the work, where that has a thread."""
        self._model_encode, self._model_step, self._do = encode, step, do
        self.editable = "attention" in inspect.signature(step).parameters

    def encode(self, source: Sequence[int]) -> tuple[Packed, list[tf.Tensor]]:
        """See `OneSentence.encode`."""
        return self._do(partial(self._encoded, source))

    def step(
        self,
        tokens: Sequence[int],
        states: Sequence[Packed],
        memory: list[tf.Tensor],
        attention: Floats | None = None,
    ) -> Outcome:
        """See `OneSentence.step`."""
        return self._do(partial(self._stepped, tokens, states, memory, attention))

    def unpacked(self, state: Packed, memory: list[tf.Tensor]) -> tuple[Any, Any]:
        """Return a state and a memory as the model's own step takes them, for one row."""
        their_state, their_memory = self._encode.get_concrete_function().structured_outputs
        leaves = [tf.constant(_whole(*leaf)[None]) for leaf in state]
        return (
            tf.nest.pack_sequence_as(their_state, leaves),
            tf.nest.pack_sequence_as(their_memory, memory),
        )

    def _encoded(self, source: Sequence[int]) -> tuple[Packed, list[tf.Tensor]]:
        state, memory = self._encode(tf.constant([source], tf.int32))
        [packed] = _packed(tf.nest.flatten(state), 1)
        return packed, tf.nest.flatten(memory)

    def _stepped(
        self,
        tokens: Sequence[int],
        states: Sequence[Packed],
        memory: list[tf.Tensor],
        attention: Floats | None,
    ) -> Outcome:
        leaves = [np.stack([_whole(*leaf) for leaf in rows]) for rows in zip(*states, strict=True)]
        given = [] if attention is None else [attention]
        graph = self._plain if attention is None else self._edited
        logs, read, *state = graph(np.array(tokens, np.int32), *given, *leaves, *memory)
        return Outcome(logs.numpy(), read.numpy(), tuple(_packed(state, len(tokens))))

    @cached_property
    def _encode(self) -> Any:
        return tf.function(self._model_encode, input_signature=[IDS], autograph=False)

    @cached_property
    def _plain(self) -> Any:
        return self._graph(given=False)

    @cached_property
    def _edited(self) -> Any:
        return self._graph(given=True)

    def _graph(self, given: bool) -> Any:
        """Compile the step; it takes tokens, given attention, the leaves of state and memory."""
        state, memory = self._encode.get_concrete_function().structured_outputs
        leaves = [*tf.nest.flatten(state), *tf.nest.flatten(memory)]
        kept = len(tf.nest.flatten(state))

        def step(tokens: tf.Tensor, *rest: tf.Tensor) -> list[tf.Tensor]:
            attention = {"attention": rest[0]} if given else {}
            rest = rest[given:]
            shared = [tf.repeat(leaf, tf.shape(tokens)[0], 0) for leaf in rest[kept:]]
            logits, read, new = self._model_step(
                tokens,
                tf.nest.pack_sequence_as(state, rest[:kept]),
                tf.nest.pack_sequence_as(memory, shared),
                **attention,
            )
            return [tf.nn.log_softmax(logits), read, *tf.nest.flatten(new)]

        specs = [tf.TensorSpec([None, *leaf.shape[1:]], leaf.dtype) for leaf in leaves]
        signature = [TOKENS, *[GIVEN] * given, *specs]
        return tf.function(step, input_signature=signature, autograph=False)


def _packed(leaves: Sequence[tf.Tensor], rows: int) -> list[Packed]:
    """Return each row's leaves without the zeros that lead their last axis but one, counted.

    What a cache of fixed shape has no tokens for yet is such zeros, by far the most of it.
    """
    arrays = [leaf.numpy() for leaf in leaves]
    return [[_cut(array[row]) for array in arrays] for row in range(rows)]


def _cut(array: NDArray[Any]) -> tuple[NDArray[Any], int]:
    if array.ndim < 2:
        return array.copy(), 0
    by_place = np.moveaxis(array, -2, 0)
    used = np.flatnonzero(by_place.reshape(len(by_place), -1).any(1))
    zeros = int(used[0]) if len(used) else len(by_place)
    return array[..., zeros:, :].copy(), zeros


def _whole(array: NDArray[Any], zeros: int) -> NDArray[Any]:
    if not zeros:
        return array
    lead = np.zeros((*array.shape[:-2], zeros, array.shape[-1]), array.dtype)
    return np.concatenate([lead, array], -2)
