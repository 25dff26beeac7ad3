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
