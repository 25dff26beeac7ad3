"""What `papermill --engine workbench` leaves beside its notebook: the page, and how the run went.

`workbench report` begins a run directory before the kernel starts, and ends it. Under plain
papermill the session in the notebook begins one, if it does, and cannot know that a later cell
fails or that its own process is killed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from nbformat import NotebookNode
from papermill.iorw import papermill_io

from workbench.config import RunConfig
from workbench.files import write_text
from workbench.reports.cells import Failure, cell_records, failure_in, in_minutes, log_tail
from workbench.reports.endings import account, status_of, with_remedy
from workbench.reports.stores import is_address
from workbench.runs import RunDirectory

STANDARD_OUTPUT = "-"


@dataclass
class Begun:
    """The run directories that a kernel begins.

    Attributes:
        file: where it tells of them; process: its number, as others may tell there as well.
    """

    file: Path
    process: int | None = None

    def last(self) -> RunDirectory | None:
        """Return the one that it began last: those before were done with."""
        lines = self.file.read_text("utf-8").splitlines() if self.file.exists() else []
        everyone = os.name == "nt"  # where a virtual environment starts Python under another number
        own = [
            path
            for number, _, path in (line.partition(" ") for line in lines)
            if everyone or number == str(self.process)
        ]
        run = RunDirectory(own[-1]) if own else None
        return run if run and run.record.exists() else None


@contextmanager
def told_by_papermill(notebook: NotebookNode, output: str | Path | None) -> Iterator[Begun | None]:
    """Tell, when the block has ended, how `notebook` went, if papermill writes it to `output`.

    Raises:
        OSError: the page cannot be written.
    """
    if not isinstance(output, str) or output == STANDARD_OUTPUT:
        yield None
        return
    with TemporaryDirectory(ignore_cleanup_errors=True) as place:
        begun, failure = Begun(Path(place) / "begun"), None
        try:
            yield begun
        except BaseException as error:
            failure = Failure(type(error).__name__, str(error))
            raise
        finally:
            _tell(notebook, output, begun.last(), failure_in(notebook) or failure)


def _tell(
    notebook: NotebookNode, output: str, run: RunDirectory | None, failure: Failure | None
) -> None:
    if run:
        known = run.read()
        size = known.get("config", {}).get("batch_size", RunConfig().batch_size)
        failure = failure and with_remedy(failure, size)
        ended = {"status": status_of(failure), "error": asdict(failure)} if failure else {}
        run.update(
            log=log_tail(notebook),
            cells=cell_records(notebook),
            wall_seconds=notebook.metadata.papermill["duration"],
            **({"status": known.get("status", "ok")} | ended),
        )
    _write(_page(notebook, Path(output).stem, run, failure), output.removesuffix(".ipynb"))


def _page(
    notebook: NotebookNode, title: str, run: RunDirectory | None, failure: Failure | None
) -> str:
    from workbench.reports.html import to_html  # with the charts: the kernel need not wait for it

    record = notebook.metadata.papermill
    status = run.status if run else status_of(failure)
    return to_html(
        notebook,
        title=title,
        banner=f"This run {account(failure)}" if failure else None,
        log=log_tail(notebook) if failure else (),
        facts={
            "Status": status,
            "Started": record["start_time"][:19].replace("T", " ") + " UTC",
            "Duration": in_minutes(record["duration"]),
            **({"Run": run.path.name} if run else {}),
        },
        parameters=record.get("parameters", {}),
    )


def _write(page: str, stem: str) -> None:
    if is_address(stem):
        papermill_io.write(page, f"{stem}.html", [".html"])
    else:
        write_text(Path(f"{stem}.html"), page)
