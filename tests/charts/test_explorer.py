import json
from dataclasses import replace

import numpy as np
import pytest

from workbench.charts.explorer import beam_explorer, explored
from workbench.records import BeamRecord, Candidate


@pytest.fixture(scope="module")
def read(beam):
    """The beam of three steps; each row read other weights of the two source tokens."""
    weights = np.float32([[[0.75, 0.25], [0.5, 0.5]], [[1, 0], [0.125, 0.875]], [[0.25, 0.75]] * 2])
    return replace(beam, beam=replace(beam.beam, attention=weights[:, :, None, None, :]))


@pytest.fixture(scope="module")
def seen(read, spec):
    return spec(beam_explorer(read))


def nodes(seen):
    return seen.rows("node", "told")[0]


def place_of(seen, node):
    [place] = [row for row in seen.rows("place", "weighed")[0] if row["place"] == node["place"]]
    return place


def test_every_node_of_the_tree_can_be_chosen(seen):
    assert [row["node"] for row in nodes(seen)] == list(range(1, 11))
    [parameter] = seen.json["params"]
    assert parameter["bind"] | {"min": 1, "max": 10, "input": "range"} == parameter["bind"]
    assert parameter["value"] == [{"node": 1}]  # where the best hypothesis begins
    [clicked] = parameter["views"]
    assert parameter["select"]["on"] == f"@{clicked}_voronoi:click"
    assert clicked in [mark.get("name") for mark in seen.marks("point")]


def test_a_pruned_node_shows_its_prefix_what_stood_to_choose_and_what_was_read(seen):
    [pruned] = [row for row in nodes(seen) if row["told"].startswith("step 3: c · pruned")]
    assert pruned["after"] == "after: b c"
    assert pruned["told"].endswith("log p -2.100 · score -4.000")  # −4 less −1.9
    place = place_of(seen, pruned)
    assert place["weighed"] == ["d", "c"]
    assert place["probability"] == pytest.approx([np.exp(-0.2), np.exp(-2.1)], abs=1e-4)
    assert place["became"] == ["kept", "pruned"]
    assert place["weighed"][pruned["chosen"]] == "c"
    assert place["weight"] == [0.25, 0.75]
    [second] = [row for row in nodes(seen) if row["told"].startswith("step 2: c") and
                row["after"] == "after: b"]  # fmt: skip
    assert place_of(seen, second)["weight"] == [0.125, 0.875]


def test_what_is_chosen_first_is_what_the_picture_shows(seen):
    texts = seen.texts()
    assert "step 1: a · kept · log p -0.200 · score -0.200" in texts
    assert "after: the beginning" in texts
    assert {"81.9%", "16.5%"} <= set(texts)  # e^−0.2, e^−1.8
    assert "74.1%" not in texts


def test_a_drawn_node_is_among_the_candidates_however_unlikely(translation, spec):
    tokens = [f"t{rank}" for rank in range(14)]
    candidates = [
        Candidate(0, 0, token, -1.0 - rank, -1.0 - rank, "pruned" if rank else "finished")
        for rank, token in enumerate(tokens)
    ]
    record = BeamRecord(7, tuple(candidates), np.zeros((1, 7, 0, 1, 2), np.float32))
    seen = spec(beam_explorer(translation("x", "t0", end=False, beam=record)))
    assert seen.rows("place", "weighed")[0][0]["weighed"] == tokens
    assert not seen.rows("weight")  # a model without attention
    few = replace(record, width=2, attention=np.zeros((1, 2, 0, 1, 2), np.float32))
    seen = spec(beam_explorer(translation("x", "t0", end=False, beam=few)))
    assert seen.rows("place", "weighed")[0][0]["weighed"] == tokens[:10]
    assert len(nodes(seen)) == 4


def test_without_a_record_there_is_nothing_to_explore(translation, spec):
    assert "the search was not recorded" in spec(beam_explorer(translation("x", "y"))).texts()


def test_a_long_search_stays_small(translation, spec):
    """Eighty steps of a beam of eight over forty source tokens."""
    rng = np.random.default_rng(7)
    rows = [
        Candidate(step, rank % 8, f"token{rank}", -1.0 - rank, -1.0 - rank,
                  "kept" if rank < 8 else "pruned", rank if rank < 8 else -1)
        for step in range(80) for rank in range(80)
    ]  # fmt: skip
    weights = rng.dirichlet(np.ones(40), size=(80, 8, 1, 1)).astype(np.float32)
    record = BeamRecord(8, tuple(rows), weights)
    sentence = translation(" ".join(["word"] * 39), "token0", beam=record)
    assert len(json.dumps(spec(beam_explorer(sentence)).json, separators=(",", ":"))) < 1_000_000


def test_what_one_layer_and_head_read_can_be_chosen(read, spec):
    both = np.stack([read.beam.attention[:, :, 0, 0], read.beam.attention[:, :, 0, 0, ::-1]], 2)
    two = replace(read, beam=replace(read.beam, attention=both[:, :, :, None]))  # of two layers
    weights = {}
    for layer in (0, 1, None, "maximum"):
        seen = spec(beam_explorer(two, layer, 0))
        [first] = [row for row in seen.rows("place", "weight")[0] if row["place"] == "0.0"]
        weights[layer] = first["weight"]
    assert weights == {0: [0.75, 0.25], 1: [0.25, 0.75], None: [0.5, 0.5], "maximum": [0.75, 0.75]}
    with pytest.raises(ValueError, match="expected a layer from 0 to 1"):
        beam_explorer(two, 2)


def test_the_candidate_of_a_node_is_known(read, seen):
    for row in nodes(seen):
        candidate = explored(read, row["node"])
        assert row["told"].startswith(f"step {candidate.step + 1}: {candidate.token} · ")
    assert explored(read) is explored(read, 1)
    assert explored(read, 11) is None
    assert explored(replace(read, beam=None)) is None
