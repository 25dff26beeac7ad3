"""Two models on one sentence, the curves of many runs, and the settings in which they differ."""

from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets

from workbench.charts.attention import attention_map
from workbench.charts.frame import Figure
from workbench.charts.overlay import (
    Histories,
    differing_settings,
    figure_title,
    figures_in,
    overlay,
)
from workbench.charts.tables import Table
from workbench.config import RunConfig, SearchSettings
from workbench.errors import WorkbenchError
from workbench.records import Translation
from workbench.session import Session
from workbench.widgets.announced import answer, fault
from workbench.widgets.choices import Choices
from workbench.widgets.compare_side import Side
from workbench.widgets.over_time_panel import OverTimePanel
from workbench.widgets.panel import Panel
from workbench.widgets.parts import Painted, card, columns, markup, row, words, write
from workbench.widgets.shelf import Model, Run, Shelf, or_reason
from workbench.widgets.ticker import Ticker
from workbench.widgets.vega import VegaView

HERE: Model = ("", 0)  # the session itself
THIS = "this session"


class ComparePanel(Panel):
    """This session beside other runs and their checkpoints."""

    title: ClassVar[str] = "Compare"

    def __init__(self, session: Session, *runs: str | Path, text: str = "") -> None:
        """Compare `session` with the run directories `runs`, on the sentence `text`."""
        choices = Choices.of(session)
        choices.text = text or choices.text
        self.shelf, self._painted = Shelf.of(session), Painted()
        super().__init__(session)
        if session.config.live:
            news = ("found", "runs", "translations", "busy")
            Ticker.of(session).on(news, self._refresh, self.shelf)
        self._compare_runs(tuple(map(str, runs)) or choices.runs)

    def body(self) -> list[ipywidgets.Widget]:
        """Make the widgets."""
        self._figure = ipywidgets.Dropdown(description="Curve", layout={"width": "420px"})
        self.heed(self._figure, "value", partial(setattr, self.choices, "figure"))
        self._overlay, self._differences = VegaView(), markup()
        self._over_time = OverTimePanel(self.session)
        return [
            self._which_runs(),
            self._side_by_side(),
            self._over_time.part,
            card(words("Curves", "wb-title"), self._figure, self._overlay),
            card(self._differences),
        ]

    def _which_runs(self) -> ipywidgets.Widget:
        self._runs = ipywidgets.SelectMultiple(description="Runs", rows=5)
        self._runs.add_class("wb-grow")
        self.heed(self._runs, "value", self._compare_runs)
        path = ipywidgets.Text(description="Directory", placeholder="another run, or a saved model",
            continuous_update=False,
        )  # fmt: skip
        path.add_class("wb-grow")
        self.bind(path, "value", self.choices, "path")
        self._busy, self._reasons = answer("wb-note"), fault()
        return card(
            words("Runs beside this session", "wb-title"),
            row(self._runs, self.button("Look again", self._look, "read the runs anew")),
            row(path, self.button("Add", self._add, "compare the run in this directory")),
            self._busy,
            self._reasons,
        )

    def _side_by_side(self) -> ipywidgets.Widget:
        text = ipywidgets.Text(
            description="Sentence", placeholder="what both shall translate", continuous_update=False
        )
        text.add_class("wb-grow")
        self.bind(text, "value", self.choices, "text")
        self._both = self.button("Translate", self._translate, "with both models", primary=True)
        self._sides = {"left": Side("Left"), "right": Side("Right")}
        for name, side in self._sides.items():
            self.heed(side.which, "value", partial(setattr, self.choices, name))
        return card(
            words("One sentence, two models", "wb-title"),
            row(text, self._both),
            columns(*(side.box for side in self._sides.values())),
        )

    def paint(self) -> None:
        """Show the runs, what they have in common and what not, and the two translations."""
        runs, shelf = self.choices.runs, self.shelf
        listed = tuple(dict.fromkeys([*shelf.found, *runs]))
        if self._painted.is_new("listed", listed):
            self._runs.options = [(label, path) for path, label in labels(listed).items()]
        write(self._runs, value=runs)
        nothing = "" if listed else "There are none in runs/: train, or name a directory."
        hint = "Hold Ctrl or ⌘ to choose several." if listed else nothing
        write(self._busy, value=f"{shelf.busy.capitalize()} …" if shelf.busy else hint)
        reasons = [known for path, known in shelf.runs.items() if isinstance(known, str)]
        write(self._reasons, value="<br>".join(map(escape, reasons)))
        models = self._models()
        for name, side in self._sides.items():
            model = self._model(name)
            side.paint(models, model, shelf.result(model))
        self._paint_curves()

    def _paint_curves(self) -> None:
        progress, config = self.session.progress, self.session.config
        epoch = progress.epoch if progress else -1  # not at every step: it costs training time
        if self._painted.is_new("curves", self.shelf.runs, epoch, self.session.state,
                                self.choices.figure):  # fmt: skip
            histories = self._histories()
            figures = {figure_title(name): name for name in figures_in(histories)}
            figure = self.choices.figure
            self._figure.options = figures | {figure_title(figure): figure}
            self._figure.value = figure
            self._overlay.show(overlay(histories, figure, "container"))
        if self._painted.is_new("settings", self.shelf.runs, config):
            self._differences.value = differing_settings(self._configs()).to_html()

    def kept_of(self) -> object:
        """Return the runs, the models and what they made of the sentence."""
        shelf, choices = self.shelf, self.choices
        chosen = (choices.runs, choices.left, choices.right, choices.figure)
        return (shelf.runs, shelf.translations, *chosen)

    def still(self) -> list[Figure | Table]:
        """Return what differs, the curves, and the attention of both models where there is one."""
        waiting = [self.shelf.look(self.choices.runs)]
        waiting += self._translate() if self.choices.text else []
        for future in waiting:
            future.exception()
        return self.keepsake()

    def keepsake(self) -> list[Figure | Table]:
        """Return the same without asking any model anew."""
        results = [self.shelf.result(self._model(name)) for name in ("left", "right")]
        return [
            differing_settings(self._configs()),
            overlay(self._histories(), self.choices.figure),
            *(attention_map(result) for result in results if isinstance(result, Translation)),
        ]

    def close(self) -> None:
        """Close the part that looks over time as well."""
        if self.session.config.live:
            self._over_time.close()
        super().close()

    # What there is to compare ---------------------------------------------------------------

    def _known(self) -> dict[str, Run]:
        """Return the runs that could be read, by their label."""
        named = ((label, self.shelf.runs.get(path))
                 for path, label in labels(self.choices.runs).items())  # fmt: skip
        return {label: run for label, run in named if isinstance(run, Run)}

    def _histories(self) -> Histories:
        ours = {THIS: self.session.history} if self.session.history else {}
        return ours | {label: run.history for label, run in self._known().items()}

    def _configs(self) -> dict[str, RunConfig]:
        return {THIS: self.session.config} | {n: run.config for n, run in self._known().items()}

    def _models(self) -> dict[str, Model]:
        """Return what can be compared, by its label: each run as it ended, and its checkpoints."""
        models = {THIS: HERE}
        for path, label in labels(self.choices.runs).items():
            run = self.shelf.runs.get(path)
            models[label] = (path, 0)
            for step in run.steps if isinstance(run, Run) else ():
                models[f"{label}, step {step:,}"] = (path, step)
        return models

    def _model(self, name: str) -> Model:
        """Return the model chosen for a side; the session, where that one is gone."""
        model: Model = getattr(self.choices, name)
        return model if model in self._models().values() else HERE

    # What a person does ---------------------------------------------------------------------

    def _compare_runs(self, paths: Sequence[str]) -> None:
        self.choices.runs = tuple(paths)
        if paths and self._model("left") == self._model("right") == HERE:
            self.choices.right = (paths[0], 0)
        self._look()

    def _look(self) -> None:
        self.shelf.look(self.choices.runs)

    def _add(self) -> None:
        path = self.choices.path.strip()
        if not path:
            raise WorkbenchError("no directory is named: type that of a run, such as runs/mine")
        Run.check(path)
        self._compare_runs(tuple(dict.fromkeys([*self.choices.runs, path])))
        self.choices.path = ""

    def _translate(self) -> list[Future[Any]]:
        text = self.choices.text.strip()
        if not text:
            raise WorkbenchError("there is nothing to translate: type a sentence")
        asked = self.shelf.ask()
        search = {name: getattr(self.session.draft, name) for name in SearchSettings.model_fields}
        models = dict.fromkeys([self._model("left"), self._model("right")])
        return [
            self._translate_here(asked, text) if model == HERE
            else self.shelf.translate(asked, model, text, search)
            for model in models
        ]  # fmt: skip

    def _translate_here(self, asked: int, text: str) -> Future[Any]:
        if self.session.state in ("empty", "data"):
            self.shelf.tell(asked, HERE, "this session has no model yet: build it, or train it")
            done: Future[Any] = Future()
            done.set_result(None)
            return done
        future = self.session.request("translate", text)
        future.add_done_callback(lambda it: self.shelf.tell(asked, HERE, or_reason(it.result)))
        return future


def labels(paths: Sequence[str]) -> dict[str, str]:
    """Return what to call run directories: their last part, the whole where two share it."""
    names = [Path(path).name for path in paths]
    return {path: name if name and names.count(name) == 1 else path
            for path, name in zip(paths, names, strict=True)}  # fmt: skip
