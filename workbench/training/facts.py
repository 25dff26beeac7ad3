"""What `run.json` says of a training run: on what, with what, for how long."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from workbench import environment
from workbench.config import RunConfig
from workbench.data.corpus import Corpus
from workbench.data.digests import file_digests
from workbench.data.encoding import EncodedPairs
from workbench.model.seq2seq import Seq2Seq
from workbench.records import BadLine, Progress
from workbench.training import device, distribution
from workbench.training.loop import Loop

GPU_SOFTWARE = {
    "driver": "driver",
    "driver_cuda": "CUDA of the driver",
    "cuda": "TensorFlow built with CUDA",
    "cudnn": "TensorFlow built with cuDNN",
}


def before_training(
    config: RunConfig,
    corpus: Corpus,
    encoded: Mapping[str, EncodedPairs],
    bad_lines: Sequence[BadLine],
    model: Seq2Seq,
) -> dict[str, Any]:
    """Return what is known before the first step."""
    return {
        "config": config.model_dump(),
        "seed": config.seed,
        **environment.describe(),
        **device.describe(),
        "files": file_digests(config),
        "strategy": config.strategy,
        "replicas": distribution.strategy(config.strategy).num_replicas_in_sync,
        "data": {
            "corpus": corpus.name,
            "fingerprint": corpus.fingerprint,
            "pairs": {split: len(pairs) for split, pairs in encoded.items()},
            "bad_lines": [str(line) for line in bad_lines],
        },
        "parameters_count": model.count_params(),
        "trained_parameters": sum(math.prod(each.shape) for each in model.trainable_variables),
    }


def after_training(loop: Loop, history: Sequence[Progress]) -> dict[str, Any]:
    """Return what is known after the last step; memory is that of this process so far."""
    tokens = sum(progress.tokens for progress in history)
    spent = sum(progress.tokens / progress.tokens_per_second for progress in history)
    traces = loop.traces
    return {
        "steps": loop.position.step,
        "best_step": loop.position.best_step,
        "best": loop.position.best,
        "seconds": loop.position.seconds,
        "tokens_per_second": tokens / spent if spent else 0.0,
        "averaged": loop.averaged.figures if loop.averaged else None,
        "traces": traces["step"],
        "traces_after_first_epoch": traces["after_first_epoch"],
        **environment.resources(),
        "peak_gpu_memory": device.peak_gpu_memory(),
    }


def in_short(facts: Mapping[str, Any]) -> dict[str, str]:
    """Say in a few words each what a trained run ran on and what it took.

    `facts` is `run.json`; it has a `training` part once training has ended.
    """
    training = facts["training"]
    gpus = ", ".join(map(_gpu, facts.get("gpus", [])))
    return {
        "device": gpus or "CPU",
        **_replicas(facts.get("strategy", "none"), facts.get("replicas", 1)),
        **_cuda(facts),
        "processor": f"{facts['processor']}, {facts['cores']} cores",
        "memory": f"{facts['memory_bytes'] / 2**30:.1f} GiB",
        "system": facts["system"],
        "versions": ", ".join(f"{name} {number}" for name, number in facts["versions"].items()),
        "commit": facts["commit"] or "not under version control",
        "seed": str(facts["seed"]),
        "weights": _weights(facts["parameters_count"], facts.get("trained_parameters")),
        "steps": f"{training['steps']:,}, best at {training['best_step']:,}",
        "training": f"{training['seconds'] / 60:.1f} minutes",
        "speed": f"{training['tokens_per_second']:,.0f} target tokens a second",
        "peak memory": f"{training['peak_memory_bytes'] / 2**30:.2f} GiB",
        **_load(facts.get("usage") or {}),
    }


def _replicas(strategy: str, count: int) -> dict[str, str]:
    """Say on how many devices training went on, where more than one was asked for."""
    if strategy == "none":
        return {}
    return {"strategy": f"{strategy}, {count} replicas" if count > 1 else
            f"{strategy}, 1 replica: there was only one device"}  # fmt: skip


def _load(usage: Mapping[str, Any]) -> dict[str, str]:
    """Say what was in use on average, and the energy that GPUs took."""
    if not usage:  # a run of version 0.1.0, or nothing could be read
        return {}
    shares = [usage[name]["mean"] for name in ("process", "machine")]
    said = {"processor in use": "{:.0%} of its cores; whole machine {:.0%}".format(*shares)}
    gpus = usage["gpus"]
    if busy := [gpu["utilisation"]["mean"] for gpu in gpus if gpu["utilisation"]]:
        said["GPU in use"] = ", ".join(f"{share:.0%} of the time" for share in busy)
    if joules := [gpu["joules"] for gpu in gpus if gpu["joules"] is not None]:
        said["energy of GPUs"] = environment.energy(sum(joules))
    return said


def _gpu(details: Mapping[str, Any]) -> str:
    name, memory = details.get("device_name", "GPU"), details.get("memory_bytes")
    return f"{name}, {memory / 2**30:.0f} GiB" if memory else name


def gpu_software(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the versions of what drives the GPU, as far as they are known."""
    return {title: facts[name] for name, title in GPU_SOFTWARE.items() if facts.get(name)}


def _cuda(facts: Mapping[str, Any]) -> dict[str, str]:
    told = [f"{title} {version}" for title, version in gpu_software(facts).items()]
    return {"GPU software": ", ".join(told)} if facts.get("gpus") and told else {}


def _weights(count: int, trained: int | None) -> str:
    """Say how many weights there are and, where not all are trained, how many are."""
    if trained in (None, count):  # version 0.1.0 trained all, and did not say so
        return f"{count:,}"
    return f"{count:,}, {trained:,} of them trained ({trained / count:.2%})"
