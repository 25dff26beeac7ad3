from dataclasses import replace

import numpy as np
import pytest

from workbench.charts.search import RANKS, STEPS, beam_tree, discarded
from workbench.records import BeamRecord, Candidate


def record(*candidates, width=2):
    return BeamRecord(width, tuple(candidates), np.zeros((0, 0, 0, 0, 0), np.float32))


def points(seen):
    return {
        (row["step"], row["rank"]): (row["token"], row["fate"])
        for rows in seen.rows("fate", "token")
        for row in rows
    }


def test_every_candidate_is_a_point_at_its_step_and_rank(beam, spec):
    seen = points(spec(beam_tree(beam)))
    assert len(seen) == 10
    assert seen[1, 0] == ("a", "kept")
    assert seen[2, 2] == ("<end>", "pruned")
    assert seen[3, 0] == ("<end>", "finished")


def test_tooltips_tell_token_prefix_and_score(beam, spec):
    rows = {(r["step"], r["rank"]): r for rows in spec(beam_tree(beam)).rows("fate") for r in rows}
    assert rows[3, 2]["log_probability"] == pytest.approx(-0.2)
    assert rows[3, 2]["prefix"] == rows[3, 2]["score"] == -2.1


def test_edges_run_from_parent_to_child(beam, spec):
    edges = {
        (row["step"], row["rank"], row["to_step"], row["to_rank"])
        for rows in spec(beam_tree(beam)).rows("to_step")
        for row in rows
    }
    assert len(edges) == 10
    assert {(0, 0, 1, 0), (0, 0, 1, 1), (1, 1, 2, 1), (2, 1, 3, 2)} <= edges


def test_the_winner_alone_stands_out(beam, spec):
    marks = spec(beam_tree(beam)).marks("rule")
    assert [mark["mark"]["style"] for mark in marks] == ["muted", "main", "accent"]
    winner = spec(beam_tree(beam)).rows("to_step")[2]
    assert [(row["to_step"], row["to_rank"]) for row in winner] == [(1, 0), (2, 0), (3, 0)]


def test_tokens_are_written_where_there_is_room(beam, spec):
    texts = spec(beam_tree(beam)).texts()
    assert texts.count("d") == 2 * 2  # each with its halo


def long_beam(steps):
    return record(*(Candidate(t, 0, f"w{t}", -t, -t, "kept", 0) for t in range(steps)), width=1)


def test_a_long_search_names_the_winners_tokens_only(translation, spec):
    long = translation("x", " ".join(f"w{t}" for t in range(60)), end=False, beam=long_beam(60))
    seen = spec(beam_tree(long))
    assert seen.size()[0] <= 720
    assert [text for text in seen.texts() if text.startswith("w")] == [f"w{t}" for t in range(60)]


def test_what_is_not_drawn_is_said(translation, spec):
    wide = [Candidate(0, 0, f"w{i}", -i, -i, "kept" if i < 30 else "pruned", i) for i in range(60)]
    winner = translation("x", "w29", end=False, beam=record(*wide, width=30))
    seen = spec(beam_tree(winner))
    assert set(points(seen)) == {(1, rank) for rank in range(RANKS + 1)}
    assert points(seen)[1, RANKS] == ("w29", "kept")  # the winner, in the lowest row
    assert f"{60 - RANKS - 1} of 60 candidates are not drawn" in seen.texts()
    longer = translation("x", "q", beam=long_beam(STEPS + 3))
    assert f"3 of {STEPS + 3} candidates are not drawn" in spec(beam_tree(longer)).texts()


def test_the_description_counts_the_fates(beam, spec):
    assert spec(beam_tree(beam)).json["description"] == (
        "Beam search of width 2 over 3 steps: 6 candidates kept, 1 finished, 3 pruned. "
        "Best: a c (score -0.500)."
    )


def test_a_beam_without_its_hypotheses(beam, translation, spec):
    bare = translation("x", "a c", beam=beam.beam, hypotheses=())
    assert spec(beam_tree(bare)).json["description"].endswith("3 pruned.")


def test_a_search_that_was_not_recorded(translation, spec):
    assert "the search was not recorded" in spec(beam_tree(translation("a", "b"))).texts()
    assert discarded(translation("a", "b")).caption == "Beam search: the search was not recorded"


def test_the_closest_pruned_candidates_come_first(beam):
    table = discarded(beam)
    assert table.columns == (
        "step",
        "prefix",
        "pruned token",
        "log-probability",
        "score",
        "short by",
    )
    assert table.rows == (  # the second best of step 2 had −1.9, of step 3 −1.5
        (2, "a", "<end>", "-2.00", "-2.00", "0.10"),
        (2, "a", "d", "-2.50", "-2.50", "0.60"),
        (3, "b c", "c", "-4.00", "-4.00", "2.50"),
    )
    assert table.caption == "The 3 closest of 3 candidates that the beam pruned"
    assert len(discarded(beam, limit=1).rows) == 1


