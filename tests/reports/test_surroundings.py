import os

import pytest

from workbench.environment import THREADS
from workbench.reports.surroundings import as_then, bits_must_agree, differences

OMP, INTRA = "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"


@pytest.fixture(autouse=True)
def variables(monkeypatch):
    for name in THREADS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(OMP, "5")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")


def test_a_second_run_is_given_the_threads_of_the_first():
    with as_then({"threads": {INTRA: "1"}}):
        assert (os.environ[INTRA], OMP in os.environ) == ("1", False)
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert (os.environ[OMP], INTRA in os.environ) == ("5", False)


def test_of_a_run_that_does_not_tell_nothing_is_changed():
    with as_then({"visible_devices": None}):
        assert (os.environ[OMP], os.environ["CUDA_VISIBLE_DEVICES"]) == ("5", "0,1")


@pytest.mark.parametrize(("then", "now"), [("1", "1"), ("7", "0,1"), ("0,7", "0,1")])
def test_gpus_that_are_here_are_those_of_the_first(then, now):
    with as_then({"visible_devices": then}):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == now
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"


def record(**fields):
    return {"config": {"deterministic": True, "units": 8}, "threads": {}, "cores": 2, **fields}


@pytest.mark.parametrize(
    ("field", "value", "line"),
    [
        ("threads", {OMP: "2"}, f"threads.{OMP}: none then, 2 now"),
        ("driver", "570.86", "driver: none then, 570.86 now"),
        ("cores", 4, "cores: 2 then, 4 now"),
    ],
)
def test_what_may_move_bits_is_named(field, value, line):
    one, other = record(), record(**{field: value})
    assert not bits_must_agree(one, other)
    assert list(differences(one, other)) == [line]


def test_another_gpu_of_the_same_kind_moves_no_bit_but_is_told():
    one, other = record(visible_devices="0"), record(visible_devices="1")
    assert bits_must_agree(one, other)
    assert list(differences(one, other)) == ["visible_devices: 0 then, 1 now"]
