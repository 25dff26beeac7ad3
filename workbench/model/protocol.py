"""Bring your own model: two functions, and training, search, attention and reports follow.

A Keras model that has `encode` and `step`, as `EncoderDecoder` says, is all that is asked for.
`notebooks/own_model.py` is one in forty lines. Make it known to a session by a function, or a
class, that takes the sizes of the two vocabularies:

    session = Session(config, model=OwnModel)
    session = Session.open("runs/mine", model=OwnModel)

Shape letters: B sentences, S source tokens, T target tokens, L layers with attention, H heads,
V target vocabulary.
"""

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn, Protocol

import keras
import numpy as np
import tensorflow as tf

from workbench.config import RunConfig
from workbench.data.encoding import Codec
from workbench.data.tokenizer import BEGIN, END, PAD, UNKNOWN
from workbench.errors import RunError, SettingsError
from workbench.files import write_json
from workbench.model.attention import given_or_own
from workbench.model.noise import Noise
from workbench.model.seq2seq import IDS, Seq2Seq, shifted
from workbench.records import Block

OWN = "own.json"  # beside the weights: whose they are

_PROBE = np.array([[UNKNOWN, END, PAD], [UNKNOWN, UNKNOWN, END]], np.int32)  # of any vocabulary
_WAYS = "see EncoderDecoder in workbench/model/protocol.py"


class EncoderDecoder(Protocol):
    """What a model of your own must be able to do.

    Ids are int32: padding 0, unknown 1, begin 2, end 3, then the vocabulary. Sources end with
    the end symbol and are padded behind it; keep attention from the padding.

    `state` and `memory` are any nests of tensors, each of which begins with B, so that a beam
    can pick and repeat rows. `state` keeps its structure, shapes and dtypes from step to step:
    a cache has room for all positions from the start. Both functions run inside a compiled
    graph without autograph: branch on tensors with `tf.where` or `tf.cond`, keep nothing on
    `self`. Make all weights from the sizes given to your constructor, or in Keras layers.

    Either function may have a parameter `training`; it is True in training only.
    """

    def encode(self, source: tf.Tensor) -> tuple[Any, Any]:
        """Read sources [B, S]; return the state before the first target token, and the memory.

        The memory is what every step reads and none changes; it may be an empty tuple.
        """

    def step(
        self, tokens: tf.Tensor, state: Any, memory: Any, attention: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor, Any]:
        """Take the latest target tokens [B] in, first the begin symbol, and say what comes next.

        `attention` [B, L, H, S], where given, is to be used instead of the model's own.
        Returns: logits [B, V], not normalized; the attention used [B, L, H, S], of L = 0 where
        there is none; the next state.
        """


Factory = Callable[[int, int], EncoderDecoder]  # (source_size, target_size) → the model


