"""What a step knows of the attention before it.

Shape letters: B sentences, S source positions, F features of a source position.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from workbench.config import RunConfig


class History(NamedTuple):
    """Earlier attention, as far as the settings ask for it; empty tuples where they do not.

    Attributes:
        attention: that of the step before [B, S].
        coverage: the sum over all steps before [B, S].
        position: int32 [B], where the attention span stands.
    """

    attention: tf.Tensor = ()
    coverage: tf.Tensor = ()
    position: tf.Tensor = ()


class Features(keras.layers.Layer):
    """What a scorer is told of every source position: where was read, and how much.

    Location features are a convolution over the attention of the step before (Chorowski et al.
    2015, equation 8), coverage is the sum of all attention so far (Tu et al. 2016 as simplified
    by See et al. 2017, equation 10).
    """

    def __init__(self, settings: RunConfig, seed: int) -> None:
        """Make the filters [width, 1, filters], if there are any."""
        super().__init__(dtype="float32")
        self.filters, self.covers = settings.location_filters, settings.coverage
        self.count = self.filters + int(self.covers)
        if self.filters:
            self.kernel = self.add_weight(
                name="kernel", shape=(settings.location_width, 1, self.filters),
                initializer=keras.initializers.GlorotUniform(seed=seed),
            )  # fmt: skip
        self.built = True

    def of(self, history: History) -> tf.Tensor:
        """Return the features [B, S, F] that `history` gives the next step.

        The middle tap of a filter lies on the position itself, the first ones to its left; beyond
        the sentence nothing was read.
        """
        features = []
        if self.filters:
            last = history.attention[:, :, None]
            features.append(tf.nn.conv1d(last, self.kernel, stride=1, padding="SAME"))
        if self.covers:
            features.append(history.coverage[:, :, None])
        return tf.concat(features, -1)
