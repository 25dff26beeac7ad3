from dataclasses import replace
from math import log

import numpy as np
import pytest

from workbench.charts.over_time import (
    in_words,
    over_time_chart,
    over_time_table,
    token_history,
    told,
)
from workbench.moments import Moment, Opinion, OverTime

CHOSEN = {"param": "moment"}


@pytest.fixture(scope="module")
def make(translation):
    def make(run, step, text, chance, weights=None, **changes):
        scored = translation("x y", "a b")
        logs = np.full(3, log(chance), np.float32)
        best = replace(scored.best, log_probabilities=logs)
        moment = Moment(
            run, step, {"bleu": 10.0 * step, "loss": 1 / step},
            translation("x y", text, weights), replace(scored, hypotheses=(best,)),
            (Opinion(2, "force", "b", log(chance / 2)),),
        )  # fmt: skip
        return replace(moment, **changes)

    return make


@pytest.fixture(scope="module")
def over(make):
    """Two checkpoints: at first `a` alone is written, then `a b`."""
    early = np.float32([[[[1, 0, 0], [0, 0.25, 0.75]]]])
    return OverTime("x y", "a b", (make("run", 1, "a", 0.25, early), make("run", 4, "a b", 0.5)))


@pytest.fixture(scope="module")
def seen(over, spec):
    return spec(over_time_chart(over))


def test_the_slider_goes_over_the_moments_and_begins_at_the_last(seen):
    [parameter] = seen.json["params"]
    assert parameter["bind"] == {"input": "range", "min": 1, "max": 2, "step": 1, "name": "Moment "}
    assert parameter["value"] == [{"moment": 2}]
    [view] = parameter["views"]
    assert parameter["select"]["on"] == f"@{view}_marks:click"
    texts = seen.texts()
    assert "step 4 · BLEU 40.0 · loss 0.250" in texts
    assert "a b" in texts
    assert "step 1 · BLEU 10.0 · loss 1.000" not in texts


def test_attention_is_that_of_the_moment_and_of_what_is_seen_only(seen):
    [cells] = seen.rows("source", "weight")
    early = [(row["source"], row["target"], row["weight"]) for row in cells if row["moment"] == 1]
    assert early == [("0:x", 0, 1.0), ("1:y", 1, 0.25), ("2:<end>", 1, 0.75)]
    assert len([row for row in cells if row["moment"] == 2]) == 9


def test_every_token_has_its_probability_at_every_step(seen):
    [rows] = seen.rows("label", "log_probability")
    found = {(row["label"], row["step"]): row["weight"] for row in rows}
    assert found[("1:b", 1)] == 0.25
    assert found[("1:b", 4)] == 0.5
    assert found[("1002:force b", 1)] == 0.125
    assert len(found) == 4 * 2
    assert {(row["step"], row["moment"]) for row in rows} == {(1, 1), (4, 2)}


def test_two_runs_share_the_slider(make, over, spec):
    """A run without a moment at a step shows its last one before, or its first."""
    both = over.beside(OverTime("x y", "a b", (make("run", 2, "c", 0.1), make("run", 9, "d", 0.9))))
    seen = spec(over_time_chart(both))
    [parameter] = seen.json["params"]
    assert parameter["bind"]["max"] == 4
    assert len(set(parameter["views"])) == 2
    ours, theirs = seen.rows("told", "said")
    assert [row["said"] for row in ours] == ["a", "a", "a b", "a b"]  # at steps 1, 2, 4, 9
    assert [row["said"] for row in theirs] == ["c", "c", "c", "d"]
    assert theirs[-1]["told"].startswith("run (2) · step 9")
    assert [moment.step for moment in both.at(4)] == [4, 2]


def test_a_moment_that_does_not_fit_says_why_and_leaves_a_gap(make, over, spec):
    fault = "item 1: its prefix was not reached: c"
    broken = make("run", 2, "", 0.5, translation=None, scored=None, opinions=(), fault=fault)
    holed = replace(over, moments=(over.moments[0], broken, over.moments[1]))
    seen = spec(over_time_chart(holed))
    [heading] = seen.rows("told", "said")
    assert heading[1]["said"] == fault
    [rows] = seen.rows("label", "log_probability")
    assert {row["step"] for row in rows} == {1, 4}
    assert over_time_table(holed).rows[1][3:] == (fault, "", "")
    nothing = replace(over, moments=(broken,))
    assert fault in spec(over_time_chart(nothing)).texts()
    assert "no token is followed" in spec(token_history(nothing)).texts()


def test_the_table_is_the_chart_for_a_listener(over):
    table = over_time_table(over)
    assert table.columns == (
        "step", "BLEU", "loss (nats a token)", "translation", "log p of the followed", "force b"
    )  # fmt: skip
    assert table.rows[0] == ("1", "10.0", "1.000", "a", f"{3 * log(0.25):.3f}", "12.5%")
    assert table.caption == "x y over time; followed: a b"
    assert over_time_table(over.beside(over)).columns[0] == "run"
    assert in_words(over) == "x y over 2 checkpoints. run, step 1: a; step 4: a b."
    assert told(over.moments[0], ["bleu"]) == "step 1 · BLEU 10.0"


def test_one_moment_needs_no_slider(over, spec):
    seen = spec(over_time_chart(replace(over, moments=over.moments[1:])))
    assert "bind" not in seen.json["params"][0]


def test_a_model_without_attention_has_probabilities_alone(make, spec):
    blind = make("run", 1, "a", 0.5, np.zeros((0, 1, 2, 3)))
    seen = spec(over_time_chart(OverTime("x y", "a b", (blind,))))
    assert not seen.rows("source", "weight")
    assert seen.rows("label", "log_probability")


def test_where_nothing_is_written_yet_the_moments_are_there_all_the_same(translation, spec):
    moments = tuple(Moment("run", step, {}, translation("x", "")) for step in (1, 2))
    seen = spec(over_time_chart(OverTime("x", "", moments)))
    assert {"step 2", "(empty)"} <= set(seen.texts())
