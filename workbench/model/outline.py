"""The model as boxes, counted from the settings alone: nothing is built, TensorFlow not loaded."""

from workbench.config import Attention, RunConfig
from workbench.model.outline_adapters import GATES, with_adapters
from workbench.records import Block


def outline(settings: RunConfig, source_size: int, target_size: int) -> tuple[Block, ...]:
    """Return the layers in the order of the data, with shapes and parameter counts.

    Shape letters: B sentences, S source tokens, T target tokens. A test holds the sum of the
    counts equal to that of the built model.
    """
    units, width = settings.units, settings.embedding
    encoder = _encoder(settings)
    encoder_top = encoder[-1].name
    blocks = [
        Block("source embedding", "embedding", f"B × S × {width}", source_size * width),
        *encoder,
        Block("target embedding", "embedding", f"B × T × {width}", target_size * width,
              side="decoder"),
        *_decoder(settings, encoder_top),
    ]  # fmt: skip
    top = blocks[-1].name
    if settings.decoder in GATES and settings.attention != "none":
        blocks.append(
            Block("attention", _attention_kind(settings), "B × T × S",
                  _attention_parameters(settings), (encoder_top, top), "attention")
        )  # fmt: skip
        blocks.append(
            Block("attentional vector", "tanh", f"B × T × {units}", 2 * units * units,
                  ("attention", top), "decoder")
        )  # fmt: skip
        top = "attentional vector"
    tied = settings.tie_embeddings
    narrowed = settings.decoder in GATES or width != units
    kernel = units * width * narrowed if tied else units * target_size
    kind = "tied softmax" if tied else "softmax"
    blocks.append(
        Block("output", kind, f"B × T × {target_size}", kernel + target_size, (top,), "decoder")
    )
    if settings.copy_source:
        blocks.append(_copying(settings, target_size, blocks))
    return with_adapters(settings, blocks, target_size)


