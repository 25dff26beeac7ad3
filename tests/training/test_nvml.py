"""No GPU is asked for: NVML is a fake whose numbers are made by hand."""

from types import SimpleNamespace

import pynvml
import pytest

from workbench.training import nvml
from workbench.training.nvml import Gpu


class Card:
    """A card with a name, and what it answers to each question; what is missing it refuses."""

    def __init__(self, name, **answers):
        self.answers = {"Name": name, **answers}


@pytest.fixture
def cards(monkeypatch):
    """Two cards of a fake NVML; the second one neither counts energy nor tells its use."""
    memory = SimpleNamespace(total=80 * 2**30, used=3 * 2**30)
    found = [
        Card("NVIDIA H100", MemoryInfo=memory, UtilizationRates=SimpleNamespace(gpu=75),
             PowerUsage=300_500, TotalEnergyConsumption=5_000_000),
        Card(b"Tesla K80", MemoryInfo=memory, PowerUsage=100_000),
    ]  # fmt: skip

    def question(name):
        def ask(card):
            if name not in card.answers:
                raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
            return card.answers[name]

        return ask

    for name in ("Name", "MemoryInfo", "UtilizationRates", "PowerUsage", "TotalEnergyConsumption"):
        monkeypatch.setattr(pynvml, f"nvmlDeviceGet{name}", question(name))

    def by_index(number):
        if not 0 <= number < len(found):
            raise pynvml.NVMLError(pynvml.NVML_ERROR_INVALID_ARGUMENT)
        return found[number]

    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: len(found))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", by_index)
    monkeypatch.setattr(
        pynvml, "nvmlDeviceGetHandleByUUID", {b"GPU-one": found[0], b"GPU-two": found[1]}.get
    )
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return found


def test_a_reading_is_in_shares_bytes_watts_and_joules(cards):
    gpu = Gpu(cards[0])
    cards[0].answers["TotalEnergyConsumption"] += 12_300  # mJ
    assert gpu.read(1.0) == ("NVIDIA H100", 0.75, 3 * 2**30, 300.5, 12.3)
    assert gpu.memory_bytes == 80 * 2**30


def test_energy_that_nobody_counts_is_the_area_below_the_power(cards):
    gpu = Gpu(cards[1])
    assert gpu.read(2.0) == ("Tesla K80", None, 3 * 2**30, 100.0, 0.0)
    cards[1].answers["PowerUsage"] = 200_000
    assert gpu.read(4.0).joules == 300.0  # two seconds at 150 W on average
    assert gpu.read(5.0).joules == 500.0  # and one at 200 W


def test_a_card_that_tells_nothing(cards):
    cards[0].answers.clear()
    gpu = Gpu(cards[0])
    assert gpu.read(1.0) == ("GPU", None, None, None, None)
    assert gpu.memory_bytes is None


@pytest.mark.parametrize(
    ("visible", "names"),
    [
        (None, ["NVIDIA H100", "Tesla K80"]),
        ("1", ["Tesla K80"]),
        ("1, 0", ["Tesla K80", "NVIDIA H100"]),
        ("GPU-two,GPU-one", ["Tesla K80", "NVIDIA H100"]),
        ("", []),
        ("-1", []),
        ("0,-1,1", ["NVIDIA H100"]),  # as CUDA reads it: up to the first that is none
        ("7,0", []),
    ],
)
def test_only_the_cards_that_this_process_may_use(cards, monkeypatch, visible, names):
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [gpu.name for gpu in nvml.gpus()] == names


def test_the_driver_and_how_far_its_cuda_goes(cards, monkeypatch):
    monkeypatch.setattr(pynvml, "nvmlSystemGetDriverVersion", lambda: b"570.86")
    monkeypatch.setattr(pynvml, "nvmlSystemGetCudaDriverVersion_v2", lambda: 12080)
    assert nvml.driver() == {"driver": "570.86", "driver_cuda": "12.8"}


def test_a_driver_whose_cuda_is_not_found_says_what_it_knows_of(cards, monkeypatch):
    def absent():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlSystemGetDriverVersion", lambda: "550.1")
    monkeypatch.setattr(pynvml, "nvmlSystemGetCudaDriverVersion_v2", absent)
    monkeypatch.setattr(pynvml, "nvmlSystemGetCudaDriverVersion", lambda: 12040)
    assert nvml.driver() == {"driver": "550.1", "driver_cuda": "12.4"}


def test_without_a_driver_there_is_nothing(monkeypatch):
    def absent():
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", absent)
    assert nvml.gpus() == ()
    assert nvml.driver() == {}
