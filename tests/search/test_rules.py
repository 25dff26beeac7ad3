"""The rules in NumPy: cases by hand, and those of the compiled search drawn at random."""

import numpy as np
import pytest

from workbench.config import SearchSettings
from workbench.data.encoding import Codec
from workbench.data.tokenizer import END
from workbench.errors import SettingsError
from workbench.search.rules import Rules, prefix_numbers

A, B, C = 4, 5, 6
SIZE = 7


def barred(rules, *ids):
    return set(np.flatnonzero(rules.barred(ids, SIZE)).tolist())


@pytest.mark.parametrize(
    ("n", "tokens", "wanted"),
    [
        (3, (A, B, C, A, B), {C}),
        (3, (A, B, C, A, B, A, B), {C, A}),
        (3, (A, B, C, B), set()),
        (3, (A, A, A), {A}),
        (3, (A, A), set()),
        (2, (A, B, A), {B}),
        (2, (), set()),
        (1, (A, C), {A, C}),
        (8, (A, B, C), set()),
        (0, (A, A, A), set()),
    ],
)
def test_what_would_repeat(n, tokens, wanted):
    assert barred(Rules(no_repeat=n), *tokens) == wanted


def test_the_end_is_barred_until_the_least_length_is_reached():
    for length, wanted in ((0, {END}), (1, {END}), (2, set()), (3, set())):
        assert barred(Rules(least=3), *(A, B, C)[:length]) == wanted


def test_a_prefix_comes_whatever_else_holds_and_whatever_was_forced():
    rules = Rules((A, A), least=5, no_repeat=1)
    for before in (A, C):
        assert barred(rules, before) == set(range(SIZE)) - {A}
    assert barred(rules, A, A) == {A, END}


def test_the_rules_are_those_of_the_compiled_search():
    import tensorflow as tf

    from workbench.search import constraints

    seed = 7
    print("seed", seed)
    draw = np.random.default_rng(seed)
    for _ in range(100):
        n, least = int(draw.integers(0, 4)), int(draw.integers(0, 9))
        prefix, tokens = (draw.integers(A, SIZE, draw.integers(0, most)) for most in (4, 9))
        theirs = constraints.Constraints(
            tf.constant(prefix[None], tf.int32), tf.constant(least), n
        )  # fmt: skip
        history = theirs.history(tf.constant(9))
        for time, token in enumerate(tokens):
            history = constraints.noted(history, tf.constant(time), tf.constant([token], tf.int32))
        time = tf.constant(len(tokens))
        wanted = constraints.barred(theirs, time, history, tf.constant(SIZE)).numpy()
        ours = Rules(tuple(prefix.tolist()), least, n).barred(tokens.tolist(), SIZE)
        np.testing.assert_array_equal(ours, np.broadcast_to(wanted, (1, SIZE))[0])


def test_settings_are_read_for_a_sentence(pairs, config, codec):
    settings = SearchSettings(prefix="chien zebra", min_decode_length=4, no_repeat_ngram=2)
    with pytest.raises(
        SettingsError, match="prefix is 'chien zebra': expected words of the target"
    ):
        prefix_numbers(settings, codec, "zebra")
    copying = Codec.train(pairs, config.replace(copy_source=True))
    known = Rules.of(settings, copying, "cat zebra")
    assert known == Rules((*copying.encode_target("chien")[:-1], copying.target.size + 1), 4, 2)
    short = settings.model_copy(update={"max_decode_length": 1})
    with pytest.raises(SettingsError, match="prefix has 2 tokens and max_decode_length is 1"):
        Rules.of(short, copying, "cat zebra")
    assert Rules.of(SearchSettings(), codec, "cat") == Rules()
