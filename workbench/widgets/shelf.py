"""Other runs, taken down for comparing: what they wrote, and two of them opened to translate."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar
from weakref import WeakKeyDictionary, finalize

import traitlets

from workbench.background import Worker
from workbench.config import RunConfig
from workbench.errors import WorkbenchError
from workbench.model.storage import find_model, read_settings
from workbench.moments import OverTime
from workbench.records import Progress, Translation
from workbench.runs import RunDirectory
from workbench.session import Session
from workbench.training.checkpoint import Checkpoints
from workbench.training.sinks import read_history

RUNS = (Path("runs"), Path("../runs"))  # of the notebook, and of the project around its folder
OPEN = 2  # runs whose models are kept in memory

Model = tuple[str, int]  # run directory, and step of a checkpoint; 0: the weights it ended with
T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """What a run directory tells without opening its model.

    Attributes:
        config: its settings; history: its steps of training.
        steps: those of which it has a checkpoint.
    """

    config: RunConfig
    history: tuple[Progress, ...]
    steps: tuple[int, ...]

    @staticmethod
    def check(path: str) -> None:
        """See whether the directory `path` is one to be read.

        Raises:
            RunError: it is neither a run nor a saved model.
        """
        if not RunDirectory(path).record.exists():
            find_model(path)

    @classmethod
    def read(cls, path: str) -> Self:
        """Read the directory `path`.

        Raises:
            WorkbenchError: it is neither a run nor a saved model, or cannot be read.
        """
        directory = RunDirectory(path)
        if directory.record.exists():
            config = RunConfig(**directory.read().get("config", {}))
        else:
            config = read_settings(find_model(path))
        history = read_history(directory.metrics)
        return cls(config, history, tuple(Checkpoints(directory.checkpoints).moments))


class Shelf(traitlets.HasTraits):
    """Reads and opens other runs on a thread of its own.

    Traits:
        found: the run directories in RUNS, the latest first.
        runs: what is known of each run that was asked for, or why it cannot be read.
        translations: of the models compared, or why there is none.
        busy: what is being done, in a word or two.
    """

    found = traitlets.Tuple(read_only=True)
    runs = traitlets.Dict(read_only=True)
    translations = traitlets.Dict(read_only=True)
    busy = traitlets.Unicode("", read_only=True)

    _all: ClassVar["WeakKeyDictionary[Session, Shelf]"] = WeakKeyDictionary()

    def __init__(self) -> None:
        """Start with nothing on it."""
        super().__init__()
        self._worker = Worker("workbench shelf")
        self._lock = threading.Lock()
        self._asked = 0
        self._open: dict[Model, Session] = {}  # the latest used last
        finalize(self, self._worker.close).atexit = False

    @classmethod
    def of(cls, session: Session) -> "Shelf":
        """Return the one shelf of `session`."""
        return cls._all.setdefault(session, cls())

    def look(self, paths: Sequence[str] = ()) -> Future[None]:
        """Look again what lies in RUNS, and read the runs `paths`."""
        return self._worker.submit(partial(self._look, tuple(paths)))

    def ask(self) -> int:
        """Forget the translations, and return a number to put new ones down with."""
        with self._lock:
            self._asked += 1
            self.set_trait("translations", {})
            return self._asked

    def tell(self, asked: int, model: Model, result: Translation | str) -> None:
        """Put down a translation, or why there is none, unless another was asked for since."""
        with self._lock:
            if asked == self._asked:
                self.set_trait("translations", {**self.translations, model: result})

    def translate(
        self, asked: int, model: Model, text: str, search: Mapping[str, Any]
    ) -> Future[None]:
        """Open `model`, unless it is open, and translate with the settings `search`."""
        return self._worker.submit(partial(self._translate, asked, model, text, dict(search)))

    def over_time(
        self, path: str, first: OverTime, search: Mapping[str, Any]
    ) -> "Future[OverTime]":
        """Look over the run `path` with the settings `search`, at what `first` looked at."""

        def look() -> OverTime:
            with self._doing(f"looking over {Path(path).name}"):
                return self._opened((path, 0), dict(search)).over_time(
                    first.text, reference=first.followed
                )

        return self._worker.submit(look)

    def result(self, model: Model) -> Translation | str | None:
        """Return the translation of `model`, why there is none, or None while it takes."""
        translations: dict[Any, Translation | str] = self.translations
        return translations.get(model)

    def _look(self, paths: tuple[str, ...]) -> None:
        with self._doing("reading runs"):
            records = sorted((it for runs in RUNS for it in runs.glob("*/run.json")), key=_age)
            self.set_trait("found", tuple(str(record.parent) for record in records))
            self.set_trait("runs", {path: or_reason(partial(Run.read, path)) for path in paths})

    def _translate(self, asked: int, model: Model, text: str, search: dict[str, Any]) -> None:
        with self._doing(f"translating with {Path(model[0]).name}"):
            result = or_reason(lambda: self._opened(model, search).translate(text))
        self.tell(asked, model, result)

    def _opened(self, model: Model, search: dict[str, Any]) -> Session:
        """Return the model with the settings `search`; the least used one is closed for it."""
        session = self._open.pop(model, None)
        if session is None:
            while len(self._open) >= OPEN:
                del self._open[next(iter(self._open))]
            path, step = model
            session = Session.open(path, step=step or None)
        session.configure(**search)
        self._open[model] = session
        return session

    @contextmanager
    def _doing(self, what: str) -> Iterator[None]:
        self.set_trait("busy", what)
        try:
            yield
        finally:
            self.set_trait("busy", "")


def or_reason(get: Callable[[], T]) -> T | str:
    """Return what `get` returns, or why it cannot, on one line."""
    try:
        return get()
    except WorkbenchError as error:
        return str(error)
    except Exception as error:  # of a run from elsewhere, anything may be damaged
        return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _age(record: Path) -> float:
    """Return how old a file is, for the latest to come first; one that has gone is oldest."""
    try:
        return -record.stat().st_mtime
    except OSError:
        return 0.0
