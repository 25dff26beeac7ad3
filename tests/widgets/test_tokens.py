import pytest

from workbench.config import RunConfig
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.widgets.tokens import MOST, chips

PAIRS = [Pair("red cat", "chat rouge"), Pair("red dog", "chien rouge")]


def codec(**settings):
    return Codec.train(PAIRS, RunConfig(**settings))


def pieces(html):
    """Return the chips' texts, in order, and whether each is unknown."""
    parts = html.split('<span class="wb-token')[1:]
    return [(part.partition(">")[2].partition("<")[0], " wb-unknown" in part[:12])
            for part in parts]  # fmt: skip


def test_words_are_chips_and_unknown_ones_are_marked():
    html = chips(codec(), "source", "red zebra cat")
    assert pieces(html) == [("red", False), ("zebra", True), ("cat", False)]
    assert 'aria-label="unknown">?</sup>' in html
    assert "3 tokens; 1 unknown, marked with ?." in html


def test_the_target_has_its_own_vocabulary():
    assert pieces(chips(codec(), "target", "red rouge")) == [("red", True), ("rouge", False)]


def test_text_is_text():
    html = chips(codec(), "source", "<script>alert(1)</script> \"&'")
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_order_and_case_are_those_the_model_reads():
    known = codec(lowercase=True, reverse_source=True)
    assert pieces(chips(known, "source", "Red cat")) == [("cat", False), ("red", False)]
    assert pieces(chips(known, "target", "Chat rouge")) == [("chat", False), ("rouge", False)]


@pytest.mark.parametrize(
    ("unit", "first", "blank"), [("char", "r", "␣"), ("bpe", "▁red", None), ("unigram", "▁", None)]
)
def test_other_units(unit, first, blank):
    known = codec(source_tokens=unit, source_vocabulary=40)
    shown = [piece for piece, _ in pieces(chips(known, "source", "red cat"))]
    assert shown[0].startswith(first)
    assert (blank in shown) == (blank is not None)


def test_a_long_sentence_is_cut_off_and_refused_by_max_length():
    html = chips(codec(), "source", "red " * (MOST + 5))
    assert len(pieces(html)) == MOST
    assert f"{MOST + 5} tokens; the first {MOST} are shown; more than max_length allows (100)." in (
        html
    )


def test_nothing_and_one():
    assert "Type a sentence" in chips(codec(), "source", "  ")
    assert ">1 token." in chips(codec(), "source", "red")
