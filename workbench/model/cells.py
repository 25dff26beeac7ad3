"""Recurrent cells: what one position adds to the state.

Each cell is two functions, so that a whole sentence is projected by one matrix product and
only the recurrent part runs position by position.
Shape letters: B sentences, T positions, D width of the input, U units, G gates × U.
"""

import keras
import tensorflow as tf

from workbench.config import Precision
from workbench.model.precision import product

State = tuple[tf.Tensor, ...]  # each [B, U]; the first is the cell's output


class Cell(keras.layers.Layer):
    """A recurrent cell of `units` over inputs of `width`, with `gates` blocks of weights."""

    gates = 1
    states = 1

    def __init__(self, width: int, units: int, seed: int, precision: Precision = "float32") -> None:
        """Make the weights: input kernel [D, G], recurrent kernel [U, G], bias [G]."""
        super().__init__(dtype="float32")
        self.units, self.precision = units, precision
        columns = self.gates * units
        self.kernel = self.add_weight(
            name="kernel", shape=(width, columns),
            initializer=keras.initializers.GlorotUniform(seed=seed),
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel", shape=(units, columns),
            initializer=keras.initializers.Orthogonal(seed=seed + 1),
        )  # fmt: skip
        self.bias = self.add_weight(name="bias", shape=(columns,), initializer="zeros")
        self.bias.assign(self._first_bias())
        self.built = True

    def initial_state(self, batch: tf.Tensor) -> State:
        """Return zeros for `batch` sentences."""
        return tuple(tf.zeros([batch, self.units]) for _ in range(self.states))

    def project(self, inputs: tf.Tensor) -> tf.Tensor:
        """Apply the input kernel and bias: [..., D] → [..., G]."""
        return product(inputs, self.kernel, self.precision) + self.bias

    def advance(self, projected: tf.Tensor, state: State) -> State:
        """Return the state after one position whose projected input is [B, G]."""
        raise NotImplementedError

    def _recur(self, hidden: tf.Tensor) -> tf.Tensor:
        """Apply the recurrent kernel: [B, U] → [B, G]."""
        return product(hidden, self.recurrent_kernel, self.precision)

    def _first_bias(self) -> list[float]:
        return [0.0] * self.gates * self.units


class RNN(Cell):
    """h' = tanh(W x + U h + b) (Elman 1990)."""

    def advance(self, projected: tf.Tensor, state: State) -> State:
        """See `Cell.advance`."""
        return (tf.tanh(projected + self._recur(state[0])),)


class LSTM(Cell):
    """Long short-term memory with a forget gate (Hochreiter & Schmidhuber 1997; Gers et al. 2000).

    Gates stand in the order input, forget, candidate, output. The forget bias begins at 1
    (Jozefowicz et al. 2015), so that a fresh cell remembers.
    """

    gates = 4
    states = 2

    def advance(self, projected: tf.Tensor, state: State) -> State:
        """See `Cell.advance`."""
        hidden, memory = state
        gates = projected + self._recur(hidden)
        enter, forget, candidate, leave = tf.split(gates, 4, axis=-1)
        memory = tf.sigmoid(forget) * memory + tf.sigmoid(enter) * tf.tanh(candidate)
        return tf.sigmoid(leave) * tf.tanh(memory), memory

    def _first_bias(self) -> list[float]:
        return [0.0] * self.units + [1.0] * self.units + [0.0] * 2 * self.units


class GRU(Cell):
    """Gated recurrent unit (Cho et al. 2014), the reset applied after the product with U.

    Gates stand in the order update, reset, candidate. Resetting after the product is what
    cuDNN computes; it keeps the recurrent part one matrix product.
    """

    gates = 3

    def advance(self, projected: tf.Tensor, state: State) -> State:
        """See `Cell.advance`."""
        hidden = state[0]
        from_input = tf.split(projected, 3, axis=-1)
        from_state = tf.split(self._recur(hidden), 3, axis=-1)
        update = tf.sigmoid(from_input[0] + from_state[0])
        reset = tf.sigmoid(from_input[1] + from_state[1])
        candidate = tf.tanh(from_input[2] + reset * from_state[2])
        return (update * hidden + (1 - update) * candidate,)


CELLS: dict[str, type[Cell]] = {"rnn": RNN, "lstm": LSTM, "gru": GRU}


def run(
    cell: Cell, inputs: tf.Tensor, mask: tf.Tensor, state: State, backwards: bool = False
) -> tuple[tf.Tensor, State]:
    """Run a cell over sentences in one compiled loop.

    Where `mask` is false the state stands still, so that the last state is the one after the
    last real token, and reading backwards begins there.

    Shapes: inputs [B, T, D]; mask [B, T]; state as `cell.initial_state`.
    Returns: outputs [B, T, U] and the last state.
    """
    projected = tf.transpose(cell.project(inputs), [1, 0, 2])  # [T, B, G]
    real = tf.transpose(mask)[:, :, None]  # [T, B, 1]
    states = tf.scan(
        lambda state, now: tuple(
            tf.where(now[1], new, old)
            for new, old in zip(cell.advance(now[0], state), state, strict=True)
        ),
        (projected, real),
        initializer=state,
        reverse=backwards,
    )  # each [T, B, U]
    last = 0 if backwards else -1
    return tf.transpose(states[0], [1, 0, 2]), tuple(each[last] for each in states)
