"""The papermill engine `workbench`: runs a notebook and keeps the truth of every cell.

papermill's own engine marks all cells completed after a kernel is killed or a cell takes too
long. Here `metadata.papermill.status` of a cell says `completed`, `failed` or, when it never
ran, `pending`, and a failed cell always ends with an error output that says why. Works in plain
papermill as well: `papermill --engine workbench in.ipynb out.ipynb`, which then makes `out.html`
and tells the failure in the run directory of the notebook's session (see `plain.py`). The last
lines that libraries printed past the cells stand in the notebook's `metadata.papermill.log`.
"""

import asyncio
import logging
import os
import re
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import nbformat
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager

from workbench.environment import BEGUN, STILLS_ELSEWHERE
from workbench.files import write_text
from workbench.reports.cells import LOG
from workbench.reports.endings import cause_of_death, starved_processes
from workbench.reports.plain import Begun, told_by_papermill

if TYPE_CHECKING:
    from workbench.charts.stills import Stills

PATIENCE = 20  # seconds an interrupted cell has to save what it holds
QUIET = [
    "--log-level=CRITICAL",  # the notebook says what went wrong
    "--IPKernelApp.capture_fd_output=False",  # what a dying library prints would die in a pipe
]
LAST = 2**20  # bytes of what the kernel printed that are looked at
IDLE = re.compile(r"^Thread 0x.*\n(?: +File .*\n)*\n?", re.MULTILINE)  # not the one that crashed
ENDINGS = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")]  # Windows has no hang-up

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # nbclient logs what its exceptions say as well


class WorkbenchEngine(Engine):  # type: ignore[misc]
    """Runs the cells one by one on the interpreter that runs this code."""

    @classmethod
    def execute_notebook(
        cls,
        nb: NotebookNode,
        kernel_name: str,
        output_path: str | Path | None = None,
        progress_bar: bool | dict[str, Any] = True,
        log_output: bool = False,
        autosave_cell_every: int = 30,
        **options: Any,
    ) -> NotebookNode:
        """Run `nb` in place, writing it to `output_path` as it goes.

        A `Path` is the caller's, who sees to run directory and page, and is written whole or not
        at all; a text is papermill's and may be an address: they are seen to here.

        Raises:
            DeadKernelError: the kernel died in a cell.
            CellTimeoutError: a cell took longer than `execution_timeout` seconds, or the whole
                notebook longer than `timeout`; the cell was interrupted first.
            KeyboardInterrupt: the user stopped the run, or the system told this process to end;
                the cell was interrupted first.
            RuntimeError: the kernel did not start.
            OSError: the notebook cannot be written.
        """
        manager = _TruthfulManager(
            nb,
            output_path=output_path,
            progress_bar=progress_bar and {"disable": None},  # tqdm: silent when no terminal
            log_output=log_output,
            autosave_cell_every=autosave_cell_every,
        )
        manager.notebook_start()
        with told_by_papermill(nb, output_path) as begun:
            try:
                cls.execute_managed_notebook(
                    manager, kernel_name, log_output=log_output, begun=begun, **options
                )
            finally:
                manager.notebook_complete()
        return nb

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        start_timeout: float = 60,
        execution_timeout: float | None = None,
        timeout: float | None = None,
        begun: Begun | None = None,
        **options: Any,
    ) -> None:
        """Run the cells of `nb_man.nb`; a failing cell ends the run and is no exception.

        `begun` comes to know the run directories that the kernel begins.
        """
        options.pop("input_path", None)
        client = _Client(
            nb_man,
            kernel_name=kernel_name,
            startup_timeout=start_timeout,
            timeout=None,
            store_widget_state=False,
            log=_log,
            extra_arguments=QUIET,
            **options,
        )
        client.begun = begun
        client.execute(timeout, execution_timeout)


