"""The session: one corpus, one model, one run directory, and all that can be done with them.

    session = Session(RunConfig(corpus="scan", encoder="lstm"))
    session.train()
    session.translate("jump around right twice").text

Panels and notebooks look at its traits; nothing here knows that they exist.
"""

import asyncio
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import traitlets

from workbench.model import quiet  # noqa: F401, before any other import of TensorFlow

# isort: split
from workbench.background import in_background, on_interrupt, when_parent_dies
from workbench.config import RunConfig
from workbench.data.corpus import Corpus, Pair
from workbench.data.encoding import Codec, EncodedPairs
from workbench.data.loading import corpus_from
from workbench.errors import RunError, SettingsError, WorkbenchError, nearest
from workbench.inspection.alignment import alignment_figures
from workbench.inspection.scoring import Scoring
from workbench.metrics import text_figures
from workbench.model.outline import outline
from workbench.model.protocol import Factory, Own, build_own, check_class, check_factory
from workbench.model.seq2seq import Seq2Seq
from workbench.model.storage import build_model, find_model, load_weights, read_settings, save_model
from workbench.model.transfer import adopted, merged, take_weights, trained_codec
from workbench.records import BadLine, Block, Evaluation, Progress, Translation
from workbench.runs import RunDirectory, run_hash, run_name
from workbench.search.batch import BatchSearch
from workbench.search.translate import Translator
from workbench.training import device
from workbench.training.checkpoint import Checkpoints
from workbench.training.evaluation import TeacherForcing
from workbench.training.facts import after_training, before_training, in_short
from workbench.training.loop import Loop
from workbench.training.sinks import JsonLines, ProbeLog, Sink, read_history

KILLED = {
    "status": "killed",
    "error": {"type": "Killed", "message": "the process that ran the notebook was killed"},
}


