"""What all panels have in common: the session, the choices, painting, and a line of status."""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets
import traitlets

from workbench.charts.frame import Figure
from workbench.charts.tables import Table
from workbench.errors import WorkbenchError, on_one_line
from workbench.widgets.choices import QUIET, Choices
from workbench.widgets.figure import bundle, show
from workbench.widgets.keepsake import Keepsake
from workbench.widgets.looks import looks
from workbench.widgets.parts import Painted, tell_again
from workbench.widgets.status import Status, told
from workbench.widgets.ticker import Ticker

if TYPE_CHECKING:
    from workbench.session import Session

Act = Callable[[], Any]

_log = logging.getLogger(__name__)


class Panel(ipywidgets.VBox):
    """Part of the workbench, alone or in its tabs; a subclass says what it holds.

    Callbacks of controls only call the session or set choices. Widgets are written in `paint`
    alone, after any trait of the session or of the choices has changed. With `live=False` among
    the session's settings a panel has no widgets: it displays what `still` returns.
    """

    title: ClassVar[str] = ""
    # the states whose still forms stay in the notebook
    kept: ClassVar[tuple[str, ...]] = ("paused", "trained", "failed")

    def __init__(self, session: "Session") -> None:
        """Show `session`."""
        self.session, self.choices = session, Choices.of(session)
        self._lock = threading.RLock()
        self._bindings: list[Callable[[], None]] = []
        self._writer: int | None = None  # the thread that paints
        self._keepsake: Keepsake | None = None  # once it is displayed
        self._kept = Painted()  # what the figures are made of that the notebook keeps
        super().__init__()
        self.add_class("wb-panel")
        if session.config.live:
            looks()
            self._status = Status()
            self.children = (*self.body(), self._status)
            self._status.on_another_view(lambda: Ticker.of(session).mark(self._again))
            for source in (session, self.choices):
                Ticker.of(session).on(source.trait_names(), self._refresh, source)
            self._refresh()

    def body(self) -> list[ipywidgets.Widget]:
        """Make the panel's widgets; called once."""
        raise NotImplementedError

    def paint(self) -> None:
        """Write into the widgets what has changed; called often, so it must be cheap."""
        raise NotImplementedError

    def still(self) -> list[Figure | Table]:
        """Return what the panel shows now, for a page without a kernel."""
        raise NotImplementedError

    def attempt(self, act: Act) -> None:
        """Do what a control asks for; what is wrong with it becomes the panels' notice."""
        self.choices.notice = QUIET
        try:
            act()
        except Exception as error:
            if not isinstance(error, WorkbenchError):
                _log.exception("a control could not do what it is for")
            self.choices.notice = ("error", on_one_line(error))

    def button(
        self, text: str, act: Act, tooltip: str = "", primary: bool = False
    ) -> ipywidgets.Button:
        """Return a button that does `act`; the `primary` one is the one that matters most."""
        button = ipywidgets.Button(description=text, tooltip=tooltip)
        button.add_class("wb-primary" if primary else "wb-button")
        button.on_click(lambda _: self.attempt(act))
        return button

    def heed(self, widget: ipywidgets.Widget, trait: str, act: Callable[[Any], Any]) -> None:
        """Call `act` with what a person chose in a control; not with what the panel wrote there."""

        def chosen(change: Any) -> None:
            if self._writer != threading.get_ident():
                self.attempt(lambda: act(change.new))

        widget.observe(chosen, trait)

    def bind(
        self, widget: ipywidgets.Widget, trait: str, source: traitlets.HasTraits, name: str
    ) -> None:
        """Keep a widget's `trait` and `name` of the choices (or of another source) the same."""

        def write() -> None:
            setattr(widget, trait, getattr(source, name))

        self.heed(widget, trait, lambda value: setattr(source, name, value))
        self._bindings.append(write)
        if source not in (self.session, self.choices):
            Ticker.of(self.session).on(name, self._refresh, source)

    def close(self) -> None:
        """Stop painting and close the widgets."""
        Ticker.of(self.session).off(self._refresh)
        self._forget()
        super().close()

    def _refresh(self) -> None:
        """Paint, then let every bound control show its choice."""
        with self._lock:
            self._writer = threading.get_ident()
            try:
                self.paint()
                for write in self._bindings:
                    write()
                self._status.say(*told(self.session, self.choices))
            except Exception as error:
                self._status.say("error", on_one_line(error))
                raise
            finally:
                self._writer = None
            self._keep()

    def _again(self) -> None:
        with self._lock:
            tell_again(self)

    def keepsake(self) -> list[Figure | Table]:
        """Return what stays in a notebook below the live panel."""
        return self.still()

    def kept_of(self) -> object:
        """Return what the figures in the notebook are made of beside the run; a tuple of several.

        Records count by identity, as for `Painted`.
        """

    def _keep(self) -> None:
        """Let still figures follow the panel, for readers of the notebook without a kernel."""
        session = self.session
        if not self._keepsake or session.state not in self.kept:
            return
        of = self.kept_of()
        beside = of if isinstance(of, tuple) else (of,)
        now = (session.state, len(session.history), session.config)
        if self._kept.is_new("figures", *now, *beside):
            self._keepsake.show(self.keepsake)

    def _forget(self) -> None:
        if self._keepsake:
            self._keepsake.close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Return the widget; headless, show the still forms, the last being the cell's output."""
        if self.session.config.live:
            self._forget()
            self._keepsake, self._kept = Keepsake(self.model_id), Painted()
            Ticker.of(self.session).mark(self._refresh)  # after the widget, not before it
            return super()._repr_mimebundle_(**options)
        things = self.still()
        show(*things[:-1])
        return bundle(things[-1]) if things else {"text/plain": self.title}
