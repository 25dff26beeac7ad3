"""Training over its steps: loss, validation figures, learning rate, speed, memory.

While training runs, curves are drawn `live`: their axes reach to the latest step, so that rows can
be added to them. See `workbench.charts.curve_rows`.
"""

from collections.abc import Iterator, Mapping, Sequence

import altair as alt
import numpy as np

from workbench.charts.curve_rows import (
    CURVES,
    Rows,
    Sample,
    best_row,
    curve_rows,
    evaluated,
    figures_drawn,
    is_flat,
    is_late,
)
from workbench.charts.frame import AnyFigure, framed, inline, notice
from workbench.charts.names import format_of, ordered, title_of, written
from workbench.records import Progress

WIDTH, SMALL = 600, 150  # px, of the plot alone
_NOTHING = "nothing was recorded yet"


def loss_curve(history: Sequence[Progress]) -> alt.LayerChart | alt.Chart:
    """Draw training and validation loss over the steps, the best weights marked.

    Training loss is averaged over neighbouring steps, token by token, to at most POINTS points.
    """
    if not history:
        return notice("Loss", _NOTHING)
    return framed(_loss(history), "Loss", _loss_in_words(history))


def metric_curves(history: Sequence[Progress]) -> alt.ConcatChart | alt.Chart:
    """Draw each validation figure but the loss over the steps, in small charts of one width."""
    parts = _metrics(history, curve_rows(history))
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
    rate = _line("rate", curve_rows(history))
    return framed(rate.properties(width=WIDTH), "Learning rate", words)


def speed_curve(history: Sequence[Progress]) -> alt.Chart:
    """Draw target tokens trained per second over the steps."""
    if not history:
        return notice("Target tokens per second", _NOTHING)
    speed = _line("speed", curve_rows(history))
    words = _speed_in_words(history)
    return framed(speed.properties(width=WIDTH), "Target tokens per second", words)


def live_curve(
    name: str,
    history: Sequence[Progress],
    memory: Sequence[Sample] = (),
    growing: bool = True,
) -> alt.LayerChart | alt.Chart:
    """Draw one of the charts of `curve_rows.layouts` so that rows can be added to it.

    It is as wide as the place it is put in. For a history that is not `growing` the last points
    may stand for fewer steps than the others.
    """
    words = curve_in_words(name, history, memory)
    rows = curve_rows(history, memory, live=growing)
    if name == "loss":
        wide = _loss(history, growing).properties(width="container", height=300)
        return framed(wide, "Loss", words)
    if name in CURVES:
        line = _line(name, rows, live=True).properties(width="container")
        return _small_heading(framed(line, CURVES[name].title, words))
    chart = _reaching(_metric(name, history, rows, live=True), rows["now"])
    title = title_of(_figure_called(name, history))
    return _small_heading(framed(chart.properties(width="container"), title, words))


def curves(history: Sequence[Progress]) -> alt.VConcatChart | alt.Chart:
    """Draw loss, validation figures, learning rate and speed as one figure."""
    if not history:
        return notice("Training", _NOTHING)
    words = [_loss_in_words(history), _metrics_in_words(history), _speed_in_words(history)]
    subtitle = "loss in nats a token, figures on the validation split, over training steps"
    rows = curve_rows(history)
    small = [*_metrics(history, rows), _line("rate", rows), _line("speed", rows)]
    whole = alt.vconcat(_loss(history), _grid(small), spacing=36)
    return framed(whole, "Training", " ".join(filter(None, words)), subtitle)


# Parts --------------------------------------------------------------------------------------


def _loss(history: Sequence[Progress], live: bool = False) -> alt.LayerChart:
    rows = curve_rows(history, live=live)
    drawn = list(dict.fromkeys(row["series"] for row in rows["loss"]))
    both = alt.Chart(_named("loss", rows["loss"])).encode(
        x=_step(ticks=8).title("step"),
        y=alt.Y("loss:Q", title="nats a token", axis=alt.Axis(tickCount=6, minExtent=32)),
        color=alt.Color("series:N", scale=alt.Scale(domain=drawn), legend=_LEGEND),
        tooltip=[alt.Tooltip("series:N"), *_tooltips("loss", "loss", ".4f")],
    )
    dotted = "datum.series === 'validation'" if len(history) > 1 else "true"
    dots = both.transform_filter(dotted).mark_point(filled=True, size=28, opacity=1)
    lines = alt.layer(both.mark_line(strokeWidth=1.75), dots)  # so that their rows stand here once
    return alt.LayerChart(layer=[lines, *_best(history)], width=WIDTH, height=260)


def _best(history: Sequence[Progress]) -> Iterator[alt.Chart]:
    """Yield a rule at the step of the best weights and its label, or nothing."""
    rows = best_row(history)
    if not rows:
        return
    place = alt.Chart(_named("best", rows))
    late = is_late(history)
    yield place.mark_rule(style="accent", strokeWidth=1, strokeDash=[4, 3]).encode(x="step:Q")
    yield place.mark_text(
        style="label_accent", y=8, align="right" if late else "left", dx=-6 if late else 6
    ).encode(x="step:Q", text="label:N")


