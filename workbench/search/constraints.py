"""What may be chosen: a prefix that must come first, a minimum length, no n-gram twice.

A constraint keeps a token from being chosen and leaves the model's own log-probabilities alone.
Shape letters: R rows, V target vocabulary, P tokens of the longest prefix, M most tokens.
"""

from typing import NamedTuple

import tensorflow as tf

from workbench.data.tokenizer import END, PAD

FREE = -1  # in a history: nothing is written there yet


class Constraints(NamedTuple):
    """What holds for every hypothesis; a forced token comes whatever the others say of it.

    Attributes:
        prefix: the tokens that must come first [R, P]; padding where anything may come.
        least: tokens of a finished hypothesis at least, its end symbol included, int32.
        no_repeat: n; no n tokens in a row come twice (Paulus et al. 2017, section 2.5, for
            n = 3); 0 for no such rule.
    """

    prefix: tf.Tensor
    least: tf.Tensor
    no_repeat: int = 0

    def for_rows(self, width: int) -> "Constraints":
        """Return the same for `width` rows of each sentence."""
        return self._replace(prefix=tf.repeat(self.prefix, width, 0))

    def history(self, limit: tf.Tensor) -> tf.Tensor | tuple[()]:
        """Return where the tokens of each row are noted [R, M + n]; nothing where n is 0."""
        if not self.no_repeat:
            return ()
        return tf.fill([tf.shape(self.prefix)[0], limit + self.no_repeat], FREE)


def noted(
    history: tf.Tensor | tuple[()], time: tf.Tensor, tokens: tf.Tensor
) -> tf.Tensor | tuple[()]:
    """Return the history with the `tokens` [R] that the rows chose at `time`."""
    if isinstance(history, tuple):
        return history
    return tf.where(tf.range(tf.shape(history)[1]) == time, tokens[:, None], history)


def barred(
    constraints: Constraints, time: tf.Tensor, history: tf.Tensor | tuple[()], size: tf.Tensor
) -> tf.Tensor:
    """Tell which of `size` tokens each row may not choose at `time`, from 0: [R, V]."""
    tokens = tf.range(size)
    out = ((tokens == END) & (time + 1 < constraints.least))[None]
    if not isinstance(history, tuple):
        out |= _repeating(constraints.no_repeat, time, history, size)
    length = tf.shape(constraints.prefix)[1]
    forced = tf.gather(
        tf.pad(constraints.prefix, [[0, 0], [0, 1]], constant_values=PAD),
        tf.minimum(time, length), axis=1,
    )[:, None]  # fmt: skip
    return tf.where(forced == PAD, out, tokens != forced)


def _repeating(n: int, time: tf.Tensor, history: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Tell which tokens would make the latest n tokens of a row those of an earlier place [R, V].

    They are what followed wherever the latest n - 1 tokens of the row stood before.
    """
    places = tf.shape(history)[1] - n + 1
    same = (tf.range(places) + n - 1 < time)[None]  # what follows is written: [1, places]
    for offset in range(n - 1):
        latest = tf.gather(history, tf.maximum(time - n + 1 + offset, 0), axis=1)
        same &= history[:, offset : offset + places] == latest[:, None]
    same = tf.broadcast_to(same, [tf.shape(history)[0], places])
    row, place = tf.unstack(tf.cast(tf.where(same), tf.int32), 2, axis=1)
    following = tf.gather_nd(history, tf.stack([row, place + n - 1], 1))
    counts = tf.scatter_nd(
        tf.stack([row, following], 1), tf.ones_like(row), [tf.shape(history)[0], size]
    )
    return counts > 0
