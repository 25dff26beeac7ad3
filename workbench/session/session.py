"""The session: one corpus, one model, one run directory, and all that can be done with them.

    session = Session(RunConfig(corpus="scan", encoder="lstm"))
    session.train()
    session.translate("jump around right twice").text

One thread of its own does all the work with the model. A method called as above waits for the
end of its work; `request` asks for the same work and returns at once, as a panel must. Training
lets through what is asked for between two of its steps.

Panels and notebooks look at its traits; nothing here knows that they exist.
"""

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import traitlets

from workbench.model import quiet  # noqa: F401, before any other import of TensorFlow

# isort: split
from workbench.archives import unpacked
from workbench.background import Worker, before_exit, on_interrupt, when_parent_dies
from workbench.config import (
    GREEDY,
    DataSettings,
    RunConfig,
    SearchSettings,
    Strategy,
    TokenSettings,
    TrainingSettings,
)
from workbench.data.corpus import Corpus, Pair
from workbench.data.encoding import Codec, EncodedPairs
from workbench.data.frequencies import frequencies
from workbench.data.loading import corpus_from
from workbench.errors import RunError, SettingsError, WorkbenchError, nearest, on_one_line
from workbench.inspection.self_attention import SelfAttention, self_attention
from workbench.inspection.states import MOST
from workbench.model.outline import outline
from workbench.model.protocol import Factory, Own, build_own, check_class, check_factory
from workbench.model.seq2seq import Seq2Seq
from workbench.model.storage import (
    build_model,
    find_model,
    load_weights,
    read_settings,
    save_model,
    weights_digest,
)
from workbench.model.transfer import adopted, merged, take_weights, trained_codec
from workbench.moments import Moment, OverTime
from workbench.records import (
    Attribution,
    BadLine,
    Block,
    Diagnoses,
    Evaluation,
    Method,
    Progress,
    Reading,
    States,
    Translation,
    WantedAttention,
)  # fmt: skip
from workbench.runs import RunDirectory, run_hash, run_name
from workbench.search.stepper import Stepper
from workbench.session.instruments import Instruments
from workbench.session.recorded import Listener, RecordedTraining
from workbench.training import device, distribution
from workbench.training.checkpoint import Checkpoints
from workbench.training.control import Control
from workbench.training.facts import before_training, in_short
from workbench.training.logs import check_logs
from workbench.training.loop import LossNotFiniteError
from workbench.training.sinks import watched_history
from workbench.training.usage import read_usage
from workbench.training.workers import Workers, follow

KILLED = {
    "status": "killed",
    "error": {"type": "Killed", "message": "the process that ran the notebook was killed"},
}


OF_THE_DATA = {*DataSettings.model_fields, *TokenSettings.model_fields}
AT_ONCE = {*SearchSettings.model_fields}  # what a model may be used with, whatever made it
COMMANDS = (
    "load", "build", "train", "pause", "resume", "advance", "stop", "translate", "stepper",
    "take_apart", "score", "self_attention", "evaluate", "diagnose", "attribute",
    "wanted_attention", "states", "over_time", "save",
)  # fmt: skip
OF_A_MODEL = COMMANDS[COMMANDS.index("translate") :]
BEGINNING = {"train", "advance"}
MAKES_A_MODEL = {"build", *BEGINNING}
BUILDING, NO_MODEL = "building the model", "there is no model yet: build or train one first"
STEERING = ("pause", "resume", "advance", "stop")
BEFORE_TRAINING = {*TrainingSettings.model_fields} - {
    "seed", "deterministic", "precision", "strategy",
}  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")


def _worked(
    doing: str,
) -> Callable[[Callable[Concatenate["Session", P], R]], Callable[Concatenate["Session", P], R]]:
    """Have a method of a session done by its worker; `doing` says what, meanwhile."""

    def decorate(
        method: Callable[Concatenate["Session", P], R],
    ) -> Callable[Concatenate["Session", P], R]:
        @wraps(method)
        def wrapped(session: "Session", /, *args: P.args, **kwargs: P.kwargs) -> R:
            def work() -> R:
                with session._doing(doing):
                    return method(session, *args, **kwargs)

            return session._worker.do(work)

        return wrapped

    return decorate


