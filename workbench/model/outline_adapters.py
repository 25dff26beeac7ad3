"""What adapters add to the model's boxes, counted from the settings alone."""

from collections.abc import Iterable
from dataclasses import replace

from workbench.config import Coder, RunConfig
from workbench.records import Block

GATES: dict[str, int] = {"rnn": 1, "lstm": 4, "gru": 3}

Shapes = list[tuple[int, int]]  # rows and columns of kernels


def with_adapters(
    settings: RunConfig, blocks: Iterable[Block], target_size: int
) -> tuple[Block, ...]:
    """Add the weights of the adapters, if the settings ask for any, to the boxes they stand in."""
    units, rank = settings.units, settings.adapter_rank
    added = {}
    if settings.adapter == "bottleneck":
        count = 2 * units * rank + rank + units
        layers = range(1, settings.layers + 1)
        added = {f"{side} layer {n}": count for side in ("encoder", "decoder") for n in layers}
    if settings.adapter == "lora":
        added = {
            name: sum(
                rank * (rows + columns) for rows, columns in shapes if min(rows, columns) > rank
            )
            for name, shapes in _kernels(settings, target_size).items()
        }
    return tuple(
        replace(
            block,
            kind=f"{block.kind}, {settings.adapter}",
            parameters=block.parameters + added[block.name],
        )
        if added.get(block.name)
        else block
        for block in blocks
    )


def _kernels(settings: RunConfig, target_size: int) -> dict[str, Shapes]:
    """Return the kernels in every box that has some; a single column never has a pair."""
    units, width = settings.units, settings.embedding
    fed = units if settings.input_feeding else 0
    boxes = _side("encoder", settings.encoder, settings, width)
    boxes |= _side("decoder", settings.decoder, settings, width + fed)
    if settings.decoder in GATES and settings.attention != "none":
        boxes["attention"] = _attention(settings)
        boxes["attentional vector"] = [(2 * units, units)]
    if not settings.tie_embeddings:
        boxes["output"] = [(units, target_size)]
    elif settings.decoder in GATES or width != units:
        boxes["output"] = [(units, width)]
    return boxes


def _side(side: str, coder: Coder, settings: RunConfig, width: int) -> dict[str, Shapes]:
    units, kernel = settings.units, settings.kernel_width
    boxes: dict[str, Shapes] = {}
    if coder == "cnn" or (coder == "transformer" and width != units):
        boxes[f"{side} entry"] = [(width, units)]
    for layer in range(1, settings.layers + 1):
        if coder == "transformer":
            shapes = _transformer_layer(settings, crosses=side == "decoder")
        elif coder == "cnn":
            shapes = [(kernel * units, 2 * units)]
        else:
            both = settings.bidirectional and side == "encoder"
            both = both and layer <= (settings.bidirectional_layers or settings.layers)
            shapes = _cells(coder, width if layer == 1 else units, units, 2 if both else 1)
        boxes[f"{side} layer {layer}"] = shapes
        if coder == "cnn" and side == "decoder":
            boxes[f"attention {layer}"] = [(units, units)]
    if coder == "cnn":
        boxes[f"{side} exit"] = [(units, units)]
    return boxes


def _cells(cell: str, width: int, units: int, ways: int) -> Shapes:
    columns = GATES[cell] * units // ways
    return [(width, columns), (units // ways, columns)] * ways


def _transformer_layer(settings: RunConfig, crosses: bool) -> Shapes:
    """Return the four kernels of an attention, that of distances, and the two products' own."""
    units = settings.units
    hidden = settings.feed_forward or 4 * units
    squares = 4 + 4 * crosses + (settings.positions == "relative")
    return [(units, units)] * squares + [(units, hidden), (hidden, units)]


def _attention(settings: RunConfig) -> Shapes:
    units, filters = settings.units, settings.location_filters
    squares = {"general": 1, "scaled_dot": 2, "additive": 2}.get(settings.attention, 0)
    squares += settings.attention_span == "local_p"
    shapes = [(units, units)] * squares + [(settings.location_width, filters)] * bool(filters)
    if settings.attention == "concat":
        shapes.append((2 * units, units))
    if settings.attention in ("additive", "concat"):
        shapes.append((filters + settings.coverage, units))
    return shapes
