"""Run a run again from what its directory holds, and compare every figure."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat

from workbench import __version__
from workbench.archives import unpack
from workbench.config import RunConfig
from workbench.data.digests import file_digest
from workbench.errors import RunError, WorkbenchError
from workbench.reports.cells import code_digest
from workbench.reports.export import fetch
from workbench.reports.figures import Figure, compare
from workbench.reports.parameters import read_notebook
from workbench.reports.run import run_report
from workbench.reports.stores import is_address, open_store, reaching
from workbench.reports.surroundings import (
    SURROUNDINGS,
    as_then,
    bits_must_agree,
    differences,
    settings_in,
)
from workbench.runs import NOT_PART_OF_THE_RUN, RunDirectory

TOLERANCE = 0.05  # of a figure, where bits may differ
NEEDED = ("config", "files", "versions")  # a run that trains has `weights` as well
OF_A_SESSION = """\
from workbench import RunConfig, Session

session = Session(RunConfig.from_variables(globals()))
session.train()
"""


@dataclass(frozen=True)
class Verdict:
    """What came of a second run.

    Attributes:
        run: the first run's directory; again: the second's, which may be gone.
        figures: every figure of both.
        tolerance: how far figures may lie apart, 0 where every bit has to be the same.
        differences: what is not as it was then, on a line each.
        not_repeated: names of what a notebook recorded that the run does not hold.
    """

    run: str
    again: str
    figures: list[Figure]
    tolerance: float
    differences: list[str]
    not_repeated: tuple[str, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether every figure could be repeated, none differs, and there is one."""
        compared = self._compared
        return bool(compared) and all(it.equal for it in compared) and not self.not_repeated

    @property
    def summary(self) -> str:
        """How it went, on one line."""
        how = (
            f"within a tolerance of {self.tolerance:g} of each" if self.tolerance else "bit for bit"
        )
        compared = self._compared
        differ = sum(each.equal is False for each in compared)
        if not compared:
            return f"{self.run}: holds no figure to compare"
        without = (
            f"; not repeated: {', '.join(self.not_repeated)}, of a notebook that the run does not "
            "hold (no report.ipynb)"
            if self.not_repeated
            else ""
        )
        if differ:
            found = f"{differ} of {len(compared)} figures differ (compared {how})"
        else:
            found = f"all {len(compared)} figures equal, {how}"
        return f"{self.run}: {found}{without}"

    @property
    def _compared(self) -> list[Figure]:
        return [each for each in self.figures if each.equal is not None]


def verify(run: str | Path, output: Path | None = None, tolerance: float = TOLERANCE) -> Verdict:
    """Run `run` again and compare; what is in `run` is not touched.

    The second run is given the threads of the first and, where they are here, its GPUs. Every bit
    has to be the same where the settings ask for it (`deterministic`) and the second run had the
    same device, processor, threads and versions as the first; else figures may differ by
    `tolerance`, see `compare`. The second run is written to `output` and kept there, or thrown
    away.

    Args:
        run: a run directory, a `.zip` of one, or the address of one.
        output: a new folder for the second run.
        tolerance: a share of each figure.

    Raises:
        RunError: it cannot be run again: something that it needs is missing or has changed, or
            the second run did not end well.
    """
    with _workplace(output) as place:
        first = RunDirectory(_brought(str(run), place))
        record = first.read()
        _refuse_what_cannot_be_repeated(first, record)
        notebook = _notebook(first, record, place)
        with as_then(record):
            outcome = run_report(
                notebook, _parameters(record), run_directory=output or place / "run"
            )
        if outcome.status != "ok":
            kind = WorkbenchError if outcome.exit_code == 2 else SecondRunError
            raise kind(f"{run}: the second run did not end well: {outcome.message}")
        now = outcome.run.read()
        bits = bits_must_agree(record, now)
        allowed = 0.0 if bits else tolerance
        gone = _not_repeated(first, record)
        return Verdict(
            str(run), str(outcome.run), _without(gone, compare(first, outcome.run, allowed)),
            allowed, list(differences(record, now)), gone,
        )  # fmt: skip


class SecondRunError(RunError):
    """The second run failed: not for its input."""


