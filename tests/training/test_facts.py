from workbench.training.facts import in_short

FACTS = {
    "processor": "Some CPU", "cores": 2, "memory_bytes": 3 * 2**30, "system": "Linux 6",
    "versions": {"python": "3.11.7", "keras": "3.15.1"}, "commit": None, "seed": 4,
    "parameters_count": 1234567,
    "training": {
        "steps": 1200, "best_step": 1000, "seconds": 90.0, "tokens_per_second": 4321.5,
        "peak_memory_bytes": 2**30,
    },
}  # fmt: skip


def test_a_run_in_short():
    assert in_short(FACTS) == {
        "device": "CPU",
        "processor": "Some CPU, 2 cores",
        "memory": "3.0 GiB",
        "system": "Linux 6",
        "versions": "python 3.11.7, keras 3.15.1",
        "commit": "not under version control",
        "seed": "4",
        "weights": "1,234,567",
        "steps": "1,200, best at 1,000",
        "training": "1.5 minutes",
        "speed": "4,322 target tokens a second",
        "peak memory": "1.00 GiB",
    }


def test_what_an_adapter_trains_is_told():
    facts = FACTS | {"trained_parameters": 12345}
    assert in_short(facts)["weights"] == "1,234,567, 12,345 of them trained (1.00%)"
    whole = FACTS | {"trained_parameters": FACTS["parameters_count"]}
    assert in_short(whole)["weights"] == "1,234,567"


def test_several_replicas_are_told_and_one_where_more_were_asked_for():
    facts = FACTS | {"strategy": "mirrored", "replicas": 2}
    assert in_short(facts)["strategy"] == "mirrored, 2 replicas"
    alone = in_short(facts | {"replicas": 1})["strategy"]
    assert alone == "mirrored, 1 replica: there was only one device"
    assert "strategy" not in in_short(FACTS | {"strategy": "none", "replicas": 1})


def test_gpus_are_named():
    facts = FACTS | {"gpus": [{"device_name": "NVIDIA H200"}, {"device_name": "NVIDIA H200"}]}
    assert in_short(facts)["device"] == "NVIDIA H200, NVIDIA H200"


def test_the_gpus_use_energy_and_software_are_told():
    usage = {
        "process": {"mean": 0.25, "max": 1.0}, "machine": {"mean": 0.5, "max": 1.0},
        "gpus": [{"utilisation": {"mean": 0.625, "max": 1.0}, "joules": 200_000.0},
                 {"utilisation": None, "joules": 160_000.0}],
    }  # fmt: skip
    gpu = {"device_name": "NVIDIA H200", "memory_bytes": 141 * 2**30}
    software = {"driver": "570", "driver_cuda": "12.8", "cuda": "12.5"}
    told = in_short(FACTS | {"gpus": [gpu], "usage": usage, **software})
    assert told["device"] == "NVIDIA H200, 141 GiB"
    assert told["GPU software"] == (
        "driver 570, CUDA of the driver 12.8, TensorFlow built with CUDA 12.5"
    )
    assert told["processor in use"] == "25% of its cores; whole machine 50%"
    assert told["GPU in use"] == "62% of the time"
    assert told["energy of GPUs"] == "0.10 kWh"


def test_a_processor_has_no_energy_to_tell_of():
    shares = {"mean": 0.25, "max": 1.0}
    usage = {"process": shares, "machine": shares, "gpus": []}
    told = in_short(FACTS | {"usage": usage})
    assert told.keys() - in_short(FACTS).keys() == {"processor in use"}
