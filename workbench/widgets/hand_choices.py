"""What may come next, and what to do about it: choose, force, ban, expand, or type another."""

from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets

from workbench.errors import WorkbenchError
from workbench.widgets.candidates import Candidates
from workbench.widgets.now import Now
from workbench.widgets.panel import Panel
from workbench.widgets.parts import NARROW, card, row, show, words, write
from workbench.widgets.stepping import Stepping

if TYPE_CHECKING:
    from workbench.search.stepper import Stepper

GROWN = 3  # branches that `expand` grows


def chosen(now: Now, stepping: Stepping) -> str:
    """Return the candidate that is chosen here, at first the likeliest that may be written."""
    place, token = stepping.chosen
    if place == now.current.id and token in [one.token for one in now.candidates]:
        return str(token)
    allowed = [one.token for one in now.candidates if not one.banned]
    return allowed[0] if allowed else ""


class ChoicesPart:
    """The candidates of the current step."""

    def __init__(self, panel: Panel, stepping: Stepping) -> None:
        """Make the widgets."""
        self._panel, self._stepping = panel, stepping
        self.list = Candidates()
        self.list.on_msg(lambda _, message, __: panel.attempt(partial(self._pressed, message)))
        self._buttons = {
            name: panel.button(name.capitalize(), partial(self._do, name), tip, name == "force")
            for name, tip in {
                "force": "write the chosen token (Enter)",
                "ban": "let the chosen token not be written here (Delete)",
                "expand": f"grow the {GROWN} likeliest as branches, and stay here",
            }.items()
        }
        self._why = panel.button(
            "Which attention?", self._ask,
            "what attention would have produced the chosen token?",
        )  # fmt: skip
        typed = ipywidgets.Text(
            description="or type", placeholder="a token or a text", continuous_update=False,
            style=NARROW,
        )  # fmt: skip
        typed.add_class("wb-grow")
        panel.bind(typed, "value", stepping, "typed")
        self._write = panel.button("Write", self._write_typed, "force what is typed")
        self._ended = words("The sentence has ended.", "wb-note")
        self.box = card(
            ipywidgets.Box([self.list], layout={"display": "block"}),
            self._ended,
            row(*self._buttons.values(), self._why),
            row(typed, self._write),
        )

    def paint(self, now: Now) -> None:
        """List the candidates."""
        here = now.current.decoded
        token = chosen(now, self._stepping)
        legend = f"Candidates at step {len(here.ids) + 1}"
        self.list.show(legend, now.candidates, token, now.version)
        show(self._ended, here.finished)
        banned = token in [one.token for one in now.candidates if one.banned]
        write(self._buttons["ban"], description="Unban" if banned else "Ban")
        for button in (*self._buttons.values(), self._why, self._write):
            write(button, disabled=here.finished)

    def _pressed(self, message: dict[str, Any]) -> None:
        now, token = self._now(), str(message.get("token", ""))
        if token not in [one.token for one in now.candidates]:
            raise WorkbenchError(f"{token!r} is not listed here any more; choose again")
        if message.get("do") in ("force", "ban"):
            self._do(message["do"], token)  # without choosing it first, to be painted once
        else:
            self._stepping.chosen = (now.current.id, token)

    def _do(self, name: str, token: str = "") -> None:
        now = self._now()
        token = token or chosen(now, self._stepping)
        banned = token in [one.token for one in now.candidates if one.banned]
        listed = [one.token for one in now.candidates if not one.banned][:GROWN]

        def act(stepper: "Stepper") -> None:
            if name == "force":
                stepper.force(token)
            elif name == "expand":
                stepper.expand(*listed)
            elif banned:
                stepper.unban(token)
            else:
                stepper.ban(token)

        self._stepping.do(act)

    def _ask(self) -> None:
        choices = self._panel.choices
        layer, head = (each if each >= 0 else None for each in (choices.layer, choices.head))
        token = chosen(self._now(), self._stepping)
        self._stepping.ask_wanted(token, layer, head)

    def _write_typed(self) -> None:
        text = self._stepping.typed.strip()
        if not text:
            raise WorkbenchError("there is nothing to write: type a token, or several")
        several = len(text.split()) > 1
        self._stepping.do(
            lambda stepper: stepper.force_text(text) if several else stepper.force(text)
        )

    def _now(self) -> Now:
        return self._stepping.there()
