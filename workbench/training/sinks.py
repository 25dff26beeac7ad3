"""Who listens to training: each takes every `Progress` and keeps what it is for."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from itertools import starmap
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from workbench.errors import RunError
from workbench.files import replacing, write_text
from workbench.records import Alignment, Evaluation, Hypothesis, Link, Progress, Translation

_DAMAGED = (OSError, EOFError, ValueError, TypeError, KeyError, AttributeError, MemoryError,
            zipfile.BadZipFile)  # fmt: skip


class Sink(Protocol):
    """Anything that wants to hear of training."""

    def write(self, progress: Progress) -> None:
        """Take in one step."""

    def close(self) -> None:
        """Training is over, or stopped."""


class JsonLines:
    """`metrics.jsonl`: one step a line, without the probe sentences."""

    def __init__(self, path: Path, resumed_at: int = 0) -> None:
        """Go on after step `resumed_at`: later lines are of steps that were lost, and go."""
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [_line(progress) for progress in read_history(path) if progress.step <= resumed_at]
        write_text(path, "".join(kept))
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def write(self, progress: Progress) -> None:
        """See `Sink.write`."""
        self._file.write(_line(progress))

    def close(self) -> None:
        """See `Sink.close`."""
        self._file.close()


def read_history(path: Path) -> tuple[Progress, ...]:
    """Read `metrics.jsonl`; a last line cut short by a crash is left out."""
    return tuple(_progress(fields) for fields in _lines(path))


def watched_history(metrics: Path, probes: Path) -> tuple[Progress, ...]:
    """Read `metrics.jsonl` with the watched sentences of `probes.npz` in their places.

    Raises:
        RunError: one of them is not what this version writes.
    """
    path = probes
    try:
        watched = read_probes(probes)
        path = metrics
        return tuple(
            replace(progress, probes=watched.get(progress.step, ()))
            for progress in read_history(metrics)
        )
    except _DAMAGED as error:
        raise RunError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return


def _line(progress: Progress) -> str:
    fields = {name: value for name, value in asdict(progress).items() if name != "probes"}
    return json.dumps(fields) + "\n"


def _progress(fields: dict[str, Any]) -> Progress:
    evaluation = fields.pop("evaluation", None)
    return Progress(**fields, evaluation=Evaluation(**evaluation) if evaluation else None)


class ProbeLog:
    """`probes.npz`: the watched sentences as translated at every evaluation.

    The texts are one JSON document; attention [L, H, T, S] is float16, one array for each
    evaluation and sentence, named `<step>.<sentence>`.
    """

    def __init__(self, path: Path, resumed_at: int = 0) -> None:
        """Go on after step `resumed_at`."""
        self.path = path
        self.evaluations = {
            step: probes for step, probes in read_probes(path).items() if step <= resumed_at
        }

    def write(self, progress: Progress) -> None:
        """See `Sink.write`."""
        if progress.probes:
            self.evaluations[progress.step] = progress.probes
            _write_probes(self.path, self.evaluations)

    def close(self) -> None:
        """See `Sink.close`."""


def _write_probes(path: Path, evaluations: dict[int, tuple[Translation, ...]]) -> None:
    texts: dict[str, list[dict[str, Any]]] = {}
    arrays: dict[str, Any] = {}
    for step, probes in evaluations.items():
        texts[str(step)] = [_probe_text(probe) for probe in probes]
        for index, probe in enumerate(probes):
            arrays[f"{step}.{index}"] = probe.best.attention.astype(np.float16)
    document = np.frombuffer(json.dumps(texts).encode(), dtype=np.uint8)
    with replacing(path) as beside, beside.open("wb") as stream:
        np.savez_compressed(stream, texts=document, **arrays)


def _probe_text(probe: Translation) -> dict[str, Any]:
    best = probe.best
    return {
        "source": probe.source,
        "source_tokens": probe.source_tokens,
        "source_words": probe.source_words,
        "gold": probe.gold and [sorted(probe.gold.sure), sorted(probe.gold.possible)],
        "reference": probe.reference,
        "text": best.text,
        "tokens": best.tokens,
        "words": best.words,
        "log_probabilities": [float(value) for value in best.log_probabilities],
        "score": best.score,
        "finished": best.finished,
    }


def read_probes(path: Path) -> dict[int, tuple[Translation, ...]]:
    """Read `probes.npz`: for every evaluated step, the watched sentences. Runs no code."""
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as arrays:
        return {
            step: tuple(
                _probe(fields, arrays[f"{step}.{index}"]) for index, fields in enumerate(probes)
            )
            for step, probes in _texts(arrays).items()
        }


def read_probe_texts(path: Path) -> dict[int, list[dict[str, Any]]]:
    """Read of `probes.npz` only the texts (source, reference, text, …), for every step."""
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as arrays:
        return _texts(arrays)


def _texts(arrays: Mapping[str, Any]) -> dict[int, list[dict[str, Any]]]:
    texts = json.loads(arrays["texts"].tobytes())
    return {int(step): probes for step, probes in texts.items()}


def _probe(fields: dict[str, Any], attention: Any) -> Translation:
    best = Hypothesis(
        text=fields["text"],
        tokens=tuple(fields["tokens"]),
        log_probabilities=np.asarray(fields["log_probabilities"], np.float32),
        attention=attention.astype(np.float32),
        score=fields["score"],
        finished=fields["finished"],
        words=tuple(fields["words"]),
    )
    gold = fields["gold"] and Alignment(*(frozenset(starmap(Link, one)) for one in fields["gold"]))
    return Translation(
        source=fields["source"],
        source_tokens=tuple(fields["source_tokens"]),
        hypotheses=(best,),
        reference=fields["reference"],
        gold=gold,
        source_words=tuple(fields["source_words"]),
    )
