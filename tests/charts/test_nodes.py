from dataclasses import replace

import pytest

from workbench.charts.nodes import contenders, path_to, tree


def tokens(path):
    return [node.candidate.token for node in path]


def test_candidates_know_their_rank_and_their_prefix(beam):
    nodes = tree(beam)
    assert [node.rank for node in nodes] == [0, 1, 0, 1, 2, 3, 0, 1, 2, 3]
    assert tokens(nodes[8].path()) == ["b", "c", "d"]
    assert tokens(nodes[4].path()) == ["a", "<end>"]


def test_a_token_has_what_its_prefix_had_not(beam):
    nodes = tree(beam)
    assert nodes[1].token_log_probability == pytest.approx(-1.8)
    assert nodes[8].token_log_probability == pytest.approx(-2.1 - -1.9)


def test_the_winner_is_found_by_its_tokens(beam, translation):
    nodes = tree(beam)
    assert tokens(path_to(nodes, beam)) == ["a", "c", "<end>"]
    cut_off = translation("x", "b c d", end=False, beam=beam.beam)
    assert tokens(path_to(nodes, cut_off)) == ["b", "c", "d"]


def test_a_hypothesis_from_elsewhere_has_no_path(beam, translation):
    nodes = tree(beam)
    assert path_to(nodes, translation("x", "q", beam=beam.beam)) == []
    assert path_to(nodes, translation("x", "a", beam=beam.beam)) == []  # pruned there
    assert path_to(nodes, translation("x", "q", beam=beam.beam, hypotheses=())) == []


def test_no_beam_has_no_nodes(translation):
    assert tree(translation("a", "b")) == contenders(translation("a", "b")) == []


def test_another_hypothesis_has_a_path_of_its_own(beam, translation):
    nodes = tree(beam)
    both = (*beam.hypotheses, translation("x", "b c d", end=False).best)
    several = replace(beam, hypotheses=both)
    assert tokens(path_to(nodes, several, 1)) == ["b", "c", "d"]
    assert path_to(nodes, several, 2) == []


def test_the_first_2_k_of_a_step_compete(beam):
    alone = replace(beam, beam=replace(beam.beam, width=1))
    assert [(node.candidate.step, node.rank) for node in contenders(alone)] == [
        (step, rank) for step in range(3) for rank in range(2)
    ]
