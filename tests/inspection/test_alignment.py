import numpy as np
import pytest

from workbench.data.encoding import Codec
from workbench.inspection.alignment import alignment_figures, attention_links
from workbench.inspection.scoring import Scoring
from workbench.records import Alignment, Hypothesis, Link, Translation


def as_attention(rows):
    """Return [L, H, T, S] with one layer and one head."""
    return np.array(rows, np.float32)[None, None]


def test_each_target_word_takes_the_source_word_it_attends_to_most():
    attention = as_attention([[0.1, 0.7, 0.2], [0.6, 0.3, 0.1], [0.0, 0.0, 1.0]])
    assert attention_links(attention, [0, 1, -1], [0, 1, -1]) == {(1, 0), (0, 1)}


def test_the_pieces_of_a_word_are_added_up():
    """Source pieces: ▁un|believ|able ▁cat; target pieces: ▁chat ▁in|croyable."""
    attention = as_attention([
        [0.10, 0.15, 0.15, 0.30, 0.30],  # chat: .40 against .30
        [0.05, 0.05, 0.10, 0.70, 0.10],  # in + croyable: .20 + .75 against .70 + .15
        [0.25, 0.25, 0.25, 0.15, 0.10],
        [0.00, 0.00, 0.00, 0.00, 1.00],
    ])  # fmt: skip
    links = attention_links(attention, [0, 0, 0, 1, -1], [0, 1, 1, -1])
    assert links == {Link(0, 0), Link(0, 1)}
    by_piece = attention_links(attention, [0, 1, 2, 3, -1], [0, 1, 1, -1])
    assert by_piece == {Link(3, 0), Link(3, 1)}


def test_layers_and_heads_are_averaged():
    one, other = as_attention([[0.0, 0.4, 0.6]]), as_attention([[0.9, 0.1, 0.0]])
    for axis in (0, 1):
        both = np.concatenate([one, other], axis)
        assert attention_links(both, [0, 1, 2], [0]) == {(0, 0)}  # .45, .25, .3


def test_what_falls_on_the_end_symbol_does_not_count():
    attention = as_attention([[0.2, 0.1, 0.7]])
    assert attention_links(attention, [0, 1, -1], [0]) == {(0, 0)}


def test_no_attention_no_links():
    assert attention_links(np.zeros((0, 1, 2, 2)), [0, -1], [0, -1]) == frozenset()


def translation(rows, sure, possible=(), source="a b"):
    target = "x y" if len(rows) == 3 else "x"
    hypothesis = Hypothesis(
        text=target, tokens=(*target.split(), "<end>"), log_probabilities=np.zeros(len(rows)),
        attention=as_attention(rows), score=0.0, words=(*range(len(rows) - 1), -1),
    )  # fmt: skip
    return Translation(
        source, (*source.split(), "<end>"), (hypothesis,), target,
        Alignment(frozenset(map(Link._make, sure)), frozenset(map(Link._make, possible))),
        source_words=(*range(len(source.split())), -1),
    )  # fmt: skip


CROSSED = [[0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0, 0, 1]]
BOTH_ON_A = [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0, 0, 1]]


def test_error_rates_by_hand():
    """First sentence: A = {b-x, a-y} = S. Second: A = {a-x, a-y}, S = {a-x}, P adds b-y.

    |A ∩ S| = 2 + 1, |A ∩ P| = 2 + 1, |A| + |S| = 4 + 3: 1 - 6 / 7. The diagonal {a-x, b-y}:
    |A ∩ S| = 0 + 1, |A ∩ P| = 0 + 2, |A| + |S| = 4 + 3: 1 - 3 / 7.
    """
    figures = alignment_figures([
        translation(CROSSED, {(1, 0), (0, 1)}),
        translation(BOTH_ON_A, {(0, 0)}, {(1, 1)}),
    ])  # fmt: skip
    assert figures == pytest.approx(
        {"alignment_error_rate": 1 - 6 / 7, "diagonal_error_rate": 1 - 3 / 7}
    )


def test_sentences_without_gold_are_left_out():
    with_gold = translation(CROSSED, {(1, 0), (0, 1)})
    without = Translation(with_gold.source, with_gold.source_tokens, with_gold.hypotheses)
    assert alignment_figures([with_gold, without])["alignment_error_rate"] == 0
    assert alignment_figures([without]) == {}
    assert alignment_figures([]) == {}


def test_a_model_without_attention_has_no_figures(make_model, codec, config, pairs):
    model = make_model(config.replace(attention="none"))
    assert alignment_figures(Scoring(model, codec)(pairs[:2])) == {}


@pytest.mark.parametrize("unit", ["word", "char", "bpe"])
def test_a_reversed_source_is_read_in_the_words_of_the_text(unit, pairs, config):
    """Attention that stands on the pieces of one source word is a link to that word."""
    settings = config.replace(
        source_tokens=unit, target_tokens="word", source_vocabulary=30, reverse_source=True
    )
    codec = Codec.train(pairs, settings)
    source = codec.encode_source("red cat and dog")
    words = codec.source_words(source)
    assert words[0] == 3
    assert words[-1] == -1
    for word in range(4):
        on_the_word = np.array([number == word for number in words], float)
        attention = as_attention([on_the_word / on_the_word.sum()])
        assert attention_links(attention, words, [0]) == {(word, 0)}
