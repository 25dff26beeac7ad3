"""Training over its steps: loss, validation figures, learning rate, speed."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import altair as alt
import numpy as np

from workbench.charts.frame import finite, framed, inline, notice
from workbench.charts.names import format_of, ordered, title_of, written
from workbench.records import Progress

WIDTH, SMALL = 600, 150  # px, of the plot alone
POINTS = 400  # of a line at most: more than a line of this width can show
_SMALL_POINTS = 100
_NOTHING = "nothing was recorded yet"
_NOT_DRAWN = {"loss", "perplexity"}  # loss has its own chart; perplexity is its exponential

Evaluated = list[tuple[int, dict[str, float]]]  # step, figures
Point = tuple[float, float | None]


def loss_curve(history: Sequence[Progress]) -> alt.LayerChart | alt.Chart:
    """Draw training and validation loss over the steps, the best weights marked.

    Training loss is averaged over neighbouring steps, token by token, to at most POINTS points.
    """
    if not history:
        return notice("Loss", _NOTHING)
    return framed(_loss(history), "Loss", _loss_in_words(history))


def metric_curves(history: Sequence[Progress]) -> alt.ConcatChart | alt.Chart:
    """Draw each validation figure but the loss over the steps, in small charts of one width."""
    parts = _metrics(history)
    if not parts:
        return notice("Validation", _NOTHING)
    words = _metrics_in_words(history)
    return framed(_grid(parts), "Validation", words, "figures over training steps")


def rate_curve(history: Sequence[Progress]) -> alt.Chart:
    """Draw the learning rate over the steps."""
    if not history:
        return notice("Learning rate", _NOTHING)
    highest = max(progress.learning_rate for progress in history)
    words = (
        f"Learning rate over {history[-1].step:,} steps: at most {highest:.3g}, "
        f"{history[-1].learning_rate:.3g} at the end."
    )
    return framed(_rate(history).properties(width=WIDTH), "Learning rate", words)


def speed_curve(history: Sequence[Progress]) -> alt.Chart:
    """Draw target tokens trained per second over the steps."""
    if not history:
        return notice("Target tokens per second", _NOTHING)
    return framed(
        _speed(history).properties(width=WIDTH),
        "Target tokens per second",
        _speed_in_words(history),
    )


def curves(history: Sequence[Progress]) -> alt.VConcatChart | alt.Chart:
    """Draw loss, validation figures, learning rate and speed as one figure."""
    if not history:
        return notice("Training", _NOTHING)
    small = [*_metrics(history), _rate(history), _speed(history)]
    words = [_loss_in_words(history), _metrics_in_words(history), _speed_in_words(history)]
    subtitle = "loss in nats a token, figures on the validation split, over training steps"
    whole = alt.vconcat(_loss(history), _grid(small), spacing=36)
    return framed(whole, "Training", " ".join(filter(None, words)), subtitle)


def _loss(history: Sequence[Progress]) -> alt.LayerChart:
    series: dict[str, Iterable[Point]] = {
        "training": _thinned(history, lambda progress: progress.loss, POINTS, by_tokens=True),
        "validation": [(step, figures["loss"]) for step, figures in _evaluated(history)
                       if "loss" in figures],
    }  # fmt: skip
    rows = [
        {"step": step, "loss": _or_gap(loss), "series": name}
        for name, points in series.items()
        for step, loss in points
    ]
    drawn = list(dict.fromkeys(row["series"] for row in rows))
    both = alt.Chart(inline(rows), width=WIDTH, height=260).encode(
        x=_step(ticks=8).title("step"),
        y=alt.Y("loss:Q", title="nats a token", axis=alt.Axis(tickCount=6, minExtent=32)),
        color=alt.Color("series:N", scale=alt.Scale(domain=drawn), legend=_LEGEND),
        tooltip=[alt.Tooltip("series:N"), *_tooltips("loss", "loss", ".4f")],
    )
    dotted = "datum.series === 'validation'" if len(history) > 1 else "true"
    dots = both.transform_filter(dotted).mark_point(filled=True, size=28, opacity=1)
    return alt.LayerChart(layer=[both.mark_line(strokeWidth=1.75), dots, *_best(history)])


def _best(history: Sequence[Progress]) -> Iterator[alt.Chart]:
    """Yield a rule at the step of the best weights and its label, or nothing."""
    steps = [progress.step for progress in history if progress.best]
    if not steps:
        return
    place = alt.Chart(inline([{"step": steps[-1], "label": f"best weights, step {steps[-1]:,}"}]))
    late = steps[-1] > history[-1].step / 2
    yield place.mark_rule(style="accent", strokeWidth=1, strokeDash=[4, 3]).encode(x="step:Q")
    yield place.mark_text(
        style="label_accent", y=8, align="right" if late else "left", dx=-6 if late else 6
    ).encode(x="step:Q", text="label:N")


def _metrics(history: Sequence[Progress]) -> list[alt.Chart]:
    evaluated = _evaluated(history)
    names = ordered({name for _, figures in evaluated for name in figures} - _NOT_DRAWN)
    return [
        _small(
            title_of(name),
            [(step, figures[name]) for step, figures in evaluated if name in figures],
            history[-1].step,
            format_of(name),
            dots=True,
        )
        for name in names
    ]


def _rate(history: Sequence[Progress]) -> alt.Chart:
    points = list(_thinned(history, lambda progress: progress.learning_rate, _SMALL_POINTS))
    return _small("learning rate", points, history[-1].step, ".3g", zero=True)


def _speed(history: Sequence[Progress]) -> alt.Chart:
    points = list(_thinned(history, lambda progress: progress.tokens_per_second, _SMALL_POINTS))
    return _small("target tokens per second", points, history[-1].step, ",.0f", zero=True)


def _small(
    name: str, points: Sequence[Point], last: int, form: str, dots: bool = False, zero: bool = False
) -> alt.Chart:
    """Draw one figure over the steps, `form` being how its values are written."""
    rows = [{"step": step, "value": _or_gap(value)} for step, value in points]
    point = {"size": 24, "style": "main"} if dots or len(rows) == 1 else False
    axis = alt.Axis(tickCount=4, format=_TICKS.get(form, form), minExtent=32)
    title = alt.Title(name, fontSize=12, frame="group", offset=8)
    flat = len({value for _, value in points}) == 1  # no range of its own to spread over the axis
    scale = alt.Scale(zero=zero or flat, nice=4)
    chart: alt.Chart = (
        alt.Chart(inline(rows), title=title, width=SMALL, height=100)
        .mark_line(style="main", point=point)
        .encode(
            x=_step().title(None).scale(domain=[0, last], nice=False),
            y=alt.Y("value:Q", title=None, scale=scale, axis=axis),
            tooltip=_tooltips("value", name, form),
        )
    )
    return chart


_TICKS = {".1%": "~%", ".1f": "~f", ".3g": "~g"}  # shorter on an axis
_LEGEND = alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=2)


def _step(ticks: int = 3) -> alt.X:
    axis = alt.Axis(format=",.0f", grid=False, tickCount=ticks, tickMinStep=1)
    return alt.X("step:Q", axis=axis)


def _tooltips(field: str, title: str, form: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("step:Q", format=",.0f"),
        alt.Tooltip(field, type="quantitative", title=title, format=form),
    ]


def _grid(charts: list[alt.Chart]) -> alt.ConcatChart:
    return alt.concat(*charts, columns=3, spacing=28)


def _or_gap(value: float | None) -> float | None:
    return None if value is None else finite(value)


def _thinned(
    history: Sequence[Progress],
    figure: Callable[[Progress], float],
    most: int,
    by_tokens: bool = False,
) -> Iterator[Point]:
    """Yield at most `most` pairs of mean step and mean figure, a mean over tokens or steps."""
    for part in np.array_split(np.arange(len(history)), min(most, len(history))):
        rows = [history[i] for i in part]
        weights = [progress.tokens if by_tokens else 1 for progress in rows]
        mean = np.average([figure(progress) for progress in rows], weights=weights)
        yield float(np.mean([progress.step for progress in rows])), float(mean)


def _evaluated(history: Sequence[Progress]) -> Evaluated:
    return [
        (progress.step, progress.evaluation.figures) for progress in history if progress.evaluation
    ]


def _loss_in_words(history: Sequence[Progress]) -> str:
    words = (
        f"Training loss from {history[0].loss:.3g} to {history[-1].loss:.3g} nats a token "
        f"over {history[-1].step:,} steps."
    )
    losses = [(figures["loss"], step) for step, figures in _evaluated(history) if "loss" in figures]
    if losses:
        lowest, step = min(losses)
        words += f" Validation loss is lowest, {lowest:.3g}, at step {step:,}."
    return words


def _metrics_in_words(history: Sequence[Progress]) -> str:
    if not _evaluated(history):
        return ""
    step, figures = _evaluated(history)[-1]
    listed = [f"{title_of(name)} {written(name, figures[name])}" for name in ordered(set(figures))]
    return f"Validation at step {step:,}: {', '.join(listed)}."


def _speed_in_words(history: Sequence[Progress]) -> str:
    median = np.median([progress.tokens_per_second for progress in history])
    return f"Trained on {median:,.0f} target tokens per second (median)."