class Session(traitlets.HasTraits):
    """One model from its settings to its last translation.

    Traits:
        state: `empty`, `data` (a corpus is loaded), `built`, `training`, `trained` or `failed`.
        progress: the latest step of training.
        error: what went wrong in training, on one line.
    """

    state = traitlets.Unicode("empty", read_only=True)
    progress = traitlets.Instance(Progress, allow_none=True, read_only=True)
    error = traitlets.Unicode("", read_only=True)

    def __init__(
        self, config: RunConfig | None = None, *, model: Factory | None = None, **settings: Any
    ) -> None:
        """Take the settings as a `RunConfig`, as keywords, or both (the keywords win).

        `model` makes a model of your own from the sizes of the two vocabularies; see
        `workbench.model.protocol.EncoderDecoder` for what it must be able to do.
        """
        super().__init__()
        self._factory = model
        self.config = adopted((config or RunConfig()).replace(**settings))
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
        self._running: Future[None] | None = None
        self._watching = False
        self._stop = threading.Event()

    # Data and model -------------------------------------------------------------------------

    def load(self) -> Corpus:
        """Load the corpus, learn the vocabularies and number the tokens.

        Raises:
            DataError: a file that cannot be read, or a sentence longer than `max_length`.
        """
        if self._corpus is None:
            corpus = corpus_from(self.config)
            self._codec = self._codec or self._make_codec(corpus)
            self.bad_lines = list(corpus.bad_lines)
            self.encoded = {split: self._encode(pairs) for split, pairs in corpus.splits.items()}
            self._corpus = corpus
            if self.state == "empty":
                self.set_trait("state", "data")
        return self._corpus

    @property
    def codec(self) -> Codec:
        """The tokenizers: those of the opened run, else learned from the training pairs."""
        if self._codec is None:
            self.load()
        assert self._codec is not None  # load has made it
        return self._codec

    def build(self) -> Seq2Seq:
        """Make the model with its first weights, which depend on `seed` alone."""
        if self.state in ("empty", "data"):
            self.load()
            self._make_model()
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
        `wait` and `stop`. Without, it returns when training has ended.

        Raises:
            RunError: training is under way already, or another process runs this run.
            KeyboardInterrupt: without `live`, after an interrupt has stopped training; the model
                and a checkpoint are saved by then.
        """
        if self.state == "training":
            raise RunError("training is under way; wait for it or stop it first")
        self.load()
        self.build()
        self._refuse_a_run_that_is_not_ours()
        self.set_trait("error", "")
        self.set_trait("state", "training")
        self._stop.clear()
        if self.config.live:
            self._running = in_background(self._train, self.stop)
            return
        with on_interrupt(self.stop):
            self._train()
        if self._stop.is_set():
            raise KeyboardInterrupt("training was stopped; the best weights so far are kept")

    def stop(self) -> None:
        """Ask training to end after the step it is at; the best weights so far are kept."""
        self._stop.set()

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
        model = self.build()
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

    def _train(self) -> None:
        """Drive the loop and tell everybody who listens."""
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
            status = self._drive(directory)
            self.save()
            if not owned:
                directory.update(status=status)
            self.set_trait("state", "trained")
        except BaseException as error:
            kind, message = type(error).__name__, " ".join(str(error).split())
            self.set_trait("error", f"{kind}: {message}")
            self.set_trait("state", "failed")
            if not owned:
                status = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
                directory.update(status=status, error={"type": kind, "message": message})
            raise

    def _drive(self, directory: RunDirectory) -> str:
        checkpoints = Checkpoints(directory.checkpoints)
        loop = Loop(
            self.model, self.encoded["train"], self.config, self._look, checkpoints,
            traced={"evaluation": self._teacher},
        )  # fmt: skip
        sinks: list[Sink] = [
            JsonLines(directory.metrics, loop.position.step),
            ProbeLog(directory.probes, loop.position.step),
        ]
        self.history = list(read_history(directory.metrics))
        steps = loop.run()
        with ExitStack() as ending:  # whatever fails in it, the rest of it is done
            ending.callback(lambda: directory.update(training=after_training(loop, self.history)))
            for sink in sinks:
                ending.callback(sink.close)
            ending.callback(steps.close)  # writes a checkpoint unless training came to its end
            for progress in steps:
                self.history.append(progress)
                for sink in sinks:
                    sink.write(progress)
                self.set_trait("progress", progress)
                if self._stop.is_set():
                    return "stopped"
        return "ok"

    def _look(self) -> tuple[Evaluation, tuple[Translation, ...]]:
        """Measure the validation split and translate the watched sentences, greedily."""
        pairs = self.encoded["validation"]
        evaluation, translations = self._evaluation("validation", width=1)
        watched = min(self.config.probe_sentences, len(pairs))
        return evaluation, tuple(translations[:watched])

    # Using the model ------------------------------------------------------------------------

    def translate(
        self, text: str, beam_width: int = 0, hypotheses: int = 0, record: bool = True
    ) -> Translation:
        """Translate one text; by default with the settings' beam, all of it on record."""
        return self.translate_all([text], beam_width, hypotheses, record)[0]

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
        self.build()
        width = beam_width or self.config.beam_width
        limit, alpha = self.config.max_decode_length, self.config.length_penalty
        beta = self.config.coverage_penalty
        return self._translator(pairs, width, limit, alpha, hypotheses or width, record, beta)

    def score(self, source: str, target: str) -> Translation:
        """Return the log-probability and the attention of every token of a given target."""
        return self.score_all([Pair(source, target)])[0]

    def score_all(self, pairs: Sequence[Pair]) -> list[Translation]:
        """Score many pairs under teacher forcing."""
        self.build()
        return self._scorer(pairs)

    def evaluate(self, split: str = "test", limit: int = 0) -> tuple[Evaluation, list[Translation]]:
        """Measure a split with the settings' beam; `limit` sentences at most are translated.

        Returns: the figures (see `Evaluation`), and the translations they were counted on.
        """
        self.build()
        self.load()
        if split not in self.encoded:
            known = ", ".join(self.encoded)
            raise WorkbenchError(
                f"expected a split ({known}), got {split!r}{nearest(split, self.encoded)}"
            )
        return self._evaluation(split, self.config.beam_width, limit or len(self.encoded[split]))

    def evaluate_pairs(self, pairs: Sequence[Pair], name: str = "given") -> Evaluation:
        """Measure any pairs, with the settings' beam."""
        self.build()
        fold = str.lower if self.config.lowercase else str
        encoded = self._encode(
            [pair._replace(source=fold(pair.source), target=fold(pair.target)) for pair in pairs]
        )
        return self._measure(name, encoded, len(encoded), self.config.beam_width)[0]

    def _evaluation(
        self, split: str, width: int, limit: int = 0
    ) -> tuple[Evaluation, list[Translation]]:
        limit = limit or self.config.validation_sentences
        return self._measure(split, self.encoded[split], limit, width)

    def _measure(
        self, name: str, encoded: EncodedPairs, limit: int, width: int
    ) -> tuple[Evaluation, list[Translation]]:
        pairs = encoded.pairs[:limit]
        translations = self.translate_pairs(pairs, beam_width=width)
        figures = self._teacher(encoded, self.config.batch_size)
        figures |= text_figures([each.text for each in translations], [p.target for p in pairs])
        if any(pair.alignment for pair in pairs):
            figures |= alignment_figures(self._scorer(pairs))
        return Evaluation(name, figures, len(pairs)), translations

    # The run directory ----------------------------------------------------------------------

    def save(self, path: str | Path | None = None) -> Path:
        """Write settings, tokenizers and weights to `path`, by default the run's `model/`.

        Raises:
            RunError: `path` is there and holds something else, or cannot be written.
        """
        self.build()
        target = Path(path) if path else self.directory.model
        save_model(target, self.config, self.codec, self.model)
        return target

    def merge(self, path: str | Path) -> Path:
        """Write the model to `path` with its LoRA added to the kernels: a model like any other.

        Raises:
            RunError: there is no LoRA; `path` is there and holds something else.
        """
        config, model = merged(self.config, self.codec, self.build())
        save_model(Path(path), config, self.codec, model)
        return Path(path)

    def record(self, **fields: Any) -> None:
        """Add figures to `run.json`."""
        self.directory.update(**fields)

    def where_it_ran(self) -> dict[str, str]:
        """Say in a few words what this run ran on and what it took."""
        facts = self.directory.read()
        if "training" not in facts:
            raise RunError(f"{self.directory}: training has not ended; train first")
        return in_short(facts)

    @classmethod
    def open(cls, run: str | Path, *, model: Factory | None = None) -> Self:
        """Open a finished run, or a model written by `save`. Runs no code from it.

        `model` makes the model where it was the user's own, as in `Session(model=...)`.

        Raises:
            RunError: it holds no model, or not one of this version, or not that of `model`.
        """
        path, saved = Path(run), find_model(run)
        check_factory(saved, model)
        session = cls(model=model)
        session.config = read_settings(saved).replace(run_directory=str(path))
        session._codec = Codec.load(saved)
        session._make_model()
        check_class(saved, session.model)
        load_weights(saved, session.model)
        session.history = list(read_history(RunDirectory(path).metrics))
        session.set_trait("state", "trained")
        return session

    def _make_codec(self, corpus: Corpus) -> Codec:
        if self.config.adapt_from:
            return trained_codec(self.config)
        return Codec.train(corpus.train, self.config)

    def _make_model(self) -> None:
        device.prepare(self.config.deterministic)
        if self._factory:
            self.model: Seq2Seq = build_own(self._factory, self.config, self.codec)
        else:
            self.model = build_model(self.config, self.codec)
        self._teacher = TeacherForcing(self.model)
        self._scorer = Scoring(self.model, self.codec, self.config.batch_size)
        search = BatchSearch(self.model.encode, self.model.step)
        self._translator = Translator(search, self.codec, self.config.batch_size)

    def _encode(self, pairs: Sequence[Pair]) -> EncodedPairs:
        encoded, bad = self.codec.encode_pairs(pairs, self.config.skip_bad_lines)
        self.bad_lines.extend(bad)
        return encoded
