"""The walls of the house: who may import whom, read from the source of every module.

The checks are functions over any package tree; below they meet small trees that break each rule.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "workbench"

RANKS = {  # a module imports from strictly lower ranks, and from its own room; rank 0 is one room
    "": 0,  # the package itself
    "cluster": 0,
    **dict.fromkeys(
        (
            "background",
            "config",
            "environment",
            "errors",
            "files",
            "imports",
            "interventions",
            "kept",
            "locks",
            "moments",
            "records",
        ),
        0,
    ),
    **dict.fromkeys(("archives", "charts", "data", "metrics", "penalties", "runs"), 1),
    **dict.fromkeys(("model", "published"), 2),
    **dict.fromkeys(("inspection", "search", "training"), 3),
    **dict.fromkeys(("overview", "session"), 4),
    **dict.fromkeys(("reports", "widgets"), 5),
    "cli": 6,
    "__main__": 7,
}

TENSORS = (
    "model/", "training/", "inspection/", "data/batches.py",
    *(f"search/{name}.py" for name in (
        "batch", "beam", "compiled_step", "constraints", "sampling", "steps",
    )),
)  # fmt: skip
JUPYTER = ("widgets/", "reports/", "cli.py")
BANS = {  # library: the only places that may import it
    **dict.fromkeys(("tensorflow", "keras"), TENSORS),
    **dict.fromkeys(("ipywidgets", "anywidget"), ("widgets/",)),
    "papermill": ("reports/",),
    **dict.fromkeys(("IPython", "ipykernel", "jupyter_client", "nbclient", "nbconvert", "nbformat"),
                    JUPYTER),
}  # fmt: skip


class Import(NamedTuple):
    source: str  # the module that imports, e.g. workbench.data.readers
    target: str  # what it imports, e.g. workbench.data.corpus.Pair
    path: str  # of the module, within the package
    line: int
    typing_only: bool

    def __str__(self):
        return f"{self.path}:{self.line}"


def module_name(package: Path, path: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules(package: Path) -> dict[str, Path]:
    return {module_name(package, path): path for path in sorted(package.rglob("*.py"))}


def imports(package: Path) -> Iterator[Import]:
    """Yield every import of every module, those inside functions too."""
    for name, path in modules(package).items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = name if path.name == "__init__.py" else name.rpartition(".")[0]
        typing_only = {
            id(child)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
            for statement in node.body
            for child in ast.walk(statement)
        }
        for node in ast.walk(tree):
            for target in targets(node, inside):
                yield Import(name, target, path.relative_to(package).as_posix(), node.lineno,
                             id(node) in typing_only)  # fmt: skip


def targets(node: ast.AST, inside: str) -> list[str]:
    """Return the full names that `node` imports, in a module of the package `inside`."""
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom():
            up = inside.split(".")[: len(inside.split(".")) + 1 - node.level] if node.level else []
            base = ".".join([*up, *filter(None, [node.module])])
            return [f"{base}.{alias.name}" for alias in node.names]
        case ast.Call(func=func, args=[ast.Constant(value=str(name)), *_]):
            called = ast.unparse(func).rpartition(".")[2]
            return [name] if called in ("import_module", "__import__") else []
    return []


def inner(package: Path) -> Iterator[tuple[Import, str]]:
    """Yield each import of one of the package's own modules, with that module's name."""
    known = modules(package)
    for each in imports(package):
        parts = each.target.split(".")
        prefixes = [".".join(parts[:size]) for size in range(len(parts), 0, -1)]
        module = next((prefix for prefix in prefixes if prefix in known), None)
        if module and module != each.source:
            yield each, module


def room(module: str) -> str:
    """Return the file or folder directly under the package; the package itself is ''."""
    return ".".join(module.split(".")[1:2])


def unranked(package: Path) -> list[str]:
    """Return the modules in rooms that the table does not know."""
    return [f"{path.relative_to(package)}: no rank; add {room(name)!r} to the table"
            for name, path in modules(package).items() if room(name) not in RANKS]  # fmt: skip


def upward(package: Path) -> list[str]:
    """Return the imports that do not go down."""
    faults = []
    for each, module in inner(package):
        source, target = room(each.source), room(module)
        if not target:  # what the package hands out is written, and ranked, somewhere below
            if not each.target.endswith(".__version__"):
                faults.append(f"{each}: imports {each.target}, not the module that holds it")
        elif source != target and {source, target} <= RANKS.keys():
            lazily = not source and each.typing_only
            if RANKS[target] >= max(RANKS[source], 1) and not lazily:
                faults.append(f"{each}: {source or 'the package'} may not import {module}")
    return faults


def banned(package: Path) -> list[str]:
    """Return the imports of a library outside the places that may import it."""
    faults = []
    for each in imports(package):
        library = each.target.partition(".")[0]
        if library in BANS and not each.path.startswith(BANS[library]):
            faults.append(f"{each}: {library} belongs in {' '.join(BANS[library])}")
    return faults


def circular(package: Path) -> list[str]:
    """Return one circle of imports, if there is any."""
    graph: dict[str, set[str]] = {}
    for each, module in inner(package):
        if room(each.source) or not each.typing_only:
            graph.setdefault(each.source, set()).add(module)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [f"circle of imports: {' <- '.join(error.args[1])}"]
    return []


@pytest.mark.parametrize("check", [unranked, upward, banned, circular])
def test_the_walls_stand(check):
    assert check(PACKAGE) == []


def test_the_source_was_read():
    found = {(each.source, module) for each, module in inner(PACKAGE)}
    assert ("workbench.config", "workbench.errors") in found
    assert len(modules(PACKAGE)) > 10


def faults(folder: Path, sources: dict[str, str]) -> list[str]:
    """Build a package of the given modules and check it."""
    package = folder / "workbench"
    for name, source in sources.items():
        path = package / (name or "__init__")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".py").write_text(source, encoding="utf-8")
    return [fault for check in (unranked, upward, banned, circular) for fault in check(package)]


SOUND = {
    "": "from typing import TYPE_CHECKING\n"
    "from workbench.config import RunConfig\n"
    "if TYPE_CHECKING:\n    from workbench.session import Session\n",
    "config": "from workbench.errors import SettingsError\nimport pydantic\n",
    "errors": "",
    "data/__init__": "from workbench.data.corpus import Corpus\n",
    "data/corpus": "from . import text\nfrom ..errors import DataError\n",
    "data/text": "",
    "data/batches": "import tensorflow as tf\nimport workbench.data.corpus\n",
    "model/cells": "import keras\nfrom workbench import __version__, config\n",
    "search/stepper": "from workbench.data import corpus, Corpus\n",
    "session": "def train():\n    from workbench.model import cells\n",
    "reports/engine": "import papermill.engines\nfrom workbench.session import Session\n",
    "widgets/panel": "import ipywidgets, anywidget\nfrom IPython.display import display\n",
    "cli": "def report():\n    from workbench.reports import engine\n",
}


def test_sound_house_has_no_faults(tmp_path):
    assert faults(tmp_path, SOUND) == []


@pytest.mark.parametrize(
    ("module", "line", "fault"),
    [
        ("plots", "", "plots.py: no rank; add 'plots' to the table"),
        ("data/bad", "import workbench.model.cells", "data may not import workbench.model.cells"),
        ("data/bad", "from ..model import cells", "data may not import workbench.model.cells"),
        ("metrics", "from workbench.data import Corpus", "metrics may not import workbench.data"),
        ("charts/bad", "import workbench.data", "charts may not import workbench.data"),
        ("inspection/bad", "import workbench.search.stepper", "inspection may not import"),
        ("model/bad", "def f():\n  from workbench.session import S", "bad.py:2: model may not"),
        ("model/bad", "if TYPE_CHECKING:\n  import workbench.session", "model may not import"),
        ("model/bad", "import_module('workbench.session')", "model may not import"),
        ("session", "from workbench.widgets.panel import P", "session may not import"),
        ("widgets/bad", "from workbench.reports import engine", "widgets may not import"),
        ("reports/bad", "from workbench.widgets import panel", "reports may not import"),
        ("reports/bad", "import workbench.cli", "reports may not import workbench.cli"),
        ("", "from workbench.data import Corpus", "the package may not import workbench.data"),
        ("data/bad", "from workbench import RunConfig", "not the module that holds it"),
        ("data/bad", "import tensorflow", "bad.py:1: tensorflow belongs in model/"),
        ("search/stepper", "import tensorflow.data", "tensorflow belongs in model/"),
        ("charts/bad", "from keras import ops", "keras belongs in model/"),
        ("session", "def f():\n  importlib.import_module('tensorflow')", "tensorflow belongs"),
        ("cli", "try:\n  import ipywidgets\nexcept E: pass", "ipywidgets belongs in widgets/"),
        ("reports/bad", "import anywidget", "anywidget belongs in widgets/"),
        ("widgets/bad", "from papermill import x", "papermill belongs in reports/"),
        ("session", "from IPython.display import display", "IPython belongs in widgets/"),
        ("data/text", "from workbench.data import corpus", "circle of imports: workbench.data."),
        ("data/text", "from workbench.data import Corpus", "circle of imports: workbench.data"),
        ("errors", "import workbench.config", "circle of imports: workbench."),
    ],
)
def test_broken_rule_is_found(tmp_path, module, line, fault):
    found = faults(tmp_path, {**SOUND, module: line})
    assert len(found) == 1, found
    assert fault in found[0]


def loaded(code: str, *options: str, path: Path = PACKAGE.parent) -> tuple[set[str], str]:
    """Run `code` in a new Python; return the libraries it loaded and its standard error."""
    show = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, *options, "-c", f"{code}\n{show}"],
        check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(path)},
    )  # fmt: skip
    return set(done.stdout.splitlines()[-1].split()), done.stderr


HEAVY = {"tensorflow", "keras", "numpy", "altair", "papermill", "ipywidgets"}
HELP = """
import sys
sys.argv = ["workbench", "--help"]
from workbench.cli import main
try:
    main()
except SystemExit as exit:
    assert not exit.code
"""


@pytest.mark.parametrize(("what", "code"), [
    ("import workbench", "import workbench"),
    ("workbench --help", HELP),
    ("what may be asked of a session when", "import workbench.session.refusals"),
])  # fmt: skip
def test_light_start(what, code, capsys):
    libraries, times = loaded(code, "-X", "importtime")
    assert "workbench" in libraries
    assert not libraries & HEAVY
    seconds = sum(int(total) for total in re.findall(r"\| +(\d+) \| \w", times)) / 1e6
    with capsys.disabled():
        print(f"\n{what}: {seconds:.2f} s of imports")


def test_loaded_libraries_are_seen(tmp_path):
    (tmp_path / "tensorflow.py").write_text("")
    libraries, _ = loaded("import tensorflow", path=tmp_path)
    assert "tensorflow" in libraries
