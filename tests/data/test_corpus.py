import pytest

from workbench.data.corpus import Corpus, Pair, split_pairs
from workbench.errors import DataError
from workbench.records import Alignment

PAIRS = tuple(Pair(f"s{i}", f"t{i}") for i in range(200))


def test_shares_are_taken_off_and_nothing_is_lost():
    train, validation, test = split_pairs(PAIRS, (0.05, 0.1), seed=1)
    assert (len(train), len(validation), len(test)) == (170, 10, 20)
    assert sorted((*train, *validation, *test)) == sorted(PAIRS)


def test_the_same_seed_splits_the_same_way():
    assert split_pairs(PAIRS, (0.1,), seed=1) == split_pairs(PAIRS, (0.1,), seed=1)
    assert split_pairs(PAIRS, (0.1,), seed=1) != split_pairs(PAIRS, (0.1,), seed=2)


def test_a_part_is_never_empty_where_pairs_suffice():
    assert [len(part) for part in split_pairs(PAIRS[:3], (0.01, 0.01), seed=1)] == [1, 1, 1]
    assert [len(part) for part in split_pairs(PAIRS[:2], (0.01, 0.01), seed=1)] == [0, 1, 1]


def test_identical_sources_stay_together():
    pairs = [Pair(f"s{i % 40}", f"t{i}") for i in range(200)]
    parts = split_pairs(pairs, (0.2, 0.2), seed=1)
    sources = [{pair.source for pair in part} for part in parts]
    assert len(set.union(*sources)) == sum(map(len, sources)) == 40
    assert sum(map(len, parts)) == 200


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_an_empty_split_is_refused(split):
    splits = dict.fromkeys(("train", "validation", "test"), PAIRS[:2]) | {split: ()}
    with pytest.raises(
        DataError, match=f"mine: expected pairs in every split, got none in {split}"
    ):
        Corpus("mine", **splits)


def test_the_fingerprint_tells_texts_and_their_places_apart():
    def print_of(*splits):
        return Corpus("any", *splits).fingerprint

    base = print_of(PAIRS[:2], PAIRS[2:3], PAIRS[3:4])
    assert len(base) == 16
    assert base == Corpus("other", PAIRS[:2], PAIRS[2:3], PAIRS[3:4]).fingerprint
    assert base != print_of(PAIRS[:1], PAIRS[1:3], PAIRS[3:4])
    assert base != print_of(PAIRS[1::-1], PAIRS[2:3], PAIRS[3:4])
    assert base != print_of((Pair("s0", "x"), PAIRS[1]), PAIRS[2:3], PAIRS[3:4])


def test_alignment_and_origin_are_optional():
    assert PAIRS[0].alignment is None
    assert Pair("a", "b", Alignment(frozenset(), frozenset()), "f:1").origin == "f:1"