class Session(traitlets.HasTraits):
    """One model from its settings to its last translation.

    Traits, whose observers may be called in any thread:
        state: `empty`, `data` (a corpus is loaded), `built`, `training`, `paused`, `trained` or
            `failed`.
        config: the settings of the model that is there, or of the one to be built where none is.
        draft: the settings wanted; `build` makes a model of them. See `configure` and `stale`.
        progress: the latest step of training.
        error: what went wrong in training or in what was requested, on one line.
        busy: what is being done beside training, in a word or two.
        translation: the latest one, with the whole search where it was recorded.
        taken_apart: the latest stepper, until there is another model.

    Attributes:
        back_to: where `resume` goes on from, where that is not the step at which it was paused.
    """

    state = traitlets.Unicode("empty", read_only=True)
    config = traitlets.Instance(RunConfig, read_only=True)
    draft = traitlets.Instance(RunConfig, read_only=True)
    progress = traitlets.Instance(Progress, allow_none=True, read_only=True)
    error = traitlets.Unicode("", read_only=True)
    busy = traitlets.Unicode("", read_only=True)
    translation = traitlets.Instance(Translation, allow_none=True, read_only=True)
    taken_apart = traitlets.Instance(Stepper, allow_none=True, read_only=True)

    def __init__(
        self, config: RunConfig | None = None, *, model: Factory | None = None, **settings: Any
    ) -> None:
        """Take the settings as a `RunConfig`, as keywords, or both (the keywords win).

        `model` makes a model of your own from the sizes of the two vocabularies; see
        `workbench.model.protocol.EncoderDecoder` for what it must be able to do.
        """
        super().__init__()
        self._factory = model
        self._take_settings(adopted((config or RunConfig()).replace(**settings)))
        if model and self.config.adapt_from:
            raise SettingsError(
                f"adapt_from is {self.config.adapt_from!r} and model= brings a model of your own: "
                "leave one of them out"
            )
        self.history: list[Progress] = []
        self.bad_lines: list[BadLine] = []
        self.encoded: dict[str, EncodedPairs] = {}
        self._corpus: Corpus | None = None
        self._codec: Codec | None = None
        self._made_for: Strategy = "none"
        self._leads = True
        self.back_to = ""
        self._derailed = ""  # what is wrong with a paused training
        self.complete = False  # whether training has come to its end, and another finds no step
        self._running: Future[None] | None = None
        self._asking, self._awaited = threading.Lock(), set[str]()  # requested and not begun
        self._watching = False
        self._worker = Worker("workbench session")
        self._control = Control(self._worker, partial(self.set_trait, "state"))
        weakref.finalize(self, self._worker.close).atexit = False

    # Asking ---------------------------------------------------------------------------------

    def request(self, command: str, *args: Any, **kwargs: Any) -> Future[Any]:
        """Ask for a method by name and return at once; it is done between two training steps.

        What goes wrong in it becomes `error`, and is raised by the future.

        Raises:
            RunError: it makes no sense in this state; see `refusal`.
        """
        with self._asking:
            if reason := self.refusal(command):
                raise RunError(reason)
            self._awaited.add(command)
        if command == "stop":  # must not wait its turn
            self.stop()

        def work() -> Any:
            self.set_trait("error", self._derailed)
            try:
                done = self._begin(command, *args, **kwargs)
                return self._train() if command == "train" else done
            except Exception as error:
                self.set_trait("error", on_one_line(error))
                raise

        def ended(future: Future[Any]) -> None:
            if future.cancelled():
                self._awaited.discard(command)

        future = self._worker.submit(work)
        future.add_done_callback(ended)
        if command == "train":
            self._running = future
        return future

    def _begin(self, command: str, *args: Any, **kwargs: Any) -> Any:
        """Do what was requested; of a training, what comes before its first step."""
        try:
            if command in OF_A_MODEL and not self._has_model:  # what was to make one has failed
                raise RunError(NO_MODEL)
            method = self._prepare if command == "train" else getattr(self, command)
            return method(*args, **kwargs)
        finally:
            self._awaited.discard(command)  # before a panel looks at what came of it

    def refusal(self, command: str) -> str:
        """Say why to request `command` makes no sense now; empty where it does.

        What asks a model makes one where there is none, if it is called as a method; it is not
        so for whoever presses a button.

        Raises:
            WorkbenchError: there is no such command.
        """
        if command not in COMMANDS:
            raise WorkbenchError(
                f"expected a command ({', '.join(COMMANDS)}), got {command!r}"
                f"{nearest(command, COMMANDS)}"
            )
        return self._out_of_place(command) or self._untimely(command)

    def _untimely(self, command: str) -> str:
        """Say why `command` comes too early, or twice."""
        coming = self.busy == BUILDING or self._awaited & MAKES_A_MODEL
        if command in OF_A_MODEL and not self._has_model and not coming:
            return NO_MODEL
        if command == "build" and command in self._awaited:
            return "the model is about to be built; wait for it"
        if command in MAKES_A_MODEL and self._awaited & BEGINNING:
            return "training is about to begin; wait for it"
        return ""

    def _out_of_place(self, command: str) -> str:
        """Say why `command` makes no sense in this state."""
        if command in STEERING and not self._leads:
            return "worker 0 leads this training; ask for it there"
        if command in ("load", "build") and self._under_way:
            return "training is under way; stop it first"
        if command == "build" and self._has_model and not self.stale:
            return "the model is built already; change a setting to build another"
        if command == "train" and self.state == "training":
            return "training is under way; wait for it or stop it first"
        if command == "train" and self.state == "paused":
            return "training is paused; resume it or stop it"
        if command in ("advance", "over_time") and self.state == "training":
            return "training is under way; pause it first"
        if command == "pause" and self.state != "training":
            return "nothing is training; there is nothing to pause"
        if command == "resume" and self.state != "paused":
            return "training is not paused; there is nothing to resume"
        if command == "take_apart" and self.taken_apart is None:
            return "no translation is taken apart yet; ask for a stepper first"
        if command == "take_apart" and self.state == "training":
            return "training is under way and changes the model; pause it or stop it first"
        if command == "stop" and not self._under_way:
            return "nothing is training; there is nothing to stop"
        return ""

    def _check(self, command: str) -> None:
        if reason := self._out_of_place(command):
            raise RunError(reason)

    @contextmanager
    def _doing(self, what: str) -> Iterator[None]:
        """Be busy with something; what is done for the sake of something else counts as that."""
        before = self.busy
        self.set_trait("busy", before or what)
        try:
            yield
        finally:
            self.set_trait("busy", before)

    # Settings -------------------------------------------------------------------------------

    def configure(self, **changes: Any) -> None:
        """Change the settings that are wanted.

        Those of the search act at once, those of training until it begins, and the learning
        rate at the next step of a training. All others wait for `build`; see `stale`.

        Raises:
            SettingsError: the settings make no sense; nothing has changed.
            RunError: training is under way and cannot go on with such a change.
        """
        draft = self.draft.replace(**changes)
        held = _differing(draft, self.draft) - AT_ONCE - {"learning_rate"}
        if self._under_way and held:
            raise RunError(
                f"{', '.join(sorted(held))}: cannot change while training is under way; stop it "
                "first"
            )
        self.set_trait("draft", draft)
        if not self._has_model and not self.busy:
            self._adopt_draft()
        elif self.state == "built":
            self._adopt_training_settings()

    @property
    def stale(self) -> tuple[str, ...]:
        """The settings in which the model that is there is not the one wanted."""
        if not self._has_model:
            return ()
        differing = _differing(self.draft, self.config) - AT_ONCE
        if self._under_way:
            differing -= {"learning_rate"}
        return tuple(name for name in RunConfig.model_fields if name in differing)

    def sketch(self) -> tuple[Block, ...]:
        """The diagram of the model that the draft asks for, without building it.

        Before a corpus is loaded the vocabularies count as full.
        """
        draft, codec = self.draft, self._codec
        if self._factory and self._has_model:
            return self.blocks
        if codec is None or _differing(draft, self.config) & OF_THE_DATA:
            return outline(draft, draft.source_vocabulary, draft.target_vocabulary)
        return outline(draft, codec.source.size, codec.target.size)

    @property
    def _has_model(self) -> bool:
        return self.state not in ("empty", "data")

    @property
    def _under_way(self) -> bool:
        return self.state in ("training", "paused")

    def _take_settings(self, config: RunConfig) -> None:
        self.set_trait("config", config)
        self.set_trait("draft", config)

    def _adopt_draft(self) -> None:
        """Make the draft the settings of the next model, and forget a corpus of other settings."""
        if _differing(self.draft, self.config) & OF_THE_DATA:
            self._corpus, self._codec = None, None
            self.encoded, self.bad_lines = {}, []
            self.set_trait("state", "empty")
        self.set_trait("config", self.draft)

    def _adopt_training_settings(self) -> None:
        differing = _differing(self.draft, self.config) & BEFORE_TRAINING
        now = {name: getattr(self.draft, name) for name in differing}
        with suppress(SettingsError):  # they make sense only with what waits for `build`
            self.set_trait("config", self.config.replace(**now))

    # Data and model -------------------------------------------------------------------------

    @_worked("reading the corpus")
    def load(self) -> Corpus:
        """Load the corpus, learn the vocabularies and number the tokens.

        Raises:
            DataError: a file that cannot be read, or a sentence longer than `max_length`.
        """
        if not self._has_model:
            self._adopt_draft()
        if self._corpus is None:
            corpus = corpus_from(self.config)
            known = self._codec
            self._codec = known or self._make_codec(corpus)
            self.bad_lines = list(corpus.bad_lines)
            try:
                encoded = {split: self._encode(pairs) for split, pairs in corpus.splits.items()}
            except WorkbenchError:
                self._codec = known  # the file may be another when it is read again
                raise
            self.encoded, self._corpus = encoded, corpus
            if self.state == "empty":
                self.set_trait("state", "data")
        return self._corpus

    @property
    def corpus_loaded(self) -> Corpus | None:
        """The corpus, where it is loaded."""
        return self._corpus

    @property
    def codec_loaded(self) -> Codec | None:
        """The tokenizers, where there are any: to ask for `codec` learns them."""
        return self._codec

    @property
    def codec(self) -> Codec:
        """The tokenizers: those of the opened run, else learned from the training pairs."""
        if self._codec is None:
            self.load()
        assert self._codec is not None  # load has made it
        return self._codec

    @_worked(BUILDING)
    def build(self) -> Seq2Seq:
        """Make the model with its first weights, which depend on `seed` alone.

        A model that is there is replaced where the settings wanted are others, and its run
        directory keeps what is in it.

        Raises:
            RunError: training is under way, and the settings wanted are others.
        """
        if self.stale:
            if self._under_way:
                raise RunError("training is under way; stop it first")
            self.history = []
            self.set_trait("progress", None)
            self.set_trait("error", "")
            self.set_trait("state", "data")
        return self._built()

    def _built(self) -> Seq2Seq:
        """Return the model that is there, or make one."""
        if not self._has_model:
            self.load()
            self._make_model(self.config.strategy)
            if self.config.adapt_from:
                take_weights(self.model, self.config, self.codec)
            self.set_trait("state", "built")
        return self.model

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The model's diagram: every layer with its shape and its parameters."""
        if self._own:
            return self._own.outline()
        return outline(self.config, self.codec.source.size, self.codec.target.size)

    @property
    def directory(self) -> RunDirectory:
        """Where this run is written: `run_directory`, else `runs/<name>-<hash>`."""
        if self.config.run_directory:
            return RunDirectory(self.config.run_directory)
        return RunDirectory(Path("runs") / run_name(self.config, "session", self._identity))

    # Training -------------------------------------------------------------------------------

    def train(self) -> None:
        """Train from the last checkpoint, or from the start.

        With `live` settings this returns at once and training goes on in the background; see
        `wait`, `pause` and `stop`. Without, it returns when training has ended.

        Raises:
            RunError: training is under way already, or another process runs this run.
            KeyboardInterrupt: without `live`, after an interrupt has stopped training; the model
                and a checkpoint are saved by then.
        """
        self._check("train")
        self._worker.do(self._prepare)
        self._running = self._worker.submit(self._train)
        if self.config.live:
            return
        with on_interrupt(self.stop) if self._leads else nullcontext():
            self._running.result()
        if self._control.stopped:
            raise KeyboardInterrupt("training was stopped; the best weights so far are kept")

    def pause(self) -> None:
        """Let training wait after the step it is at. All else can be asked for meanwhile."""
        self._check("pause")
        self._worker.do(self._control.pause)

    def resume(self) -> None:
        """Let training go on after `pause` or `advance`, or after a loss that was no number."""
        self._check("resume")
        self.set_trait("error", "")
        self._worker.do(self._control.resume)

    def advance(self, steps: int = 1) -> None:
        """Take a few training steps, then pause.

        Returns once they are asked for; `state` and `progress` tell of them.

        Raises:
            RunError: training is under way.
        """
        self._check("advance")
        if self.state == "paused":
            self._worker.do(partial(self._control.resume, steps))
            return
        self._worker.do(partial(self._prepare, steps))
        self._running = self._worker.submit(self._train)

    def stop(self) -> None:
        """Ask training to end after the step it is at; the best weights so far are kept."""
        self._control.stop()

    async def wait(self) -> None:
        """Wait until background training has ended; raise what it raised."""
        if self._running:
            await asyncio.wrap_future(self._running)

    @property
    def _identity(self) -> str:
        own = self._own.name_of_own if self._own else ""
        return run_hash(self.config, self.load().fingerprint, own)

    @property
    def _own(self) -> Own | None:
        """The model that the user brought, if there is one."""
        if self._factory is None:
            return None
        model = self._built()
        assert isinstance(model, Own)  # the factory has made it
        return model

    def _refuse_a_run_that_is_not_ours(self) -> None:
        directory = self.directory
        if directory.runner == "other":
            raise RunError(
                f"{directory}: another process is at it; wait for it, or choose another "
                "run_directory"
            )
        known = directory.read().get("identity") if directory.record.exists() else None
        if known not in (None, self._identity) and Checkpoints(directory.checkpoints).steps:
            raise RunError(
                f"{directory}: holds checkpoints of other settings or data; choose another "
                "run_directory, or remove it"
            )

    def _prepare(self, steps: int | None = None) -> None:
        """See to it that training may begin, and say that it does."""
        self._check("train")
        check_logs(self.config.log_to)
        self.load()
        self._built()
        if self._made_for != self.config.strategy:
            raise RunError(
                f"strategy is {self.config.strategy!r} and a run that was opened is for use, not "
                "for such training: go on with Session(...) and the same settings"
            )
        if self._leads:
            self._refuse_a_run_that_is_not_ours()
        self.set_trait("error", "")
        self._control.begin(steps)

    def _train(self) -> None:
        """Train to the end; where another worker leads, as it says."""
        if self._leads:
            self._train_on_record()
            return
        try:
            follow(self.model, self.encoded["train"], self.config)
        except BaseException as error:
            self.set_trait("error", on_one_line(error))
            self.set_trait("state", "failed")
            raise
        self.set_trait("state", "trained")

    def _train_on_record(self) -> None:
        """Train to the end, and let the run directory tell how it went."""
        directory = self.directory
        owned = directory.runner == "parent"  # it began this run and will end it
        try:
            if not owned:
                directory.begin(config=self.config.model_dump())
            if self._own:
                directory.update(model=self._own.name_of_own)
            directory.update(
                identity=self._identity,
                **before_training(
                    self.config, self.load(), self.encoded, self.bad_lines, self.model
                ),
            )
            if owned and not self._watching:
                self._watching = True
                when_parent_dies(os.getppid(), lambda: directory.update(**KILLED))
            with before_exit(self.stop):
                status = self._drive(directory)
                self.save()
                directory.update(weights=weights_digest(self.model))
            if not owned:
                directory.update(status=status)
            self.set_trait("state", "trained")
        except BaseException as error:
            kind, message = type(error).__name__, " ".join(str(error).split())
            self.set_trait("error", on_one_line(error))
            self.set_trait("state", "failed")
            if not owned:
                status = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
                directory.update(status=status, error={"type": kind, "message": message})
            raise

    def _drive(self, directory: RunDirectory) -> str:
        """Train; where a loss is not a number, let a person go on from the last checkpoint."""
        training = self._training(directory)
        while True:
            try:
                self.complete = training()
                return "stopped" if self._control.stopped else "ok"
            except LossNotFiniteError as error:
                if not self.config.live or self._made_for == "multi_worker":
                    raise  # the other workers have gone home
                self.set_trait("error", str(error))
                if not self._control.stopped:
                    self._wait_on_the_rails(directory)
                if self._control.stopped:
                    return "stopped"

    def _wait_on_the_rails(self, directory: RunDirectory) -> None:
        """Pause until a person goes on from the last checkpoint, or stops; say so all the while."""
        steps = Checkpoints(directory.checkpoints).steps
        self.back_to = f"step {steps[-1]}" if steps else "the start"
        last = ", the last checkpoint" if steps else ""
        self._derailed = f"{self.error}; resume goes on from {self.back_to}{last}"
        self.set_trait("error", self._derailed)
        try:
            self._control.pause()
            self._control.between()
        finally:
            self.back_to = self._derailed = ""
            self.set_trait("error", "")

    def _training(self, directory: RunDirectory) -> RecordedTraining:
        return RecordedTraining(
            model=self.model,
            pairs=self.encoded["train"],
            config=self.config,
            evaluate=self._look,
            traced={"evaluation": self._instruments.teacher},
            codec=self.codec,
            blocks=self.blocks,
            directory=directory,
            control=self._control,
            wanted_rate=lambda: self.draft.learning_rate,
            listener=Listener(
                begun=partial(setattr, self, "history"),
                stepped=partial(self.set_trait, "progress"),
                warned=partial(self.set_trait, "error"),
            ),
        )

    def _look(self) -> tuple[Evaluation, tuple[Translation, ...]]:
        """Measure the validation split and translate the watched sentences, greedily."""
        pairs, config = self.encoded["validation"], self.config
        evaluation, translations = self._instruments.measure(
            "validation", pairs, config.validation_sentences,
            config.replace(**GREEDY, prefix=""), self._control.between_batches,
        )  # fmt: skip
        watched = min(config.probe_sentences, len(pairs))
        return evaluation, tuple(translations[:watched])

    # Using the model ------------------------------------------------------------------------

    def translate(
        self,
        text: str,
        beam_width: int = 0,
        hypotheses: int = 0,
        record: bool = True,
        interventions: str | Sequence[Any] | None = None,
    ) -> Translation:
        """Translate one text; by default with the settings' beam, all of it on record.

        `interventions`, by default those of the settings, are replayed on the way; see
        `workbench.interventions`.

        Raises:
            SettingsError: they are none.
            InterventionError: one of them does not fit; the error begins with its number.
        """
        changes = {} if interventions is None else {"interventions": interventions}
        search = self.draft.replace(**changes)
        if search.interventions:
            width = beam_width or search.beam_width
            translation = self._replayed(text, search, width)
            best = translation.hypotheses[: hypotheses or search.hypotheses or width]
            beam = translation.beam if record else None
            translation = replace(translation, hypotheses=best, beam=beam)
        else:
            [translation] = self.translate_all([text], beam_width, hypotheses, record)
        self.set_trait("translation", translation)
        return translation

    def stepper(self, text: str) -> Stepper:
        """Return what takes the translation of a text apart, with the settings' search.

        Its steps are done by the session's thread, whichever thread asks for them, with the
        weights as they are then.
        """
        stepper = self._stepper(text)
        self.set_trait("taken_apart", stepper)
        return stepper

    @_worked("reading the source")
    def _stepper(self, text: str) -> Stepper:
        self._built()
        return self._instruments.stepper(text, self.draft)

    def take_apart(self, act: Callable[[Stepper], R], doing: str = "") -> R:
        """Have something done with the latest stepper, all of it by the session's thread.

        The session is busy with it where it takes long enough to be said: `doing`.

        Raises:
            RunError: there is no stepper, or training is under way.
        """
        self._check("take_apart")
        assert self.taken_apart  # or it would have been refused
        stepper = self.taken_apart

        def work() -> R:
            with self._doing(doing) if doing else nullcontext():
                return act(stepper)

        return self._worker.do(work)

    def translate_all(
        self,
        texts: Sequence[str],
        beam_width: int = 0,
        hypotheses: int = 1,
        record: bool = False,
    ) -> list[Translation]:
        """Translate many texts."""
        pairs = [Pair(text, "") for text in texts]
        return self.translate_pairs(pairs, beam_width, hypotheses, record)

    def translate_pairs(
        self,
        pairs: Sequence[Pair],
        beam_width: int = 0,
        hypotheses: int = 1,
        record: bool = False,
    ) -> list[Translation]:
        """Translate the sources of `pairs`; references and alignments are kept beside."""
        search = self.draft.replace(beam_width=beam_width) if beam_width else self.draft
        hypotheses = hypotheses or search.hypotheses or search.beam_width
        return self._translate(pairs, search, hypotheses, record)

    def score(self, source: str, target: str) -> Translation:
        """Return the log-probability and the attention of every token of a given target."""
        return self.score_all([Pair(source, target)])[0]

    @_worked("scoring")
    def score_all(self, pairs: Sequence[Pair]) -> list[Translation]:
        """Score many pairs under teacher forcing."""
        self._built()
        return self._instruments.score(pairs)

    @_worked("reading self-attention")
    def self_attention(self, source: str, target: str) -> SelfAttention:
        """Return what each side of a Transformer reads of itself, for one pair."""
        return self_attention(self._built(), self.codec, source, target)

    @_worked("evaluating")
    def evaluate(self, split: str = "test", limit: int = 0) -> tuple[Evaluation, list[Translation]]:
        """Measure a split with the settings' beam; `limit` sentences at most are translated.

        Returns: the figures (see `Evaluation`), and the translations they were counted on.
        """
        self._built()
        self.load()
        encoded = self._split(split)
        return self._instruments.measure(split, encoded, limit or len(encoded), self.draft)

    @_worked("evaluating")
    def evaluate_pairs(self, pairs: Sequence[Pair], name: str = "given") -> Evaluation:
        """Measure any pairs, with the settings' beam."""
        self._built()
        fold = str.lower if self.config.lowercase else str
        encoded = self._encode(
            [pair._replace(source=fold(pair.source), target=fold(pair.target)) for pair in pairs]
        )
        return self._instruments.measure(name, encoded, len(encoded), self.draft)[0]

    @_worked("diagnosing")
    def diagnose(self, of: str | Sequence[Pair] = "test", limit: int = 200) -> Diagnoses:
        """Say of every sentence whether search or model is at fault, and which to look at.

        The first `limit` sentences of a split, or of pairs that are given, are diagnosed, 0 for
        all. Only those worth a look keep all that the search weighed; it is large.
        """
        self._built()
        self.load()
        pairs = self._pairs(of)[: limit or None]
        counts = dict(frequencies(self.codec.target, self.encoded["train"].targets))
        return self._instruments.diagnose(pairs, self.draft, counts)

    @_worked("attributing")
    def attribute(self, pair: Pair, method: Method = "integrated_gradients") -> Attribution:
        """Return what each source token says for each target token; see `Attributor`."""
        self._built()
        return self._instruments.attribute(pair, method)

    @_worked("seeking attention")
    def wanted_attention(
        self,
        text: str,
        prefix: Sequence[str],
        wanted: str,
        layer: int | None = None,
        head: int | None = None,
        place: int | str | None = None,
    ) -> WantedAttention:
        """Return the attention that makes `wanted` likeliest next; see `AttentionSeeker`.

        With a `place` of `taken_apart` it is sought there, below all that was edited on the way
        to it; `text` and `prefix` are those of the place.

        Raises:
            RunError: nothing is taken apart, or another source or prefix stands at that place.
        """
        self._built()
        if place is None:
            self.codec.readable_source(text)
            return self._instruments.seek(text, prefix, wanted, layer, head)
        self._check("take_apart")
        assert self.taken_apart  # or it would have been refused
        here = self.taken_apart.node(place).decoded
        if (here.source.text, here.prefix) != (text, tuple(prefix)):
            raise RunError(
                f"expected the source and prefix of {place!r}, {here.source.text!r} and "
                f"{here.prefix}, got {text!r} and {tuple(prefix)}; leave the place out"
            )
        return self._instruments.seek_at(self.taken_apart, place, wanted, layer, head)

    @_worked("reading states")
    def states(self, of: str | Sequence[Pair] = "train", most: int = MOST) -> States:
        """Return the hidden states of the first sentences of a split, or of pairs that are given.

        See `StateReader`.
        """
        self._built()
        self.load()
        return self._instruments.read_states(self._pairs(of), most)

    @_worked("looking back")
    def over_time(
        self,
        text: str,
        interventions: str | Sequence[Any] | None = None,
        reference: str = "",
    ) -> OverTime:
        """Translate one text with the weights of every checkpoint that this run has kept.

        The tokens of `reference`, or else of what the last one writes, are followed over time. A
        moment where an intervention does not fit says so, and the others go on. Afterwards the
        model has its own weights again.

        Raises:
            SettingsError: the interventions are none.
            RunError: nothing is kept, or training is under way and not paused.
        """
        self._check("over_time")
        changes = {} if interventions is None else {"interventions": interventions}
        self._built()
        search = self.draft.replace(**changes)
        checkpoints = Checkpoints(self.directory.checkpoints)
        if not checkpoints.moments:
            raise RunError(
                f"{self.directory}: no checkpoint is kept to look back to; train with "
                "keep_checkpoints above 0, or open another run"
            )
        measured = {one.step: one.evaluation for one in self.history if one.evaluation}
        name = self.directory.path.resolve().name
        moments = [
            Moment(name, step, measured[step].figures if step in measured else {})
            for step in checkpoints.moments
        ]
        return self._instruments.look_back(text, reference, search, checkpoints, moments)

    @_worked("translating")
    def _translate(
        self,
        pairs: Sequence[Pair],
        search: SearchSettings,
        hypotheses: int,
        record: bool,
    ) -> list[Translation]:
        self._built()
        return self._instruments.translate(pairs, search, hypotheses, record)

    @_worked("translating")
    def _replayed(self, text: str, search: SearchSettings, width: int) -> Translation:
        self._built()
        return self._instruments.replay(text, search, width)

    def _pairs(self, of: str | Sequence[Pair]) -> Sequence[Pair]:
        return self._split(of).pairs if isinstance(of, str) else of

    def _split(self, name: str) -> EncodedPairs:
        if name not in self.encoded:
            known = ", ".join(self.encoded)
            raise WorkbenchError(
                f"expected a split ({known}), got {name!r}{nearest(name, self.encoded)}"
            )
        return self.encoded[name]

    # The run directory ----------------------------------------------------------------------

    @_worked("saving")
    def save(self, path: str | Path | None = None) -> Path:
        """Write settings, tokenizers and weights to `path`, by default the run's `model/`.

        Raises:
            RunError: `path` is there and holds something else, or cannot be written.
        """
        self._built()
        target = Path(path) if path else self.directory.model
        save_model(target, self.config, self.codec, self.model)
        return target

    @_worked("merging")
    def merge(self, path: str | Path) -> Path:
        """Write the model to `path` with its LoRA added to the kernels: a model like any other.

        Raises:
            RunError: there is no LoRA; `path` is there and holds something else.
        """
        config, model = merged(self.config, self.codec, self._built())
        save_model(Path(path), config, self.codec, model)
        return Path(path)

    def record(self, **fields: Any) -> None:
        """Add figures to `run.json`, with their names: a second run must repeat them."""
        directory = self.directory
        known = directory.read().get("recorded", ()) if directory.record.exists() else ()
        directory.update(**fields, recorded=sorted({*known, *fields}))

    def where_it_ran(self) -> dict[str, str]:
        """Say in a few words what this run ran on and what it took."""
        facts = self.directory.read()
        if "training" not in facts:
            raise RunError(f"{self.directory}: training has not ended; train first")
        return in_short(facts)

    @property
    def usage(self) -> tuple[Reading, ...]:
        """What training took of the machine, moment by moment."""
        return read_usage(self.directory.usage)

    @classmethod
    def open(
        cls,
        run: str | Path,
        *,
        model: Factory | None = None,
        step: int | None = None,
        **changes: Any,
    ) -> Self:
        """Open a finished run, its `.zip`, or a model written by `save`. Runs no code from it.

        `model` makes the model where it was the user's own, as in `Session(model=...)`. `step`
        takes the weights of that checkpoint instead of the best. `changes` are settings that make
        no other model, such as `beam_width`.

        Raises:
            RunError: it holds no model, or not one of this version, or not that of `model`; it
                has no such checkpoint.
        """
        session = cls(model=model)
        path = unpacked(run, session)
        saved = find_model(path)
        check_factory(saved, model)
        session._take_settings(read_settings(saved).replace(run_directory=str(path), **changes))
        session._worker.do(partial(session._open, path, saved, step))
        return session

    def _open(self, path: Path, saved: Path, step: int | None) -> None:
        self._codec = Codec.load(saved)
        self._make_model("none")
        check_class(saved, self.model)
        load_weights(saved, self.model)
        directory = RunDirectory(path)
        if step is not None:
            Checkpoints(directory.checkpoints).restore_weights(step, self.model)
        self.history = list(watched_history(directory.metrics, directory.probes))
        self.complete = directory.record.exists() and directory.read().get("status") == "ok"
        self.set_trait("state", "trained")

    def _make_codec(self, corpus: Corpus) -> Codec:
        if self.config.adapt_from:
            return trained_codec(self.config)
        return Codec.train(corpus.train, self.config)

    def _make_model(self, strategy: Strategy) -> None:
        device.prepare(self.config.deterministic)
        self.set_trait("taken_apart", None)  # it holds the model before
        self.complete = False
        workers = Workers(strategy)
        workers.agree(run_hash(self.config, self._corpus.fingerprint if self._corpus else ""))
        self._made_for, self._leads = strategy, workers.leads
        with distribution.strategy(strategy).scope():
            if self._factory:
                self.model: Seq2Seq = build_own(self._factory, self.config, self.codec)
            else:
                self.model = build_model(self.config, self.codec)
        self._instruments = Instruments(
            self.model, self.codec, self.config.batch_size, self._worker.do
        )

    def _encode(self, pairs: Sequence[Pair]) -> EncodedPairs:
        encoded, bad = self.codec.encode_pairs(pairs, self.config.skip_bad_lines)
        self.bad_lines.extend(bad)
        return encoded


def _differing(one: RunConfig, other: RunConfig) -> set[str]:
    """Return the names of the settings in which two differ."""
    return {name for name in RunConfig.model_fields if getattr(one, name) != getattr(other, name)}
