import re
from functools import cached_property
from html import unescape

import numpy as np
import pytest

from workbench.charts.export import to_svg, to_vega_lite
from workbench.records import (
    Alignment,
    BeamRecord,
    Candidate,
    Evaluation,
    Hypothesis,
    Link,
    Progress,
    Translation,
)


def make_progress(step, loss=1.0, figures=None, best=False, **changes):
    evaluation = Evaluation("validation", figures, 10) if figures else None
    values = {
        "step": step, "epoch": 0, "loss": loss, "learning_rate": 1e-3, "gradient_norm": 1.0,
        "tokens": 10, "tokens_per_second": 1000.0, "seconds": float(step), "total_steps": 100,
        "evaluation": evaluation, "best": best,
    } | changes  # fmt: skip
    return Progress(**values)


def make_translation(
    source, target, weights=None, *, reference=None, sure=(), possible=(), end=True, **changes
):
    """Make a translation of white-space words; attention is uniform unless given [L, H, T, S]."""
    more = ("<end>",) if end else ()
    source_tokens, tokens = (*source.split(), *more), (*target.split(), *more)
    if weights is None:
        weights = np.full((1, 1, len(tokens), len(source_tokens)), 1 / len(source_tokens))
    hypothesis = Hypothesis(
        target,
        tokens,
        np.full(len(tokens), -0.5, np.float32),
        np.asarray(weights, np.float32),
        score=-0.5,
        words=words_of(target, more),
    )
    gold = None
    if sure or possible:
        gold = Alignment(frozenset(Link(*p) for p in sure), frozenset(Link(*p) for p in possible))
    values = {
        "source": source, "source_tokens": source_tokens, "source_words": words_of(source, more),
        "hypotheses": (hypothesis,), "reference": reference, "gold": gold,
    }  # fmt: skip
    return Translation(**values | changes)


def words_of(text, more):
    return (*range(len(text.split())), *(-1 for _ in more))


def make_beam():
    """Make a beam of width 2 over three steps; scores are log-probabilities, no penalty.

    step 0: a −0.2 kept, b −1.8 kept
    step 1: a c −0.7 kept, b c −1.9 kept, a <end> −2.0 pruned, a d −2.5 pruned
    step 2: a c <end> −0.8 finished, a c c −1.5 kept, b c d −2.1 kept, b c c −4 pruned
    """
    rows = [
        (0, 0, "a", -0.2, "kept", 0), (0, 0, "b", -1.8, "kept", 1),
        (1, 0, "c", -0.7, "kept", 0), (1, 1, "c", -1.9, "kept", 1),
        (1, 0, "<end>", -2.0, "pruned", -1), (1, 0, "d", -2.5, "pruned", -1),
        (2, 0, "<end>", -0.8, "finished", -1), (2, 0, "c", -1.5, "kept", 0),
        (2, 1, "d", -2.1, "kept", 1), (2, 1, "c", -4.0, "pruned", -1),
    ]  # fmt: skip
    candidates = tuple(
        Candidate(step, parent, token, p, p, fate, beam)
        for step, parent, token, p, fate, beam in rows
    )
    return make_translation(
        "x", "a c", beam=BeamRecord(2, candidates, np.zeros((3, 2, 1, 1, 2), np.float32))
    )


def walk(value):
    """Yield every dictionary inside a specification."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


class Spec:
    """A chart's specification, with questions that tests ask of it."""

    def __init__(self, chart):
        self.chart = chart
        self.json = to_vega_lite(chart)
        inline = [view["data"] for view in walk(self.json) if "values" in view.get("data", {})]
        self.datasets = self.json.get("datasets", {}) | {
            data["name"]: data["values"] for data in inline
        }

    def rows(self, *fields):
        """Return every data set whose rows have these fields, in the order of the drawing."""
        names = [view["data"]["name"] for view in walk(self.json) if "data" in view]
        every = [self.datasets[name] for name in dict.fromkeys(names) if name in self.datasets]
        return [rows for rows in every if rows and set(fields) <= set(rows[0])]

    def marks(self, kind):
        return [view for view in walk(self.json)
                if isinstance(view.get("mark"), dict) and view["mark"]["type"] == kind]  # fmt: skip

    @cached_property
    def svg(self):
        return to_svg(self.chart)

    def texts(self):
        """Return the texts that are drawn, as a reader sees them; labels left out are hidden."""
        visible = re.sub(r'<text[^>]* opacity="0"[^>]*>.*?</text>', "", self.svg)
        return [unescape(t) for t in re.findall(r"<(?:text|tspan)[^>]*>([^<]+)<", visible)]

    def size(self):
        """Return width and height in px."""
        found = re.search(r'width="([\d.]+)" height="([\d.]+)"', self.svg)
        return float(found[1]), float(found[2])


@pytest.fixture(scope="session")
def progress():
    return make_progress


@pytest.fixture(scope="session")
def translation():
    return make_translation


@pytest.fixture(scope="session")
def beam():
    return make_beam()


@pytest.fixture(scope="session")
def spec():
    return Spec
