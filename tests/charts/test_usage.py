import math

import pytest

from workbench.charts.usage import POINTS, usage_chart
from workbench.records import GpuReading, Reading


def reading(seconds, gpus=(), **changes):
    values = {"step": 1, "machine": 0.5, "process": 0.25, "memory": 2**30} | changes
    return Reading(seconds=seconds, gpus=tuple(gpus), **values)


def rows(seen):
    return [row for data in seen.json["datasets"].values() for row in data]


def panels(seen):
    return [part["title"]["text"] for part in seen.json["concat"]]


def test_on_a_processor_there_are_its_shares_and_memory(spec):
    seen = spec(usage_chart([reading(1.0), reading(2.0, process=0.75, memory=3 * 2**30)]))
    assert panels(seen) == ["processor in use", "memory of the process, GiB"]
    drawn = {(row["time"], row["series"], row["value"]) for row in rows(seen)}
    assert {(1.0, "this run", 0.25), (2.0, "this run", 0.75), (2.0, "this run", 3.0)} <= drawn
    assert (2.0, "whole machine", 0.5) in drawn
    said = seen.json["description"]
    assert "50% of the processor" in said
    assert "3.00 GiB" in said


def test_a_gpu_is_drawn_before_the_processor(spec):
    gpu = GpuReading("NVIDIA H200", 0.5, 2**31, 300.0, 1500.0)
    seen = spec(usage_chart([reading(1.0, [gpu]), reading(2.0, [gpu])]))
    assert panels(seen)[:3] == ["GPU in use", "GPU memory, GiB", "GPU power, W"]
    assert {"NVIDIA H200"} <= {row["series"] for row in rows(seen)}
    assert "NVIDIA H200 was in use 50% of the time. It took 1.5 kJ." in seen.json["description"]
    assert "energy of NVIDIA H200: 1.5 kJ" in seen.json["title"]["subtitle"]


def test_several_gpus_have_a_line_and_a_number_each(spec):
    gpus = [GpuReading("H200", share) for share in (0.25, 0.75)]
    seen = spec(usage_chart([reading(1.0, gpus)]))
    assert panels(seen)[0] == "GPU in use"
    assert "GPU power, W" not in panels(seen)  # which no driver tells
    assert {"0: H200", "1: H200"} <= {row["series"] for row in rows(seen)}


def test_a_gap_is_no_zero(spec):
    gpus = [GpuReading("H200", 0.5), GpuReading("H200", None)]
    seen = spec(usage_chart([reading(float(at), [gpu]) for at, gpu in enumerate(gpus)]))
    values = [row["value"] for row in rows(seen) if row["series"] == "H200"]
    assert values == [0.5, None]


def test_many_readings_are_averaged(spec):
    many = [reading(float(at), memory=at * 2**30) for at in range(4 * POINTS)]
    seen = spec(usage_chart(many))
    drawn = [row for row in rows(seen) if row["series"] == "this run"]
    memory = [row for row in drawn if row["value"] not in (0.25,)]
    assert len(memory) == POINTS
    assert memory[0]["value"] == 1.5  # of 0, 1, 2 and 3
    assert memory[-1]["time"] == pytest.approx((4 * POINTS - 2.5) / 60)  # in minutes
    assert not any(math.isnan(row["value"]) for row in drawn)


def test_without_readings_it_says_so(spec):
    assert "nothing was read" in spec(usage_chart([])).texts()
