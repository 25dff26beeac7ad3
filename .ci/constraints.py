"""Pin everything that the project installs, for each Python it supports: `make constraints`.

For each interpreter a fresh virtual environment takes the newest versions that `pyproject.toml`
allows (base, `lab` and `test`), and `pip freeze` says what they are. One line a package; where
the interpreters need different versions, one line for each with its marker.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHONS = ("python3.11", "python3.12", "python3.13")
HEADER = """\
# The exact version of everything that the project installs (base, lab, test, and tensorflow-cpu
# for Binder), so that an install today and one in a year are the same:
#     pip install -c constraints.txt -e ".[lab]"
# Written by `make constraints`: pip freeze in fresh virtual environments. Do not edit by hand.
# Made for Linux x86-64 and Python {versions}.
"""

Pins = dict[str, str]


def main() -> int:
    """Write `constraints.txt` for the interpreters named as arguments, or all that are here."""
    frozen: dict[str, Pins] = {}
    for python in sys.argv[1:] or PYTHONS:
        try:
            version = _run(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
        except (OSError, subprocess.CalledProcessError):
            print(f"{python}: does not run here, left out", file=sys.stderr)
            continue
        print(f"{python}: installing", file=sys.stderr)
        frozen[version.strip()] = freeze(python)
    if not frozen:
        print("no interpreter runs: nothing written", file=sys.stderr)
        return 2
    header = HEADER.format(versions=", ".join(frozen))
    text = header + "".join(f"{line}\n" for line in merge(frozen))
    (ROOT / "constraints.txt").write_text(text, encoding="utf-8")
    return 0


def freeze(python: str) -> Pins:
    """Return what the project installs with `python`: versions by normalized name."""
    with tempfile.TemporaryDirectory() as folder:
        _run(python, "-m", "venv", folder)
        inside = str(Path(folder) / "bin" / "python")
        pip = (inside, "-m", "pip")
        _run(*pip, "install", "--quiet", "--upgrade", "pip", "setuptools")
        _run(*pip, "install", "--quiet", "--no-compile", "-e", f"{ROOT}[lab,test]")
        lines = _run(*pip, "freeze", "--all", "--exclude-editable").splitlines()
    return {normalized(name): version for name, version in (line.split("==") for line in lines)}


def merge(frozen: Mapping[str, Pins]) -> list[str]:
    """Return the lines that hold for every Python in `frozen`, sorted by name."""
    lines = []
    for name in sorted({name for pins in frozen.values() for name in pins}):
        pinned = {python: pins[name] for python, pins in frozen.items() if name in pins}
        names = (name, "tensorflow-cpu") if name == "tensorflow" else (name,)
        for each in names:
            if len(set(pinned.values())) == 1:
                lines.append(f"{each}=={next(iter(pinned.values()))}")
            else:
                lines += [f'{each}=={pin} ; python_version == "{python}"'
                          for python, pin in pinned.items()]  # fmt: skip
    return lines


def normalized(name: str) -> str:
    """Return the one spelling of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
