"""What surrounds the package: its dependencies, pins, commands, notebooks and licence."""

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("**/*.ipynb"))


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def requirements(lines):
    """Return the requirements among `lines`, by normalized name."""
    found = [Requirement(line) for line in lines if line.strip() and line[0] not in "#-"]
    return {canonicalize_name(each.name): each for each in found}


OWNERS = defaultdict(list, umap=["umap-learn"])  # of what need not be installed
# extras that the package can use
OPTIONAL = ("cluster", "gs", "lab", "mlflow", "s3", "tensorboard", "umap", "wandb")
BASE = requirements(PROJECT["dependencies"])
EXTRAS = {name: requirements(lines) for name, lines in PROJECT["optional-dependencies"].items()}


def pins(python):
    """Return the version that constraints.txt gives each package on Linux with `python`."""
    found = {}
    for line in read("constraints.txt").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            environment = {"python_version": python, "sys_platform": "linux"}
            if pin.marker is None or pin.marker.evaluate(environment):
                assert pin.name not in found, f"{pin.name} is pinned twice for {python}"
                found[canonicalize_name(pin.name)] = str(pin.specifier).removeprefix("==")
    return found


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_every_dependency_is_pinned_within_its_bounds(python):
    pinned = pins(python)
    for each in [BASE, EXTRAS["lab"], EXTRAS["test"]]:
        for name, requirement in each.items():
            assert requirement.specifier.contains(pinned[name]), f"{requirement}: {pinned[name]}"


def test_pins_are_exact_and_name_no_address():
    text = read("constraints.txt")
    assert not re.search(r"://|--|@|nvidia-(?!ml-py)", text)
    for line in text.splitlines():
        assert re.fullmatch(r'#.*|[a-z0-9-]+==[\w.]+( ; python_version == "3\.\d+")?', line), line


def test_every_dependency_has_an_upper_bound():
    for each in [BASE, *EXTRAS.values()]:
        for requirement in each.values():
            assert any(bound.operator == "<" for bound in requirement.specifier), str(requirement)


