from pathlib import Path

import pytest

from workbench import metrics
from workbench.data.alignments import read_alignments
from workbench.metrics import alignment_error_rate, diagonal
from workbench.records import Link

GOLD = Path(__file__).parents[1] / "../shared/data/alignment"
PUBLISHED = {  # shared/data/README.md, %
    "fastalign.roen.talp": 33.8,
    "fastalign.roen.reverse.talp": 35.6,
    "fastalign.roen.grow-diagonal.talp": 32.1,
    "fastalign.roen.grow-diagonal-final.talp": 32.2,
    "giza.roen.talp": 28.7,
    "giza.roen.reverse.talp": 32.2,
    "giza.roen.grow-diagonal.talp": 27.9,
    "giza.roen.grow-diagonal-final.talp": 26.4,
    "awesome.roen": 20.7,
}


def test_bleu_worked_by_hand():
    # 1- to 4-grams found: 5 of 6, 3 of 5, 2 of 4, 1 of 3; equal lengths
    expected = 100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25
    found = metrics.bleu(["the cat sat on the mat"], ["the cat sat on a mat"])
    assert found == pytest.approx(expected)


def test_bleu_pools_counts_over_the_corpus():
    # the second pair adds 4 of 4, 3 of 3, 2 of 2, 1 of 1
    expected = 100 * (9 / 10 * 6 / 8 * 4 / 6 * 2 / 4) ** 0.25
    found = metrics.bleu(["the cat sat on the mat", "a b c d"], ["the cat sat on a mat", "a b c d"])
    assert found == pytest.approx(expected)


def test_bleu_of_short_sentences_uses_the_grams_there_are():
    assert metrics.bleu(["a b", "c"], ["a b", "c"]) == pytest.approx(100)
    assert metrics.bleu(["b"], ["c"]) == 0


def test_chrf_worked_by_hand():
    # 1-grams 1 of 2, 2-grams 0 of 1: precision and recall are both a quarter
    assert metrics.chrf(["ab"], ["ac"]) == pytest.approx(25)
    assert metrics.chrf(["jump twice"], ["jump twice"]) == pytest.approx(100)


def test_chrf_of_each_sentence():
    found = metrics.sentence_chrf(["ab", "jump", "x"], ["ac", "jump", "y"])
    assert found == pytest.approx([25, 100, 0])


def test_exact_match_is_a_share():
    assert metrics.exact_match(["a", "b", "c ", "d"], ["a", "x", "c", "d"]) == 0.5


def test_character_error_rate_worked_by_hand():
    # kitten → sitting: 3 edits of 7; equal pair: 0 of 3
    found = metrics.character_error_rate(["kitten", "abc"], ["sitting", "abc"])
    assert found == pytest.approx(3 / 10)


def test_word_error_rate_worked_by_hand():
    # one replaced and one missing of 4; spaces do not count; three inserted beside 1
    assert metrics.word_error_rate(["jump  left"], ["jump right and walk"]) == 0.75
    assert metrics.word_error_rate(["a b c d"], ["a"]) == 3


def test_text_figures_are_the_figures_by_name():
    hypotheses, references = ["a b", "c d e f g"], ["a x", "c d e f g"]
    assert metrics.text_figures(hypotheses, references) == {
        "exact_match": 0.5,
        "bleu": metrics.bleu(hypotheses, references),
        "chrf": metrics.chrf(hypotheses, references),
        "character_error_rate": 1 / 12,
        "word_error_rate": 1 / 7,
    }


@pytest.mark.parametrize(
    "figure",
    ["bleu", "chrf", "sentence_chrf", "exact_match", "character_error_rate", "word_error_rate"],
)
def test_unequal_lengths_and_nothing_at_all_are_refused(figure: str):
    with pytest.raises(ValueError, match="got 2 and 1"):
        getattr(metrics, figure)(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="got 0 and 0"):
        getattr(metrics, figure)([], [])


def test_error_rates_without_a_reference_unit_are_refused():
    with pytest.raises(ValueError, match="expected a character in the references, got 2 empty"):
        metrics.character_error_rate(["a", ""], ["", ""])
    with pytest.raises(ValueError, match="expected a word in the references, got 1 empty"):
        metrics.word_error_rate(["a"], ["  "])


def test_alignment_error_rate_worked_by_hand():
    # A∩S 1, A∩P 2, A 3, S 1
    assert alignment_error_rate([{(0, 0)}], [{(0, 0), (1, 1)}], [{(0, 0), (1, 1), (2, 2)}]) == 0.25
    assert alignment_error_rate([{(0, 0)}], [{(1, 1)}], [{(0, 0), (1, 1)}]) == 0  # S is in P
    assert alignment_error_rate([{(0, 0)}], [set()], [set()]) == 1


def test_alignment_error_rate_pools_links_over_the_corpus():
    sure = [{Link(0, 0), Link(1, 1), Link(2, 2)}, {Link(0, 0)}]
    found = alignment_error_rate(sure, sure, [sure[0], {Link(0, 1)}])
    assert found == pytest.approx(1 - 6 / 8)  # the mean of the sentences would be 0.5


def test_alignment_error_rate_refuses_what_it_cannot_judge():
    with pytest.raises(ValueError, match="got 1 sure, 1 possible, 2 hypothesis"):
        alignment_error_rate([set()], [set()], [set(), set()])
    with pytest.raises(ValueError, match="got neither"):
        alignment_error_rate([set()], [{(0, 0)}], [set()])


@pytest.mark.parametrize("system", PUBLISHED)
def test_alignment_error_rate_gives_the_published_figures(system: str):
    if not GOLD.exists():
        pytest.skip("shared/data/alignment absent")
    gold = read_alignments(GOLD / "roen.gold", first=1)
    found = alignment_error_rate(
        [each.sure for each in gold],
        [each.possible for each in gold],
        [each.sure for each in read_alignments(GOLD / system, swap="reverse" in system)],
    )
    assert 100 * found == pytest.approx(PUBLISHED[system], abs=0.1)


def test_diagonal_ignores_all_but_the_lengths():
    assert diagonal(3, 3) == {(0, 0), (1, 1), (2, 2)}
    assert diagonal(4, 2) == {(1, 0), (3, 1)}  # middles of the halves
    assert diagonal(1, 3) == {(0, 0), (0, 1), (0, 2)}
    assert diagonal(0, 2) == diagonal(2, 0) == frozenset()
