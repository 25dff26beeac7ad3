"""Forms made from the settings: a native control for each, what is wrong with it beside it."""

from collections import ChainMap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from workbench.config import Setting, settings
from workbench.errors import WorkbenchError
from workbench.model.relevance import offered, without_effect
from workbench.widgets.choices import Choices
from workbench.widgets.looks import looks
from workbench.widgets.paths import STATIC
from workbench.widgets.ticker import Ticker

if TYPE_CHECKING:
    from workbench.session import Session

ALWAYS = {"learning_rate"}  # of the settings of training, what may change while it is under way

State = dict[str, Any]


class Form(anywidget.AnyWidget):
    """Controls for some settings, bound to what the session is wanted to have.

    A value that makes no sense stays in its control, with the reason below it, and waits: it is
    tried again with the next change, so that two settings that must change together can.

    Traits:
        fields: what there is: name, label, kind (`choice`, `flag`, `number` or `text`), title.
        state: by name: value, note, tone (`help`, `reason` or `error`), disabled, hidden and, of
            a choice, options.
    """

    watched: ClassVar[tuple[str, ...]] = ("faults",)  # traits of the choices that it shows

    _esm = STATIC / "forms.js"
    _css = STATIC / "forms.css"
    fields: traitlets.List[Any] = traitlets.List().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(
        self, session: "Session", groups: Sequence[str] = (), names: Sequence[str] = ()
    ) -> None:
        """Show the settings of `groups`, as `workbench.config.settings` has them, and `names`."""
        looks()
        self.session, self.choices = session, Choices.of(session)
        self.settings = self._chosen(groups, names)
        super().__init__(fields=[_described(each) for each in self.settings.values()])
        self.on_msg(self._answer)
        Ticker.of(session).on(("draft", "state"), self.paint)
        Ticker.of(session).on(self.watched, self.paint, self.choices)
        self.paint()

    def paint(self) -> None:
        """Show the draft, what is wrong with what was typed, and what makes no difference."""
        idle = without_effect(self.session.draft)
        self.state = {name: self._shown(each, idle.get(name, "")) for name, each in
                      self.settings.items()}  # fmt: skip

    def close(self) -> None:
        """Stop painting and close the form."""
        Ticker.of(self.session).off(self.paint)
        super().close()

    def value(self, setting: Setting) -> Any:
        """Return what the control of a setting shows."""
        value = getattr(self.session.draft, setting.name)
        return value if setting.kind is bool else str(value).removesuffix(".0")

    def options(self, setting: Setting) -> tuple[str, ...]:
        """Return what can be chosen for a setting that has choices."""
        return offered(self.session.draft, setting)

    def help(self, setting: Setting) -> str:
        """Return what a setting is, in a few words."""
        return setting.help

    def hidden(self, name: str) -> bool:  # noqa: ARG002, for subclasses
        """Tell whether the control of a setting is out of place."""
        return False

    def changes(self, name: str, value: Any) -> dict[str, Any]:
        """Return what to change where a person chose `value`; more than one setting may follow."""
        return {name: value}

    def take(self, name: str, value: Any) -> None:
        """Take what a person chose, together with what still waits, or else alone."""
        waiting = {each: typed for each, (typed, _) in self.choices.faults.items() if each != name}
        typed = waiting | {name: value}
        wanted = {each: self.changes(each, its) for each, its in typed.items()}
        if not self._refused(dict(ChainMap(*wanted.values()))):
            self.choices.faults = {}
            return
        reasons = {each: self._refused(wanted[each]) for each in (name, *waiting)}
        self.choices.faults = {
            each: (typed[each], reason) for each, reason in reasons.items() if reason
        }

    def _chosen(self, groups: Sequence[str], names: Sequence[str]) -> dict[str, Setting]:
        return {
            each.name: each for each in settings() if each.group in groups or each.name in names
        }

    def _refused(self, changes: dict[str, Any]) -> str:
        """Make changes; return why they were not made, or nothing."""
        try:
            self.session.configure(**changes)
        except WorkbenchError as error:
            return str(error)
        return ""

    def _answer(self, _: Any, content: Any, __: Any) -> None:
        if content.get("name") in self.settings:
            self.take(content["name"], content.get("value"))

    def _shown(self, setting: Setting, idle: str) -> State:
        name = setting.name
        shown = self._noted(setting, idle) | {"hidden": self.hidden(name)}
        if setting.choices:
            shown["options"] = self.options(setting)
        return shown

    def _noted(self, setting: Setting, idle: str) -> State:
        """Return value, note, tone and whether the control is switched off.

        What makes no difference and is not the default stays open, so that it can be put back.
        """
        name, state = setting.name, self.session.state
        held = state in ("training", "paused") and name not in ALWAYS and setting.group != "Search"
        if name in self.choices.faults and not held:
            typed, reason = self.choices.faults[name]
            return {"value": typed, "note": reason, "tone": "error", "disabled": False}
        reason = "training is under way" if held else idle
        untouched = getattr(self.session.draft, name) == setting.default
        return {
            "value": self.value(setting),
            "note": reason or self.help(setting),
            "tone": "reason" if reason else "help",
            "disabled": held or bool(idle and untouched),
        }


def _described(setting: Setting) -> State:
    kind = "choice" if setting.choices else {bool: "flag", str: "text"}.get(setting.kind, "number")
    default = repr(setting.default) if setting.kind is str else setting.default
    return {
        "name": setting.name,
        "label": setting.name.replace("_", " "),
        "kind": kind,
        "title": f"{setting.name}: {setting.expected}; by default {default}",
    }
