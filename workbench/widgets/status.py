"""The line at the foot of a panel: what goes on, what went wrong, what to do next."""

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from workbench.widgets.choices import Choices
from workbench.widgets.paths import STATIC

TONES = ("quiet", "good", "warning", "error")

Told = tuple[str, str]  # tone and text

_NEXT = {
    "empty": "No data yet. To start training is enough: it loads them and builds the model.",
    "data": "The data are loaded. Next: build the model, or start training.",
    "built": "The model is built. Next: start training.",
    "paused": "Training is paused.",
    "trained": "The model is trained. Next: look at its attention, or let it translate.",
    "failed": "Training failed.",
}


class Status(anywidget.AnyWidget):
    """A line that screen readers read out when it changes: errors at once, the rest in its turn.

    Traits:
        text: what to say.
        tone: `quiet`, `good`, `warning` or `error`.
    """

    _esm = STATIC / "status.js"
    views = 0  # that a page has made of it so far
    text = traitlets.Unicode("").tag(sync=True)
    tone = traitlets.Enum(TONES, "quiet").tag(sync=True)

    def on_another_view(self, act: Callable[[], Any]) -> None:
        """Call `act` for every view but the first, such as that of a page loaded again."""

        def mounted(*_: Any) -> None:
            self.views += 1
            if self.views > 1:
                act()

        self.on_msg(mounted)

    def say(self, tone: str, text: str) -> None:
        """Show `text` in `tone`, both in one message."""
        with self.hold_sync():
            self.tone, self.text = tone, text


def told(session: Any, choices: Choices) -> Told:
    """Return what there is to say: an error, else a panel's notice, else what goes on.

    It changes only when something begins or ends, and not at every step: it is read out.
    """
    tone, text = choices.notice
    if tone == "error":
        return tone, text
    if session.error:
        return "error", session.error
    if text:
        return tone, text
    if session.busy:
        return "quiet", f"{session.busy[:1].upper()}{session.busy[1:]} …"
    if session.state == "training":
        return "quiet", _training(session)
    if session.stale:
        changed = ", ".join(session.stale)
        return "warning", f"Changed since the model was built: {changed}. Build it again."
    return ("good" if session.state == "trained" else "quiet"), _NEXT[session.state]


def _training(session: Any) -> str:
    progress = session.progress
    if progress is None:
        return "Training begins."
    return f"Training, epoch {progress.epoch + 1} of {session.config.epochs}."
