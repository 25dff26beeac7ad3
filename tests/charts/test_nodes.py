import pytest

from workbench.charts.nodes import tree, winning_path


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
    assert tokens(winning_path(nodes, beam)) == ["a", "c", "<end>"]
    cut_off = translation("x", "b c d", end=False, beam=beam.beam)
    assert tokens(winning_path(nodes, cut_off)) == ["b", "c", "d"]


def test_a_hypothesis_from_elsewhere_has_no_path(beam, translation):
    nodes = tree(beam)
    assert winning_path(nodes, translation("x", "q", beam=beam.beam)) == []
    assert winning_path(nodes, translation("x", "a", beam=beam.beam)) == []  # pruned there
    assert winning_path(nodes, translation("x", "q", beam=beam.beam, hypotheses=())) == []


def test_no_beam_has_no_nodes(translation):
    assert tree(translation("a", "b")) == []
