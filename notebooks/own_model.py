"""A model of one's own: a GRU that reads, a GRU that writes, dot attention between them."""

from typing import Any

import keras
from keras import KerasTensor as Tensor
from keras import ops


class OwnModel(keras.Model):
    """All that the workbench asks of a model is `encode` and `step`."""

    def __init__(self, source_size: int, target_size: int, units: int = 64) -> None:
        """Make the layers for vocabularies of the given sizes."""
        super().__init__()
        self.source_embedding = keras.layers.Embedding(source_size, units, mask_zero=True)
        self.reader = keras.layers.GRU(units, return_sequences=True, return_state=True)
        self.target_embedding = keras.layers.Embedding(target_size, units)
        self.writer = keras.layers.GRUCell(units)
        self.combine = keras.layers.Dense(units, activation="tanh")
        self.dropout = keras.layers.Dropout(0.1)
        self.scores = keras.layers.Dense(target_size)

    def encode(self, source: Tensor) -> tuple[Tensor, Any]:
        """Read sources [B, S]; return the first state and what every step reads."""
        values, state = self.reader(self.source_embedding(source))  # [B, S, U], [B, U]
        return state, (values, source != 0)

    def step(
        self, tokens: Tensor, state: Tensor, memory: Any, attention: Any = None,
        training: bool = False,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """Take tokens [B] in; return logits [B, V], attention [B, 1, 1, S], the new state."""
        values, real = memory
        hidden, _ = self.writer(self.target_embedding(tokens), state)
        if attention is None:  # any source position but padding (Luong et al. 2015, dot)
            energy = ops.where(real, ops.einsum("bu,bsu->bs", hidden, values), -1e9)
            attention = ops.softmax(energy)[:, None, None, :]
        context = ops.einsum("bs,bsu->bu", attention[:, 0, 0], values)
        vector = self.combine(ops.concatenate([context, hidden], -1))
        return self.scores(self.dropout(vector, training=training)), attention, hidden
