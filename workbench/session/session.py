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
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import traitlets

from workbench.model import quiet  # noqa: F401, before any other import of TensorFlow

# isort: split
from workbench.archives import unpacked
from workbench.background import Worker, on_interrupt
from workbench.config import RunConfig, Strategy
from workbench.data.corpus import Corpus, Pair
from workbench.data.encoding import Codec, EncodedPairs
from workbench.data.frequencies import frequencies
from workbench.errors import RunError, SettingsError
from workbench.inspection.self_attention import SelfAttention, self_attention
from workbench.inspection.states import MOST
from workbench.model.outline import outline
from workbench.model.protocol import Factory, Own, check_factory
from workbench.model.seq2seq import Seq2Seq
from workbench.model.storage import find_model, read_settings, save_model
from workbench.model.transfer import adopted, merged, take_weights
from workbench.moments import OverTime
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
from workbench.session import draft as drafts
from workbench.session import refusals
from workbench.session.data import Data
from workbench.session.instruments import Instruments, check_place
from workbench.session.making import Made, make, restore
from workbench.session.recorded import Listener, RecordedTraining
from workbench.session.refusals import BUILDING, NO_MODEL, OF_A_MODEL, Standing
from workbench.session.requests import Requests
from workbench.session.trainer import Trainer, check_ours
from workbench.session.worked import Turns, worked
from workbench.training.control import Control
from workbench.training.facts import before_training, in_short
from workbench.training.logs import check_logs
from workbench.training.sinks import watched_history
from workbench.training.usage import read_usage