def test_more_on_record_than_competed_changes_nothing(beam, spec):
    """With K = 2 the beam chose among four; what is further down had no chance."""
    far = Candidate(1, 0, "far", -9.0, -9.0, "pruned", -1)
    more = replace(beam, beam=replace(beam.beam, candidates=(*beam.beam.candidates, far)))
    assert spec(beam_tree(more)).json == spec(beam_tree(beam)).json
    assert discarded(more) == discarded(beam)


def test_samples_are_called_so(beam, spec):
    drawn = replace(beam, beam=replace(beam.beam, drawn=True))
    seen = spec(beam_tree(drawn)).json
    assert seen["title"]["text"] == "Samples"
    assert "the likeliest sample" in seen["title"]["subtitle"][0]
    assert seen["description"].startswith("2 samples over 3 steps, 1 of them finished. Best: a c")
    assert discarded(drawn).rows == ()
    assert "nothing was pruned" in discarded(drawn).caption


# Groups and rules --------------------------------------------------------------------------


def grouped(translation):
    """Two groups of one row: the second takes b, as the first has taken a."""
    rows = [
        (0, 0, "a", -0.5, "kept", 0), (0, 0, "b", -1.2, "pruned", -1),
        (0, 1, "b", -1.2, "kept", 1), (0, 1, "a", -0.5, "pruned", -1),
        (1, 0, "<end>", -0.6, "finished", -1), (1, 0, "c", -2.0, "kept", 0),
        (1, 1, "c", -1.4, "kept", 1), (1, 1, "d", -1.9, "pruned", -1),
    ]  # fmt: skip
    candidates = [Candidate(step, parent, token, p, p, fate, row)
                  for step, parent, token, p, fate, row in rows]  # fmt: skip
    beam = replace(record(*candidates), groups=2)
    return translation("x", "a", beam=beam)


def test_groups_stand_one_below_the_other(translation, spec):
    seen = spec(beam_tree(grouped(translation)))
    assert points(seen) == {
        (1, 0): ("a", "kept"), (1, 1): ("b", "pruned"),
        (1, 3): ("b", "kept"), (1, 4): ("a", "pruned"),
        (2, 0): ("<end>", "finished"), (2, 1): ("c", "kept"),
        (2, 3): ("c", "kept"), (2, 4): ("d", "pruned"),
    }  # fmt: skip
    edges = {(row["rank"], row["to_step"], row["to_rank"])
             for rows in seen.rows("to_step") for row in rows}  # fmt: skip
    assert {(0, 1, 0), (0, 1, 3), (0, 2, 0), (3, 2, 3)} <= edges
    assert {"group 1", "group 2"} <= set(seen.texts())
    assert seen.json["description"].startswith("Beam search of width 2 in 2 groups over 2 steps")


def test_a_beam_of_one_group_names_none(beam, spec):
    assert not [text for text in spec(beam_tree(beam)).texts() if "group" in text]


def test_what_was_pruned_competed_within_its_group(translation):
    assert discarded(grouped(translation)).rows == (
        (1, "", "a", "-0.50", "-0.50", "-0.70"),  # diversity held it back
        (2, "b", "d", "-1.90", "-1.90", "0.50"),
        (1, "", "b", "-1.20", "-1.20", "0.70"),
    )


def test_what_was_barred_is_told_from_what_was_pruned(translation, spec):
    rows = [
        Candidate(0, 0, "z", -5.0, -5.0, "kept", 0), Candidate(0, 0, "a", -0.1, -0.1, "barred"),
        Candidate(0, 0, "b", -3.0, -3.0, "barred"),
    ]  # fmt: skip
    found = translation("x", "z", end=False, beam=record(*rows, width=1))
    seen = spec(beam_tree(found))
    assert points(seen) == {(1, 0): ("z", "kept"), (1, 1): ("a", "barred")}
    assert "cross: barred" in seen.json["title"]["subtitle"][0]
    assert "0 pruned, 1 barred." in seen.json["description"]
    table = discarded(found)
    assert table.rows == ()
    assert table.caption.endswith("; 2 more on record were barred")


def test_without_rules_nothing_is_said_of_barring(beam, spec):
    seen = spec(beam_tree(beam)).json
    assert "barred" not in seen["description"] + seen["title"]["subtitle"][0]
    assert "barred" not in discarded(beam).caption
