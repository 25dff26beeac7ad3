"""Optimizers: how gradients become steps."""

import keras
import tensorflow as tf

from workbench.config import TrainingSettings

FIRST_SCALE = 2.0**15  # of the loss in float16
GOOD_STEPS = 2000  # after which the scale doubles

Pairs = list[tuple[tf.Tensor, tf.Variable]]  # gradients and what they are of


class _Summed:
    """Let an optimizer take gradients that are summed over all replicas already.

    Keras would add them up once more. The step adds them before, to clip what it takes.
    """

    def _all_reduce_sum_gradients(self, pairs: Pairs) -> Pairs:
        return pairs


class _OnePass(_Summed):
    """Let Adam update a variable in one pass over it instead of a dozen.

    The numbers and the state are those of Keras; on a processor the passes over memory are what
    an update costs.
    """

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Apply algorithm 1 of Kingma & Ba 2015, in the order of its section 2, last sentence."""
        step = tf.cast(self.iterations + 1, tf.float32)  # type: ignore[attr-defined]
        place = self._get_variable_index(variable)  # type: ignore[attr-defined]
        first, second = self.beta_1, self.beta_2  # type: ignore[attr-defined]
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[place]),  # type: ignore[attr-defined]
            v=_handle(self._velocities[place]),  # type: ignore[attr-defined]
            beta1_power=tf.pow(tf.constant(first, tf.float32), step),
            beta2_power=tf.pow(tf.constant(second, tf.float32), step),
            lr=tf.cast(learning_rate, tf.float32),
            beta1=first,
            beta2=second,
            epsilon=self.epsilon,  # type: ignore[attr-defined]
            grad=tf.convert_to_tensor(gradient),
        )


class Adam(_OnePass, keras.optimizers.Adam):
    """Adam (Kingma & Ba 2015)."""


class AdamW(_OnePass, keras.optimizers.AdamW):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2)."""


class SGD(_Summed, keras.optimizers.SGD):
    """Plain descent."""


def _handle(variable: keras.Variable | tf.Variable) -> tf.Tensor:
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


def make_optimizer(settings: TrainingSettings) -> keras.optimizers.Optimizer:
    """Return the optimizer of the settings; biases are spared from weight decay.

    With float16 it scales the loss so that small gradients do not vanish, and leaves out a step
    whose gradient is not finite (Micikevicius et al. 2018, section 3.2): the scale begins at
    2^15, is halved then, and doubles after 2,000 good steps. Both numbers are among its
    variables.
    """
    optimizer = _inner(settings)
    if settings.precision == "float16":
        return keras.optimizers.LossScaleOptimizer(
            optimizer, initial_scale=FIRST_SCALE, dynamic_growth_steps=GOOD_STEPS
        )
    return optimizer


def _inner(settings: TrainingSettings) -> keras.optimizers.Optimizer:
    decay = settings.weight_decay or None
    rate = settings.learning_rate
    if settings.optimizer == "adam":
        return Adam(rate)
    if settings.optimizer == "adamw":
        optimizer = AdamW(rate, weight_decay=settings.weight_decay)
    else:
        optimizer = SGD(rate, weight_decay=decay)
    if decay:
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer
