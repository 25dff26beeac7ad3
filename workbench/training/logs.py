"""Who outside is told of training: TensorBoard, Weights & Biases, MLflow, where `log_to` says so.

Each is written to in a thread of its own, so that a slow disk or a server that is gone holds
nothing up. One that fails is dropped; training goes on and says so.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from workbench.background import Worker
from workbench.config import RunConfig
from workbench.errors import RunError, SettingsError
from workbench.records import Block, Progress
from workbench.training.sinks import Sink

if TYPE_CHECKING:
    from workbench.data.encoding import Codec
    from workbench.model.seq2seq import Seq2Seq

MODULES = {  # by the name in `log_to`: ours, which has `open_log`, and the package that it needs
    "tensorboard": ("workbench.training.tensorboard", "tensorboard"),
    "wandb": ("workbench.training.wandb", "wandb"),
    "mlflow": ("workbench.training.mlflow", "mlflow"),
}
PATIENCE = 30.0  # seconds that the end of training waits for a log to take what is left


@dataclass(frozen=True)
class Logged:
    """What a log is told of a run before its first step.

    Attributes:
        directory: the run's; a log writes into a directory of its own in it.
        step: the one at which training goes on, 0 where it begins.
        known: by the log's name, what it called this run when it began; empty when it begins.
    """

    directory: Path
    config: RunConfig
    model: "Seq2Seq"
    codec: "Codec"
    blocks: tuple[Block, ...]
    step: int
    known: dict[str, str]


class Log(Sink, Protocol):
    """A sink elsewhere.

    Attributes:
        called: by what name the run is found there again; empty where it needs none.
        failed: whether training came to a bad end, known before `close`.
    """

    called: str = ""
    failed: bool = False


def names_of(log_to: str) -> list[str]:
    """Return the names in the setting `log_to`."""
    return [name for name in log_to.split(", ") if name]


def check_logs(log_to: str) -> None:
    """Refuse a log whose package is not there.

    Raises:
        SettingsError: with the command that installs it.
    """
    for name in names_of(log_to):
        if find_spec(MODULES[name][1]) is None:
            raise SettingsError(
                f"log_to is {log_to!r} and the package {name} is not installed: "
                f"pip install 'seq2seq-workbench[{name}]'"
            )


class Logs:
    """All logs of a run as one sink, to be used in a `with` block: its end is theirs.

    Attributes:
        called: by its name, what each log calls this run.
        dropped: by its name, why a log was dropped, on one line.
    """

    def __init__(self, logged: Logged) -> None:
        """Open what `log_to` names.

        Raises:
            RunError: one cannot be opened.
        """
        self.called: dict[str, str] = {}
        self.dropped: dict[str, str] = {}
        self._told: set[str] = set()  # those that `lost` has returned
        self._logs: dict[str, _Aside] = {}
        for name in names_of(logged.config.log_to):
            try:
                log = import_module(MODULES[name][0]).open_log(logged)
            except Exception as error:
                self.__exit__(RunError, None, None)
                raise RunError(
                    f"{name} cannot be opened: {_told(error)}; mend that, or take it out of log_to"
                ) from error
            self.called |= {name: log.called} if log.called else {}
            self._logs[name] = _Aside(log, name, partial(self.dropped.setdefault, name))

    def write(self, progress: Progress) -> None:
        """See `Sink.write`."""
        for log in self._logs.values():
            log.write(progress)

    def lost(self) -> list[tuple[str, str]]:
        """Return name and reason of the logs that were dropped since the last call."""
        every = list(self.dropped.items())  # at once: their threads may add to it
        since = [(name, why) for name, why in every if name not in self._told]
        self._told.update(name for name, _ in since)
        return since

    def __enter__(self) -> Self:
        """Return the logs."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        """Close them; `kind` is what training ended with, if it ended badly."""
        for log in self._logs.values():
            log.close(failed=kind is not None)


class _Aside:
    """A log that is written to in a thread of its own, until it fails."""

    def __init__(self, log: Log, name: str, drop: Callable[[str], Any]) -> None:
        self._log, self._drop = log, drop
        self._dropped = False
        self._worker = Worker(f"log to {name}")

    def write(self, progress: Progress) -> None:
        if not self._dropped:
            self._do(partial(self._log.write, progress))

    def close(self, failed: bool) -> None:
        self._log.failed = failed
        closed = self._do(self._log.close)
        try:
            closed.result(PATIENCE)
        except TimeoutError:
            self._dropped = True
            self._drop(f"it took more than {PATIENCE:.0f} s to end; what was not written is lost")
        self._worker.close()

    def _do(self, work: Callable[[], None]) -> Future[None]:
        def guarded() -> None:
            try:
                if not self._dropped:
                    work()
            except Exception as error:
                self._dropped = True
                self._drop(_told(error))

        return self._worker.submit(guarded)


def scalars(progress: Progress) -> dict[str, float]:
    """Return the figures of a step by the names that all logs give them."""
    figures = {
        f"training/{name}": float(getattr(progress, name))
        for name in ("loss", "learning_rate", "gradient_norm", "tokens_per_second")
    }
    if progress.evaluation:
        split = progress.evaluation.split
        figures |= {f"{split}/{name}": its for name, its in progress.evaluation.figures.items()}
    return figures


def rows_of(tokens: Sequence[str]) -> list[str]:
    """Return tokens as lines of a table: what cannot be seen or would break it is spelt out."""
    return [token if token.strip() and token.isprintable() else repr(token) for token in tokens]


def _told(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
