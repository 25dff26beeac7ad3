"""Every setting, once: its type, default, range or choices, and a line of help.

A field here is the slider in a panel, the parameter of a notebook, the option of the command
line and the row in a report. The classes are the groups in which a person meets them;
`RunConfig` is all of them in one flat list.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo

from workbench.errors import SettingsError, nearest
from workbench.interventions import read_interventions, to_json

Tokens = Literal["word", "char", "bpe", "unigram"]
Cell = Literal["rnn", "lstm", "gru"]
Coder = Literal["rnn", "lstm", "gru", "cnn", "transformer"]
Score = Literal["additive", "dot", "general", "concat", "scaled_dot"]
Attention = Literal[
    "none", "additive", "dot", "general", "concat", "scaled_dot", "multi_step", "multi_head"
]
Span = Literal["global", "local_m", "local_p", "monotonic"]
Norm = Literal["post", "pre"]
Positions = Literal["sinusoidal", "learned", "relative"]
Adapter = Literal["none", "lora", "bottleneck"]
Precision = Literal["float32", "bfloat16", "float16"]
Strategy = Literal["none", "mirrored", "multi_worker"]
Optimizer = Literal["adam", "adamw", "sgd"]
Schedule = Literal["constant", "exponential", "inverse_sqrt", "cosine"]
Monitor = Literal[
    "loss", "token_accuracy", "exact_match", "bleu", "chrf",
    "character_error_rate", "word_error_rate",
]  # fmt: skip
LOGS = ("tensorboard", "wandb", "mlflow")


OWN_ATTENTION: dict[str, Attention] = {"cnn": "multi_step", "transformer": "multi_head"}


class _Settings(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )


class DataSettings(_Settings):
    """Data"""

    corpus: str = Field("phrases", description="a built-in corpus or a file of sentence pairs")
    train_file: str = Field("", description="training pairs, instead of corpus")
    validation_file: str = Field("", description="validation pairs; empty: a share of training")
    test_file: str = Field("", description="test pairs; empty: a share of training")
    source_column: str = Field("", description="column of the source, by name or number from 1")
    target_column: str = Field("", description="column of the target, by name or number from 1")
    swap: bool = Field(False, description="exchange source and target")
    split: str = Field("", description="named split of a built-in corpus; empty: its first")
    validation_share: float = Field(0.05, gt=0, lt=1, description="share split off for validation")
    test_share: float = Field(0.1, gt=0, lt=1, description="share split off for the test")
    train_limit: int = Field(0, ge=0, description="use only so many training pairs; 0: all")
    skip_bad_lines: bool = Field(False, description="leave out unreadable lines and list them")


class TokenSettings(_Settings):
    """Tokens"""

    source_tokens: Tokens = Field("word", description="unit of the source text")
    target_tokens: Tokens = Field("word", description="unit of the target text")
    source_vocabulary: int = Field(8000, ge=5, le=200_000, description="source pieces at most")
    target_vocabulary: int = Field(8000, ge=5, le=200_000, description="target pieces at most")
    max_length: int = Field(100, ge=1, le=4096, description="tokens of a sentence at most")
    lowercase: bool = Field(False, description="fold both sides to lower case")
    reverse_source: bool = Field(
        False, description="read the source backwards (Sutskever et al. 2014)"
    )


class ModelSettings(_Settings):
    """Model"""

    encoder: Coder = Field("lstm", description="what reads the source")
    decoder: Coder = Field("lstm", description="what writes the target")
    attention: Attention = Field("additive", description="how the decoder scores source positions")
    layers: int = Field(1, ge=1, le=16, description="layers on each side")
    units: int = Field(128, ge=1, le=4096, description="width of the states")
    embedding: int = Field(128, ge=1, le=4096, description="width of the token embeddings")
    dropout: float = Field(0.1, ge=0, lt=1, description="share of activations dropped in training")
    stochastic_depth: float = Field(
        0, ge=0, lt=1, description="chance to skip the last residual layer (Huang et al. 2016)"
    )
    tie_embeddings: bool = Field(
        False, description="one matrix for target embedding and output (Press & Wolf 2017)"
    )
    copy_source: bool = Field(
        False, description="may copy source tokens, unknown ones too (See et al. 2017)"
    )


class RecurrentSettings(_Settings):
    """Recurrent layers"""

    bidirectional: bool = Field(
        True, description="the encoder reads both ways, half of the units each"
    )
    bidirectional_layers: int = Field(
        0, ge=0, le=16, description="how many layers do, from the first; 0: all (GNMT: 1)"
    )
    residual: bool = Field(False, description="add each layer's input to its output")
    input_feeding: bool = Field(
        False, description="feed the attentional vector back (Luong et al. 2015)"
    )
    attention_span: Span = Field(
        "global", description="positions a step may read: all, a window, only forwards"
    )
    attention_window: int = Field(
        10, ge=1, le=4096, description="D of local attention: positions on each side of the centre"
    )
    location_filters: int = Field(
        0, ge=0, le=1024, description="filters over the last attention (Chorowski et al. 2015)"
    )
    location_width: int = Field(
        31, ge=1, le=1023, description="positions under a location filter, an odd number"
    )
    coverage: bool = Field(
        False, description="score with the attention given so far (Tu et al. 2016)"
    )


class ParallelSettings(_Settings):
    """Convolutional and Transformer layers"""

    kernel_width: int = Field(3, ge=1, le=63, description="tokens under a convolution")
    heads: int = Field(4, ge=1, le=64, description="attention heads of a Transformer layer")
    feed_forward: int = Field(
        0, ge=0, le=65_536, description="width between the two feed-forward products; 0: 4 × units"
    )
    norm: Norm = Field("post", description="normalize after (Vaswani et al. 2017) or before layers")
    positions: Positions = Field("sinusoidal", description="how a Transformer knows positions")
    segment: int = Field(
        0, ge=0, le=4096, description="target tokens trained at a time (Dai et al. 2019); 0: all"
    )
    segment_memory: int = Field(
        0, ge=0, le=4096, description="earlier tokens a segment may read; 0: all of them"
    )


class AdapterSettings(_Settings):
    """Adapters"""

    adapt_from: str = Field("", description="a trained run to start from; empty: from scratch")
    adapter: Adapter = Field(
        "none", description="train only small added weights (Hu et al. 2022, Houlsby et al. 2019)"
    )
    adapter_rank: int = Field(4, ge=1, le=1024, description="rank of LoRA, width of a bottleneck")
    adapter_scale: float = Field(
        1.0, gt=0, le=1000, description="alpha / rank of LoRA: weight of what it adds"
    )


class TrainingSettings(_Settings):
    """Training"""

    optimizer: Optimizer = Field("adam", description="how gradients become steps")
    learning_rate: float = Field(5e-3, gt=0, le=10, description="highest learning rate")
    schedule: Schedule = Field("cosine", description="how the learning rate moves")
    warmup_steps: int = Field(0, ge=0, description="steps over which the rate rises from zero")
    learning_rate_floor: float = Field(
        0.01, gt=0, le=1, description="share of the rate left at the end (cosine, exponential)"
    )
    batch_size: int = Field(64, ge=1, le=65_536, description="sentence pairs in a step")
    epochs: int = Field(8, ge=1, le=100_000, description="passes over the training pairs")
    max_steps: int = Field(0, ge=0, description="stop after so many steps; 0: no limit")
    max_minutes: float = Field(0, ge=0, description="stop after so many minutes; 0: no limit")
    patience: int = Field(0, ge=0, description="evaluations without gain before stopping; 0: never")
    monitor: Monitor = Field("loss", description="validation figure that chooses the best weights")
    weight_decay: float = Field(0, ge=0, lt=1, description="decoupled decay (adamw, sgd)")
    clip_norm: float = Field(1.0, ge=0, description="longest gradient; 0: no clipping")
    label_smoothing: float = Field(0, ge=0, lt=1, description="probability spread over all tokens")
    coverage_loss: float = Field(
        0, ge=0, le=100, description="weight of re-reading (See et al. 2017, equation 13)"
    )
    scheduled_sampling: float = Field(
        0, ge=0, le=1, description="chance, at the end, to feed the model's own token back"
    )
    accumulate: int = Field(1, ge=1, le=4096, description="batches whose gradients make one step")
    average_checkpoints: int = Field(
        0, ge=0, le=100, description="average the weights of so many last evaluations; 0: none"
    )
    evaluate_every: int = Field(0, ge=0, description="steps between evaluations; 0: every epoch")
    validation_sentences: int = Field(
        500, ge=1, description="validation sentences translated at an evaluation, at most"
    )
    probe_sentences: int = Field(4, ge=0, le=32, description="sentences watched over time")
    checkpoint_every: int = Field(
        500, ge=1, description="steps between checkpoints (and at every evaluation)"
    )
    keep_checkpoints: int = Field(
        8, ge=0, le=1000, description="older checkpoints whose weights are kept to look back over"
    )
    precision: Precision = Field("float32", description="numbers that matrix products take")
    xla: bool = Field(False, description="compile the training step with XLA")
    strategy: Strategy = Field(
        "none", description="train on all GPUs (mirrored) or on the hosts of TF_CONFIG"
    )
    deterministic: bool = Field(True, description="the same figures at every run on one device")
    seed: int = Field(1, ge=0, le=2**31 - 1, description="what every random choice starts from")
    log_to: str = Field(
        "", description="who else is told of training: tensorboard, wandb, mlflow, by commas"
    )

    @field_validator("log_to")
    @classmethod
    def _read_logs(cls, value: str) -> str:
        names = [name.strip() for name in value.split(",") if name.strip()]
        for name in names:
            if name not in LOGS:
                raise ValueError(
                    f"expected {', '.join(LOGS)} or several of them with commas between, got "
                    f"{name!r}{nearest(name, LOGS)}"
                )
        return ", ".join(dict.fromkeys(names))


class SearchSettings(_Settings):
    """Search"""

    beam_width: int = Field(
        5, ge=1, le=64, description="hypotheses kept at every step, 1: greedy; or samples drawn"
    )
    beam_groups: int = Field(
        1, ge=1, le=64, description="groups of the beam that shall differ (diverse beam); 1: off"
    )
    diversity: float = Field(
        0,
        ge=0,
        le=100,
        description="lambda of Vijayakumar et al. 2018: how much groups shall differ",
    )
    hypotheses: int = Field(
        0, ge=0, le=64, description="hypotheses of a sentence to show, the best; 0: all found"
    )
    length_penalty: float = Field(
        0.6, ge=0, le=5, description="alpha of Wu et al. 2016, formula 14; 0: favour short"
    )
    coverage_penalty: float = Field(
        0, ge=0, le=5, description="beta of formula 14 there: rank down what leaves source unread"
    )
    max_decode_length: int = Field(100, ge=1, le=4096, description="tokens of a translation")
    min_decode_length: int = Field(
        0, ge=0, le=4096, description="tokens of a translation at least, its end symbol included"
    )
    no_repeat_ngram: int = Field(
        0, ge=0, le=100, description="no so many tokens in a row twice (Paulus et al. 2017); 0: off"
    )
    prefix: str = Field("", description="text that the translation must begin with")
    temperature: float = Field(
        0, ge=0, le=10, description="draw tokens, the flatter above 1 the freer; 0: search"
    )
    top_k: int = Field(
        0, ge=0, le=200_000, description="draw from so many likeliest tokens; 0: all"
    )
    top_p: float = Field(
        1, gt=0, le=1, description="draw from the likeliest with so much probability; 1: all"
    )
    sampling_seed: int = Field(
        1, ge=0, le=2**31 - 1, description="the same seed draws the same samples again"
    )
    interventions: str = Field(
        "", description="what to force, ban or edit on the way: JSON, or a .json file; empty: none"
    )

    @field_validator("interventions", mode="before")
    @classmethod
    def _read_interventions(cls, value: Any) -> Any:
        """Hold the list itself: a run is to be read where the file is not."""
        if not isinstance(value, str | PathLike | list | tuple):
            return value
        items = read_interventions(value)
        return to_json(items) if items else ""


GREEDY: dict[str, Any] = {  # what makes a search of any kind a greedy one
    "beam_width": 1, "beam_groups": 1, "diversity": 0.0, "hypotheses": 0, "temperature": 0.0,
}  # fmt: skip


class RunSettings(_Settings):
    """Run"""

    name: str = Field("", description="what to call the run; empty: the notebook and the corpus")
    run_directory: str = Field("", description="where it is written; empty: runs/<name>-<hash>")
    live: bool = Field(True, description="in a notebook: train in the background and redraw")


class RunConfig(
    RunSettings, SearchSettings, TrainingSettings, AdapterSettings, ParallelSettings,
    RecurrentSettings, ModelSettings, TokenSettings, DataSettings,
):  # fmt: skip
    """All settings of a run: frozen, validated, complete.

    Raises:
        SettingsError: an unknown name (the nearest known one is named), a value of the wrong
            type or out of range, or two settings that contradict each other.
    """

    def __init__(self, **settings: Any) -> None:
        """Validate `settings`; numbers may come as text, as papermill passes them."""
        for name in settings:
            if name not in RunConfig.model_fields:
                known = RunConfig.model_fields
                raise SettingsError(f"unknown setting {name!r}{nearest(name, known)}")
        try:
            super().__init__(**changed({}, settings))
        except ValidationError as error:
            raise SettingsError(_one_line(error)) from None

    @field_validator("*", mode="before")
    @classmethod
    def _read(cls, value: Any, info: Any) -> Any:
        """Take a path or a column's number as text, and no flag for a number."""
        annotation = RunConfig.model_fields[info.field_name].annotation
        if isinstance(value, bool) and annotation in (int, float):
            raise ValueError("expected a number")
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if annotation is str and (is_number or isinstance(value, PathLike)):
            return str(value)
        return value

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for first, second, remedy in (*self._contradictions(), *self._contradictions_of_search()):
            raise ValueError(f"{self._told(first)} and {self._told(second)}: {remedy}")
        if self.weight_decay and self.optimizer == "adam":
            raise ValueError(
                f"weight_decay is {self.weight_decay} and optimizer is adam: choose adamw or sgd"
            )
        default = type(self).model_fields["corpus"].default
        forgotten = not self.train_file and self.corpus == default
        if forgotten and (self.validation_file or self.test_file):
            raise ValueError(
                f"validation_file is {self.validation_file!r}, test_file is {self.test_file!r} "
                f"and the training pairs would be those of {default}: give train_file as well"
            )
        if self.train_file and self.corpus != default:
            raise ValueError(
                f"corpus is {self.corpus!r} and train_file is {self.train_file!r}: both name the "
                "training pairs; choose one of them"
            )
        if self.interventions and self.temperature:
            raise ValueError(
                f"temperature is {self.temperature} and there are interventions, which steer a "
                "search and no samples: set temperature=0"
            )
        if self.validation_share + self.test_share >= 1:
            raise ValueError(
                f"validation_share {self.validation_share} and test_share {self.test_share} "
                "leave nothing to train on: make their sum less than 1"
            )
        return self

    def _contradictions(self) -> Iterator[tuple[str, str, str]]:
        """Yield pairs of model settings that make no sense together, each with a remedy."""
        recurrent = self.decoder in get_args(Cell)
        if self.bidirectional and self.encoder in get_args(Cell) and self.units % 2:
            yield (
                "units",
                "bidirectional",
                "each direction takes half; choose an even number of units or bidirectional=False",
            )
        if self.bidirectional_layers > self.layers:
            yield "bidirectional_layers", "layers", "there are not so many; lower it"
        if self.bidirectional_layers and not self.bidirectional:
            yield "bidirectional_layers", "bidirectional", "switch bidirectional on"
        own = OWN_ATTENTION.get(self.decoder)
        if own and self.attention != own:
            yield "attention", "decoder", f"this decoder's own attention is {own}; choose that"
        if recurrent and self.attention in ("multi_step", "multi_head"):
            yield "attention", "decoder", "choose an attention of recurrent decoders, e.g. additive"
        for name in ("input_feeding", "location_filters", "coverage", "copy_source"):
            if getattr(self, name) and self.attention == "none":
                yield name, "attention", f"there is nothing to attend with; switch {name} off"
            if getattr(self, name) and not recurrent and name != "copy_source":
                yield name, "decoder", f"only a recurrent decoder has it; switch {name} off"
        if self.attention_span != "global" and (self.attention == "none" or not recurrent):
            other = "attention" if recurrent else "decoder"
            yield "attention_span", other, "choose attention_span=global"
        if self.location_filters and self.location_width % 2 == 0:
            yield (
                "location_width",
                "location_filters",
                "choose an odd width, so that it has a middle",
            )
        if self.coverage_loss and self.attention == "none":
            yield "coverage_loss", "attention", "set coverage_loss=0"
        if self.copy_source and self.source_tokens != self.target_tokens:
            yield "source_tokens", "target_tokens", "copy_source needs the same unit on both sides"
        if "transformer" in (self.encoder, self.decoder) and self.units % self.heads:
            yield "heads", "units", "every head takes an equal share; choose a divisor"
        if "transformer" in (self.encoder, self.decoder) and self.units % 2:
            yield "units", "positions", "sines come with cosines; choose an even number of units"
        if self.segment and self.decoder != "transformer":
            yield "segment", "decoder", "only a Transformer is trained by segments; set segment=0"
        if self.segment > self.max_length:
            yield "segment", "max_length", "no text is so long; lower segment"
        if self.segment and self.positions != "relative":
            yield "segment", "positions", "choose positions=relative, which hold across segments"
        if self.segment_memory and not self.segment:
            yield "segment_memory", "segment", "there are no segments; set segment_memory=0"
        depth = self.residual and self.layers > 1
        if self.stochastic_depth and not depth and self.encoder in get_args(Cell) and recurrent:
            yield "stochastic_depth", "residual", "only residual layers above the first are skipped"
        if self.adapter != "none" and not self.adapt_from:
            yield "adapter", "adapt_from", "name the trained run that is to be adapted"
        if self.strategy != "none" and self.xla:
            yield "strategy", "xla", "replicas are not compiled with XLA; set xla=False"
        if self.average_checkpoints and self.patience and self.average_checkpoints > self.patience:
            yield (
                "average_checkpoints",
                "patience",
                "raise patience to at least as many evaluations",
            )

    def _contradictions_of_search(self) -> Iterator[tuple[str, str, str]]:
        """Yield pairs of settings of the search that make no sense together, as above."""
        if self.beam_width % self.beam_groups:
            yield "beam_groups", "beam_width", "groups are equally large; choose a divisor"
        if self.beam_groups > 1 and not self.diversity:
            yield "beam_groups", "diversity", "all groups would find the same; raise diversity"
        if self.diversity and self.beam_groups == 1:
            yield "diversity", "beam_groups", "one group has none to differ from; set diversity=0"
        if self.beam_groups > 1 and self.temperature:
            yield "beam_groups", "temperature", "samples do not compete; set one of them back"
        if self.hypotheses > self.beam_width:
            yield "hypotheses", "beam_width", "there are not so many; lower it"
        if self.min_decode_length > self.max_decode_length:
            yield "min_decode_length", "max_decode_length", "lower the one or raise the other"

    def _told(self, name: str) -> str:
        return f"{name} is {getattr(self, name)!r}"

    def replace(self, **changes: Any) -> "RunConfig":
        """Return a copy with `changes`, validated like a new one.

        Another family of decoder brings its own attention, unless `changes` name one.
        """
        return RunConfig(**changed(self.model_dump(), changes))

    def differences(self) -> dict[str, Any]:
        """Return the settings whose value is not the default."""
        return self.model_dump(exclude_defaults=True)

    def to_json(self) -> str:
        """Return the settings as JSON that `from_json` reads back unchanged."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str) -> "RunConfig":
        """Read settings from a JSON object."""
        return cls._from_text(text, "JSON", json.loads)

    @classmethod
    def from_yaml(cls, text: str) -> "RunConfig":
        """Read settings from a YAML mapping."""
        return cls._from_text(text, "YAML", yaml.safe_load)

    @classmethod
    def from_file(cls, path: str | Path) -> "RunConfig":
        """Read settings from a `.json`, `.yaml` or `.yml` file."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: cannot read settings: {error}") from None
        try:
            return cls.from_json(text) if str(path).endswith(".json") else cls.from_yaml(text)
        except SettingsError as error:
            raise SettingsError(f"{path}: {error}") from None

    @classmethod
    def from_variables(cls, variables: Mapping[str, Any]) -> "RunConfig":
        """Read settings from a notebook's `globals()`, ignoring all other names.

        papermill warns of an unknown parameter and runs on; the runner refuses it before.
        """
        known = RunConfig.model_fields
        return cls(**{name: variables[name] for name in known if name in variables})

    @classmethod
    def _from_text(cls, text: str, kind: str, parse: Any) -> "RunConfig":
        try:
            settings = parse(text)
        except (ValueError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            raise SettingsError(f"settings are not {kind}: {reason}") from None
        if not isinstance(settings, dict):
            raise SettingsError(
                f"expected a {kind} mapping of settings, got {type(settings).__name__}"
            )
        return cls(**{str(name): value for name, value in settings.items()})


def changed(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `settings` with `changes`; another family of decoder brings its own attention."""
    before = settings.get("decoder", "lstm")
    own = OWN_ATTENTION.get(changes.get("decoder", before))
    brought = {} if own == OWN_ATTENTION.get(before) else {"attention": own or "additive"}
    return {**settings, **brought, **changes}


@dataclass(frozen=True)
class Setting:
    """One field of `RunConfig`, as panels, the command line and reports show it.

    `excluded` names the bounds, "low" or "high", that are themselves not allowed.
    """

    name: str
    group: str
    kind: type
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    excluded: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """Say what values are allowed: 'an integer from 1 to 64', 'one of rnn, lstm, gru'."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        noun = {bool: "true or false", int: "an integer", float: "a number", str: "text"}[self.kind]
        low = "above" if "low" in self.excluded else "from"
        high = "to below" if "high" in self.excluded else "to"
        bounds = [f"{low} {self.low}" if self.low is not None else "",
                  f"{high} {self.high}" if self.high is not None else ""]  # fmt: skip
        return " ".join([noun, *filter(None, bounds)])


def settings() -> tuple[Setting, ...]:
    """Return every setting, group by group, in the order in which a person meets them."""
    groups: list[type[_Settings]] = [
        DataSettings, TokenSettings, ModelSettings, RecurrentSettings, ParallelSettings,
        AdapterSettings, TrainingSettings, SearchSettings, RunSettings,
    ]  # fmt: skip
    return tuple(
        _setting(name, str(group.__doc__), field)
        for group in groups
        for name, field in group.model_fields.items()
    )


def _setting(name: str, group: str, field: FieldInfo) -> Setting:
    choices = get_args(field.annotation)
    kind = str if choices else field.annotation
    assert isinstance(kind, type)
    limits: dict[str, float | None] = {"low": None, "high": None}
    excluded = []
    for constraint in field.metadata:
        for bound, limit in (("ge", "low"), ("gt", "low"), ("le", "high"), ("lt", "high")):
            if hasattr(constraint, bound):
                limits[limit] = getattr(constraint, bound)
                excluded += [limit] * (bound in ("gt", "lt"))
    return Setting(name, group, kind, field.default, str(field.description),
                   low=limits["low"], high=limits["high"], excluded=tuple(excluded),
                   choices=choices)  # fmt: skip


SAYING = ("interventions", "log_to")  # settings whose errors say what was expected


def _one_line(error: ValidationError) -> str:
    known = {setting.name: setting for setting in settings()}
    lines = []
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else ""
        if name in SAYING and problem["type"] == "value_error":  # it says all there is
            lines.append(f"{name}: {problem['msg'].removeprefix('Value error, ')}")
        elif name:
            lines.append(f"{name}: expected {known[name].expected}, got {problem['input']!r}")
        else:
            lines.append(problem["msg"].removeprefix("Value error, "))
    return "; ".join(lines)
