"""Translate a sentence, see what the search weighed, and take it apart by hand."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets

from workbench.charts.frame import Figure, notice, shortened
from workbench.charts.hypotheses import candidates, hypotheses_table
from workbench.charts.over_time import over_time_chart, over_time_table
from workbench.charts.tables import Table
from workbench.config import GREEDY as CHANGES_TO_GREEDY
from workbench.config import RunConfig, SearchSettings
from workbench.errors import WorkbenchError
from workbench.records import Translation
from workbench.widgets.beam_part import BeamPart, explored_search
from workbench.widgets.by_hand import ByHand, still_by_hand
from workbench.widgets.forms import Form
from workbench.widgets.inquiry import Inquiry
from workbench.widgets.over_time_panel import Lookout, OverTimePanel
from workbench.widgets.panel import Panel
from workbench.widgets.parts import NARROW, card, column, markup, row, show, words, write
from workbench.widgets.stepping import BY_HAND, OVER_TIME, SEARCHED, VIEWS, WHY, Stepping
from workbench.widgets.ticker import Ticker
from workbench.widgets.vega import VegaView
from workbench.widgets.why import Why, still_why

if TYPE_CHECKING:
    from workbench.session import Session

GREEDY, BEAM, SAMPLE = "greedy search", "beam search", "sampling"
ALWAYS = {"max_decode_length", "min_decode_length", "no_repeat_ngram", "prefix"}
USED = {  # the settings that a way to search has a use for
    GREEDY: ALWAYS | {"interventions"},
    BEAM: ALWAYS | {
        "interventions", "beam_width", "beam_groups", "diversity", "hypotheses",
        "length_penalty", "coverage_penalty",
    },
    SAMPLE: ALWAYS | {
        "beam_width", "hypotheses", "temperature", "top_k", "top_p", "sampling_seed",
    },
}  # fmt: skip
OFFERED = 30  # sentences of the corpus to pick from
LABEL = 90  # characters of a hypothesis in the list


def way_of(settings: SearchSettings) -> str:
    """Return how `settings` search: there is no setting of its own for that."""
    if settings.temperature:
        return SAMPLE
    return GREEDY if settings.beam_width == 1 else BEAM


def changes_for(way: str, settings: SearchSettings) -> dict[str, Any]:
    """Return what to change in `settings` so that they search in that way."""
    if way == SAMPLE:
        one = {"beam_groups": 1, "diversity": 0.0, "interventions": ""}
        return {"temperature": settings.temperature or 1.0, **one}
    if way == GREEDY:
        return dict(CHANGES_TO_GREEDY)
    width = settings.beam_width
    default = RunConfig.model_fields["beam_width"].default
    return {"temperature": 0.0, "beam_width": width if width > 1 else default}


class SearchForm(Form):
    """The settings of the search, as far as the way to search has a use for them."""

    def hidden(self, name: str) -> bool:
        """Tell whether the way to search has no use for a setting."""
        return name not in USED[way_of(self.session.draft)]


class DecodePanel(Panel):
    """Greedy search, beam search and sampling, what their steps chose from, and all by hand."""

    title: ClassVar[str] = "Decode"

    def __init__(self, session: "Session") -> None:
        """Show the latest translation of `session`, and its latest stepper."""
        self.stepping, self.inquiry = Stepping.of(session), Inquiry.of(session)
        super().__init__(session)
        if session.config.live:
            for source in (self.stepping, self.inquiry):
                Ticker.of(session).on(source.trait_names(), self._refresh, source)

    def body(self) -> list[ipywidgets.Widget]:
        """Make the widgets."""
        self._drawn: Translation | None = None
        self._at = (-1, -1)
        self._text = ipywidgets.Combobox(
            description="Sentence", placeholder="type one, or pick one of the test set",
            continuous_update=False, style=NARROW,
        )  # fmt: skip
        self._text.add_class("wb-grow")
        self.bind(self._text, "value", self.choices, "text")
        self._way = ipywidgets.Dropdown(description="Search", options=(GREEDY, BEAM, SAMPLE))
        self.heed(self._way, "value", self._search)
        self._form = SearchForm(self.session, groups=("Search",))
        self._translate_button = self.button("Translate", self._translate, primary=True)
        self._take_apart_button = self.button(
            "Step by hand", self._take_apart, "and decide every token yourself"
        )
        self._shown = ipywidgets.RadioButtons(options=VIEWS)
        self._shown.add_class("wb-groups")
        self.bind(self._shown, "value", self.stepping, "view")
        self._nothing = words("Nothing is translated yet.", "wb-note")
        self._hand = ByHand(self, self.stepping)
        self._beam = BeamPart(self, self.stepping)
        self._found = [self._hypotheses(), self._steps(), self._beam.box]
        if self.session.translation and not self.choices.text:
            self.choices.text = self.session.translation.source
        self._searched = column(card(self._way, self._form), self._nothing, *self._found)
        self._searched.layout.grid_gap = "16px"
        self._why: Why | None = None  # made when it is first looked at, as is the last view
        self._over_time: OverTimePanel | None = None
        self._views = {SEARCHED: self._searched, BY_HAND: self._hand.box,
                       WHY: column(), OVER_TIME: column()}  # fmt: skip
        return [
            row(self._text, self._translate_button, self._take_apart_button),
            self._shown,
            *self._views.values(),
        ]

    def _hypotheses(self) -> ipywidgets.Widget:
        self._table = markup()
        self._which = ipywidgets.Dropdown(description="Hypothesis", layout={"width": "auto"})
        self.heed(self._which, "value", self._choose_hypothesis)
        return card(self._table, self._which)

    def _steps(self) -> ipywidgets.Widget:
        self._step = ipywidgets.BoundedIntText(
            description="Step", min=1, max=1, value=1, style=NARROW
        )
        self.heed(self._step, "value", lambda step: self._go_to(step - 1))
        self._back = self.button("‹ Previous step", lambda: self._go_to(self._step.value - 2))
        self._on = self.button("Next step ›", lambda: self._go_to(self._step.value))
        self._prefix = markup(style="wb-code")
        self._candidates = VegaView()
        walk = row(self._back, self._on, self._step)
        return card(words("Step by step", "wb-title"), walk, self._prefix, self._candidates)

    def paint(self) -> None:
        """Show the settings of the search and the latest translation, or the stepper."""
        write(self._text, options=self._sentences())
        view = self.stepping.view
        for name, box in self._views.items():
            show(box, name == view)
        painting = {SEARCHED: self._paint_searched, BY_HAND: self._hand.paint,
                    WHY: self._paint_why, OVER_TIME: self._make_over_time}  # fmt: skip
        painting[view]()

    def _paint_why(self) -> None:
        if self._why is None:
            self._why = Why(self)
            self._views[WHY].children = (self._why.box,)
        self._why.paint()

    def _make_over_time(self) -> None:
        if self._over_time is None:
            self._over_time = OverTimePanel(self.session)
            self._views[OVER_TIME].children = (self._over_time.part,)

    def _paint_searched(self) -> None:
        write(self._way, value=way_of(self.session.draft))
        translation = self.session.translation
        found = translation is not None and bool(translation.hypotheses)
        show(self._nothing, not found)
        for part in self._found:
            show(part, found)
        if translation is not None and found:
            self._paint_found(translation)

    def _paint_found(self, translation: Translation) -> None:
        self._beam.paint(translation)
        which, step = self._place(translation)
        tokens = translation.hypotheses[which].tokens
        if translation is self._drawn and (which, step) == self._at:
            return
        if translation is not self._drawn:
            self._table.value = hypotheses_table(translation).to_html()
            self._which.options = _listed(translation)
        write(self._which, value=which)
        write(self._step, max=len(tokens), value=step + 1)
        write(self._back, disabled=step == 0)
        write(self._on, disabled=step == len(tokens) - 1)
        self._prefix.value = _marked(tokens, step)
        self._candidates.show(candidates(translation, which, step))
        self._drawn, self._at = translation, (which, step)

    def close(self) -> None:
        """Close the part that looks over time as well."""
        if self.session.config.live and self._over_time is not None:
            self._over_time.close()
        super().close()

    def kept_of(self) -> object:
        """Return the translation that is looked at, where one stands by hand, and the answers."""
        session, over = self.session, Lookout.of(self.session).found
        return (session.translation, self.stepping.now, *self.inquiry.answers, over)

    def still(self) -> list[Figure | Table]:
        """Return the search and one of its steps, what was done by hand, and what was asked."""
        further = still_by_hand(self.stepping, self.session.draft) + still_why(self.inquiry)
        if over := Lookout.of(self.session).found:
            further += [over_time_chart(over), over_time_table(over)]
        translation = self.session.translation
        if translation is None or not translation.hypotheses:
            return further or [notice(self.title, "nothing is translated yet")]
        which, step = self._place(translation)
        return [
            hypotheses_table(translation),
            explored_search(self.choices, translation),
            candidates(translation, which, step),
            *further,
        ]

    def _place(self, translation: Translation) -> tuple[int, int]:
        """Return the hypothesis and the step that are looked at, within what there is."""
        which = min(self.choices.hypothesis, len(translation.hypotheses) - 1)
        return which, min(self.choices.step, len(translation.hypotheses[which].tokens) - 1)

    def _sentences(self) -> tuple[str, ...]:
        test = self.session.encoded.get("test")
        return tuple(pair.source for pair in test.pairs[:OFFERED]) if test else ()

    def _search(self, way: str) -> None:
        if way != way_of(self.session.draft):
            self.session.configure(**changes_for(way, self.session.draft))

    def _translate(self) -> None:
        text = self.choices.text.strip()
        if not text:
            raise WorkbenchError("there is nothing to translate: type a sentence, or pick one")
        self.session.request("translate", text)
        self.choices.hypothesis, self.choices.step = 0, 0
        self.stepping.view = SEARCHED

    def _take_apart(self) -> None:
        self.stepping.begin(self.choices.text)

    def _choose_hypothesis(self, which: int) -> None:
        self.choices.hypothesis = which

    def _go_to(self, step: int) -> None:
        self.choices.step = step


def _listed(translation: Translation) -> list[tuple[str, int]]:
    """Return the hypotheses as a list to choose from, numbered, since two may read the same."""
    return [
        (f"{number + 1}: {shortened(one.text, LABEL) or '(empty)'}", number)
        for number, one in enumerate(translation.hypotheses)
    ]


def _marked(tokens: Sequence[str], step: int) -> str:
    """Return the tokens as HTML, that of the step marked and those after it muted."""
    before = escape(" ".join(tokens[:step]))
    after = escape(" ".join(tokens[step + 1 :]))
    now = f"<strong style='color: var(--wb-accent)'>{escape(tokens[step])}</strong>"
    return f"{before} {now} <span class='wb-note'>{after}</span>"