def _refuse_what_cannot_be_repeated(run: RunDirectory, record: Mapping[str, Any]) -> None:
    if record.get("status") != "ok":
        raise RunError(
            f"{run}: expected a run that ended well, found status {record.get('status')}; "
            "--resume goes on with it"
        )
    missing = [name for name in NEEDED if name not in record]
    if run.notebook.exists() and "code" not in record:
        missing.append("code")
    if run.model.exists() and "weights" not in record:
        missing.append("weights")
    if missing:
        theirs = record.get("versions", {}).get("seq2seq-workbench", "an older version")
        raise RunError(
            f"{run}: run.json holds no {', '.join(missing)}: written by workbench {theirs}, while "
            f"runs of this one ({__version__}) hold them; run it anew to have a run to verify"
        )
    if changes := record.get("changes"):
        raise RunError(
            f"{run}: cannot be repeated: a person changed the learning rate after step "
            f"{changes[0]['after_step']}"
        )
    for name, digest in record["files"].items():
        _refuse_another_file(Path(name), digest, record)


def _refuse_another_file(path: Path, digest: str, record: Mapping[str, Any]) -> None:
    try:
        now = file_digest(path)
    except OSError as error:
        raise RunError(
            f"{path}: {error.strerror or error}; the run read it in "
            f"{record.get('working_directory', 'another directory')}: verify it from there"
        ) from None
    if now != digest:
        raise RunError(
            f"{path}: has changed since the run read it (SHA-256 {digest[:12]}… then, "
            f"{now[:12]}… now); put back what it was"
        )


@contextmanager
def _workplace(output: Path | None) -> Iterator[Path]:
    """Yield a directory for what is thrown away afterwards."""
    if output and output.exists():
        raise RunError(f"{output}: exists; choose another place for the second run")
    place = Path(tempfile.mkdtemp(prefix="workbench-verify-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _brought(run: str, place: Path) -> Path:
    """Return where the run lies on this machine, unpacked or fetched if need be."""
    if not (is_address(run) or Path(run).is_file()):
        return Path(run)
    into = place / "unpacked"
    into.mkdir()
    if not is_address(run):
        return unpack(Path(run), into)
    with reaching(run):
        fetch(open_store(run), into, everything=True)
    return into


def _not_repeated(run: RunDirectory, record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of what somebody's notebook recorded, where the run does not hold it."""
    recorded = () if run.notebook.exists() else record.get("recorded", ())
    return tuple(name for name in recorded if name not in SURROUNDINGS)


def _without(names: tuple[str, ...], figures: list[Figure]) -> list[Figure]:
    """Return the figures, those below `names` as not compared."""
    return [
        replace(each, equal=None) if each.name.partition(".")[0] in names else each
        for each in figures
    ]


def _notebook(run: RunDirectory, record: Mapping[str, Any], place: Path) -> Path:
    """Return the notebook to run: the executed one, or one that does what a session did."""
    if run.notebook.exists():
        if code_digest(read_notebook(run.notebook)) != record["code"]:
            raise RunError(
                f"{run.notebook}: its code has changed since it ran; put back what it was"
            )
        return run.notebook
    if "code" in record:
        raise RunError(
            f"{run.notebook}: is missing, and what it did beside training cannot be repeated "
            "without it; put it back"
        )
    if own := record.get("model"):
        raise RunError(f"{run}: cannot be repeated: the model was your own ({own}), not a setting")
    path = place / "session.ipynb"
    settings = _settings(record).items()
    defaults = "\n".join(f"{name}: {type(value).__name__} = {value!r}" for name, value in settings)
    where = 'run_directory: str = ""\nlive: bool = True'
    cells = [
        nbformat.v4.new_code_cell(f"{defaults}\n{where}", metadata={"tags": ["parameters"]}),  # type: ignore[no-untyped-call]
        nbformat.v4.new_code_cell(OF_A_SESSION),  # type: ignore[no-untyped-call]
    ]
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells)), encoding="utf-8")  # type: ignore[no-untyped-call]
    return path


def _parameters(record: Mapping[str, Any]) -> dict[str, Any]:
    given = record.get("parameters", {})
    return {name: value for name, value in given.items() if name not in NOT_PART_OF_THE_RUN}


def _settings(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings by name, such as a default that another version has changed."""
    return settings_in({"config": RunConfig(**record["config"]).model_dump()})
