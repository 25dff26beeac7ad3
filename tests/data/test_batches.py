import numpy as np
import pytest

from workbench.data.batches import batch_count, batches, ordered_batches
from workbench.data.corpus import Pair
from workbench.data.encoding import EncodedPairs
from workbench.data.tokenizer import END, PAD


def made(size, longest=30, seed=5):
    """Pairs of random lengths; the first piece of a source is its number."""
    print("seed", seed)
    generator = np.random.default_rng(seed)
    sources, targets = (
        [np.array([100 + i, *[7] * length, END], np.int32)
         for i, length in enumerate(generator.integers(0, longest, size))]
        for _ in range(2)
    )  # fmt: skip
    return EncodedPairs(sources, targets, tuple(Pair(str(i), str(i)) for i in range(size)))


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def waste(some):
    cells = [batch.target for batch in some]
    return sum((cell == PAD).sum() for cell in cells) / sum(cell.size for cell in cells)


def test_a_batch_holds_its_pairs_padded_behind():
    encoded = EncodedPairs(
        [np.array(ids, np.int32) for ids in ([4, 5, 3], [6, 3])],
        [np.array(ids, np.int32) for ids in ([7, 3], [8, 9, 4, 3])],
        (Pair("a b", "c"), Pair("d", "e f g")),
    )
    (batch,) = ordered_batches(encoded, 2)
    assert batch.indices.tolist() == [0, 1]
    assert batch.source.tolist() == [[4, 5, 3], [6, 3, 0]]
    assert batch.target.tolist() == [[7, 3, 0, 0], [8, 9, 4, 3]]
    assert batch.source.dtype == batch.target.dtype == np.int32


@pytest.mark.parametrize("size", [1, 63, 64, 65, 7000])
def test_every_pair_comes_once_an_epoch(size):
    encoded = made(size)
    some = list(batches(encoded, 64, seed=1, epoch=0))
    assert len(some) == batch_count(encoded, 64) == -(-size // 64)
    assert sorted(np.concatenate([batch.indices for batch in some])) == list(range(size))
    for batch in some:
        assert batch.source[:, 0].tolist() == (100 + batch.indices).tolist()
        assert batch.target[:, 0].tolist() == (100 + batch.indices).tolist()
        assert ((batch.target == END).sum(axis=1) == 1).all()
        assert (batch.target[:, -1] != PAD).any()


def test_the_order_depends_on_seed_and_epoch_alone():
    encoded = made(1000)
    first, again = (list(batches(encoded, 32, seed=1, epoch=3)) for _ in range(2))
    assert all(same(a, b) for a, b in zip(first, again, strict=True))
    for seed, epoch in ((1, 4), (2, 3), (3, 1)):
        other = list(batches(encoded, 32, seed, epoch))
        assert not all(same(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("start", [0, 1, 17, 31, 32, 40])
def test_an_epoch_can_start_anywhere(start):
    encoded = made(1000)
    whole = list(batches(encoded, 32, seed=1, epoch=2))
    rest = list(batches(encoded, 32, seed=1, epoch=2, start=start))
    assert len(rest) == max(0, 32 - start)
    assert all(same(a, b) for a, b in zip(whole[start:], rest, strict=True))


def test_batches_before_the_start_are_not_built(monkeypatch):
    from workbench.data import batches as module

    built = []
    make = module._batch
    monkeypatch.setattr(module, "_batch", lambda *args: built.append(1) or make(*args))
    next(batches(made(1000), 32, seed=1, epoch=2, start=30))
    assert len(built) == 1


def test_bucketing_saves_most_of_the_padding():
    encoded = made(7000)
    order = np.random.default_rng(0).permutation(7000)
    unbucketed = 0
    for i in range(0, 7000, 64):
        lengths = [len(encoded.targets[j]) for j in order[i : i + 64]]
        unbucketed += max(lengths) * len(lengths)
    real = sum(map(len, encoded.targets))
    wasted = waste(batches(encoded, 64, seed=1, epoch=0))
    print(f"padding: {wasted:.3f} bucketed, {1 - real / unbucketed:.3f} not")
    assert 1 - real / unbucketed > 0.4  # uniform lengths: half of the cells
    assert wasted < 0.05


def test_bucketing_leaves_the_batches_mixed_between_epochs():
    encoded = made(7000)
    together = [
        {frozenset(batch.indices.tolist()) for batch in batches(encoded, 64, 1, epoch)}
        for epoch in (0, 1)
    ]
    assert not together[0] & together[1]
    lengths = [batch.target.shape[1] for batch in batches(encoded, 64, 1, 0)]
    assert abs(np.corrcoef(lengths, range(len(lengths)))[0, 1]) < 0.3  # no curriculum


def test_evaluation_goes_from_short_to_long_and_back_into_order():
    encoded = made(500)
    some = list(ordered_batches(encoded, 64))
    widths = [batch.target.shape[1] for batch in some]
    assert widths == sorted(widths)
    results = np.empty(500, int)
    for batch in some:
        results[batch.indices] = batch.source[:, 0]
    assert results.tolist() == list(range(100, 600))
