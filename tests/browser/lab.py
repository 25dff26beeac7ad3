"""A real JupyterLab for browser tests: its server, and a notebook open in a page.

A test takes the fixture `notebook` and gives it cells:

    def test_training_can_be_stopped(notebook, watch):
        book = notebook("from workbench import ...", "panel = TrainPanel(session); panel")
        book.run()                                   # all cells, until the kernel is idle
        book.page.get_by_role("button", name="Train").click()
        assert book.python("session.state") == "training"   # evaluated in the kernel
        book.shot("train-panel")                     # a picture where a person can look
        assert (watch.console, watch.uncaught) == ([], [])

`book.page` is Playwright's page, `book.reload()` loads it again as F5 does, `book.restart()`
restarts the kernel, `book.theme("dark")` switches the theme, `book.until(javascript)` waits.
The server is one for the whole run of tests, and so is its kernel, since loading TensorFlow takes
longer than most tests: after a test `Lab.tidy` empties it, or ends it where it is not idle.
Pictures go to the folder named by WORKBENCH_SCREENSHOTS, by default `screenshots/`, which git
ignores. JupyterLab draws only the cells that can be seen: scroll to one before looking at it.
"""

import ast
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
import zmq
from playwright.sync_api import Locator, Page, TimeoutError

SCREENSHOTS = Path(os.environ.get("WORKBENCH_SCREENSHOTS", "screenshots"))
KERNEL = tuple(map(int, version("ipykernel").split(".")[:2]))
START = 120  # seconds that JupyterLab may take to start on a busy machine
SETTINGS = {  # which would ask other machines, or a person
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
}


class Lab:
    """JupyterLab on a free port of this machine; `folder` holds its notebooks and its settings."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "notebooks"
        self.root.mkdir()
        self._log = folder / "server.log"
        for name, values in SETTINGS.items():
            path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values), encoding="utf-8")
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        with self._log.open("w") as log:
            self._server = subprocess.Popen(
                _command(port, self.root), cwd=self.root, stdout=log, stderr=log,
                env=os.environ | _homes(folder),
            )  # fmt: skip
        self._ended = threading.Event()
        if (7,) <= KERNEL < (7, 4):
            threading.Thread(target=_wake, args=(folder, self._ended), daemon=True).start()
        self._wait()

    def open(self, page: Page, *cells: str) -> "Notebook":
        """Write a notebook of code cells and open it; the code of some may be `# hidden`."""
        name = f"notebook-{len(list(self.root.glob('*.ipynb'))) + 1}"
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
        code = [
            nbformat.v4.new_code_cell(
                cell, metadata={"jupyter": {"source_hidden": cell.startswith("# hidden")}}
            )
            for cell in cells
        ]
        nbformat.write(nbformat.v4.new_notebook(cells=code, metadata=kernel),
                       self.root / f"{name}.ipynb")  # fmt: skip
        for session in self.ask("/api/sessions"):  # the kernel that is there serves this notebook
            moved = {"path": f"{name}.ipynb", "name": f"{name}.ipynb", "type": "notebook"}
            self.ask(f"/api/sessions/{session['id']}", "PATCH", moved)
        url = f"{self.url}/lab/workspaces/{name}/tree/{name}.ipynb"
        return Notebook(page, url, self.root / f"{name}.ipynb")

    def tidy(self, book: "Notebook") -> None:
        """Leave the kernel of a notebook as good as new for the next, or end it."""
        states = [session["kernel"]["execution_state"] for session in self.ask("/api/sessions")]
        if states == ["idle"]:
            book.python(f"exec({_EMPTY!r}, {{}})")
        else:  # a cell that the test left running
            self.end_kernels()

    def end_kernels(self) -> None:
        for session in self.ask("/api/sessions"):
            self.ask(f"/api/sessions/{session['id']}", "DELETE")

    def ask(self, path: str, method: str = "GET", given: Any = None) -> Any:
        """Return what the server's own interface answers."""
        data = None if given is None else json.dumps(given).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or "null")

    def close(self) -> None:
        self._ended.set()
        self.end_kernels()
        self._server.terminate()
        self._server.wait(timeout=20)

    def _wait(self) -> None:
        end = time.monotonic() + START
        while time.monotonic() < end and self._server.poll() is None:
            try:
                self.ask("/api")
            except OSError:
                time.sleep(0.1)
            else:
                return
        self._server.kill()
        raise RuntimeError(f"JupyterLab did not start:\n{self._log.read_text()[-2000:]}")