def _metrics(history: Sequence[Progress], rows: Mapping[str, Rows]) -> list[alt.Chart]:
    names = [f"figure_{place}" for place in range(len(figures_drawn(history)))]
    return [_metric(name, history, rows) for name in names]


def _metric(
    name: str, history: Sequence[Progress], rows: Mapping[str, Rows], live: bool = False
) -> alt.Chart:
    figure = _figure_called(name, history)
    return _small(name, title_of(figure), rows, format_of(figure), live, dots=True)


def _figure_called(name: str, history: Sequence[Progress]) -> str:
    """Return the figure that the dataset `figure_0`, `figure_1`, … holds."""
    return figures_drawn(history)[int(name.removeprefix("figure_"))]


def _line(name: str, rows: Mapping[str, Rows], live: bool = False) -> alt.Chart:
    curve = CURVES[name]
    return _small(name, curve.title, rows, curve.form, live, zero=True)


def _small(
    name: str, title: str, every: Mapping[str, Rows], form: str, live: bool,
    dots: bool = False, zero: bool = False,
) -> alt.Chart:  # fmt: skip
    """Draw one figure over the steps, `form` being how its values are written."""
    rows = every[name]
    point = {"size": 24, "style": "main"} if dots or len(rows) == 1 else False
    axis = alt.Axis(tickCount=4, format=_TICKS.get(form, form), minExtent=32)
    heading = alt.Title(title, fontSize=12, frame="group", offset=8)
    scale = alt.Scale(zero=zero or is_flat(rows), nice=4)
    steps = {"domainMin": 0} if live else {"domain": [0, every["now"][0]["step"]]}
    chart: alt.Chart = (
        alt.Chart(_named(name, rows), title=heading, width=SMALL, height=100)
        .mark_line(style="main", point=point)
        .encode(
            x=_step().title(None).scale(**steps, nice=False),
            y=alt.Y("value:Q", title=None, scale=scale, axis=axis),
            tooltip=_tooltips("value", title, form),
        )
    )
    return chart


def _reaching(chart: alt.Chart, now: Rows) -> alt.LayerChart:
    """Let the axis of a small chart reach to the latest step, even where it has no point yet."""
    frame = {name: chart[name] for name in ("title", "width", "height")}
    for name in frame:
        chart[name] = alt.Undefined
    edge = alt.Chart(_named("now", now)).mark_rule(opacity=0).encode(x="step:Q")
    return alt.LayerChart(layer=[chart, edge], **frame)


_TICKS = {".1%": "~%", ".1f": "~f", ".3g": "~g"}  # shorter on an axis
_LEGEND = alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=2)


def _named(name: str, rows: Rows) -> alt.InlineData:
    data = inline(rows)
    data.name = name
    return data


def _step(ticks: int = 3) -> alt.X:
    axis = alt.Axis(format=",.0f", grid=False, tickCount=ticks, tickMinStep=1)
    return alt.X("step:Q", axis=axis)


def _tooltips(field: str, title: str, form: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("step:Q", format=",.0f"),
        alt.Tooltip(field, type="quantitative", title=title, format=form),
    ]


def _grid(charts: Sequence[alt.Chart]) -> alt.ConcatChart:
    return alt.concat(*charts, columns=3, spacing=28)


def _small_heading(chart: AnyFigure) -> AnyFigure:
    chart.title.fontSize = 12
    return chart


# Words --------------------------------------------------------------------------------------


def curve_in_words(name: str, history: Sequence[Progress], memory: Sequence[Sample] = ()) -> str:
    """Say what one of the charts of `curve_rows.layouts` shows, for who cannot see it."""
    latest = history[-1]
    if name == "loss":
        return _loss_in_words(history)
    if name == "memory":
        return f"The process takes {memory[-1][1] / 1e6:,.0f} MB of memory."
    if name == "rate":
        return f"Learning rate at step {latest.step:,}: {latest.learning_rate:.3g}."
    if name == "speed":
        return f"At step {latest.step:,}: {latest.tokens_per_second:,.0f} target tokens a second."
    figure = _figure_called(name, history)
    step, value = [(at, its[figure]) for at, its in evaluated(history) if figure in its][-1]
    return f"{title_of(figure)} at step {step:,}: {written(figure, value)}."


def _loss_in_words(history: Sequence[Progress]) -> str:
    words = (
        f"Training loss from {history[0].loss:.3g} to {history[-1].loss:.3g} nats a token "
        f"over {history[-1].step:,} steps."
    )
    losses = [(figures["loss"], step) for step, figures in evaluated(history) if "loss" in figures]
    if losses:
        lowest, step = min(losses)
        words += f" Validation loss is lowest, {lowest:.3g}, at step {step:,}."
    return words


def _metrics_in_words(history: Sequence[Progress]) -> str:
    if not evaluated(history):
        return ""
    step, figures = evaluated(history)[-1]
    listed = [f"{title_of(name)} {written(name, figures[name])}" for name in ordered(set(figures))]
    return f"Validation at step {step:,}: {', '.join(listed)}."


def _speed_in_words(history: Sequence[Progress]) -> str:
    median = np.median([progress.tokens_per_second for progress in history])
    return f"Trained on {median:,.0f} target tokens per second (median)."