def module_at(name):
    """Load the Python file `name` of the project, which no package holds."""
    spec = importlib.util.spec_from_file_location(Path(name).stem, ROOT / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_import_of_the_package_is_a_declared_dependency():
    installed = packages_distributions()
    declared = set(BASE).union(*(EXTRAS[name] for name in OPTIONAL))
    foreign = {}
    for each in module_at("tests/test_layers.py").imports(ROOT / "workbench"):
        library = each.target.partition(".")[0]
        owners = {canonicalize_name(owner) for owner in installed.get(library, OWNERS[library])}
        if library not in {"workbench", *sys.stdlib_module_names} and not owners & declared:
            foreign[library] = str(each)
    assert foreign == {}


def test_binder_installs_what_the_package_needs_and_jupyterlab():
    wanted = {**BASE, **EXTRAS["lab"]}
    wanted["tensorflow-cpu"] = Requirement(
        str(wanted.pop("tensorflow")).replace("tensorflow", "tensorflow-cpu")
    )
    lines = read("binder/requirements.txt").splitlines()
    assert requirements(lines) == wanted
    assert "-c ../constraints.txt" in lines
    assert pins("3.11")["tensorflow-cpu"] == pins("3.11")["tensorflow"]


def test_binder_has_a_python_that_is_supported_and_a_script_that_runs():
    version = re.fullmatch(r"python-(3\.\d+)\n", read("binder/runtime.txt")).group(1)
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(version)
    for script in ("binder/postBuild", ".ci/run"):
        assert (ROOT / script).stat().st_mode & 0o111, f"{script} is not executable"
        subprocess.run(["bash", "-n", ROOT / script], check=True)


def test_entry_points_are_installed_and_lead_somewhere():
    (command,) = entry_points(group="console_scripts", name="workbench")
    (engine,) = entry_points(group="papermill.engine", name="workbench")
    assert command.value == PROJECT["scripts"]["workbench"]
    assert callable(command.load())
    assert callable(engine.load().execute_managed_notebook)


def make_targets():
    return set(re.findall(r"^([a-z]+):", read("Makefile"), re.M))


def test_readme_names_the_two_commands_and_only_targets_that_exist():
    named = set(
        re.findall(r"\bmake ([a-z]+)\b", " ".join(re.findall(r"`+[^`]+`+", read("README.md"))))
    )
    assert {"report", "test"} <= named <= make_targets()


def test_ci_and_workflow_run_the_tests_of_the_readme():
    assert "\nmake check\nmake test\n" in read(".ci/run")
    assert "WORKBENCH_REQUIRE_BROWSER=1" in read(".ci/run")
    assert "run: make test" in read(".github/workflows/test.yml")
    named = re.findall(r"entry: make (\w+)", read(".pre-commit-config.yaml"))
    check = re.search(r"^check: ([a-z ]+?) ##", read("Makefile"), re.M).group(1)
    assert named == check.split()


def test_make_help_lists_every_command():
    listed = subprocess.run(["make", "-s"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in ("lab", "report", "test", "check", "bench", "figures", "constraints"):
        assert f"make {name} " in listed.stdout


def test_make_without_a_python_says_what_to_do(tmp_path):
    (tmp_path / "Makefile").write_text(read("Makefile"))
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text("")
    done = subprocess.run(
        ["make", "report", "PYTHON="], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "No Python 3.11, 3.12 or 3.13 with venv found on the PATH" in line


def test_licence_is_the_whole_of_apache_2():
    text = read("LICENSE")
    assert PROJECT["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in text
    assert "9. Accepting Warranty or Additional Liability" in text
    assert "limitations under the License." in text


def faults(notebook):
    """Return what a committed notebook must not have: results, state, definitions."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    source = ["".join(cell["source"]) for cell in cells]
    found = {
        "outputs": any(cell["outputs"] for cell in cells),
        "execution counts": any(cell["execution_count"] is not None for cell in cells),
        "widget state": "widgets" in notebook["metadata"],
        "papermill's record": "papermill" in notebook["metadata"],
        "definitions": any(
            re.search(r"^\s*(async def|def|class)\s", text, re.M) for text in source
        ),
    }
    return [name for name, there in found.items() if there]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_is_committed_clean(path):
    assert faults(json.loads(path.read_text(encoding="utf-8"))) == []


def test_the_notebook_of_the_main_job_is_there():
    assert ROOT / "notebooks/experiment.ipynb" in NOTEBOOKS


def cell(source="", outputs=(), count=None):
    return {"cell_type": "code", "source": [source], "outputs": list(outputs),
            "execution_count": count, "metadata": {}}  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "metadata", "expected"),
    [
        ([cell("x = 1\ndefinite = 2")], {}, []),
        ([cell(outputs=[{"output_type": "stream"}])], {}, ["outputs"]),
        ([cell(count=3)], {}, ["execution counts"]),
        ([cell()], {"widgets": {}}, ["widget state"]),
        ([cell()], {"papermill": {}}, ["papermill's record"]),
        ([cell(), cell("x = 1\nclass Model:\n  pass")], {}, ["definitions"]),
        ([cell("if x:\n    async def f(): ...")], {}, ["definitions"]),
    ],
)
def test_unclean_notebook_is_found(cells, metadata, expected):
    assert faults({"cells": cells, "metadata": metadata}) == expected


@pytest.fixture(scope="module")
def constraints():
    return module_at(".ci/constraints.py")


def test_constraints_differ_by_python_only_where_they_must(constraints):
    frozen = {"3.11": {"numpy": "2.4.6", "six": "1.17.0", "tensorflow": "2.21.0"},
              "3.12": {"numpy": "2.5.5", "six": "1.17.0", "tensorflow": "2.21.0",
                       "aiohttp": "3.14.5"}}  # fmt: skip
    assert constraints.merge(frozen) == [
        "aiohttp==3.14.5",
        'numpy==2.4.6 ; python_version == "3.11"',
        'numpy==2.5.5 ; python_version == "3.12"',
        "six==1.17.0",
        "tensorflow==2.21.0",
        "tensorflow-cpu==2.21.0",
    ]


def test_constraints_spell_a_name_one_way(constraints):
    assert constraints.normalized("Jupyter_Client.extra") == "jupyter-client-extra"


def test_constraints_leave_out_an_interpreter_that_does_not_run(constraints, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["constraints.py", "no-such-python"])
    assert constraints.main() == 2
    assert "no-such-python: does not run here" in capsys.readouterr().err
