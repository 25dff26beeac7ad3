"""Every test here starts a kernel, but for one that fails to."""

import asyncio
import base64
import os
import signal
import sys
import threading
import time
from pathlib import Path

import nbformat
import papermill
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from workbench.charts.export import drawn
from workbench.charts.stills import VEGA_LITE
from workbench.reports.cells import cell_records, failure_in, log_tail
from workbench.reports.engine import WorkbenchEngine


def statuses(notebook):
    return [record["status"] for record in cell_records(notebook)]


@pytest.fixture(scope="module")
def works(load, tmp_path_factory):
    """Run from inside an event loop, as papermill is when a notebook calls it."""
    path = tmp_path_factory.mktemp("engine") / "out.ipynb"
    document = load("works")

    async def run():
        return WorkbenchEngine.execute_notebook(document, "python3", output_path=path)

    asyncio.run(run())
    return nbformat.read(path, as_version=4)


def printed(notebook, index):
    return "".join(o.text for o in notebook.cells[index].outputs if o.get("name") == "stdout")


def test_all_cells_run(works):
    assert statuses(works) == ["completed"] * 4
    assert failure_in(works) is None
    assert works.metadata.papermill.duration > 0


def test_the_kernel_is_this_interpreter_in_this_directory(works):
    assert printed(works, 5).splitlines() == [sys.executable, str(Path.cwd())]


def test_no_widget_state_is_kept(works):
    assert "widgets" not in works.metadata


def test_pictures_are_drawn_while_the_kernel_works_on(tmp_path):
    """Those of charts shown again from a later cell as well, also where a cell fails."""
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (
        "from IPython.display import display\n"
        "from workbench.charts.frame import notice\n"
        "from workbench.widgets.figure import bundle\n"
        "shown = display(bundle(notice('One', 'x')), raw=True, display_id=True)",
        "bundle_of_two = bundle(notice('Two', 'x'))\n"
        "print(repr(bundle_of_two['image/png']))\n"
        "shown.update(bundle_of_two, raw=True)\n"
        "1 / 0",
    )])  # fmt: skip
    out = tmp_path / "out.ipynb"
    with pytest.raises(papermill.PapermillExecutionError, match="division by zero"):
        papermill.execute_notebook(document, out, kernel_name="python3", engine_name="workbench")
    written = nbformat.read(out, as_version=4)
    first, second = (cell for cell in written.cells if cell.cell_type == "code")
    assert second.outputs[0].text == "''\n"
    forms = first.outputs[0].data
    assert forms["image/png"] == base64.b64encode(drawn(forms[VEGA_LITE])).decode()
    assert "Two" in forms["text/plain"]


def test_the_kernel_looks_for_no_garbage_when_it_ends_and_its_exit_handlers_run(tmp_path):
    told = tmp_path / "told"
    source = (
        "import atexit, gc, pathlib\n"
        f"told = lambda: pathlib.Path({str(told)!r}).write_text(str(gc.get_freeze_count()))\n"
        "atexit.register(told)"
    )
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    out = tmp_path / "out.ipynb"
    papermill.execute_notebook(document, out, kernel_name="python3", engine_name="workbench")
    assert int(told.read_text()) > 10_000


def test_papermill_s_own_command_raises_for_a_failing_cell(path_of, tmp_path, capfd):
    out = tmp_path / "out.ipynb"
    with pytest.raises(papermill.PapermillExecutionError, match="the third cell"):
        papermill.execute_notebook(path_of("fails"), out, engine_name="workbench")
    written = nbformat.read(out, as_version=4)
    assert statuses(written) == ["completed", "completed", "failed", "pending"]
    assert failure_in(written).type == "ValueError"
    assert "Executing" not in capfd.readouterr().err  # no bar: standard error is no terminal


def test_a_killed_kernel_is_seen_in_the_notebook(path_of, tmp_path):
    out = tmp_path / "out.ipynb"
    with pytest.raises(DeadKernelError):
        papermill.execute_notebook(path_of("dies"), out, engine_name="workbench")
    written = nbformat.read(out, as_version=4)
    assert statuses(written) == ["completed", "completed", "failed", "pending"]
    assert failure_in(written).message == (
        "the kernel died: it was killed (SIGKILL), perhaps for want of memory"
    )
    assert printed(written, 1) == "before\n"  # what the dying cell prints may be lost with it


def test_a_crash_is_told_from_a_kill_and_the_log_kept(path_of, tmp_path):
    out = tmp_path / "out.ipynb"
    with pytest.raises(DeadKernelError):
        papermill.execute_notebook(path_of("crashes"), out, engine_name="workbench")
    written = nbformat.read(out, as_version=4)
    failure = failure_in(written)
    assert (failure.type, failure.cell) == ("DeadKernelError", 1)
    assert failure.message == "the kernel died: it crashed or was killed (SIGSEGV)"
    assert "Fatal Python error: Segmentation fault" in "".join(log_tail(written))


@pytest.mark.parametrize(
    ("limit", "what"), [("timeout", "notebook"), ("execution_timeout", "cell")]
)
def test_when_time_is_up_the_cell_may_tidy_up(load, tmp_path, monkeypatch, limit, what):
    monkeypatch.chdir(tmp_path)
    document = load("sleeps")
    with pytest.raises(CellTimeoutError, match=f"the {what} took longer than 2 seconds"):
        WorkbenchEngine.execute_notebook(document, "python3", **{limit: 2})
    assert statuses(document) == ["completed", "failed", "pending"]
    assert failure_in(document).type == "CellTimeoutError"
    assert log_tail(document)[0] == "tidied up"


def test_told_to_end_by_the_system_it_ends_as_with_ctrl_c(path_of, tmp_path):
    reached, out, before = tmp_path / "reached", tmp_path / "out.ipynb", signal.getsignal(15)

    def terminate():
        while not reached.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=terminate, daemon=True).start()
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        papermill.execute_notebook(
            path_of("sleeps"), out, {"word": str(reached)}, engine_name="workbench"
        )
    written = nbformat.read(out, as_version=4)
    assert statuses(written) == ["completed", "completed", "failed", "pending"]
    assert failure_in(written).message == "stopped by the system (SIGTERM)"
    assert "tidied up" in log_tail(written)
    assert signal.getsignal(15) is before


def test_a_kernel_that_does_not_start_says_why(load, monkeypatch):
    command = [sys.executable, "-c", "import sys; sys.exit('no kernel today')"]
    spec = KernelSpecManager(kernel_dirs=[]).get_kernel_spec("python3")
    spec.argv = command
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda *_: spec)
    document = load("works")
    with pytest.raises(RuntimeError, match=r"^the kernel did not start: no kernel today$"):
        WorkbenchEngine.execute_notebook(document, "python3")
    assert statuses(document) == ["pending"] * 4
