"""What training took of the machine over time: processor and memory, and every GPU."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import altair as alt
import numpy as np

from workbench.charts.frame import finite, framed, inline, notice
from workbench.charts.names import titled
from workbench.environment import energy
from workbench.records import GpuReading, Reading

POINTS = 200  # of a line at most
FEW = 20  # points that are marked each
WIDTH, HEIGHT = 265, 100  # px of a plot
GIB = 2**30
TITLE = "What training took of the machine"


class Panel(NamedTuple):
    """A small chart: its title, how its values are written, how far its axis goes, its lines."""

    title: str
    form: str
    top: float | None
    lines: Mapping[str, Sequence[float | None]]


def usage_chart(readings: Sequence[Reading]) -> alt.ConcatChart | alt.Chart:
    """Draw the share of the processor and the memory; of GPUs, use, memory and power as well.

    A point is the mean of neighbouring readings, POINTS of them at most.
    """
    if not readings:
        return notice(TITLE, "nothing was read")
    groups = np.array_split(np.arange(len(readings)), min(POINTS, len(readings)))
    seconds = [float(np.mean([readings[place].seconds for place in group])) for group in groups]
    parts = [_panel(panel, seconds, groups) for panel in _panels(readings)]
    every: alt.ConcatChart = alt.concat(*parts, columns=2, spacing=28)
    every = every.resolve_scale(color="independent")
    return framed(every, TITLE, _in_words(readings), _subtitle(readings))


def _panels(readings: Sequence[Reading]) -> Iterator[Panel]:
    for title, form, top, field in (
        ("GPU in use", ".0%", 1.0, lambda gpu: gpu.utilisation),
        ("GPU memory, GiB", ".2f", None, lambda gpu: _gib(gpu.memory)),
        ("GPU power, W", ".0f", None, lambda gpu: gpu.watts),
    ):
        lines = _of_gpus(readings, field)
        if lines:
            yield Panel(title, form, top, lines)
    shares = {
        "this run": [one.process for one in readings],
        "whole machine": [one.machine for one in readings],
    }
    yield Panel("processor in use", ".0%", 1.0, shares)
    memory = [one.memory / GIB for one in readings]
    yield Panel("memory of the process, GiB", ".2f", None, {"this run": memory})


def _of_gpus(
    readings: Sequence[Reading], field: Callable[[GpuReading], float | None]
) -> dict[str, list[float | None]]:
    """Return a line for each GPU that tells of it; cards of one name are numbered."""
    names = [gpu.name for gpu in readings[-1].gpus]
    found = {}
    for number, name in enumerate(names):
        line = [field(one.gpus[number]) if number < len(one.gpus) else None for one in readings]
        if any(value is not None for value in line):
            found[f"{number}: {name}" if len(names) > 1 else name] = line
    return found


def _panel(panel: Panel, seconds: Sequence[float], groups: Sequence[Any]) -> alt.Chart:
    scale, unit = (1 / 60, "minutes") if seconds[-1] > 180 else (1.0, "seconds")
    rows = [
        {"time": second * scale, "series": name, "value": _mean(values, group)}
        for name, values in panel.lines.items()
        for second, group in zip(seconds, groups, strict=True)
    ]
    several = len(panel.lines) > 1
    domain = alt.Scale(domain=[0, panel.top], clamp=True) if panel.top else alt.Scale(zero=True)
    axis = alt.Axis(tickCount=4, format=panel.form if panel.top else ",~f", minExtent=32)
    heading = alt.Title(titled(panel.title), fontSize=12, frame="group", offset=8)
    point = {"size": 24} if len(seconds) <= FEW else False
    chart: alt.Chart = (
        alt.Chart(inline(rows), title=heading, width=WIDTH, height=HEIGHT)
        .mark_line(strokeWidth=1.75, point=point)
        .encode(
            x=alt.X("time:Q", title=unit, axis=alt.Axis(grid=False, tickCount=5),
                    scale=alt.Scale(domainMin=0, nice=False)),
            y=alt.Y("value:Q", title=None, scale=domain, axis=axis),
            color=alt.Color("series:N", scale=alt.Scale(domain=list(panel.lines)),
                            legend=_LEGEND if several else None),
            tooltip=[alt.Tooltip("time:Q", title=unit, format=".1f"), alt.Tooltip("series:N"),
                     alt.Tooltip("value:Q", title=titled(panel.title), format=panel.form)],
        )
    )  # fmt: skip
    return chart


_LEGEND = alt.Legend(title=None, orient="bottom", symbolType="stroke", symbolStrokeWidth=2)


def _mean(values: Sequence[float | None], group: Any) -> float | None:
    known = [value for place in group if (value := values[place]) is not None]
    return finite(float(np.mean(known))) if known else None


def _gib(memory: int | None) -> float | None:
    return None if memory is None else memory / GIB


# Words --------------------------------------------------------------------------------------


def _subtitle(readings: Sequence[Reading]) -> list[str]:
    taken = [
        f"{gpu.name}: {energy(gpu.joules)}" for gpu in readings[-1].gpus if gpu.joules is not None
    ]
    shares = "shares of the processor: of the cores that the run may use, and of the whole machine"
    return [shares, *(["energy of " + ", ".join(taken)] if taken else [])]


def _in_words(readings: Sequence[Reading]) -> str:
    mean = float(np.mean([one.process for one in readings]))
    most = max(one.memory for one in readings) / GIB
    words = [
        f"Over {readings[-1].seconds:,.0f} seconds training took {mean:.0%} of the processor on "
        f"average and {most:.2f} GiB of memory at most."
    ]
    for number, gpu in enumerate(readings[-1].gpus):
        used = [one.gpus[number].utilisation for one in readings if number < len(one.gpus)]
        known = [share for share in used if share is not None]
        if known:
            words.append(f"{gpu.name} was in use {np.mean(known):.0%} of the time.")
        if gpu.joules is not None:
            words.append(f"It took {energy(gpu.joules)}.")
    return " ".join(words)