class Own(Seq2Seq):
    """Somebody's own model, with all that the other rooms use of a `Seq2Seq`.

    Attributes:
        own: the model that was brought, a Keras model with `encode` and `step`.
    """

    def __init__(
        self, own: EncoderDecoder, settings: RunConfig, source_size: int, target_size: int
    ) -> None:
        """Wrap `own`, once it has been tried on two sentences.

        Raises:
            SettingsError: it is no Keras model, lacks a function, fails, returns something of
                another rank, shape or structure, or has nothing to train.
        """
        keras.Model.__init__(self, dtype="float32")  # none of the weights of a Seq2Seq
        self.name_of_own = type(own).__name__
        for name in ("encode", "step"):
            if not callable(getattr(own, name, None)):
                self._refuse(f"expected a function {name}, found none")
        if not isinstance(own, keras.Model):
            self._refuse("expected a Keras model, whose weights can be saved")
        self.own: Any = own
        self.settings = settings
        self.source_size, self.target_size = source_size, target_size
        self._informed = {
            name: "training" in inspect.signature(getattr(own, name)).parameters
            for name in ("encode", "step")
        }
        self._read_by_encode = self._try_on_two_sentences()
        self._try_training()
        self.built = True

    def encode(self, source: tf.Tensor, noise: Noise | None = None) -> tuple[Any, Any]:
        """See `EncoderDecoder.encode`; with `noise` it is training."""
        return self.own.encode(source, **self._told("encode", noise))

    def step(
        self,
        tokens: tf.Tensor,
        state: Any,
        memory: Any,
        attention: tf.Tensor | None = None,
        noise: Noise | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor, Any]:
        """See `EncoderDecoder.step`; with `noise` it is training.

        What is NaN in given attention becomes what the model reads where none is given.
        """
        told = self._told("step", noise)
        if attention is not None:
            _, own, _ = self.own.step(tokens, state, memory, attention=None, **told)
            attention = given_or_own(attention, tf.cast(own, attention.dtype))
        logits, used, state = self.own.step(tokens, state, memory, attention=attention, **told)
        return tf.cast(logits, tf.float32), tf.cast(used, tf.float32), state

    def forward(
        self,
        source: tf.Tensor,
        target: tf.Tensor,
        noise: Noise | None = None,
        inputs: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Seq2Seq.forward`; here `step` is repeated in one compiled loop."""
        if noise is not None:
            self._seed(noise)
        state, memory = self.encode(source, noise)
        if inputs is None:
            inputs = shifted(target)
        tokens = tf.transpose(inputs)  # [T, B]
        length = tf.shape(tokens)[0]
        written = [tf.TensorArray(tf.float32, length) for _ in range(2)]

        def advance(time: tf.Tensor, state: Any, written: list[tf.TensorArray]) -> tuple[Any, ...]:
            *now, state = self.step(tokens[time], state, memory, noise=noise)
            written = [each.write(time, value) for each, value in zip(written, now, strict=True)]
            return time + 1, state, written

        *_, written = tf.while_loop(
            lambda time, *_: time < length,
            advance,
            (tf.constant(0), state, written),
            maximum_iterations=length,
        )
        logits, attention = (each.stack() for each in written)  # [T, B, V], [T, B, L, H, S]
        return tf.transpose(logits, [1, 0, 2]), tf.transpose(attention, [1, 2, 3, 0, 4])

    def save_weights(self, path: Path, overwrite: bool = True) -> None:
        """Write the weights and, beside them, the name of the class that they belong to."""
        super().save_weights(path, overwrite)
        write_json(Path(path).with_name(OWN), {"model": self.name_of_own})

    def outline(self) -> tuple[Block, ...]:
        """Return a block for each layer and each weight directly in the model that was brought.

        Its shape is that of the largest weight. What flows from which layer to which is not
        known, so no block names its inputs.
        """
        return tuple(self._blocks())

    def _blocks(self) -> Iterator[Block]:
        side = "encoder"
        below = {id(weight) for layer in self.own.layers for weight in layer.weights}
        parts: list[tuple[str, str, list[keras.Variable]]] = [
            (layer.name, type(layer).__name__, layer.weights) for layer in self.own.layers
        ]
        parts += [(w.name, "weight", [w]) for w in self.own.weights if id(w) not in below]
        for name, kind, weights in parts:
            if weights:  # a layer without any stands beside the one before it
                reads = any(id(weight) in self._read_by_encode for weight in weights)
                side = "encoder" if reads else "decoder"
            sizes = [tuple(weight.shape) for weight in weights]
            largest = max(sizes, key=lambda shape: tf.TensorShape(shape).num_elements(), default=())
            yield Block(
                name=name,
                kind=kind,
                shape=" × ".join(map(str, largest)) or "no weights",
                parameters=sum(tf.TensorShape(shape).num_elements() for shape in sizes),
                side="attention" if "attention" in kind.lower() else side,
            )

    def _told(self, function: str, noise: Noise | None) -> dict[str, bool]:
        return {"training": noise is not None} if self._informed[function] else {}

    def _seed(self, noise: Noise) -> None:
        """Let Keras's dropout depend on (seed, step) alone, as ours does."""
        generators = [v for v in self.own.variables if v.name == "seed_generator_state"]
        for place, state in enumerate(generators):
            state.assign(tf.bitcast(noise.at(place).seed, tf.uint32))

    def _try_on_two_sentences(self) -> set[int]:
        """Take two steps as search does; return the identities of the weights `encode` reads."""
        with tf.GradientTape() as tape:
            state, memory = self._unpacked("encode", ("state", "memory"), _PROBE)
        used: tf.Tensor | None = None
        for _ in range(2):  # the second gets the attention of the first, as if it were given
            logits, used, after = self._unpacked(
                "step", ("logits", "attention", "state"), tf.constant([BEGIN, UNKNOWN]),
                state, memory, attention=used,
            )  # fmt: skip
            self._check("logits [B, V]", logits, (2, self.target_size))
            self._check("attention [B, L, H, S]", used, (2, None, None, 3))
            if _form(after) != _form(state):
                self._refuse(
                    f"expected step to return a state like that it was given, {_form(state)}, "
                    f"got {_form(after)}"
                )
            state = after
        read = {id(variable) for variable in tape.watched_variables()}
        return {id(weight) for weight in self.own.weights if id(weight.value) in read}

    def _unpacked(self, function: str, names: tuple[str, ...], *given: Any, **more: Any) -> Any:
        """Call a function of the model and check that it returns so many things, row by row."""
        told = self._told(function, None)
        try:
            found = getattr(self.own, function)(*given, **more, **told)
        except Exception as error:  # whatever the user's code may raise
            self._refuse(f"{function} failed on two sentences: {_on_one_line(error)}", error)
        if not isinstance(found, tuple) or len(found) != len(names):
            got = f"{len(found)} of them" if isinstance(found, tuple) else type(found).__name__
            self._refuse(f"expected {function} to return ({', '.join(names)}), got {got}")
        for name, part in zip(names, found, strict=True):
            for tensor in tf.nest.flatten(part):
                shape = tuple(getattr(tensor, "shape", ()))
                if shape[:1] != (2,):
                    self._refuse(
                        f"expected every tensor of {name} to begin with B = 2, got shape "
                        f"{shape} from {function}"
                    )
        return found

    def _check(self, name: str, tensor: tf.Tensor, wanted: tuple[int | None, ...]) -> None:
        there: tuple[int, ...] = tuple(tensor.shape)
        fits = len(there) == len(wanted) and all(
            want in (None, size) for size, want in zip(there, wanted, strict=True)
        )
        if not fits:
            expected = ", ".join("any" if size is None else str(size) for size in wanted)
            self._refuse(f"expected step to return {name} of shape ({expected}), got {there}")

    def _try_training(self) -> None:
        """Trace the training graph once: what only fails there fails now."""
        if not self.own.trainable_variables:
            self._refuse("expected weights to train, found none")
        noise = Noise(0.0, tf.zeros([2], tf.int32))
        graph = tf.function(
            lambda source, target: self.forward(source, target, noise),
            input_signature=[IDS, IDS],
            autograph=False,
        )
        try:
            graph.get_concrete_function()
        except Exception as error:  # whatever the user's code may raise
            self._refuse(f"cannot be compiled: {_on_one_line(error)}", error)

    def _refuse(self, reason: str, cause: Exception | None = None) -> NoReturn:
        raise SettingsError(f"model {self.name_of_own}: {reason}; {_WAYS}") from cause


def build_own(factory: Factory, settings: RunConfig, codec: Codec) -> Own:
    """Make a model of the user's own; its Keras layers draw their weights from `seed` alone.

    Raises:
        SettingsError: what `factory` makes does not keep to `EncoderDecoder`, or the settings
            ask for more than that.
    """
    for name in ("adapt_from", "copy_source"):
        if value := getattr(settings, name):
            raise SettingsError(f"{name} is {value!r} and the model is your own: leave {name} out")
    keras.utils.set_random_seed(settings.seed)
    sizes = codec.source.size, codec.target.size
    return Own(factory(*sizes), settings, *sizes)


def check_factory(path: Path, factory: Factory | None) -> None:
    """Check that a factory is there if, and only if, the model in `path` needs one.

    Raises:
        RunError: it does not.
    """
    name = own_class(path)
    if factory and not name:
        raise RunError(f"{path}: this model is none of your own; leave model= out")
    if name and not factory:
        raise RunError(
            f"{path}: this model is its user's own, of the class {name}, and no code is run from "
            "a run: give what makes the model as Session.open(run, model=...)"
        )


def check_class(path: Path, model: Seq2Seq) -> None:
    """Check that what a factory made is of the class whose weights are in `path`.

    Raises:
        RunError: it is not.
    """
    name = own_class(path)
    if isinstance(model, Own) and model.name_of_own != name:
        raise RunError(f"{path}: expected the class {name}, got {model.name_of_own}")


def own_class(path: Path) -> str:
    """Return the name of the class whose weights are in `path`; nothing for one of ours.

    Raises:
        RunError: its record is damaged.
    """
    try:
        return str(json.loads((path / OWN).read_text(encoding="utf-8"))["model"])
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path / OWN}: cannot be read: {error}") from None


def _form(nest: Any) -> Any:
    """Return structure, dtypes and shapes of a nest of tensors, to compare and to show."""
    return tf.nest.map_structure(
        lambda tensor: f"{tf.as_dtype(tensor.dtype).name} {list(tensor.shape)}", nest
    )


def _on_one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
