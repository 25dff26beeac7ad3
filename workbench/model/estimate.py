"""What training will take, counted from the model's boxes before anything is built.

A step multiplies, moves memory and, in recurrent layers, waits for one position after the other.
Each of the three is counted here and priced by what this machine does of it in a second; see
`workbench.training.speed`. Shape letters: B sentences of a batch, S source tokens, T target
tokens, U units, V target vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.config import RunConfig
from workbench.model.outline_adapters import GATES
from workbench.records import Block

FLOAT = 4  # bytes; products in half precision are stored as float32 again
TRAINING = 3  # a product's backward pass is two more of its size
TOUCHES = 4  # an activation is written and read, and so is its gradient
LAUNCHES = 8  # positions of a small cell that take as long as starting the operations of a box
MOMENTS = {"adam": 2, "adamw": 2, "sgd": 0}


@dataclass(frozen=True)
class Speed:
    """What a machine does in a second of training.

    Attributes:
        products: floating-point operations in matrix products.
        memory: bytes read or written one after the other.
        positions: positions of a recurrent layer, forwards and backwards.
    """

    products: float
    memory: float
    positions: float


@dataclass(frozen=True)
class Memory:
    """Bytes that training holds on to.

    Attributes:
        parameters: the weights; gradients: as many numbers.
        moments: what the optimizer knows of earlier gradients.
        activations: what a batch leaves for its backward pass.
    """

    parameters: int
    gradients: int
    moments: int
    activations: int

    @property
    def total(self) -> int:
        """Bytes of all of it, beside those of TensorFlow itself."""
        return self.parameters + self.gradients + self.moments + self.activations


@dataclass(frozen=True)
class Work:
    """What one step does: operations in products, bytes moved, positions one after the other.

    The operations of a box are started one after the other too, and count as positions.
    """

    products: float
    moved: float
    positions: float

    def seconds(self, speed: Speed) -> float:
        """Return how long a step takes at a speed, most often within a factor of two.

        A decoder that goes step by step (input feeding, coverage, location features) may take
        three times as long.
        """
        return (
            self.products / speed.products
            + self.moved / speed.memory
            + self.positions / speed.positions
        )


def memory(settings: RunConfig, blocks: Sequence[Block], source: int, target: int) -> Memory:
    """Count the bytes of a step on a batch of `source` and `target` tokens a sentence.

    Weights that an adapter leaves untouched have no gradient; they are counted as if they had.
    """
    weights = FLOAT * sum(block.parameters for block in blocks)
    return Memory(
        parameters=weights,
        gradients=weights,
        moments=MOMENTS[settings.optimizer] * weights,
        activations=FLOAT * _activations(settings, blocks, source, target),
    )


def work(settings: RunConfig, blocks: Sequence[Block], source: float, target: float) -> Work:
    """Count what a step does on a batch of `source` and `target` tokens a sentence.

    A matrix of weights costs two operations a weight and position, in the backward pass twice
    as many. The optimizer passes over the weights, their gradients and its moments.
    """
    used = memory(settings, blocks, round(source), round(target))
    products = sum(_products(settings, block, source, target) for block in blocks)
    passes = 2 * (used.parameters + used.gradients + used.moments)
    return Work(
        products=TRAINING * settings.batch_size * products,
        moved=TOUCHES * used.activations + passes,
        positions=sum(LAUNCHES + _waits(block, source, target) for block in blocks),
    )


def _products(settings: RunConfig, block: Block, source: float, target: float) -> float:
    """Count the operations in the products of a box, forwards, for one sentence."""
    length = source if _reads_source(block) else target
    if "embedding" in block.kind:
        return 0
    products = 2 * block.parameters * length
    if block.name == "output" and settings.tie_embeddings:  # its matrix is in another box
        products += 2 * settings.embedding * _width(block) * length
    if _attends(block):
        keys = length if "self-attention" in block.name else source
        products += 4 * settings.units * keys * length  # energies, then contexts
    return products


def _waits(block: Block, source: float, target: float) -> float:
    """Count the positions of a box that are computed one after the other."""
    kind = _kind(block)
    if kind.removeprefix("bidirectional ") not in GATES:
        return 0
    length = source if _reads_source(block) else target
    return 2 * length if kind.startswith("bidirectional") else length


def _activations(settings: RunConfig, blocks: Sequence[Block], source: int, target: int) -> int:
    """Count the numbers that a batch leaves for its backward pass."""
    kept = 0
    for block in blocks:
        length = source if _reads_source(block) else target
        kept += length * _kept(settings, block)
        if _attends(block):
            keys = length if "self-attention" in block.name else source
            kept += length * keys * _kept_of_pairs(settings, block)
    return settings.batch_size * kept


def _kept(settings: RunConfig, block: Block) -> int:
    """Count the numbers that one position of a box leaves for its backward pass."""
    units, kind = settings.units, _kind(block)
    cell = kind.removeprefix("bidirectional ")
    if cell in GATES:  # every gate before and after its function, the states before and after
        return (3 * GATES[cell] + 4) * units
    if block.name == "output":
        return 3 * _width(block)  # logits, probabilities, gradient
    if "embedding" in kind:
        return 2 * settings.embedding  # before and after dropout
    if kind == "gated convolution":
        return (settings.kernel_width + 5) * units
    if kind.endswith("feed-forward"):
        return 2 * (settings.feed_forward or 4 * units) + 4 * units
    if kind.endswith("multi_head"):
        return 8 * units  # queries, keys, values, contexts, branch, dropped, sum, normalized
    return 4 * units


def _kept_of_pairs(settings: RunConfig, block: Block) -> int:
    """Count the numbers that a pair of a target and a source position leaves."""
    kind = _kind(block)
    if kind in ("additive", "concat"):
        return 2 * settings.units + 3  # the sum and its tanh; energy, masked, attention
    return 3 * settings.heads if kind.endswith("multi_head") else 3


def _attends(block: Block) -> bool:
    return block.side == "attention" or "self-attention" in block.name


def _reads_source(block: Block) -> bool:
    """Tell whether the positions of a box are those of the source."""
    return block.shape.startswith("B × S")


def _kind(block: Block) -> str:
    """Return what a box is, without what narrows or adapts it."""
    return block.kind.partition(",")[0]


def _width(block: Block) -> int:
    return int(block.shape.rpartition(" ")[2])
