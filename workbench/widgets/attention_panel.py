"""What the model looks at while it reads and writes a sentence."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING, ClassVar

import ipywidgets

from workbench.charts.attention import sight_map
from workbench.charts.export import to_png, to_svg
from workbench.charts.frame import Figure, notice, shortened
from workbench.charts.sight import Sight, as_csv, as_table
from workbench.charts.tables import Table
from workbench.errors import WorkbenchError
from workbench.records import Translation
from workbench.widgets.announced import answer
from workbench.widgets.choices import Choices
from workbench.widgets.download import Download
from workbench.widgets.fold import Fold
from workbench.widgets.gaze import Gaze
from workbench.widgets.heads import Heads, picks
from workbench.widgets.heat import HeatMap
from workbench.widgets.panel import Panel
from workbench.widgets.parts import NARROW, Painted, card, column, markup, row, show, words, write
from workbench.widgets.sights import PICKED_FROM, Seen, kinds, look
from workbench.widgets.ticker import Ticker

if TYPE_CHECKING:
    from workbench.session import Session

OFFERED = 50  # sentences to pick from
DRAWN = 128  # tokens of a side in a file, at most
WIDE, SMALL = {"width": "auto"}, {"width": "auto", "min_width": "140px"}


class AttentionPanel(Panel):
    """Attention of any sentence: to the source, or of one side to itself."""

    title: ClassVar[str] = "Attention"

    def __init__(self, session: "Session") -> None:
        """Show the latest translation of `session`."""
        self.gaze, self._painted, self._seen = Gaze.of(session), Painted(), Seen()
        super().__init__(session)
        if session.config.live:
            Ticker.of(session).on("answers", self._refresh, self.gaze)

    def body(self) -> list[ipywidgets.Widget]:
        """Make the widgets."""
        self._message, self._table = answer("wb-note"), markup()
        self._sentences, self._map = markup(), HeatMap()
        self._fold = Fold(self.choices, "The map in words", self._table)
        saved = row(
            words("Save as"),
            Download("SVG", partial(self._file, "svg", lambda chart: to_svg(chart).encode())),
            Download("PNG", partial(self._file, "png", to_png)),
            Download("CSV", self._csv),
        )
        self._picture = column(self._map, saved, self._fold)
        self._shown = card(self._which(), self._sentences, self._picture)
        return [self._sentence(), self._message, self._shown]

    def _sentence(self) -> ipywidgets.Widget:
        text = ipywidgets.Text(
            description="Sentence", placeholder="type one, or pick one below",
            continuous_update=False, style=NARROW, layout=WIDE,
        )  # fmt: skip
        text.add_class("wb-grow")
        self.bind(text, "value", self.choices, "text")
        self._pick = ipywidgets.Dropdown(description="or pick", style=NARROW, layout=WIDE)
        self._pick.add_class("wb-grow")
        self.heed(self._pick, "value", self._picked)
        translate = self.button("Translate", self._translate, "and look at it", primary=True)
        return card(row(text, translate), row(self._pick))

    def _which(self) -> ipywidgets.Widget:
        def choice(description: str, name: str) -> ipywidgets.Dropdown:
            control = ipywidgets.Dropdown(description=description, style=NARROW, layout=SMALL)
            self.heed(control, "value", partial(setattr, self.choices, name))
            return control

        def flag(description: str, name: str) -> ipywidgets.Checkbox:
            control = ipywidgets.Checkbox(description=description, indent=False, layout=WIDE)
            self.bind(control, "value", self.choices, name)
            return control

        self._target, self._kind = choice("Attention of the", "target"), choice("to the", "kind")
        self._target.options = ("translation", "reference")
        self._heads = Heads(self)
        self._gold, self._error = flag("gold alignment", "gold"), words()
        mass = flag("only the top 75 % of each row", "mass")
        return column(
            row(self._target, self._kind, *self._heads.widgets),
            row(mass, self._gold, self._error),
        )

    def paint(self) -> None:
        """Show the translation's attention, as it was chosen to be seen."""
        session, choices = self.session, self.choices
        if self._painted.is_new("sentences", session.encoded):
            self._pick.options = [("a sentence of the data", ""), *self._offered()]
        offered = dict(self._pick.options).values()
        write(self._pick, value=choices.text if choices.text in offered else "")
        self._paint_kinds()
        what = (choices.kind, choices.target, choices.hypothesis)
        if self._painted.is_new("seen", session.translation, self.gaze.answers, *what):
            self._seen = look(session, choices, self.gaze)
            self._paint_seen(self._seen)
        if self._seen.sight is not None:
            self._paint_map(self._seen.sight)

    def kept_of(self) -> object:
        """Return the translation that is looked at."""
        return self.session.translation

    def still(self) -> list[Figure | Table]:
        """Return the map and where each token looks, or why there is none."""
        seen = look(self.session, self.choices, self.gaze, wait=True)
        if seen.sight is None:
            return [notice(self.title, seen.message.rstrip("."))]
        return [self._drawn(seen.sight), self._in_words(seen.sight)]

    # What the controls do ---------------------------------------------------------------------

    def _translate(self) -> None:
        text = self.choices.text.strip()
        if not text:
            raise WorkbenchError("there is nothing to translate: type a sentence, or pick one")
        self.session.request("translate", text)
        self.choices.hypothesis = 0

    def _picked(self, text: str) -> None:
        if text:
            self.choices.text = text
            self._translate()

    def _file(self, kind: str, form: Callable[[Figure], bytes]) -> tuple[str, bytes]:
        return f"attention.{kind}", form(self._drawn(self._there()))

    def _csv(self) -> tuple[str, bytes]:
        sight = self._there()
        return "attention.csv", as_csv(sight, sight.chosen(*self._heads.picks)).encode()

    def _there(self) -> Sight:
        if self._seen.sight is None:
            raise WorkbenchError(self._seen.message)
        return self._seen.sight

    # What is painted --------------------------------------------------------------------------

    def _offered(self) -> list[tuple[str, str]]:
        """Return sentences of the validation and the test split, each with its beginning."""
        encoded = self.session.encoded
        pairs = [p for split in PICKED_FROM[:2] if split in encoded
                 for p in encoded[split].pairs[: OFFERED // 2]]  # fmt: skip
        return [(shortened(pair.source, 90), pair.source) for pair in pairs]

    def _paint_kinds(self) -> None:
        offered = kinds(self.session)
        if self.choices.kind not in offered.values():
            self.choices.kind = "cross"
        if dict(self._kind.options) != offered:
            self._kind.options = offered
        write(self._kind, value=self.choices.kind)
        write(self._target, value=self.choices.target)
        show(self._kind, len(offered) > 1)

    def _paint_seen(self, seen: Seen) -> None:
        write(self._message, value=escape(seen.message))
        show(self._shown, seen.translation is not None)
        show(self._picture, seen.sight is not None)
        if seen.translation:
            self._sentences.value = _sentences(seen.translation, seen.hypothesis)

    def _paint_map(self, sight: Sight) -> None:
        choices = self.choices
        self._heads.paint(*sight.weights.shape[:2])
        write(self._gold, disabled=not sight.links)
        what = (choices.layer, choices.head, choices.mass, choices.gold)
        if self._painted.is_new("map", sight, *what):
            self._map.show(sight, *self._heads.picks, choices.mass, choices.gold)
            error = self._seen.error_rate(*self._heads.picks)
            rate = "" if error is None else f"alignment error rate <b>{error:.1%}</b>"
            write(self._error, value=rate)
        self._fold.paint()
        if self._fold.is_open and self._painted.is_new("table", sight, *what):
            self._table.value = self._in_words(sight).to_html()

    def _drawn(self, sight: Sight) -> Figure:
        return drawn(sight, self.choices)

    def _in_words(self, sight: Sight) -> Table:
        return as_table(sight, sight.chosen(*picks(self.choices, *sight.weights.shape[:2])))


def drawn(sight: Sight, choices: Choices) -> Figure:
    """Return the map of `sight` as it was chosen to be seen."""
    shown = sight if choices.gold else replace(sight, links=())
    layers, heads = sight.weights.shape[:2]
    return sight_map(shown, *picks(choices, layers, heads), choices.mass, DRAWN)


def _sentences(translation: Translation, hypothesis: int) -> str:
    """Return source, target and, where it is another, the reference as HTML."""
    chosen = translation.hypotheses[hypothesis]
    count = len(translation.hypotheses)
    which = f" ({hypothesis + 1} of {count})" if hypothesis else ""
    lines = {"source": translation.source, f"target{which}": chosen.text}
    if translation.reference not in (None, chosen.text):
        lines["reference"] = str(translation.reference)
    cells = "".join(
        f"<tr><th scope='row' style='text-align:left'>{name}</th><td>{escape(text)}</td></tr>"
        for name, text in lines.items()
    )
    return f"<table>{cells}</table>"
