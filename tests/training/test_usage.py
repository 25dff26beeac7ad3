import threading
import time

import pytest

from workbench.records import GpuReading, Progress, Reading
from workbench.training import usage as module
from workbench.training.usage import Usage, in_sum, read_usage


def progress(step):
    return Progress(step, 0, 1.0, 0.1, 1.0, 9, 90.0, 0.1 * step, 10)


class Counting:
    """A GPU that takes 100 W and counts its joules."""

    def read(self, seconds):
        return GpuReading("card", 0.5, 7, 100.0, 100.0 * seconds)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "usage.jsonl"


def wait_for(path, readings):
    deadline = time.monotonic() + 20
    while len(read_usage(path)) < readings:
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.01)


def test_this_very_process_is_read(path):
    sink = Usage(path, shortest=0.02)
    sink.write(progress(3))
    wait_for(path, 2)
    busy_until = time.process_time() + 0.3
    while time.process_time() < busy_until:
        pass
    sink.close()
    readings = read_usage(path)
    assert [one.seconds for one in readings] == sorted(one.seconds for one in readings)
    assert readings[-1].step == 3
    assert all(0 <= one.machine <= 1 for one in readings)
    assert max(one.process for one in readings) > 0.02  # of the cores, one was busy
    assert all(one.memory > 10 * 2**20 for one in readings)  # an interpreter
    assert "read the machine" not in {thread.name for thread in threading.enumerate()}


def test_the_shares_by_hand(monkeypatch):
    ticks = iter([0.0, 2.0])
    meter_clock = lambda: next(ticks)  # noqa: E731
    whole = iter([{"user": 10.0, "idle": 90.0}, {"user": 13.0, "idle": 91.0}])
    own = iter([1.0, 2.0])

    class Times(tuple):
        def __new__(cls, user, idle):
            return super().__new__(cls, (user, idle))

        idle = property(lambda self: self[1])

    class Process:
        def cpu_times(self):
            return type("Own", (), {"user": next(own), "system": 0.0})

        def memory_info(self):
            return type("Memory", (), {"rss": 77})

    monkeypatch.setattr(module.psutil, "Process", Process)
    monkeypatch.setattr(module.psutil, "cpu_times", lambda: Times(**next(whole)))
    monkeypatch.setattr(module, "cores", lambda: 4)
    # of 4 s of all processors 3 were busy; of 2 s on 4 cores this process had 1
    assert module._Meter(meter_clock).read() == (0.75, 0.125, 77)


def test_a_training_of_a_moment_has_one_reading(path):
    Usage(path).close()
    assert len(read_usage(path)) == 1


def test_the_end_does_not_wait_for_the_next_reading(path):
    sink = Usage(path, shortest=3600)
    began = time.monotonic()
    sink.close()
    assert time.monotonic() - began < module.PATIENCE


def test_the_end_waits_for_a_hanging_driver_only_so_long(path, monkeypatch):
    let_go = threading.Event()

    class Hanging:
        def read(self, _):
            let_go.wait(20)
            return GpuReading("card")

    monkeypatch.setattr(module, "PATIENCE", 0.05)
    sink = Usage(path, [Hanging()], shortest=0.01)
    began = time.monotonic()
    sink.close()
    assert time.monotonic() - began < 10
    let_go.set()


def test_readings_grow_rarer_in_a_long_run(path):
    sink = Usage(path, shortest=1.0, clock=lambda: 0.0)
    sink.close()
    sink._clock = lambda: 500.0
    assert sink._pause() == 1.0
    sink._clock = lambda: 86_400.0
    assert sink._pause() == 86.4


def test_a_resumed_run_goes_on_with_time_and_energy(path):
    first = Reading(10.0, 4, 0.5, 0.25, 7, (GpuReading("card", 0.5, 7, 100.0, 1000.0),))
    path.parent.mkdir()
    path.write_text(module._line(first) + '{"seconds": 11.0, "st')
    sink = Usage(path, [Counting()], shortest=3600)
    sink.close()
    before, after = read_usage(path)
    assert before == first
    assert after.step == 4
    passed = after.seconds - 10.0
    assert 0 <= passed < 5
    assert after.gpus[0].joules == pytest.approx(1000.0 + 100.0 * passed)


def test_a_full_disk_ends_the_readings_and_nothing_else(path, monkeypatch):
    sink = Usage(path, shortest=0.01)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_line", full)
    sink._thread.join(10)
    assert not sink._thread.is_alive()
    sink.write(progress(1))
    sink.close()


def test_means_and_maxima_by_hand():
    readings = [
        Reading(1.0, 1, 0.5, 0.2, 10, (GpuReading("card", 0.5, 4, None, 3.0),)),
        Reading(2.0, 2, 1.0, 0.4, 30, (GpuReading("card", 1.0, 6, None, 8.0),)),
    ]
    assert in_sum(readings) == {
        "readings": 2,
        "seconds": 2.0,
        "machine": {"mean": 0.75, "max": 1.0},
        "process": {"mean": pytest.approx(0.3), "max": 0.4},
        "memory": {"mean": 20.0, "max": 30},
        "gpus": [
            {
                "name": "card",
                "utilisation": {"mean": 0.75, "max": 1.0},
                "memory": {"mean": 5.0, "max": 6},
                "watts": None,
                "joules": 8.0,
            }
        ],
    }
    assert in_sum(()) == {}


def test_no_file_is_no_usage(tmp_path):
    assert read_usage(tmp_path / "usage.jsonl") == ()
