from dataclasses import replace

import numpy as np
import pytest

from workbench.charts.diagnosis import (
    diagnosis_table,
    fall_in_words,
    faults_chart,
    faults_table,
    surprise_bars,
    surprise_table,
    worth_table,
)
from workbench.records import Diagnoses, Diagnosis, Fall, FaultBin, WorthALook


def counts(none=0, search=0, model=0, vocabulary=0, settings=0):
    return {
        "none": none, "search": search, "model": model, "vocabulary": vocabulary,
        "settings": settings,
    }  # fmt: skip


@pytest.fixture
def one(translation, beam):
    found = replace(beam, source="a b")
    scored = translation("a b", "x y", reference="x y")
    best = replace(scored.best, log_probabilities=np.float32([-0.5, -2, -1]))
    return Diagnosis(
        found, replace(scored, hypotheses=(best,)), "search", -3.0, -2.5,
        Fall(1, "y", "pruned", 0.25), "y", 1200,
    )  # fmt: skip


@pytest.fixture
def several(one):
    every = (one, replace(one, fault="model"), replace(one, fault="model"))
    lengths = FaultBin("1 to 2", counts(search=1, model=1)), FaultBin("3 to 4", counts(model=1))
    frequency = FaultBin("0", counts()), FaultBin("1 to 9", counts(search=1, model=2))
    return Diagnoses(every, lengths, frequency, (WorthALook(2, "because"),))


def test_shares_by_length_and_frequency(several, spec):
    seen = spec(faults_chart(several))
    lengths, frequency = seen.rows("bin", "share")
    assert [(r["bin"], r["fault"], r["share"]) for r in lengths if r["count"]] == [
        ("1 to 2", "search error", 0.5), ("1 to 2", "model error", 0.5),
        ("3 to 4", "model error", 1),
    ]  # fmt: skip
    assert {row["bin"] for row in frequency} == {"1 to 9"}  # nothing to share where there is none
    assert "search error 33.3%, model error 66.7%" in seen.json["description"]
    assert "1 to 2: 50% search and 50% model errors of 2" in seen.json["description"]


def test_the_table_counts_what_the_chart_shares(several):
    table = faults_table(several)
    assert table.columns[2:] == (
        "as the reference", "search error", "model error", "not in the vocabulary",
        "ruled out by the settings",
    )  # fmt: skip
    assert table.rows == (
        ("all sentences", "3", "0", "1", "2", "0", "0"),
        ("1 to 2 source tokens", "2", "0", "1", "1", "0", "0"),
        ("3 to 4 source tokens", "1", "0", "0", "1", "0", "0"),
        ("rarest token seen 0 times", "0", "0", "0", "0", "0", "0"),
        ("rarest token seen 1 to 9 times", "3", "0", "1", "2", "0", "0"),
    )


def test_sentences_worth_a_look(several):
    table = worth_table(several)
    assert table.rows == ((3, "because", "a b", "x y", "a c"),)
    assert table.caption == "The 1 sentences most worth looking at"


def test_a_diagnosis_in_a_table(one):
    table = diagnosis_table(one)
    assert table.caption == "Diagnosis: search error"
    rows = {name: cells for name, *cells in table.rows}
    assert rows["score of the search"] == ["-3.000", "-2.500"]
    assert rows["log p"] == ["-1.500", "-3.500"]
    assert rows["rarest token"] == [None, "y, 1,200 times in training"]
    assert rows["left the beam"][1].endswith("at step 2, y: it was pruned, 0.25 nats below the "
                                             "last one kept")  # fmt: skip


def test_by_which_setting_the_reference_is_ruled_out(one):
    table = diagnosis_table(replace(one, fault="settings", ruled_out="it is too short"))
    assert table.caption == "Diagnosis: ruled out by the settings"
    assert ("ruled out", None, "it is too short") in table.rows


def test_tokens_by_surprise(one, spec):
    assert surprise_table(one, 2).rows == ((2, "y", "2.000"), (3, "<end>", "1.000"))
    seen = spec(surprise_bars(one))
    others, fallen = seen.rows("nats")
    assert [(row["token"], row["nats"]) for row in others] == [("x", 0.5), ("<end>", 1)]
    assert [(row["token"], row["nats"]) for row in fallen] == [("y", 2)]
    assert [mark["mark"]["style"] for mark in seen.marks("bar")] == ["main", "accent"]
    assert "most first: y 2.00, <end> 1.00, x 0.50" in seen.json["description"]


@pytest.mark.parametrize(("fall", "words"), [
    (None, "the reference stayed on the beam"),
    (Fall(0, "x", "stopped"), "the search had ended at step 1, x"),
    (Fall(0, "x", "pruned"), "the reference left the beam at step 1, x: it was pruned"),
    (Fall(1, "<unknown>", "banned", -1.5),
     "the reference left the beam at step 2, <unknown>: no search chooses that token, "
     "1.50 nats above the last one kept"),
    (Fall(2, "z", "barred"),
     "the reference left the beam at step 3, z: the settings do not allow it"),
])  # fmt: skip
def test_the_fall_in_words(one, fall, words):
    assert fall_in_words(replace(one, fall=fall)) == words


def test_without_a_beam_nobody_knows(one, spec):
    silent = replace(one, fall=None, found=replace(one.found, beam=None))
    assert fall_in_words(silent) == "the beam was not recorded"
    assert "the beam was not recorded" in spec(surprise_bars(silent)).texts()
