"""The whole workbench: all panels of a session, one tab each."""

from typing import ClassVar

import ipywidgets

from workbench.charts.diagram import model_diagram
from workbench.charts.frame import Figure
from workbench.charts.tables import Table
from workbench.widgets.attention_panel import AttentionPanel, drawn
from workbench.widgets.compare_panel import ComparePanel
from workbench.widgets.data_panel import DataPanel
from workbench.widgets.decode_panel import DecodePanel
from workbench.widgets.gaze import Gaze
from workbench.widgets.model_panel import ModelPanel
from workbench.widgets.panel import Panel
from workbench.widgets.report_panel import ReportPanel
from workbench.widgets.sights import look
from workbench.widgets.status import Status
from workbench.widgets.train_panel import TrainPanel, stills

PANELS: tuple[type[Panel], ...] = (
    DataPanel, ModelPanel, TrainPanel, AttentionPanel, DecodePanel, ComparePanel, ReportPanel,
)  # fmt: skip


class Workbench(Panel):
    """Data, model, training, attention, decoding, comparison and report of one session.

    A panel is made when its tab is first shown.
    """

    title: ClassVar[str] = "Workbench"
    kept: ClassVar[tuple[str, ...]] = ("built", *Panel.kept)

    def body(self) -> list[ipywidgets.Widget]:
        """Make the tabs, empty as yet."""
        self._places = [ipywidgets.Box(layout={"display": "block"}) for _ in PANELS]
        self._tabs = ipywidgets.Tab(self._places, titles=[panel.title for panel in PANELS])
        self.bind(self._tabs, "selected_index", self.choices, "tab")
        return [self._tabs]

    def paint(self) -> None:
        """Make the panel that is to be seen, unless it is there."""
        place = self._places[self.choices.tab]
        if not place.children:
            panel = PANELS[self.choices.tab](self.session)
            # one line of status is enough, and is read out once: that of the whole
            parts = (part for part in panel.children if not isinstance(part, Status))
            panel.children = tuple(parts)
            place.children = (panel,)

    def still(self) -> list[Figure | Table]:
        """Return what all panels show."""
        return [thing for panel in PANELS for thing in panel(self.session).still()]

    def kept_of(self) -> object:
        """Return the translation that is looked at."""
        return self.session.translation

    def keepsake(self) -> list[Figure | Table]:
        """Return the model, what training came to, and what was translated last."""
        trained = stills(self.session.history, self.choices.moment)
        return [model_diagram(self.session.sketch()), *trained, *self._translated()]

    def _translated(self) -> list[Figure | Table]:
        translation = self.session.translation
        if translation is None or not translation.hypotheses:
            return []
        seen = look(self.session, self.choices, Gaze.of(self.session), wait=True)
        row = (translation.source, translation.text)
        table = Table(("source", "translation"), (row,), "Translated last")
        return [table, *([drawn(seen.sight, self.choices)] if seen.sight else [])]

    def close(self) -> None:
        """Close the panels as well."""
        for place in self._places:
            for panel in place.children:
                panel.close()
        super().close()
