"""Watch a session train: curves that grow while it does, and stay when it is done."""

import asyncio
from collections.abc import Callable
from typing import Any

from IPython.display import display

from workbench.background import on_interrupt
from workbench.charts.curves import curves
from workbench.records import Progress
from workbench.session import Session
from workbench.widgets.figure import bundle

SECONDS = 1.0  # between two drawings


async def watch(session: Session, show: Callable[..., Any] = display) -> None:
    """Draw the curves until training has ended, then leave the still figure.

    While this waits, the kernel answers other cells' widgets. Interrupting the cell stops
    training after its present step; the best weights so far are kept. What went wrong in
    training is raised here.
    """
    handle = show(_line(session.progress), raw=True, display_id=True)
    figure = show(bundle(curves(session.history), picture=False), raw=True, display_id=True)
    try:
        with on_interrupt(session.stop):
            while session.state == "training":
                await asyncio.sleep(SECONDS)
                handle.update(_line(session.progress), raw=True)
                figure.update(bundle(curves(session.history), picture=False), raw=True)
    except (KeyboardInterrupt, asyncio.CancelledError):  # a kernel may have its own way to say it
        session.stop()
    finally:
        await session.wait()
        handle.update(_line(session.progress), raw=True)
        figure.update(bundle(curves(session.history)), raw=True)


def status(progress: Progress | None) -> str:
    """Say on one line how far training is and how long it will take.

    The time left assumes that the steps to come take as long as those so far.
    """
    if progress is None:
        return "waiting for the first step"
    left = progress.seconds / progress.step * (progress.total_steps - progress.step)
    parts = [
        f"step {progress.step:,} of {progress.total_steps:,}",
        f"epoch {progress.epoch + 1}",
        f"loss {progress.loss:.4f}",
        f"{progress.tokens_per_second:,.0f} tokens/s",
        f"{_clock(progress.seconds)} spent",
        f"{_clock(left)} left at most" if progress.step < progress.total_steps else "",
    ]
    return " · ".join(filter(None, parts))


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _line(progress: Progress | None) -> dict[str, str]:
    return {"text/plain": status(progress)}
