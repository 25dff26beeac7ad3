"""The model as boxes, counted from the settings alone: nothing is built, TensorFlow not loaded."""

from workbench.config import Attention, Cell, ModelSettings
from workbench.records import Block

GATES: dict[Cell, int] = {"rnn": 1, "lstm": 4, "gru": 3}


def outline(settings: ModelSettings, source_size: int, target_size: int) -> tuple[Block, ...]:
    """Return the layers in the order of the data, with shapes and parameter counts.

    Shape letters: B sentences, S source tokens, T target tokens. A test holds the sum of the
    counts equal to that of the built model.
    """
    units, width = settings.units, settings.embedding
    blocks = [
        Block("source embedding", "embedding", f"B × S × {width}", source_size * width),
        *_encoder(settings),
        Block("target embedding", "embedding", f"B × T × {width}", target_size * width,
              side="decoder"),
        *_decoder(settings),
    ]  # fmt: skip
    top = blocks[-1].name
    if settings.attention != "none":
        encoder_top = f"encoder layer {settings.layers}"
        blocks.append(
            Block("attention", settings.attention, "B × T × S",
                  _scorer_parameters(settings.attention, units), (encoder_top, top), "attention")
        )  # fmt: skip
        blocks.append(
            Block("attentional vector", "tanh", f"B × T × {units}", 2 * units * units,
                  ("attention", top), "decoder")
        )  # fmt: skip
        top = "attentional vector"
    tied = settings.tie_embeddings
    kernel = units * width if tied else units * target_size
    kind = "tied softmax" if tied else "softmax"
    blocks.append(
        Block("output", kind, f"B × T × {target_size}", kernel + target_size, (top,), "decoder")
    )
    return tuple(blocks)


def _encoder(settings: ModelSettings) -> list[Block]:
    ways = 2 if settings.bidirectional else 1
    kind = f"bidirectional {settings.encoder}" if ways == 2 else settings.encoder
    below, width, blocks = "source embedding", settings.embedding, []
    for layer in range(1, settings.layers + 1):
        count = ways * _cell_parameters(settings.encoder, width, settings.units // ways)
        name = f"encoder layer {layer}"
        blocks.append(Block(name, kind, f"B × S × {settings.units}", count, (below,)))
        below, width = name, settings.units
    return blocks


def _decoder(settings: ModelSettings) -> list[Block]:
    fed = settings.units if settings.input_feeding else 0
    below, width, blocks = "target embedding", settings.embedding + fed, []
    for layer in range(1, settings.layers + 1):
        count = _cell_parameters(settings.decoder, width, settings.units)
        name = f"decoder layer {layer}"
        inputs: tuple[str, ...] = (
            below,
            f"encoder layer {layer}",
        )  # whose last state it begins with
        if fed and layer == 1:
            inputs = (*inputs, "attentional vector")
        shape = f"B × T × {settings.units}"
        blocks.append(Block(name, settings.decoder, shape, count, inputs, "decoder"))
        below, width = name, settings.units
    return blocks


def _cell_parameters(kind: Cell, width: int, units: int) -> int:
    """Count input kernel, recurrent kernel and bias of all gates."""
    return GATES[kind] * units * (width + units + 1)


def _scorer_parameters(kind: Attention, units: int) -> int:
    square = units * units
    return {
        "none": 0,
        "dot": 0,
        "general": square,
        "scaled_dot": 2 * square,
        "additive": 2 * square + units,
        "concat": 2 * square + units,
    }[kind]
