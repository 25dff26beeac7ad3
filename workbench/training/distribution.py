"""One training on several devices: the strategies of `tf.distribute`, and what a replica does.

Every replica holds all weights and computes the gradient of its share of the batch; the sum of
these is the gradient of the whole batch, and all take the same step with it.

Shape letters: B sentences of the whole batch, R replicas, P = ⌈B / R⌉ sentences of one.
"""

from collections.abc import Sequence
from functools import cache

import tensorflow as tf

from workbench.config import Strategy
from workbench.data.tokenizer import PAD
from workbench.model.noise import Noise


@cache
def strategy(name: Strategy) -> tf.distribute.Strategy:
    """Return the strategy called `name`, the same one in the whole process.

    The variables of a model and of its optimizer are to be made in its `scope()`.
    """
    if name == "mirrored":
        return tf.distribute.MirroredStrategy(_devices())
    return tf.distribute.get_strategy()


def _devices() -> list[str]:
    """Name the GPUs of this process or, where there is none, its processors (mostly one)."""
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name for device in found]


def share(
    source: tf.Tensor, target: tf.Tensor, noise: Noise
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, Noise]:
    """Return what of a batch the replica that asks has to do.

    Where the sentences do not suffice for equal shares, the last ones are repeated, and count
    nothing.

    Shapes: source [B, S]; target [B, T].
    Returns: source [P, S], target [P, T], the target as it counts [P, T], which is padding where
    a sentence is a repetition, and noise unlike that of the other replicas.
    """
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return source, target, target, noise
    last = tf.shape(source)[0] - 1
    part = last // context.num_replicas_in_sync + 1
    number = context.replica_id_in_sync_group
    places = number * part + tf.range(part)  # [P]
    own = tf.gather(target, tf.minimum(places, last))
    counted = tf.where(places[:, None] <= last, own, PAD)
    return tf.gather(source, tf.minimum(places, last)), own, counted, noise.at(number)


def summed(values: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Return, in every replica, the sums of `values` over all replicas."""
    context = tf.distribute.get_replica_context()
    if context.num_replicas_in_sync == 1:
        return list(values)
    return list(context.all_reduce(tf.distribute.ReduceOp.SUM, list(values)))


def of_each_replica(like: tf.Variable) -> tf.Variable:
    """Return a variable of zeros, of which every replica has its own, in no step with others."""
    return tf.Variable(
        tf.zeros(like.shape),
        trainable=False,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.SUM,
    )