T = TypeVar("T")


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
        history: every step of training, of an opened run too.
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
        self._data = Data()
        self._made: Made | None = None
        self._running: Future[None] | None = None
        self._worker = Worker("workbench session")
        self._turns = Turns(self._worker, partial(self.set_trait, "busy"))
        self._requests = Requests(self._worker, partial(self.set_trait, "error"))
        self._control = Control(self._worker, partial(self.set_trait, "state"))
        self._trainer = Trainer(self._control, self.set_trait)
        weakref.finalize(self, self._worker.close).atexit = False

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
        session._worker.do(partial(session._open, RunDirectory(path), saved, step))
        return session

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
        if self._under_way:
            drafts.check_under_way(draft, self.draft)
        self.set_trait("draft", draft)
        if not self._has_model and not self.busy:
            self._adopt_draft()
        elif self.state == "built":
            self.set_trait("config", drafts.adopted_before_training(self.draft, self.config))

    @property
    def stale(self) -> tuple[str, ...]:
        """The settings in which the model that is there is not the one wanted."""
        return drafts.stale(self.draft, self.config, self._under_way) if self._has_model else ()

    def sketch(self) -> tuple[Block, ...]:
        """The diagram of the model that the draft asks for, without building it.

        Before a corpus is loaded the vocabularies count as full.
        """
        draft, codec = self.draft, self.codec_loaded
        if self._factory and self._has_model:
            return self.blocks
        if codec is None or drafts.of_other_data(draft, self.config):
            return outline(draft, draft.source_vocabulary, draft.target_vocabulary)
        return outline(draft, codec.source.size, codec.target.size)

    # Data and model -------------------------------------------------------------------------

    @worked("reading the corpus")
    def load(self) -> Corpus:
        """Load the corpus, learn the vocabularies and number the tokens.

        Raises:
            DataError: a file that cannot be read, or a sentence longer than `max_length`.
        """
        if not self._has_model:
            self._adopt_draft()
        corpus = self._data.load(self.config)
        if self.state == "empty":
            self.set_trait("state", "data")
        return corpus

    @property
    def corpus_loaded(self) -> Corpus | None:
        """The corpus, where it is loaded."""
        return self._data.corpus

    @property
    def encoded(self) -> dict[str, EncodedPairs]:
        """The pairs of every split as numbers, where the corpus is loaded."""
        return self._data.encoded

    @property
    def bad_lines(self) -> list[BadLine]:
        """What was left out of the corpus, and of what else was read since."""
        return self._data.bad_lines

    @property
    def codec_loaded(self) -> Codec | None:
        """The tokenizers, where there are any: to ask for `codec` learns them."""
        return self._data.codec

    @property
    def codec(self) -> Codec:
        """The tokenizers: those of the opened run, else learned from the training pairs."""
        if self._data.codec is None:
            self.load()
        assert self._data.codec is not None  # load has made it
        return self._data.codec

    @worked(BUILDING)
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
        return self._built().model

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The model's diagram: every layer with its shape and its parameters."""
        if self._own:
            return self._own.outline()
        return outline(self.config, self.codec.source.size, self.codec.target.size)

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
    def complete(self) -> bool:
        """Whether training has come to its end, and another finds no step to do."""
        return self._trainer.complete

    @property
    def back_to(self) -> str:
        """Where `resume` goes on from, where that is not the step at which it was paused."""
        return self._trainer.back_to

    # Translating ----------------------------------------------------------------------------

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
        search = drafts.under(self.draft, interventions)
        if search.interventions:
            how = (search, beam_width, hypotheses, record)
            translation = self._ask("translating", lambda it: it.replay(text, *how))
        else:
            [translation] = self.translate_all([text], beam_width, hypotheses, record)
        self.set_trait("translation", translation)
        return translation

    def translate_all(
        self, texts: Sequence[str], beam_width: int = 0, hypotheses: int = 1, record: bool = False
    ) -> list[Translation]:
        """Translate many texts."""
        pairs = [Pair(text, "") for text in texts]
        return self.translate_pairs(pairs, beam_width, hypotheses, record)

    def translate_pairs(
        self, pairs: Sequence[Pair], beam_width: int = 0, hypotheses: int = 1, record: bool = False
    ) -> list[Translation]:
        """Translate the sources of `pairs`; references and alignments are kept beside."""
        search = self.draft.replace(beam_width=beam_width) if beam_width else self.draft
        hypotheses = hypotheses or search.hypotheses or search.beam_width
        how = (search, hypotheses, record)
        return self._ask("translating", lambda it: it.translate(pairs, *how))

    def stepper(self, text: str) -> Stepper:
        """Return what takes the translation of a text apart, with the settings' search.

        Its steps are done by the session's thread, whichever thread asks for them, with the
        weights as they are then.
        """
        stepper = self._ask("reading the source", lambda it: it.stepper(text, self.draft))
        self.set_trait("taken_apart", stepper)
        return stepper

    def take_apart(self, act: Callable[[Stepper], T], doing: str = "") -> T:
        """Have something done with the latest stepper, all of it by the session's thread.

        The session is busy with it where it takes long enough to be said: `doing`.

        Raises:
            RunError: there is no stepper, or training is under way.
        """
        return self._turns.do(doing, partial(act, self._latest_stepper()))

    # Measuring and looking inside -----------------------------------------------------------

    def score(self, source: str, target: str) -> Translation:
        """Return the log-probability and the attention of every token of a given target."""
        return self.score_all([Pair(source, target)])[0]

    @worked("scoring")
    def score_all(self, pairs: Sequence[Pair]) -> list[Translation]:
        """Score many pairs under teacher forcing."""
        return self._built().instruments.score(pairs)

    @worked("evaluating")
    def evaluate(self, split: str = "test", limit: int = 0) -> tuple[Evaluation, list[Translation]]:
        """Measure a split with the settings' beam; `limit` sentences at most are translated.

        Returns: the figures (see `Evaluation`), and the translations they were counted on.
        """
        ready = self._built().instruments
        self.load()
        encoded = self._data.split(split)
        return ready.measure(split, encoded, limit or len(encoded), self.draft)

    @worked("evaluating")
    def evaluate_pairs(self, pairs: Sequence[Pair], name: str = "given") -> Evaluation:
        """Measure any pairs, with the settings' beam."""
        ready, fold = self._built().instruments, str.lower if self.config.lowercase else str
        folded = [
            pair._replace(source=fold(pair.source), target=fold(pair.target)) for pair in pairs
        ]
        encoded = self._data.encode(folded, self.config)
        return ready.measure(name, encoded, len(encoded), self.draft)[0]

    @worked("diagnosing")
    def diagnose(self, of: str | Sequence[Pair] = "test", limit: int = 200) -> Diagnoses:
        """Say of every sentence whether search or model is at fault, and which to look at.

        The first `limit` sentences of a split, or of pairs that are given, are diagnosed, 0 for
        all. Only those worth a look keep all that the search weighed; it is large.
        """
        ready = self._built().instruments
        self.load()
        pairs = self._data.pairs(of)[: limit or None]
        counts = dict(frequencies(self.codec.target, self.encoded["train"].targets))
        return ready.diagnose(pairs, self.draft, counts)

    @worked("attributing")
    def attribute(self, pair: Pair, method: Method = "integrated_gradients") -> Attribution:
        """Return what each source token says for each target token; see `Attributor`."""
        return self._built().instruments.attribute(pair, method)

    @worked("reading self-attention")
    def self_attention(self, source: str, target: str) -> SelfAttention:
        """Return what each side of a Transformer reads of itself, for one pair."""
        return self_attention(self._built().model, self.codec, source, target)

    @worked("seeking attention")
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
        ready = self._built().instruments
        if place is None:
            self.codec.readable_source(text)
            return ready.seek(text, prefix, wanted, layer, head)
        stepper = self._latest_stepper()
        check_place(stepper, place, text, prefix)
        return ready.seek_at(stepper, place, wanted, layer, head)

    @worked("reading states")
    def states(self, of: str | Sequence[Pair] = "train", most: int = MOST) -> States:
        """Return the hidden states of the first sentences of a split, or of pairs that are given.

        See `StateReader`.
        """
        ready = self._built().instruments
        self.load()
        return ready.read_states(self._data.pairs(of), most)

    @worked("looking back")
    def over_time(
        self, text: str, interventions: str | Sequence[Any] | None = None, reference: str = ""
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
        ready, search = self._built().instruments, drafts.under(self.draft, interventions)
        return ready.look_back(text, reference, search, self.directory, self.history)

    # The run directory ----------------------------------------------------------------------

    @property
    def directory(self) -> RunDirectory:
        """Where this run is written: `run_directory`, else `runs/<name>-<hash>`."""
        if self.config.run_directory:
            return RunDirectory(self.config.run_directory)
        return RunDirectory(Path("runs") / run_name(self.config, "session", self._identity))

    @worked("saving")
    def save(self, path: str | Path | None = None) -> Path:
        """Write settings, tokenizers and weights to `path`, by default the run's `model/`.

        Raises:
            RunError: `path` is there and holds something else, or cannot be written.
        """
        self._built()
        target = Path(path) if path else self.directory.model
        save_model(target, self.config, self.codec, self.model)
        return target

    @worked("merging")
    def merge(self, path: str | Path) -> Path:
        """Write the model to `path` with its LoRA added to the kernels: a model like any other.

        Raises:
            RunError: there is no LoRA; `path` is there and holds something else.
        """
        config, model = merged(self.config, self.codec, self._built().model)
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

    # Asking without waiting -----------------------------------------------------------------

    def request(self, command: str, *args: Any, **kwargs: Any) -> Future[Any]:
        """Ask for a method by name and return at once; it is done between two training steps.

        What goes wrong in it becomes `error`, and is raised by the future.

        Raises:
            RunError: it makes no sense in this state; see `refusal`.
        """
        self._requests.admit(command, self.refusal)
        if command == "stop":  # must not wait its turn
            self.stop()
        begin = partial(self._begin, command, *args, **kwargs)
        if command != "train":
            return self._requests.submit(command, begin)
        self._running = self._requests.submit(command, begin, self._train)
        return self._running

    def refusal(self, command: str) -> str:
        """Say why to request `command` makes no sense now; empty where it does.

        What asks a model makes one where there is none, if it is called as a method; it is not
        so for whoever presses a button.

        Raises:
            WorkbenchError: there is no such command.
        """
        return refusals.refusal(command, self._standing)

    def _begin(self, command: str, *args: Any, **kwargs: Any) -> Any:
        """Do what was requested; of a training, what comes before its first step."""
        self.set_trait("error", self._trainer.derailed)
        if command in OF_A_MODEL and not self._has_model:  # what was to make one has failed
            raise RunError(NO_MODEL)
        method = self._prepare if command == "train" else getattr(self, command)
        return method(*args, **kwargs)

    # Where the session stands ---------------------------------------------------------------

    @property
    def _has_model(self) -> bool:
        return self.state not in refusals.WITHOUT_MODEL

    @property
    def _under_way(self) -> bool:
        return self.state in refusals.UNDER_WAY

    @property
    def _leads(self) -> bool:
        return self._made is None or self._made.leads

    @property
    def _standing(self) -> Standing:
        return Standing(
            self.state, self.busy, self._requests.awaited, self._leads, bool(self.stale),
            self.taken_apart is not None,
        )  # fmt: skip

    def _check(self, command: str) -> None:
        if reason := refusals.out_of_place(command, self._standing):
            raise RunError(reason)

    @property
    def _identity(self) -> str:
        own = self._own.name_of_own if self._own else ""
        return run_hash(self.config, self.load().fingerprint, own)

    @property
    def _own(self) -> Own | None:
        """The model that the user brought, if there is one."""
        if self._factory is None:
            return None
        model = self._built().model
        assert isinstance(model, Own)  # the factory has made it
        return model

    def _latest_stepper(self) -> Stepper:
        self._check("take_apart")
        assert self.taken_apart  # or it would have been refused
        return self.taken_apart

    def _take_settings(self, config: RunConfig) -> None:
        self.set_trait("config", config)
        self.set_trait("draft", config)

    def _adopt_draft(self) -> None:
        """Make the draft the settings of the next model, and forget a corpus of other settings."""
        if drafts.of_other_data(self.draft, self.config):
            self._data.forget()
            self.set_trait("state", "empty")
        self.set_trait("config", self.draft)

    # Work of the session's thread -----------------------------------------------------------

    def _ask(self, doing: str, ask: Callable[[Instruments], T]) -> T:
        """Have the model asked, or one that is made for it."""
        return self._turns.do(doing, lambda: ask(self._built().instruments))

    def _built(self) -> Made:
        """Return the model that is there, or make one."""
        if not self._has_model:
            self.load()
            self._make(self.config.strategy)
            if self.config.adapt_from:
                take_weights(self.model, self.config, self.codec)
            self.set_trait("state", "built")
        assert self._made  # now it is
        return self._made

    def _make(self, strategy: Strategy) -> None:
        self.set_trait("taken_apart", None)  # it holds the model before
        self._trainer.complete = False
        self._made = make(
            self.config, self.codec, self.corpus_loaded, strategy, self._factory, self._worker.do
        )
        self.model = self._made.model

    def _open(self, directory: RunDirectory, saved: Path, step: int | None) -> None:
        self._data.codec = Codec.load(saved)
        self._make("none")
        restore(self.model, saved, directory, step)
        self.history = list(watched_history(directory.metrics, directory.probes))
        self._trainer.complete = directory.status == "ok"
        self.set_trait("state", "trained")

    def _prepare(self, steps: int | None = None) -> None:
        """See to it that training may begin, and say that it does."""
        self._check("train")
        check_logs(self.config.log_to)
        self.load()
        if self._built().strategy != self.config.strategy:
            raise RunError(
                f"strategy is {self.config.strategy!r} and a run that was opened is for use, not "
                "for such training: go on with Session(...) and the same settings"
            )
        if self._leads:
            check_ours(self.directory, lambda: self._identity)
        self.set_trait("error", "")
        self._control.begin(steps)

    def _train(self) -> None:
        """Train to the end; where another worker leads, as it says."""
        if self._leads:
            self._trainer.lead(self._training(), self._facts, self.save)
        else:
            self._trainer.follow(self.model, self.encoded["train"], self.config)

    def _facts(self) -> dict[str, Any]:
        """Return what `run.json` says of training before its first step."""
        own = {"model": self._own.name_of_own} if self._own else {}
        known = self.config, self.load(), self.encoded, self.bad_lines, self.model
        return {**own, "identity": self._identity, **before_training(*known)}

    def _training(self) -> RecordedTraining:
        instruments, control = self._built().instruments, self._control
        validation = self.encoded["validation"]
        return RecordedTraining(
            model=self.model,
            pairs=self.encoded["train"],
            config=self.config,
            evaluate=lambda: instruments.look(validation, self.config, control.between_batches),
            traced={"evaluation": instruments.teacher},
            codec=self.codec,
            blocks=lambda: self.blocks,
            directory=self.directory,
            control=control,
            wanted_rate=lambda: self.draft.learning_rate,
            listener=Listener(
                begun=partial(setattr, self, "history"),
                stepped=partial(self.set_trait, "progress"),
                warned=partial(self.set_trait, "error"),
            ),
        )
