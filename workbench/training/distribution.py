"""One training on several devices: the strategies of `tf.distribute`, and what a replica does.

Every replica holds all weights and computes the gradient of its share of the batch; the sum of
these is the gradient of the whole batch, and all take the same step with it.

Shape letters: B sentences of the whole batch, R replicas, P = ⌈B / R⌉ sentences of one.
"""

from collections.abc import Sequence
from functools import cache

import tensorflow as tf
from tensorflow.python.eager import context as runtime  # nothing public says whether it runs

from workbench.cluster import meet, read_cluster
from workbench.config import Strategy
from workbench.data.tokenizer import PAD
from workbench.errors import RunError
from workbench.model.noise import Noise


@cache
def strategy(name: Strategy) -> tf.distribute.Strategy:
    """Return the strategy called `name`, the same one in the whole process.

    The variables of a model and of its optimizer are to be made in its `scope()`.

    Raises:
        SettingsError: TF_CONFIG names no cluster, or a worker of it does not come.
        RunError: TensorFlow is at work already, too late to find other workers.
    """
    if name == "mirrored":
        return tf.distribute.MirroredStrategy(_devices())
    if name == "multi_worker":
        return _multi_worker()
    return tf.distribute.get_strategy()


def _multi_worker() -> tf.distribute.Strategy:
    cluster = read_cluster()
    if runtime.context()._initialized:
        raise RunError(
            "strategy is 'multi_worker' and TensorFlow is at work already, too late to find the "
            "other workers: start a new process, or restart the kernel, and build this model first"
        )
    meet(cluster)
    return tf.distribute.MultiWorkerMirroredStrategy()


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
    placed = [tf.identity(value) for value in values]  # what was read of a variable is nowhere
    return list(context.all_reduce(tf.distribute.ReduceOp.SUM, placed))


def of_each_replica(like: tf.Variable) -> tf.Variable:
    """Return a variable of zeros, of which every replica has its own, in no step with others."""
    return tf.Variable(
        tf.zeros(like.shape),
        trainable=False,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.SUM,
    )