class Notebook:
    """A notebook open in JupyterLab, its kernel ready."""

    def __init__(self, page: Page, url: str, path: Path) -> None:
        self.page, self.path = page, path
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(url)
        self._wait_for_kernel()

    def run(self, seconds: float = 120) -> None:
        """Run all cells; return when the kernel has answered the last, and all went well."""
        self.command("notebook:run-all-cells")
        self.idle(seconds)
        if error := self.page.evaluate(_ERROR):
            raise AssertionError(f"a cell failed: {error}")

    def idle(self, seconds: float = 120) -> None:
        """Wait until no cell runs or waits."""
        self.until(f"{_CELLS}.every(cell => cell.executionState !== 'running')", seconds)

    def python(self, expression: str) -> Any:
        """Return the value of an expression in the kernel, which must be JSON, without a cell."""
        answer = self.page.evaluate(_EVALUATE, f"__import__('json').dumps({expression})")
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return json.loads(ast.literal_eval(answer["value"]))

    def command(self, name: str, **arguments: Any) -> None:
        """Do one of JupyterLab's commands, as its menus and keys do."""
        self.page.evaluate("([name, args]) => void jupyterapp.commands.execute(name, args)",
                           [name, arguments])  # fmt: skip

    def output(self, cell: int) -> Locator:
        """Return the output of a cell, counted from 0."""
        return self.page.locator(f".jp-Cell[data-windowed-list-index='{cell}'] .jp-Cell-outputArea")

    def until(self, javascript: str, seconds: float = 20) -> None:
        """Wait until an expression in the page is true."""
        self.page.wait_for_function(javascript, timeout=1000 * seconds)

    def save(self) -> nbformat.NotebookNode:
        """Save, and return what stands in the file."""
        self.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
        return nbformat.read(self.path, as_version=4)

    def reload(self) -> None:
        """Save, and load the page again; the kernel stays."""
        self.save()
        self.page.reload()
        self._wait_for_kernel()

    def close(self) -> None:
        """Close the notebook's tab, saved or not; the kernel stays."""
        self.page.evaluate("jupyterapp.commands.execute('application:close')")
        discard = self.page.locator(".jp-Dialog").get_by_role("button", name="Discard")
        with suppress(TimeoutError):  # it was saved: there is no question
            discard.click(timeout=2000)
        self.until("document.querySelector('.jp-Notebook') === null")

    def reopen(self) -> None:
        """Open the notebook again in the same page."""
        self.command("docmanager:open", path=self.path.name)
        self._wait_for_kernel()

    def keeps_pictures(self, count: int) -> None:
        """Wait until so many outputs can be shown by a site that runs no JavaScript."""
        forms = (
            f"{_CELLS}.flatMap(cell => cell.toJSON().outputs).map(output => output.data ?? {{}})"
        )
        kept = f"data => data['image/png'] && !data['{_WIDGET}']"
        self.until(f"{forms}.filter({kept}).length >= {count}", 60)

    def restart(self) -> None:
        """Restart the kernel, as a person does who has said yes to the question."""
        self.page.evaluate(f"{_SESSION}.session.kernel.restart()")
        self._wait_for_kernel()

    def theme(self, name: str) -> None:
        """Switch to the `dark` or the `light` theme."""
        self.command("apputils:change-theme", theme=f"JupyterLab {name.title()}")
        light = str(name == "light").lower()
        self.until(f"document.body.dataset.jpThemeLight === '{light}'")

    def shot(self, name: str, of: Locator | None = None) -> Path:
        """Write a picture of the page, or of a part of it."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        (of or self.page).screenshot(path=path)
        return path

    def _wait_for_kernel(self) -> None:
        ready = f"globalThis.jupyterapp && {_SESSION}?.session?.kernel?.status === 'idle'"
        self.until(ready, START)


# What a test made: sessions at work, widgets, names. The package itself is loaded anew as well, or
# widgets that it holds (the runtime of charts) would be there before the page is.
_EMPTY = """
import sys
from IPython import get_ipython
from ipywidgets import Widget
shell = get_ipython()
for value in list(shell.user_ns.values()):
    if type(value).__module__ == "workbench.session.session":
        value.stop()
Widget.close_all()
shell.reset(new_session=False)
for name in [name for name in sys.modules if name.partition(".")[0] == "workbench"]:
    del sys.modules[name]
"""
_WIDGET = "application/vnd.jupyter.widget-view+json"
_SESSION = "jupyterapp.shell.currentWidget?.sessionContext"
_CELLS = "[...jupyterapp.shell.currentWidget.content.model.cells]"
_ERROR = f"""{_CELLS}
    .flatMap((cell) => cell.toJSON().outputs ?? [])
    .filter((output) => output.output_type === "error")
    .map((output) => `${{output.ename}}: ${{output.evalue}}`).join("\\n")"""
_EVALUATE = f"""async (expression) => {{
    const future = {_SESSION}.session.kernel.requestExecute(
        {{ code: "", silent: true, user_expressions: {{ value: expression }} }});
    const {{ value }} = (await future.done).content.user_expressions;
    if (value.status !== "ok") return {{ error: `${{value.ename}}: ${{value.evalue}}` }};
    return {{ value: value.data["text/plain"] }}; // a str as Python writes it
}}"""


def _wake(folder: Path, ended: threading.Event) -> None:
    """Connect to the kernels now and then: ipykernel 7.0 to 7.3 may leave a message unread until
    somebody does (ipython/ipykernel#1554)."""
    while not ended.wait(1):
        for path in folder.rglob("kernel-*.json"):
            with suppress(OSError, ValueError):  # it is being written, or the kernel has ended
                its = json.loads(path.read_text(encoding="utf-8"))
                with zmq.Context.instance().socket(zmq.DEALER) as shell:
                    shell.connect(f"tcp://{its['ip']}:{its['shell_port']}")
                    ended.wait(0.2)
                    shell.linger = 0


def _command(port: int, root: Path) -> list[str]:
    return [
        sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser",
        "--expose-app-in-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}",
        "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True",
        "--LabApp.extension_manager=readonly",
    ]  # fmt: skip


def _homes(folder: Path) -> dict[str, str]:
    """Keep the person's own settings out of it."""
    return {
        "JUPYTER_CONFIG_DIR": f"{folder}/config", "JUPYTER_RUNTIME_DIR": f"{folder}/runtime",
        "JUPYTER_DATA_DIR": f"{folder}/data", "IPYTHONDIR": f"{folder}/ipython",
        "JUPYTERLAB_SETTINGS_DIR": f"{folder}/settings",
        "JUPYTERLAB_WORKSPACES_DIR": f"{folder}/workspaces",
    }  # fmt: skip


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
