import pytest

from workbench.errors import SettingsError
from workbench.training import speed


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Measure for a moment only, and forget it afterwards."""
    monkeypatch.setattr(speed, "SIDE", 32)
    monkeypatch.setattr(speed, "NUMBERS", 1000)
    monkeypatch.setattr(speed, "ROUNDS", 2)
    speed._measured.cache_clear()
    yield
    speed._measured.cache_clear()


def test_what_a_machine_does_in_a_second():
    measured = speed.measure()
    assert measured.products > 1e6
    assert measured.memory > 1e6
    assert measured.positions > 10


def test_it_is_measured_once(monkeypatch):
    first = speed.measure("float32")
    monkeypatch.setattr(speed, "_seconds", lambda _: pytest.fail("measured again"))
    assert speed.measure() == first


def test_the_fastest_round_counts_and_the_first_does_not(monkeypatch):
    import tensorflow as tf

    times = iter([0, 9, 10, 13, 20, 22])
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(times))
    assert speed._seconds(lambda: tf.zeros([2, 2])) == 2


def test_what_no_device_computes_is_refused(monkeypatch):
    monkeypatch.setattr(speed.device.tf.config, "list_physical_devices", lambda _: [])
    with pytest.raises(SettingsError, match="there is no GPU"):
        speed.measure("float16")
