import numpy as np

from workbench.config import RunConfig
from workbench.data.corpus import Pair
from workbench.data.encoding import Codec
from workbench.data.frequencies import frequencies, unknown_share

PAIRS = [Pair("a b a", "x"), Pair("a c", "x y")]


def codec(**settings):
    return Codec.train(PAIRS, RunConfig(**settings))


def test_pieces_are_counted_most_frequent_first_without_the_end():
    known = codec()
    encoded, _ = known.encode_pairs(PAIRS)
    assert frequencies(known.source, encoded.sources) == [("a", 3), ("b", 1), ("c", 1)]
    assert dict(frequencies(known.target, encoded.targets)) == {"x": 2, "y": 1}


def test_unknown_pieces_count_together():
    known = codec(source_vocabulary=5)  # the four special symbols and one word
    encoded, _ = known.encode_pairs([*PAIRS, Pair("zz", "x")])
    assert dict(frequencies(known.source, encoded.sources)) == {"a": 3, "<unknown>": 3}
    assert unknown_share(encoded.sources) == 0.5


def test_what_may_be_copied_is_unknown_too():
    known = codec(source_vocabulary=5, target_vocabulary=5, copy_source=True)
    encoded, _ = known.encode_pairs(PAIRS)
    assert max(map(max, encoded.sources)) >= known.source.size
    assert frequencies(known.source, encoded.sources) == [("a", 3), ("<unknown>", 2)]


def test_nothing_is_counted_in_nothing():
    assert frequencies(codec().source, []) == []
    assert unknown_share([np.array([4, 5, 3])]) == 0
