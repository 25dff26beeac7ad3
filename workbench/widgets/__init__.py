"""What a notebook shows: figures that are alive in a live notebook and still in a report."""

from workbench.widgets.figure import show
from workbench.widgets.live import watch

__all__ = ["show", "watch"]
