"""LoRA: the change of each kernel, as a product of two narrow matrices, is all that is trained.

Shape letters: D rows and V columns of a kernel, R rank.
"""

from math import prod
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from workbench.errors import SettingsError
from workbench.model.seq2seq import Seq2Seq

NOT_KERNELS = ("embedding", "positions", "bias")  # what the name of such a table ends in


class Lora(Seq2Seq):
    """A model whose kernels W [D, V] are read as W + s A B (Hu et al. 2022, section 4.1).

    The paper's vectors stand upright and ours lie, so that its B A is our A B: A [D, R] meets
    the input and is Gaussian, B [R, V] is zero, and the model begins as its base. Every kernel
    wider than the rank has such a pair, embeddings excepted; that of a convolution counts as
    the matrix [window × inputs, outputs]. It is used as the base is; only pairs are trained.
    """

    def __init__(self, base: Seq2Seq, rank: int, scale: float, seed: int = 0) -> None:
        """Wrap `base`, whose weights stand still from now on; make the pairs from `seed` alone.

        Raises:
            SettingsError: no kernel of the base is wider than `rank`.
        """
        keras.Model.__init__(self, dtype="float32")  # none of the weights of a Seq2Seq
        base.trainable = False
        self.base, self.rank, self.scale = base, rank, scale
        self.settings, self.target_size = base.settings, base.target_size
        if not self.kernels:
            raise SettingsError(
                f"adapter_rank is {rank} and no kernel of the model is wider: lower adapter_rank"
            )
        shapes = [_matrix(kernel) for kernel in self.kernels]
        self.a = [
            self.add_weight(
                name="a", shape=(rows, rank),
                initializer=keras.initializers.RandomNormal(stddev=rows**-0.5, seed=seed + place),
            )
            for place, (rows, _) in enumerate(shapes)
        ]  # fmt: skip
        self.b = [
            self.add_weight(name="b", shape=(rank, columns), initializer="zeros")
            for _, columns in shapes
        ]
        self.built = True

    @property
    def kernels(self) -> list[keras.Variable]:
        """The kernels of the base that have a pair; not kept, lest Keras save them twice."""
        return [weight for weight in self.base.weights if _is_adapted(weight, self.rank)]

    def encode(self, *inputs: Any, **named: Any) -> Any:
        """Do what the base's `encode` does, with the adapted kernels."""
        with self.adapted():
            return self.base.encode(*inputs, **named)

    def step(self, *inputs: Any, **named: Any) -> Any:
        """Do what the base's `step` does, with the adapted kernels."""
        with self.adapted():
            return self.base.step(*inputs, **named)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Do what the base's `forward` does, with the adapted kernels."""
        with self.adapted():
            return self.base.forward(*inputs, **named)

    def merged_weights(self) -> list[np.ndarray]:
        """Return the weights of the base in its order, A B added to those that have a pair."""
        products = {
            id(kernel): product.numpy()
            for kernel, product in zip(self.kernels, self._products(), strict=True)
        }
        return [weight.numpy() + products.get(id(weight), 0) for weight in self.base.weights]

    def adapted(self) -> keras.StatelessScope:
        """Return a scope in which whoever reads a kernel reads the adapted one."""
        pairs = zip(self.kernels, self._products(), strict=True)
        return keras.StatelessScope([(kernel, kernel + product) for kernel, product in pairs])

    def _products(self) -> list[tf.Tensor]:
        """Return s A B in the shape of each kernel."""
        return [
            tf.reshape(self.scale * tf.matmul(a, b), kernel.shape)
            for kernel, a, b in zip(self.kernels, self.a, self.b, strict=True)
        ]


def _matrix(kernel: keras.Variable) -> tuple[int, int]:
    """Return the rows and columns of a kernel as what maps inputs to outputs."""
    *inputs, columns = kernel.shape
    return prod(inputs), columns


def _is_adapted(weight: keras.Variable, rank: int) -> bool:
    is_kernel = len(weight.shape) > 1 and not weight.name.endswith(NOT_KERNELS)
    return is_kernel and min(_matrix(weight)) > rank