class _TruthfulManager(NotebookExecutionManager):  # type: ignore[misc]
    """Writes the notebook whole or not at all, and makes up no status."""

    def save(self, **_: Any) -> None:
        if isinstance(self.output_path, Path):
            text = nbformat.writes(self.nb)  # type: ignore[no-untyped-call]
            write_text(self.output_path, text + "\n")
            self.last_save_time = self.now()
        else:
            super().save()

    def autosave_cell(self) -> None:
        if self.pbar:
            self.pbar.refresh()
        super().autosave_cell()

    def cell_passed(self, cell: NotebookNode) -> None:
        """Count a cell that has nothing to run."""
        cell.metadata.papermill["status"] = self.COMPLETED
        if self.pbar:
            self.pbar.update(1)

    def notebook_complete(self, **_: Any) -> None:
        """Write the end; papermill would call every cell completed that never ran."""
        self.end_time = self.now()
        record = self.nb.metadata.papermill
        record["end_time"] = self.end_time.isoformat()
        record["duration"] = (self.end_time - self.start_time).total_seconds()
        self.cleanup_pbar()
        self.save()


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    begun: Begun | None = None

    def create_kernel_manager(self) -> AsyncKernelManager:
        """Take `python3` as this interpreter, whatever kernel the user has registered so."""
        if self.kernel_name == NATIVE_KERNEL_NAME:
            self.km = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
        else:
            super().create_kernel_manager()
        return self.km

    def execute(self, timeout: float | None, cell_timeout: float | None) -> None:
        """Run all cells in an event loop of their own, which leaves no task behind.

        Both limits are in seconds: for the whole notebook, and for each of its cells.
        """
        self.limits = (timeout, cell_timeout)
        self.ended_by = "the user"
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._execute_in_new_loop()
        else:  # papermill called from a notebook
            with ThreadPoolExecutor(1) as pool:
                pool.submit(self._execute_in_new_loop).result()

    def _execute_in_new_loop(self) -> None:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:  # zmq needs this
            try:
                runner.run(self._execute())
            except asyncio.CancelledError:
                raise KeyboardInterrupt(f"stopped by {self.ended_by}") from None

    async def _execute(self) -> None:
        self.reset_execution_trackers()
        self.create_kernel_manager()
        self.stills: Stills | None = None
        starved = starved_processes()
        with self._interruptible(), TemporaryFile() as self.kernel_log:  # libraries print there
            try:
                await self._start_kernel()
                async with asyncio.timeout(self.limits[0]) as limit:
                    await self._execute_cells(limit, starved)
                self._hasten_the_end()
                reply = await self.async_wait_for_reply(self.kc.kernel_info())
                self.nb.metadata["language_info"] = reply["content"]["language_info"]
            finally:
                if self.km and self.km.has_kernel:
                    await self._async_cleanup_kernel()
                if words := self._last_words():
                    self.nb.metadata.papermill["log"] = words
                self._finish_stills()

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Let the signals by which a system ends a process act as Ctrl-C does.

        Only where nobody has a use for them, and only in the main thread: no other gets any.
        """
        loop, task, taken = asyncio.get_running_loop(), asyncio.current_task(), []

        def end(number: signal.Signals) -> None:
            self.ended_by = f"the system ({number.name})"
            if task:
                task.cancel()

        for number in filter(None, ENDINGS):
            with suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; other threads
                if signal.getsignal(number) is signal.SIG_DFL:
                    loop.add_signal_handler(number, end, number)
                    taken.append(number)
        try:
            yield
        finally:
            for number in taken:
                loop.remove_signal_handler(number)

    async def _start_kernel(self) -> None:
        # a crash says on which line; pictures are drawn beside the kernel, while it works on
        surroundings = {**os.environ, "PYTHONFAULTHANDLER": "1", STILLS_ELSEWHERE: "1"}
        if self.begun:
            surroundings[BEGUN] = str(self.begun.file)
        await self.async_start_new_kernel(
            stdout=self.kernel_log, stderr=self.kernel_log, env=surroundings
        )
        if self.begun:
            self.begun.process = getattr(self.km.provisioner, "pid", None)
        from workbench.charts.stills import Stills  # takes a while, and so does the kernel now

        self.stills = Stills()
        try:
            await self.async_start_new_kernel_client()
        except RuntimeError as error:
            reason = self._last_words()[-1:] or [str(error)]
            raise RuntimeError(f"the kernel did not start: {reason[0]}") from None

    async def _execute_cells(self, limit: asyncio.Timeout, starved: int) -> None:
        for index, cell in enumerate(self.nb.cells):
            if cell.cell_type != "code":
                self.nb_man.cell_passed(cell)
                continue
            self.nb_man.cell_start(cell, index)
            try:
                await self._execute_cell(cell, index, limit)
            except CellExecutionError:  # the kernel has put the error among the outputs
                self.nb_man.cell_exception(cell, index)
                return
            except DeadKernelError:
                code = await self.km.provisioner.poll() if self.km.provisioner else None
                words = self._last_words()
                hunger = starved_processes() > starved
                _add_error(cell, *cause_of_death(code, words, hunger), words)
                cell.execution_count = cell.execution_count or self._number(index)
                self.nb_man.cell_exception(cell, index)
                raise
            except BaseException as error:
                _add_error(cell, *self._cause(error))
                self.nb_man.cell_exception(cell, index)
                raise
            finally:
                self._draw(cell)
                self.nb_man.cell_complete(cell, index)

    def _number(self, index: int) -> int:
        """Return the number of a cell that began, where the kernel died before it could tell."""
        before = (cell.get("execution_count") for cell in self.nb.cells[:index])
        return 1 + max(filter(None, before), default=0)

    async def _execute_cell(self, cell: NotebookNode, index: int, limit: asyncio.Timeout) -> None:
        """Run one cell; on Ctrl-C or when time is up, interrupt it and let it end by itself."""
        running = asyncio.ensure_future(self.async_execute_cell(cell, index))
        try:
            async with asyncio.timeout(self.limits[1]) as cell_limit:
                try:
                    await asyncio.shield(running)
                except asyncio.CancelledError:
                    await self.km.interrupt_kernel()
                    with suppress(Exception):  # however the cell ends
                        await asyncio.wait_for(running, PATIENCE)
                    if limit.expired():
                        raise _timeout("notebook", self.limits[0]) from None
                    raise
        except TimeoutError:
            if cell_limit.expired():
                raise _timeout("cell", self.limits[1]) from None
            raise

    def _hasten_the_end(self) -> None:
        """Let the kernel not look for garbage when it ends: TensorFlow's heap takes 2 s to search.

        What is not in a cycle of references is still taken down in order, as are exit handlers.
        """
        if self.nb.metadata.get("kernelspec", {}).get("language", "python") == "python":
            self.kc.execute("__import__('gc').freeze()", silent=True, store_history=False)

    def _finish_stills(self) -> None:
        """Draw what cells have shown since in the outputs of others, and wait for all."""
        for cell in self.nb.cells:
            self._draw(cell)
        with suppress(ValueError):  # a chart that cannot be drawn is still a chart
            if self.stills:
                self.stills.finish()

    def _draw(self, cell: NotebookNode) -> None:
        if self.stills:
            self.stills.draw(cell.get("outputs", ()))

    def _last_words(self) -> list[str]:
        """Return the last lines that the kernel printed where no notebook shows them."""
        size = self.kernel_log.seek(0, os.SEEK_END)
        self.kernel_log.seek(max(0, size - LAST))
        text = self.kernel_log.read().decode(errors="replace")
        return IDLE.sub("", text).strip().splitlines()[-LOG:]

    def _cause(self, error: BaseException) -> tuple[str, str]:
        """Return the name and the message of what stopped a cell."""
        if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
            return "KeyboardInterrupt", f"stopped by {self.ended_by}"
        return type(error).__name__, str(error)


def _timeout(what: str, seconds: float | None) -> CellTimeoutError:
    return CellTimeoutError(f"the {what} took longer than {seconds or 0:g} seconds")


def _add_error(cell: NotebookNode, name: str, message: str, words: Sequence[str] = ()) -> None:
    """End the outputs of `cell` with what stopped it, unless the kernel has said so."""
    said = [output.get("ename") for output in cell.outputs]
    if name not in said or "the system" in message:
        output = nbformat.v4.new_output(  # type: ignore[no-untyped-call]
            "error", ename=name, evalue=message, traceback=[*words, f"{name}: {message}"]
        )
        cell.outputs.append(output)
