"""Which settings make no difference to a model and its training, and why.

A form shows them switched off, with the reason. What contradicts another setting is refused by
`RunConfig` itself.
"""

from collections.abc import Iterator

from workbench.config import OWN_ATTENTION, RunConfig, Setting
from workbench.model.outline_adapters import GATES

Reason = tuple[str, str]  # a setting and why it makes no difference

OF_RECURRENT_ENCODERS = ("bidirectional", "bidirectional_layers")
OF_RECURRENT_DECODERS = (
    "input_feeding", "attention_span", "attention_window", "location_filters", "location_width",
    "coverage",
)  # fmt: skip
OF_TRANSFORMERS = ("heads", "feed_forward", "norm", "positions")


def without_effect(settings: RunConfig) -> dict[str, str]:
    """Return the settings that make no difference beside the others, each with the reason."""
    found: dict[str, str] = {}
    for reasons in (_of_layers, _of_attention, _of_adapters, _of_training, _of_data):
        for name, reason in reasons(settings):
            found.setdefault(name, reason)
    return found


def offered(settings: RunConfig, setting: Setting) -> tuple[str, ...]:
    """Return the choices of a setting that make sense beside the others."""
    if setting.name != "attention":
        return setting.choices
    if own := OWN_ATTENTION.get(settings.decoder):
        return (own,)
    return tuple(each for each in setting.choices if each not in OWN_ATTENTION.values())


def _of_layers(settings: RunConfig) -> Iterator[Reason]:
    sides = (settings.encoder, settings.decoder)
    if settings.encoder not in GATES:
        for name in OF_RECURRENT_ENCODERS:
            yield name, "only a recurrent encoder reads both ways"
    elif not settings.bidirectional:
        yield "bidirectional_layers", "no layer is bidirectional"
    if not set(sides) & set(GATES):
        yield "residual", "layers that are not recurrent always have it"
    elif settings.layers == 1:
        yield "residual", "only layers above the first have it"
    if "cnn" not in sides:
        yield "kernel_width", "there is no convolution"
    if "transformer" not in sides:
        for name in OF_TRANSFORMERS:
            yield name, "there is no Transformer"
    if settings.decoder != "transformer":
        for name in ("segment", "segment_memory"):
            yield name, "only a Transformer decoder is trained by segments"
    elif not settings.segment:
        yield "segment_memory", "there are no segments"
    deep = settings.residual and settings.layers > 1
    if set(sides) <= set(GATES) and not deep:
        yield "stochastic_depth", "only residual layers above the first are skipped"


def _of_attention(settings: RunConfig) -> Iterator[Reason]:
    own = OWN_ATTENTION.get(settings.decoder)
    if own:
        yield "attention", f"this decoder's own is {own}"
        for name in OF_RECURRENT_DECODERS:
            yield name, "only a recurrent decoder has it"
    if settings.attention == "none":
        for name in (*OF_RECURRENT_DECODERS, "copy_source", "coverage_loss"):
            yield name, "there is no attention"
    if not settings.attention_span.startswith("local"):
        yield "attention_window", "the span is not local"
    if not settings.location_filters:
        yield "location_width", "there are no location filters"


def _of_adapters(settings: RunConfig) -> Iterator[Reason]:
    if not settings.adapt_from:
        yield "adapter", "name the run to adapt first"
    if settings.adapter == "none":
        yield "adapter_rank", "there is no adapter"
    if settings.adapter != "lora":
        yield "adapter_scale", "only LoRA is scaled"


def _of_training(settings: RunConfig) -> Iterator[Reason]:
    if settings.optimizer == "adam":
        yield "weight_decay", "choose adamw or sgd first"
    if settings.schedule not in ("cosine", "exponential"):
        yield "learning_rate_floor", f"the rate of {settings.schedule} has no floor"


def _of_data(settings: RunConfig) -> Iterator[Reason]:
    if settings.validation_file:
        yield "validation_share", "the validation pairs have a file of their own"
    if settings.test_file:
        yield "test_share", "the test pairs have a file of their own"
