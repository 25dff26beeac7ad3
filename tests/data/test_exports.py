import subprocess
import sys

import workbench.data


def test_the_names_that_others_lean_on():
    assert workbench.data.__all__ == ["Corpus", "Pair", "load_corpus", "read_alignments"]
    assert all(hasattr(workbench.data, name) for name in workbench.data.__all__)


def test_importing_loads_nothing_heavy():
    program = "import sys, workbench.data; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    ).stdout.split()
    heavy = {"tensorflow", "keras", "sentencepiece", "altair", "pandas", "ipywidgets", "papermill"}
    assert not heavy & set(loaded)
