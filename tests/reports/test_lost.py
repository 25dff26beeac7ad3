"""Several sweeps at one study, one of which is lost: real processes, real databases."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from workbench.reports import storage, study
from workbench.reports.dimensions import Choice
from workbench.reports.methods import Sampler
from workbench.reports.objective import Objective
from workbench.reports.space import Space
from workbench.reports.storage import beside, open_storage
from workbench.reports.study import AGAIN, Study
from workbench.runs import RunDirectory

STAND_IN = Path(__file__).parent / "stand_in.py"
SLEEPS = "import time; time.sleep(600)"
SPACE = "parameters: {units: [8, 16, 32], layers: [1, 2]}\nobjective: validation.bleu"
SWEEP = """
import sys
from pathlib import Path
from workbench.reports import conductor, jobs, plan, storage, study, sweep
storage.BEAT, storage.GRACE, study.BEAT, conductor.IDLE = 1, 3, 1, 0.2
plan.preflight = lambda _: "fingerprint"
notebook, output, address, *jobs.COMMAND = sys.argv[1:]
done = sweep.run_sweep(Path(notebook), Path("space.yaml"), {},
                       sweep.Options(output=Path(output), storage=address))
sys.exit(done.exit_code)
"""


@pytest.fixture
def quick(monkeypatch):
    """Signs of life every second, and lost without one for two."""
    monkeypatch.setattr(storage, "BEAT", 1)
    monkeypatch.setattr(storage, "GRACE", 2)
    monkeypatch.setattr(study, "BEAT", 0)


@pytest.fixture
def owned(tmp_path, load, quick):
    """Open one study as several machines do."""
    bleu, grid = Objective("validation.bleu", "maximize"), Sampler("grid", 0, 2)
    space = Space(load("swept"), {"units": Choice((8, 16))}, {}, (), (), bleu, grid, None)
    opened = []

    def make(owner):
        opened.append(Study(space, "tiny", beside(tmp_path), owner))
        return opened[-1]

    yield make
    for each in opened:
        each._storage.remove_session()
        each._storage.engine.dispose()


def test_the_trial_of_a_lost_machine_is_done_again_once(owned):
    lost, one, other = owned("lost"), owned("one"), owned("other")
    left, own = lost.next(), one.next()
    one.end(own.number, "ok", 1.0)
    assert one.next() is None
    end = time.monotonic() + 30
    while one.elsewhere():
        assert time.monotonic() < end
        one.live()
        other.live()
        time.sleep(0.2)
    again = other.next()
    assert again.point == left.point
    assert one.next() is None
    assert other.elsewhere() == 0
    assert one.elsewhere() == 1  # which may be lost in its turn
    lost.end(left.number, "ok", 5.0)  # it was only slow: it is not counted
    other.end(again.number, "ok", 2.0)
    back = owned("lost")
    assert back.begun() == []
    assert back.next() is None
    assert [trial.status for trial in other.begun()] == ["ok"]


def test_who_gives_signs_of_life_is_not_lost(owned):
    slow, one = owned("slow"), owned("one")
    trial = slow.next()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        slow.live()
        one.live()
        time.sleep(0.2)
    assert one.elsewhere() == 1
    slow.end(trial.number, "ok", 1.0)
    assert one.elsewhere() == 0
    assert [trial.status for trial in slow.begun()] == ["ok"]


def test_a_trial_that_was_never_given_a_sign_is_missed_as_well(owned):
    """As one of a machine that was killed before it signed."""
    one = owned("one")
    one._asked()
    assert one.elsewhere() == 1
    end = time.monotonic() + 30
    while one.elsewhere():
        assert time.monotonic() < end
        one.live()
        time.sleep(0.2)
    assert [trial.point["units"] for trial in (one.next(), one.next())] == [16, 8]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_sweep_finishes_what_a_killed_one_left(database, request, tmp_path, path_of):
    address = (
        f"sqlite:///{tmp_path}/shared.db" if database == "sqlite"
        else request.getfixturevalue("postgres")
    )  # fmt: skip
    (tmp_path / "space.yaml").write_text(SPACE)

    def sweep(output, *command):
        words = [sys.executable, "-c", SWEEP, path_of("swept"), output, address, *command]
        return subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True)

    lost = sweep("lost", "-c", SLEEPS)
    wait_until(lambda: any((tmp_path / "lost" / ".locks").glob("*")))
    survivor = sweep("survivor", str(STAND_IN))
    wait_until(lambda: len(ends(tmp_path / "survivor")) == 5)
    assert survivor.poll() is None  # it waits
    for process in (*psutil.Process(lost.pid).children(recursive=True), lost):
        process.kill()
    _, said = survivor.communicate(timeout=120)
    lost.communicate()
    assert survivor.returncode == 0, said
    assert "1 trials on other machines" in said
    assert ends(tmp_path / "survivor") == ["ok"] * 6
    trials = trials_in(address)
    assert sorted(state for state, _, _ in trials) == ["COMPLETE"] * 6 + ["FAIL"]
    done = [tuple(point.items()) for state, point, _ in trials if state == "COMPLETE"]
    assert len(set(done)) == 6
    assert [again for _, _, again in trials if again is not None] == [0]


def ends(folder):
    runs = [RunDirectory(record.parent) for record in folder.glob("runs/*/run.json")]
    files = [run.path / "ends" for run in runs]
    return [word for file in files if file.exists() for word in file.read_text().split()]


def trials_in(address):
    opened = open_storage(address)
    (known,) = opened.get_all_studies()
    trials = opened.get_all_trials(known._study_id)
    opened.remove_session()
    opened.engine.dispose()
    return [(it.state.name, it.params, it.user_attrs.get(AGAIN)) for it in trials]


def wait_until(happens):
    end = time.monotonic() + 120
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.1)
