"""The session: one corpus, one model, one run directory, and all that can be done with them.

    session = Session(RunConfig(corpus="scan", encoder="lstm"))
    session.train()
    session.translate("jump around right twice").text

Panels and notebooks look at its traits; nothing here knows that they exist.
"""

import asyncio
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import traitlets

from workbench.model import quiet  # noqa: F401, before any other import of TensorFlow

# isort: split
from workbench import environment
from workbench.config import RunConfig
from workbench.data.corpus import Corpus, Pair
from workbench.data.encoding import Codec, EncodedPairs
from workbench.data.loading import corpus_from
from workbench.errors import RunError, SettingsError, WorkbenchError, nearest
from workbench.files import replacing, write_text
from workbench.inspection.alignment import alignment_figures
from workbench.inspection.scoring import Scorer
from workbench.metrics import text_figures
from workbench.model.outline import outline
from workbench.model.seq2seq import Seq2Seq
from workbench.records import BadLine, Block, Evaluation, Progress, Translation
from workbench.runs import RunDirectory, run_hash, run_name
from workbench.search.batch import BatchSearch
from workbench.search.translate import Translator
from workbench.training import device
from workbench.training.checkpoint import Checkpoints
from workbench.training.evaluation import TeacherForcing
from workbench.training.loop import Loop
from workbench.training.sinks import JsonLines, ProbeLog, Sink, read_history


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

    def __init__(self, config: RunConfig | None = None, **settings: Any) -> None:
        """Take the settings as a `RunConfig`, as keywords, or both (the keywords win)."""
        super().__init__()
        self.config = (config or RunConfig()).replace(**settings)
        self.history: list[Progress] = []
        self.bad_lines: list[BadLine] = []
        self.encoded: dict[str, EncodedPairs] = {}
        self._corpus: Corpus | None = None
        self._codec: Codec | None = None
        self._worker = ThreadPoolExecutor(1, "training")
        self._running: Future[None] | None = None
        self._stop = threading.Event()

    # Data and model -------------------------------------------------------------------------

    def load(self) -> Corpus:
        """Load the corpus, learn the vocabularies and number the tokens.

        Raises:
            DataError: a file that cannot be read, or a sentence longer than `max_length`.
        """
        if self._corpus is None:
            corpus = corpus_from(self.config)
            self._codec = self._codec or Codec.train(corpus.train, self.config)
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
            self.set_trait("state", "built")
        return self.model

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The model's diagram: every layer with its shape and its parameters."""
        return outline(self.config, self.codec.source.size, self.codec.target.size)

    @property
    def directory(self) -> RunDirectory:
        """Where this run is written: `run_directory`, else `runs/<name>-<hash>`."""
        if self.config.run_directory:
            return RunDirectory(self.config.run_directory)
        digest = run_hash(self.config, self.load().fingerprint)
        return RunDirectory(Path("runs") / run_name(self.config, "session", digest))

    # Training -------------------------------------------------------------------------------

    def train(self) -> None:
        """Train from the last checkpoint, or from the start.

        With `live` settings this returns at once and training goes on in the background; see
        `wait` and `stop`. Without, it returns when training has ended.

        Raises:
            RunError: training is under way already, or another process runs this run.
        """
        if self.state == "training":
            raise RunError("training is under way; wait for it or stop it first")
        if self.directory.runner == "other":
            raise RunError(
                f"{self.directory}: another process is at it; wait for it, or choose another "
                "run_directory"
            )
        self.load()
        self.build()
        self.set_trait("error", "")
        self.set_trait("state", "training")
        self._stop.clear()
        if self.config.live:
            self._running = self._worker.submit(self._train)
        else:
            self._train()

    def stop(self) -> None:
        """Ask training to end after the step it is at; the best weights so far are kept."""
        self._stop.set()

    async def wait(self) -> None:
        """Wait until background training has ended; raise what it raised."""
        if self._running:
            await asyncio.wrap_future(self._running)

    def _train(self) -> None:
        """Drive the loop and tell everybody who listens."""
        directory = self.directory
        owned = directory.runner == "parent"  # it began this run and will end it
        try:
            if not owned:
                directory.begin(config=self.config.model_dump())
            directory.update(**self._facts())
            if owned:
                _mourn(os.getppid(), directory)
            status = self._drive(directory)
            self.save()
            if not owned:
                directory.update(status=status)
            self.set_trait("state", "trained")
        except BaseException as error:
            self.set_trait("error", " ".join(f"{type(error).__name__}: {error}".split()))
            self.set_trait("state", "failed")
            if not owned:
                status = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
                directory.update(status=status, error=self.error)
            raise

    def _drive(self, directory: RunDirectory) -> str:
        checkpoints = Checkpoints(directory.checkpoints)
        loop = Loop(self.model, self.encoded["train"], self.config, self._look, checkpoints)
        sinks: list[Sink] = [
            JsonLines(directory.metrics, loop.position.step),
            ProbeLog(directory.probes, loop.position.step),
        ]
        self.history = list(read_history(directory.metrics))
        steps = loop.run()
        try:
            for progress in steps:
                self.history.append(progress)
                for sink in sinks:
                    sink.write(progress)
                self.set_trait("progress", progress)
                if self._stop.is_set():
                    return "stopped"
        finally:
            steps.close()  # writes a checkpoint when it did not come to its end
            for sink in sinks:
                sink.close()
            directory.update(training=self._training_facts(loop))
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
        pairs: Sequence[Pair] | None = None,
    ) -> list[Translation]:
        """Translate many texts, or the sources of `pairs` with their references kept beside."""
        self.build()
        width = beam_width or self.config.beam_width
        return self._translator(
            pairs or [Pair(text, "") for text in texts],
            width,
            self.config.max_decode_length,
            self.config.length_penalty,
            hypotheses or width,
            record,
        )

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
        translations = self.translate_all([], beam_width=width, pairs=pairs)
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
        target = Path(path) if path else self.directory.model
        if target.exists() and not (target / "config.json").exists():
            raise RunError(f"{target}: exists and is no model; choose another place to save it")
        self.build()
        with replacing(target) as beside:
            beside.mkdir(parents=True)
            write_text(beside / "config.json", self.config.to_json())
            self.codec.save(beside)
            self.model.save_weights(beside / "model.weights.h5")
        return target

    def record(self, **fields: Any) -> None:
        """Add figures to `run.json`."""
        self.directory.update(**fields)

    def where_it_ran(self) -> dict[str, str]:
        """Say in a few words what this run ran on and what it took."""
        facts = self.directory.read()
        training = facts["training"]
        gpus = ", ".join(gpu.get("device_name", "GPU") for gpu in facts.get("gpus", []))
        return {
            "device": gpus or "CPU",
            "processor": f"{facts['processor']}, {facts['cores']} cores",
            "memory": f"{facts['memory_bytes'] / 2**30:.1f} GiB",
            "system": facts["system"],
            "versions": ", ".join(f"{name} {number}" for name, number in facts["versions"].items()),
            "commit": facts["commit"] or "not under version control",
            "seed": str(facts["seed"]),
            "weights": f"{facts['parameters_count']:,}",
            "steps": f"{training['steps']:,}, best at {training['best_step']:,}",
            "training": f"{training['seconds'] / 60:.1f} minutes",
            "speed": f"{training['tokens_per_second']:,.0f} target tokens a second",
            "peak memory": f"{training['peak_memory_bytes'] / 2**30:.2f} GiB",
        }

    @classmethod
    def open(cls, run: str | Path) -> Self:
        """Open a finished run, or a model written by `save`. Runs no code from it.

        Raises:
            RunError: it holds no model, or not one of this version.
        """
        path = Path(run)
        model = path if (path / "config.json").exists() else RunDirectory(path).model
        if not (model / "config.json").exists():
            raise RunError(f"{run}: expected a run directory with a model, found none")
        try:
            config = RunConfig.from_file(model / "config.json")
        except SettingsError as error:
            raise RunError(f"{model}: cannot read its settings: {error}") from None
        session = cls(config.replace(run_directory=str(path)))
        session._codec = Codec.load(model)
        session._make_model()
        try:
            session.model.load_weights(model / "model.weights.h5")
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise RunError(f"{model}: cannot load weights: {reason}") from None
        session.history = list(read_history(RunDirectory(path).metrics))
        session.set_trait("state", "trained")
        return session

    def _make_model(self) -> None:
        device.prepare(self.config.deterministic)
        sizes = self.codec.source.size, self.codec.target.size
        self.model = Seq2Seq(self.config, *sizes, seed=self.config.seed)
        self._teacher = TeacherForcing(self.model)
        self._scorer = Scorer(self.model, self.codec, self.config.batch_size)
        search = BatchSearch(self.model.encode, self.model.step)
        self._translator = Translator(search, self.codec, self.config.batch_size)

    def _encode(self, pairs: Sequence[Pair]) -> EncodedPairs:
        encoded, bad = self.codec.encode_pairs(pairs, self.config.skip_bad_lines)
        self.bad_lines.extend(bad)
        return encoded

    def _facts(self) -> dict[str, Any]:
        """Return what `run.json` says of a run before it starts."""
        return {
            "config": self.config.model_dump(),
            "seed": self.config.seed,
            **environment.describe(),
            **device.describe(),
            "data": {
                "corpus": self.load().name,
                "fingerprint": self.load().fingerprint,
                "pairs": {split: len(pairs) for split, pairs in self.encoded.items()},
                "bad_lines": [str(line) for line in self.bad_lines],
            },
            "parameters_count": self.model.count_params(),
        }

    def _training_facts(self, loop: Loop) -> dict[str, Any]:
        tokens = sum(progress.tokens for progress in self.history)
        spent = sum(progress.tokens / progress.tokens_per_second for progress in self.history)
        return {
            "steps": loop.position.step,
            "best_step": loop.position.best_step,
            "best": loop.position.best,
            "seconds": loop.position.seconds,
            "tokens_per_second": tokens / spent if spent else 0.0,
            "traces": loop.trace_count,
            **environment.resources(),
            "peak_gpu_memory": device.peak_gpu_memory(),
        }


def _mourn(parent: int, directory: RunDirectory) -> None:
    """Watch the process that runs this run; when it dies, say so in `run.json` and end too.

    A runner killed outright can write nothing any more. Its kernel can.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        directory.update(status="killed", error="the process that ran the notebook was killed")
        os._exit(1)

    threading.Thread(target=watch, name="watch the runner", daemon=True).start()
