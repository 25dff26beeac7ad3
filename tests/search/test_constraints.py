import numpy as np
import pytest
import tensorflow as tf

from workbench.data.tokenizer import END, PAD
from workbench.search.constraints import FREE, Constraints, barred, noted

A, B, C = 4, 5, 6
SIZE = 7


def constraints(prefix=(), least=0, no_repeat=0):
    return Constraints(tf.constant([list(prefix)], tf.int32), tf.constant(least), no_repeat)


def barred_after(rules, tokens, limit=8):
    """Return the tokens that may not come after `tokens`, noted one by one."""
    history = rules.history(tf.constant(limit))
    for time, token in enumerate(tokens):
        history = noted(history, tf.constant(time), tf.constant([token]))
    (out,) = barred(rules, tf.constant(len(tokens)), history, tf.constant(SIZE)).numpy()
    return set(np.flatnonzero(out).tolist())


@pytest.mark.parametrize(
    ("n", "tokens", "wanted"),
    [
        (3, (A, B, C, A, B), {C}),
        (3, (A, B, C, A, B, A, B), {C, A}),
        (3, (A, B, C, B), set()),
        (3, (A, A, A), {A}),  # A A A came once; its last two begin it again
        (3, (A, A), set()),
        (2, (A, B, A), {B}),
        (2, (A, B), set()),
        (2, (), set()),
        (1, (A, C), {A, C}),
        (1, (), set()),
        (8, (A, B, C), set()),
    ],
)
def test_what_would_repeat(n, tokens, wanted):
    assert barred_after(constraints(no_repeat=n), tokens) == wanted


def test_the_end_is_barred_until_the_least_length_is_reached():
    """Of three tokens the end may be the third: there are two before it."""
    for length, wanted in ((0, {END}), (1, {END}), (2, set()), (3, set())):
        assert barred_after(constraints(least=3), (A, B, C)[:length]) == wanted


def test_a_forced_token_comes_whatever_else_holds():
    rules = constraints((A, A), least=5, no_repeat=1)
    assert barred_after(rules, (A,)) == set(range(SIZE)) - {A}
    assert barred_after(rules, (A, A)) == {A, END}


def test_each_row_has_its_own_prefix_and_history():
    rules = Constraints(tf.constant([[A, B], [C, PAD]]), tf.constant(0), 1).for_rows(2)
    np.testing.assert_array_equal(rules.prefix, [[A, B], [A, B], [C, PAD], [C, PAD]])
    history = rules.history(tf.constant(3))
    np.testing.assert_array_equal(history, np.full((4, 4), FREE))
    history = noted(history, tf.constant(0), tf.constant([A, A, C, C]))
    out = barred(rules, tf.constant(1), history, tf.constant(SIZE)).numpy()
    assert [set(np.flatnonzero(row).tolist()) for row in out[::2]] == [
        set(range(SIZE)) - {B}, {C}
    ]  # fmt: skip


def test_without_a_rule_against_repetition_nothing_is_noted():
    assert constraints(least=2).history(tf.constant(9)) == ()
    assert noted((), tf.constant(0), tf.constant([A])) == ()
