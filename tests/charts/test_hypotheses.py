from dataclasses import replace
from math import exp

import numpy as np
import pytest

from workbench.charts.hypotheses import REST, Choice, candidates, choices_at, hypotheses_table
from workbench.records import BeamRecord, Candidate


@pytest.fixture
def two(beam, translation):
    """The beam with the hypotheses `a c <end>` and, cut off, `b c d`."""
    return replace(
        beam, hypotheses=(beam.best, replace(translation("x", "b c d", end=False).best,
                                             score=-2.1, finished=False))
    )  # fmt: skip


def test_hypotheses_are_listed_with_what_the_model_thinks_of_them(two):
    table = hypotheses_table(two)
    assert table.columns == (
        "rank", "hypothesis", "score", "log p", "perplexity"
    )  # fmt: skip
    assert table.rows == (
        (1, "a c", "-0.500", "-1.500", "1.65"),  # three tokens of -0.5: exp(0.5)
        (2, "b c d …", "-2.100", "-1.500", "1.65"),
    )
    assert "cut" not in table.caption
    assert "length limit" in table.caption
    assert (
        "length limit" not in hypotheses_table(replace(two, hypotheses=two.hypotheses[:1])).caption
    )


def test_choices_are_the_continuations_of_the_same_prefix(two):
    """After `a` (-0.2): c (-0.7), <end> (-2.0) and d (-2.5) of the whole; not b's c."""
    first, second, third, rest = choices_at(two, 0, 1)
    assert (first.token, first.kind) == ("c", "chosen")
    assert first.probability == pytest.approx(exp(-0.5))
    assert (second.token, second.kind) == ("<end>", "weighed")
    assert second.probability == pytest.approx(exp(-1.8))
    assert third.token == "d"
    assert rest == Choice(REST, pytest.approx(1 - exp(-0.5) - exp(-1.8) - exp(-2.3)), "rest")


def test_another_hypothesis_chose_among_others(two):
    assert [(one.token, one.kind) for one in choices_at(two, 1, 0)] == [
        ("a", "weighed"), ("b", "chosen"), (REST, "rest")
    ]  # fmt: skip
    assert [one.token for one in choices_at(two, 1, 2)] == ["d", "c", REST]


def test_a_step_beyond_the_end_is_the_last(two):
    assert choices_at(two, 0, 99) == choices_at(two, 0, 2)


def test_samples_do_not_mix_even_where_they_share_nothing_yet(translation, beam):
    drawn = tuple(
        Candidate(0, row, token, nats, nats, fate, row if fate == "kept" else -1)
        for row, token, nats, fate in [
            (0, "a", -0.1, "kept"), (1, "b", -2.5, "kept"), (0, "b", -2.5, "pruned"),
            (1, "a", -0.1, "pruned"),
        ]
    )  # fmt: skip
    record = BeamRecord(2, drawn, beam.beam.attention, drawn=True)
    sample = translation("x", "b", end=False, beam=record)
    assert [(one.token, one.kind) for one in choices_at(sample)][:2] == [
        ("a", "weighed"), ("b", "chosen")
    ]  # fmt: skip


def test_the_bars_are_the_choices(two, spec):
    seen = spec(candidates(two, 0, 1))
    rows = {row["token"]: row for rows in seen.rows("probability", "token") for row in rows}
    assert rows["c"]["probability"] == pytest.approx(exp(-0.5), abs=1e-4)
    assert {"c", "<end>", "d", REST, "60.7%"} <= set(seen.texts())
    assert [bar["mark"]["style"] for bar in seen.marks("bar")] == ["main", "accent", "muted"]


def test_the_chart_says_where_it_stands(two, spec):
    seen = spec(candidates(two, 0, 1)).json
    assert seen["title"]["text"] == "Candidates at step 2 of 3"
    assert seen["title"]["subtitle"] == "after: a"
    assert seen["description"].startswith("Candidates at step 2 of 3, after a: c 60.7%")
    assert seen["description"].endswith("Chosen: c.")
    assert spec(candidates(two)).json["title"]["subtitle"] == "after: the beginning"


def test_without_a_record_there_is_nothing_to_choose_from(translation, beam, spec):
    for one in (translation("a", "b"), replace(beam, hypotheses=())):
        assert choices_at(one) == []
        assert "the search was not recorded" in spec(candidates(one)).texts()


def test_only_the_likeliest_have_a_name_and_always_the_chosen_one(translation, beam):
    drawn = [Candidate(0, 0, "late", -9.0, -9.0, "kept", 0)]
    others = [Candidate(0, 0, f"w{i}", -3.0 - i / 9, 0.0, "pruned", -1) for i in range(15)]
    record = BeamRecord(1, (*drawn, *others), beam.beam.attention, drawn=True)
    choices = choices_at(translation("x", "late", end=False, beam=record))
    assert [one.token for one in choices] == [*(f"w{i}" for i in range(9)), "late", REST]
    assert sum(one.probability for one in choices) == pytest.approx(1)


def test_a_barred_token_keeps_the_models_probability(translation, spec):
    """The prefix wanted z with .1; the model would have had a with .7."""
    weighed = (
        Candidate(0, 0, "z", float(np.log(0.1)), -2.3, "kept", 0),
        Candidate(0, 0, "a", float(np.log(0.7)), -0.4, "barred"),
    )
    beam = BeamRecord(1, weighed, np.zeros((1, 1, 1, 1, 1), np.float32))
    found = translation("x", "z", end=False, beam=beam)
    choices = [(one.token, one.kind, round(one.probability, 3)) for one in choices_at(found)]
    assert choices == [("a", "barred", 0.7), ("z", "chosen", 0.1), (REST, "rest", 0.2)]
    assert "a 70.0% (barred), z 10.0%" in spec(candidates(found)).json["description"]
