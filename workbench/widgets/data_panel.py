"""Choose a corpus, look into it, see how its sentences are cut into tokens."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import ipywidgets

from workbench.charts.frame import Figure
from workbench.charts.lengths import length_histogram
from workbench.charts.tables import Table, settings_table
from workbench.charts.vocabulary import rank_frequency
from workbench.config import settings
from workbench.data.corpus import Corpus
from workbench.data.encoding import Codec, EncodedPairs
from workbench.data.frequencies import frequencies
from workbench.data.size import refuse_too_large, warning
from workbench.errors import RunError
from workbench.widgets.corpus_tables import (
    PAGE,
    bad_line_table,
    figures_of_splits,
    sample_table,
)
from workbench.widgets.data_form import FILES, DataForm
from workbench.widgets.forms import Form
from workbench.widgets.panel import Panel
from workbench.widgets.parts import NARROW, Painted, card, markup, row, show, words, write
from workbench.widgets.tokens import chips
from workbench.widgets.uploads import Upload
from workbench.widgets.vega import VegaView

if TYPE_CHECKING:
    from workbench.session import Session

SPLITS = {"training": "train", "validation": "validation", "test": "test"}
GROUPS = ("Data", "Tokens")
OF_THE_DATA = tuple(setting.name for setting in settings() if setting.group in GROUPS)


class DataPanel(Panel):
    """A corpus and its vocabularies: chosen, loaded, shown."""

    title: ClassVar[str] = "Data"
    kept: ClassVar[tuple[str, ...]] = ("data", "built", *Panel.kept)

    def body(self) -> list[ipywidgets.Widget]:
        """Make the widgets."""
        self._painted = Painted()
        self._inside = self._contents()  # of the corpus, which may not be loaded
        return [self._choice(), self._bad, *self._inside, self._cutting()]

    def _choice(self) -> ipywidgets.Widget:
        self._form = DataForm(self.session, groups=("Data",))
        self._uploads = row(
            *(Upload(f"Upload {side} pairs", self._uploaded(file))
              for side, file in zip(SPLITS, FILES, strict=True))
        )  # fmt: skip
        load = self.button("Load", self._load, "read the data, learn the vocabularies", True)
        tokens = Form(self.session, groups=("Tokens",))
        heading = words("Vocabularies", "wb-title")
        return card(self._form, self._uploads, heading, tokens, row(load))

    def _contents(self) -> list[ipywidgets.Widget]:
        self._figures, self._samples, self._bad = markup(), markup(), card(markup())
        self._lengths, self._vocabulary = VegaView(), VegaView()
        split = ipywidgets.Dropdown(
            options=list(SPLITS.items()), description="Pairs of", style=NARROW
        )
        self.bind(split, "value", self.choices, "split")
        self._back = self.button("‹ Previous pairs", lambda: self._turn(-PAGE))
        self._on = self.button("Next pairs ›", lambda: self._turn(PAGE))
        samples = card(row(split, self._back, self._on), self._samples)
        return [card(self._figures), samples, card(self._lengths), card(self._vocabulary)]

    def _cutting(self) -> ipywidgets.Widget:
        text = ipywidgets.Text(description="Sentence", placeholder="type a sentence", style=NARROW)
        text.add_class("wb-grow")
        side = ipywidgets.Dropdown(options=("source", "target"), description="as", style=NARROW)
        self.bind(text, "value", self.choices, "text")
        self.bind(side, "value", self.choices, "side")
        self._tokens = markup()
        heading = words("How a sentence is cut into tokens", "wb-title")
        return card(heading, row(text, side), self._tokens)

    def paint(self) -> None:
        """Show the corpus if it is loaded, a page of its pairs, and the tokens of the sentence."""
        corpus, choices = loaded(self.session), self.choices
        show(self._uploads, self._form.own)
        for part in self._inside:
            show(part, corpus is not None)
        show(self._bad, bool(corpus and self.session.bad_lines))
        if corpus and self._painted.is_new("corpus", corpus):
            self._paint_corpus(corpus)
        if corpus and self._painted.is_new("pairs", corpus, choices.split, choices.sample):
            self._paint_samples(corpus)
        codec = self.session.codec_loaded
        if self._painted.is_new("tokens", codec, choices.side, choices.text):
            self._paint_tokens(codec)

    def still(self) -> list[Figure | Table]:
        """Return figures, charts, bad lines and some pairs; before loading, what is wanted."""
        corpus = loaded(self.session)
        if corpus is None:
            chosen = self.session.draft.model_dump(include=set(OF_THE_DATA))
            changed = self.session.draft.differences()
            return [settings_table(chosen, changed, "The data are not loaded yet")]
        bad, split = self.session.bad_lines, self.choices.split
        return [
            figures_of_splits(corpus.name, self.session.encoded),
            *charts_of(self.session.codec, self.session.encoded["train"]),
            *([bad_line_table(bad)] if bad else []),
            sample_table(corpus.splits[split], self._first(corpus), split),
        ]

    # What the controls do ---------------------------------------------------------------------

    def _load(self) -> None:
        self._form.check()
        if self.session.busy:
            raise RunError(f"{self.session.busy} is under way; wait for it")
        if loaded(self.session):
            self.choices.notice = ("good", "These data are loaded already.")
            return
        files = [getattr(self.session.draft, name) for name in ("corpus", *FILES)]
        refuse_too_large(files)  # now, not after a word on how long it takes
        if slow := warning(files):
            self.choices.notice = ("quiet", slow)
        of_other_data = set(OF_THE_DATA) & set(self.session.stale)  # the model that is there
        self.session.request("build" if of_other_data else "load")
        self.choices.sample = 0

    def _uploaded(self, name: str) -> Callable[[Path], None]:
        return lambda path: self._form.take(name, path.as_posix())

    def _turn(self, pairs: int) -> None:
        if corpus := loaded(self.session):
            last = (len(corpus.splits[self.choices.split]) - 1) // PAGE * PAGE
            self.choices.sample = min(max(0, self._first(corpus) + pairs), last)

    def _first(self, corpus: Corpus) -> int:
        """Return the first pair to show; what was chosen in a longer split may not be there."""
        first: int = self.choices.sample
        return first if first < len(corpus.splits[self.choices.split]) else 0

    # What is painted --------------------------------------------------------------------------

    def _paint_corpus(self, corpus: Corpus) -> None:
        encoded, bad = self.session.encoded, self.session.bad_lines
        self._figures.value = figures_of_splits(corpus.name, encoded).to_html()
        self._bad.children[0].value = bad_line_table(bad).to_html() if bad else ""
        lengths, vocabulary = charts_of(self.session.codec, encoded["train"])
        self._lengths.show(lengths)
        self._vocabulary.show(vocabulary)

    def _paint_samples(self, corpus: Corpus) -> None:
        split, first = self.choices.split, self._first(corpus)
        pairs = corpus.splits[split]
        self._samples.value = sample_table(pairs, first, split).to_html()
        write(self._back, disabled=first == 0)
        write(self._on, disabled=first + PAGE >= len(pairs))

    def _paint_tokens(self, codec: Codec | None) -> None:
        if codec:
            self._tokens.value = chips(codec, self.choices.side, self.choices.text)
        else:
            self._tokens.value = '<p class="wb-note">The vocabularies are learned by Load.</p>'


def loaded(session: "Session") -> Corpus | None:
    """Return the corpus that the draft asks for, where it is loaded."""
    wanted, there = session.draft, session.config
    same = all(getattr(wanted, name) == getattr(there, name) for name in OF_THE_DATA)
    return session.corpus_loaded if same else None


def charts_of(codec: Codec, pairs: EncodedPairs) -> tuple[Figure, Figure]:
    """Draw how long sentences are and how often tokens occur."""
    source, target = ([len(ids) - 1 for ids in side] for side in (pairs.sources, pairs.targets))
    return (
        length_histogram(source, target),
        rank_frequency(
            frequencies(codec.source, pairs.sources), frequencies(codec.target, pairs.targets)
        ),
    )
