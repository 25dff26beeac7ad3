"""What is read of the source at a step, and how it is changed; the source itself, too."""

from collections.abc import Callable
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np

from workbench.charts.sight import Weights, choose
from workbench.errors import WorkbenchError
from workbench.interventions import AttentionEdit, Mask, Paste, Scale, SetCell, Sharpen
from workbench.widgets.choices import MEAN
from workbench.widgets.now import Now
from workbench.widgets.panel import Panel
from workbench.widgets.parts import NARROW, card, column, markup, row, show, words, write
from workbench.widgets.stepping import Stepping
from workbench.widgets.strip import Strip

if TYPE_CHECKING:
    from workbench.search.decoding import Decoded
    from workbench.search.stepper import Stepper

NUMBER = {"width": "150px"}


class AttentionPart:
    """A slider for each source token, and the edits of what is marked."""

    def __init__(self, panel: Panel, stepping: Stepping) -> None:
        """Make the widgets."""
        self._panel, self._stepping = panel, stepping
        self.strip = Strip()
        self.strip.on_msg(lambda _, message, __: panel.attempt(partial(self._pressed, message)))
        self._of_many = {name: self._which(name) for name in ("layer", "head")}
        self._told = markup("", "wb-note")
        self._none = words("This model has no attention to show.", "wb-note")
        self._seen = column(
            ipywidgets.Box([self.strip], layout={"display": "block"}), self._told, self._edits()
        )
        self.box = card(
            row(words("Attention of this step", "wb-title"), *self._of_many.values()),
            self._none,
            self._seen,
            self._source(),
        )

    def paint(self, now: Now) -> None:
        """Show the weights of the layer and the head that are chosen."""
        here = now.current.decoded
        has = bool(here.attention.size) and not here.finished
        show(self._none, not has)
        show(self._seen, has)
        self._none.value = (
            "The sentence has ended: nothing is read any more." if here.finished
            else "This model has no attention to show."
        )  # fmt: skip
        if has:
            self._paint_strip(now, here)

    def _paint_strip(self, now: Now, here: "Decoded") -> None:
        for (name, control), count in zip(
            self._of_many.items(), here.attention.shape[:2], strict=True
        ):
            options = [(f"all {count}, their mean", MEAN), *((str(n), n) for n in range(count))]
            if list(control.options) != options:
                control.options = options
            write(control, value=MEAN if (pick := self._pick(name, count)) is None else pick)
            show(control, count > 1)
        own = _own(now)
        title = f"attention of step {len(here.ids) + 1}"
        self.strip.show(
            here.source.tokens, self._row(here.attention),
            None if own is None else self._row(own), self._marked(now), title,
        )  # fmt: skip
        marked = ", ".join(here.source.tokens[place] for place in self._marked(now))
        dashed = "Dashed: the model's own. " if own is not None else ""
        hint = "Drag a bar to change it; press tokens to mark them."
        self._told.value = escape(f"{dashed}Marked: {marked}." if marked else dashed + hint)

    def _which(self, name: str) -> ipywidgets.Dropdown:
        control = ipywidgets.Dropdown(
            description=name, style=NARROW, layout={"width": "auto", "min_width": "140px"}
        )
        self._panel.heed(control, "value", partial(setattr, self._panel.choices, name))
        return control

    def _edits(self) -> ipywidgets.Widget:
        panel, stepping = self._panel, self._stepping

        def number(kind: type[ipywidgets.Widget], label: str, name: str, **limits: Any) -> Any:
            control = kind(description=label, style=NARROW, layout=NUMBER, **limits)
            panel.bind(control, "value", stepping, name)
            return control

        factor = number(ipywidgets.BoundedFloatText, "factor", "factor", min=0, max=1000, step=0.5)
        flat = number(
            ipywidgets.BoundedFloatText, "temperature", "temperature", min=0.01, max=1000, step=0.1
        )
        self._step = number(ipywidgets.BoundedIntText, "step", "other_step", min=1, max=100_000)
        return row(
            panel.button("Mask", partial(self._on_marked, _mask), "read nothing where marked"),
            row(panel.button("Scale", partial(self._on_marked, self._scale),
                             "multiply what is marked"), factor),
            row(panel.button("Sharpen", self._sharpen, "below 1 sharper, above 1 flatter"), flat),
            row(panel.button("Paste", self._paste, "read as another step did"), self._step),
        )  # fmt: skip

    def _source(self) -> ipywidgets.Widget:
        text = ipywidgets.Text(
            description="Source token", placeholder="in place of the marked one",
            continuous_update=False, style=NARROW,
        )  # fmt: skip
        self._panel.bind(text, "value", self._stepping, "replacement")
        replace = self._panel.button("Replace", self._replace, "and write the same again")
        remove = self._panel.button("Leave out", partial(self._replace, ""), "the marked token")
        return row(text, replace, remove)

    # What the controls do ---------------------------------------------------------------------

    def _pressed(self, message: dict[str, Any]) -> None:
        now, position = self._stepping.there(), int(message.get("position", 0))
        if message.get("do") == "set":
            weight = min(max(float(message.get("weight", 0)), 0.0), 1.0)
            self._edit(SetCell, position=position, weight=weight)
        else:
            marked = set(self._marked(now)) ^ {position}
            self._stepping.marked = (now.path[0].id, tuple(sorted(marked)))

    def _edit(self, kind: type[AttentionEdit], **fields: Any) -> None:
        shape = self._stepping.there().current.decoded.attention.shape
        layer, head = (
            self._pick(name, count) for name, count in zip(("layer", "head"), shape, strict=False)
        )
        edit = kind(layer=layer, head=head, **fields)
        self._stepping.do(lambda stepper: stepper.edit_attention(edit))

    def _on_marked(self, edit: Callable[[tuple[int, ...]], Any]) -> None:
        kind, fields = edit(self._some_marked())
        self._edit(kind, **fields)

    def _scale(self, marked: tuple[int, ...]) -> Any:
        return Scale, {"positions": marked, "factor": self._stepping.factor}

    def _sharpen(self) -> None:
        self._edit(Sharpen, temperature=self._stepping.temperature)

    def _paste(self) -> None:
        prefix = self._stepping.there().current.decoded.prefix
        step = self._stepping.other_step
        if not 1 <= step <= len(prefix) + 1:
            raise WorkbenchError(
                f"expected a step from 1 to {len(prefix) + 1} to paste from, got {step}"
            )
        self._edit(Paste, other=prefix[: step - 1])

    def _replace(self, token: str | None = None) -> None:
        marked = self._some_marked()
        text = self._stepping.replacement.strip() if token is None else token
        if len(marked) > 1:
            raise WorkbenchError(f"expected one marked source token, got {len(marked)}")
        if token is None and not text:
            raise WorkbenchError("type the source token to put there, or leave the marked one out")

        def act(stepper: "Stepper") -> None:
            stepper.edit_source(marked[0], text)

        self._stepping.do(act)

    # What is seen -----------------------------------------------------------------------------

    def _pick(self, name: str, count: int) -> int | None:
        chosen = int(getattr(self._panel.choices, name))
        return chosen if 0 <= chosen < count else None

    def _row(self, attention: Weights) -> Weights:
        layers, heads = attention.shape[:2]
        picks = self._pick("layer", layers), self._pick("head", heads)
        return np.asarray(choose(attention[:, :, None], *picks)[0])

    def _marked(self, now: Now) -> tuple[int, ...]:
        root, marked = self._stepping.marked
        count = len(now.current.decoded.source.ids)
        return tuple(place for place in marked if root == now.path[0].id and place < count)

    def _some_marked(self) -> tuple[int, ...]:
        marked = self._marked(self._stepping.there())
        if not marked:
            raise WorkbenchError("no source token is marked: press one below its bar first")
        return marked


def _mask(marked: tuple[int, ...]) -> Any:
    return Mask, {"positions": marked}


def _own(now: Now) -> Weights | None:
    """Return the model's own attention of this step, where it was edited and is known."""
    here = now.current
    if not here.decoded.edits:
        return None
    beside = [
        node for node in now.nodes.values()
        if node.parent == here.parent and not node.decoded.edits
        and node.decoded.ids == here.decoded.ids and node.decoded.source == here.decoded.source
    ]  # fmt: skip
    return beside[0].decoded.attention if beside else None
