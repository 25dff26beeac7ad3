import numpy as np
import pytest
import tensorflow as tf

from workbench.model.precision import product

GENERATOR = np.random.default_rng(8)
KERNEL = GENERATOR.normal(size=(5, 3)).astype("f")


@pytest.mark.parametrize("shape", [(4, 5), (2, 4, 5), (2, 3, 4, 5)])
@pytest.mark.parametrize(
    ("precision", "digits"), [("float32", 1e-6), ("bfloat16", 0.02), ("float16", 0.003)]
)
def test_products_of_any_rank(shape, precision, digits):
    inputs = GENERATOR.normal(size=shape).astype("f")
    found = product(tf.constant(inputs), tf.constant(KERNEL), precision)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, inputs @ KERNEL, atol=digits * 10)


def test_what_is_rounded():
    """1 + 2^-9 is 1 in bfloat16 (8 bits) and itself in float16 (11 bits)."""
    inputs, kernel = tf.constant([[1 + 2.0**-9]]), tf.constant([[1.0]])
    found = [float(product(inputs, kernel, p)[0, 0]) for p in ("float32", "bfloat16", "float16")]
    assert found == [1 + 2**-9, 1, 1 + 2**-9]


def test_the_gradient_is_float32():
    variable = tf.Variable(KERNEL)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(product(tf.ones([2, 5]), variable, "bfloat16"))
    gradient = tape.gradient(total, variable)
    assert gradient.dtype == tf.float32
    np.testing.assert_allclose(gradient, np.full((5, 3), 2))
