"""Arrangements of widgets: boxes with the classes of the style sheet."""

from html import escape
from typing import Any

import anywidget
import ipywidgets

NARROW = {"description_width": "auto"}  # the style of a control whose label is as wide as its text


def row(*children: ipywidgets.Widget) -> ipywidgets.Box:
    """Set widgets side by side; they wrap where the page is narrow."""
    return _box(children, "wb-row")


def column(*children: ipywidgets.Widget) -> ipywidgets.Box:
    """Set widgets one below the other, close together."""
    return _box(children, "wb-column")


def columns(*children: ipywidgets.Widget) -> ipywidgets.Box:
    """Set widgets in equal columns, below each other where the page is narrow."""
    return _box(children, "wb-columns")


def card(*children: ipywidgets.Widget) -> ipywidgets.Box:
    """Put a frame around widgets that belong together."""
    return _box(children, "wb-column", "wb-card")


def words(text: str = "", style: str = "") -> ipywidgets.HTML:
    """Return plain words, in the style of a class such as `wb-note`."""
    return markup(escape(text), style)


def markup(html: str = "", style: str = "") -> ipywidgets.HTML:
    """Return HTML of our own making: every text of a person's in it must be escaped."""
    widget = ipywidgets.HTML(html)
    if style:
        widget.add_class(style)
    return widget


def write(widget: ipywidgets.Widget, **traits: Any) -> None:
    """Set traits, none that is so already: `value` in a message after that of all others.

    A slider that is told its limits and its value at once sends its old value back.
    """
    with widget.hold_sync():
        for name, value in traits.items():
            if name != "value" and getattr(widget, name) != value:
                setattr(widget, name, value)
    if "value" in traits and widget.value != traits["value"]:
        widget.value = traits["value"]


def show(widget: ipywidgets.Widget, shown: bool) -> None:
    """Let a widget be seen, or not. Put an anywidget into a box: its own classes stay."""
    assert not isinstance(widget, anywidget.AnyWidget), "put it into a box"
    hidden = "wb-hidden" in widget._dom_classes
    if shown and hidden:
        widget.remove_class("wb-hidden")
    elif not (shown or hidden):
        widget.add_class("wb-hidden")


def tell_again(widget: ipywidgets.Widget) -> None:
    """Send the page what `widget` and all below it show; what a person chose in a second message.

    A page that is loading misses a change, and controls do not ask for it as charts do.
    """
    keys = {*widget.keys} - _SCRIPTS
    for part in (keys - _CHOSEN, keys & _CHOSEN):
        if part:
            widget.send_state(part)
    for child in getattr(widget, "children", ()):
        tell_again(child)


_SCRIPTS = {"_esm", "_css", "_runtime", "_drawing"}  # which do not change, or are asked for
_CHOSEN = {"value", "index"}  # see `write`


class Painted:
    """What was painted last, so that the same is not painted again."""

    def __init__(self) -> None:
        """Begin with nothing painted."""
        self._last: dict[str, tuple[Any, ...]] = {}

    def is_new(self, part: str, *shown: Any) -> bool:
        """Tell whether a part would show something else than last time, and remember it.

        Short values count by what they are, all others (records, histories) by identity.
        """
        before, self._last[part] = self._last.get(part), shown
        if before is None or len(before) != len(shown):
            return True
        return not all(map(_same, before, shown))


def _same(one: Any, other: Any) -> bool:
    return one is other or (isinstance(one, bool | int | str | tuple) and bool(one == other))


def _box(children: tuple[ipywidgets.Widget, ...], *classes: str) -> ipywidgets.Box:
    box = ipywidgets.Box(children)
    for name in classes:
        box.add_class(name)
    return box
