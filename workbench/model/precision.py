"""The numbers in which matrix products are computed; everything else stays float32."""

import tensorflow as tf

from workbench.config import Precision


def product(inputs: tf.Tensor, kernel: tf.Tensor, precision: Precision = "float32") -> tf.Tensor:
    """Multiply inputs [..., D] with a kernel [D, G]: [..., G] in float32.

    With bfloat16 or float16 both sides are rounded to it first, and so are the gradients of the
    product (Micikevicius et al. 2018, section 3: the weights themselves are kept in float32).
    """
    if precision == "float32":
        return _multiply(inputs, tf.convert_to_tensor(kernel))
    number = tf.as_dtype(precision)
    rounded = _multiply(tf.cast(inputs, number), tf.cast(kernel, number))
    return tf.cast(rounded, tf.float32)


def _multiply(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Multiply as one flat product, whose gradient XLA can compile within a loop too."""
    if len(inputs.shape) == 2:
        return inputs @ kernel
    flat = tf.reshape(inputs, [-1, kernel.shape[0]]) @ kernel
    return tf.reshape(flat, tf.concat([tf.shape(inputs)[:-1], kernel.shape[1:]], 0))