def _encoder(settings: RunConfig) -> list[Block]:
    if settings.encoder == "cnn":
        return _convolutions(settings, "encoder")
    if settings.encoder == "transformer":
        return _transformer(settings, "encoder")
    below, width, blocks = "source embedding", settings.embedding, []
    both = settings.bidirectional_layers or settings.layers
    for layer in range(1, settings.layers + 1):
        ways = 2 if settings.bidirectional and layer <= both else 1
        kind = f"bidirectional {settings.encoder}" if ways == 2 else settings.encoder
        count = ways * _cell_parameters(settings.encoder, width, settings.units // ways)
        name = f"encoder layer {layer}"
        blocks.append(Block(name, kind, f"B × S × {settings.units}", count, (below,)))
        below, width = name, settings.units
    return blocks


def _decoder(settings: RunConfig, encoder_top: str) -> list[Block]:
    if settings.decoder == "cnn":
        return _convolutions(settings, "decoder", encoder_top)
    if settings.decoder == "transformer":
        return _transformer(settings, "decoder", encoder_top)
    fed = settings.units if settings.input_feeding else 0
    below, width, blocks = "target embedding", settings.embedding + fed, []
    for layer in range(1, settings.layers + 1):
        count = _cell_parameters(settings.decoder, width, settings.units)
        name = f"decoder layer {layer}"
        begins = f"encoder layer {layer}" if settings.encoder in GATES else encoder_top
        inputs: tuple[str, ...] = (below, begins)  # whose last state it begins with
        if fed and layer == 1:
            inputs = (*inputs, "attentional vector")
        shape = f"B × T × {settings.units}"
        blocks.append(Block(name, settings.decoder, shape, count, inputs, "decoder"))
        below, width = name, settings.units
    return blocks


def _convolutions(settings: RunConfig, side: str, encoder_top: str = "") -> list[Block]:
    """Box one side of Gehring et al. 2017; in the decoder every layer attends to `encoder_top`."""
    units, width = settings.units, settings.embedding
    word, letter = ("target", "T") if encoder_top else ("source", "S")
    shape, linear = f"B × {letter} × {units}", units * units + units
    rows = max(settings.max_length, settings.max_decode_length) + 1
    gated = settings.kernel_width * units * 2 * units + 2 * units
    entry = rows * width + width * units + units
    name = f"{side} entry"
    below: tuple[str, ...] = (name,)
    blocks = [Block(name, "positions, linear", shape, entry, (f"{word} embedding",), side)]
    for layer in range(1, settings.layers + 1):
        name, attention = f"{side} layer {layer}", f"attention {layer}"
        blocks.append(Block(name, "gated convolution", shape, gated, below, side))
        below = (name,)
        if encoder_top:
            inputs = (encoder_top, name)
            blocks.append(Block(attention, "multi_step", "B × T × S", linear, inputs, "attention"))
            below = (name, attention)
    blocks.append(Block(f"{side} exit", "linear", shape, linear, below, side))
    return blocks


def _transformer(settings: RunConfig, side: str, encoder_top: str = "") -> list[Block]:
    """Box one side of Vaswani et al. 2017; in the decoder every layer attends to `encoder_top`."""
    units, norm = settings.units, 2 * settings.units
    word, letter = ("target", "T") if encoder_top else ("source", "S")
    shape, kind = f"B × {letter} × {units}", f"{settings.norm}-norm"
    heads = 4 * (units * units + units)
    apart = units * units + 2 * units if settings.positions == "relative" else 0
    inner = settings.feed_forward or 4 * units
    forward = 2 * units * inner + inner + units + norm
    rows = max(settings.max_length, settings.max_decode_length) + 1
    entry = rows * units if settings.positions == "learned" else 0
    entry += settings.embedding * units if settings.embedding != units else 0
    below, blocks = f"{side} entry", []
    places = f"{settings.positions} positions"
    blocks.append(Block(below, places, shape, entry, (f"{word} embedding",), side))
    for layer in range(1, settings.layers + 1):
        own, name = f"{side} self-attention {layer}", f"{side} layer {layer}"
        cross = f"attention {layer}"
        blocks.append(Block(own, f"{kind} multi_head", shape, heads + apart + norm, (below,), side))
        inputs: tuple[str, ...] = (own,)
        if encoder_top:
            read = (encoder_top, own)
            blocks.append(Block(cross, "multi_head", "B × T × S", heads + norm, read, "attention"))
            inputs = (own, cross)
        blocks.append(Block(name, f"{kind} feed-forward", shape, forward, inputs, side))
        below = name
    if settings.norm == "pre":
        blocks.append(Block(f"{side} exit", "normalization", shape, norm, (below,), side))
    return blocks


def _copying(settings: RunConfig, target_size: int, blocks: list[Block]) -> Block:
    """Box the mixture of output and attention that may write source tokens."""
    attention = [block.name for block in blocks if block.side == "attention"][-1:]
    inputs = (*attention, *blocks[-1].inputs, "target embedding", "output")
    count = 2 * settings.units + settings.embedding + 1
    shape = f"B × T × ({target_size} + S)"
    return Block("copying", "pointer-generator", shape, count, inputs, "decoder")


def _cell_parameters(kind: str, width: int, units: int) -> int:
    """Count input kernel, recurrent kernel and bias of all gates."""
    return GATES[kind] * units * (width + units + 1)


def _attention_kind(settings: RunConfig) -> str:
    """Name the scorer and what narrows or informs it: 'additive, local_p, coverage'."""
    chosen = {
        settings.attention_span: settings.attention_span != "global",
        "location": settings.location_filters,
        "coverage": settings.coverage,
    }
    return ", ".join([settings.attention, *(name for name, is_on in chosen.items() if is_on)])


def _attention_parameters(settings: RunConfig) -> int:
    """Count the scorer, what it is told of earlier attention, and the span."""
    units, filters = settings.units, settings.location_filters
    columns = units if settings.attention in ("additive", "concat") else 1
    features = (filters + settings.coverage) * columns + filters * settings.location_width
    span = {"local_p": units * units + units, "monotonic": 1}.get(settings.attention_span, 0)
    return _scorer_parameters(settings.attention, units) + features + span


def _scorer_parameters(kind: Attention, units: int) -> int:
    square = units * units
    return {
        "none": 0,
        "dot": 0,
        "general": square,
        "scaled_dot": 2 * square,
        "additive": 2 * square + units,
        "concat": 2 * square + units,
        "multi_step": 0,
        "multi_head": 0,
    }[kind]
