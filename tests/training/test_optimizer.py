import keras
import numpy as np
import pytest
import tensorflow as tf

from workbench.training.optimizer import make_optimizer


@pytest.mark.parametrize(("optimizer", "decay"), [("adamw", 0.1), ("sgd", 0.1), ("adamw", 0.0)])
def test_weight_decay_spares_biases(optimizer, decay, make_model, config):
    settings = config.replace(optimizer=optimizer, weight_decay=decay)
    model = make_model(settings)
    for weight in model.weights:
        weight.assign(tf.ones(weight.shape))
    made = make_optimizer(settings)
    made.build(model.trainable_variables)
    made.learning_rate.assign(0.5)
    made.apply([tf.zeros(v.shape) for v in model.trainable_variables], model.trainable_variables)
    biases = [weight for weight in model.weights if len(weight.shape) == 1]
    assert len(biases) == 4  # two directions, the decoder, the output
    for weight in model.weights:
        spared = any(weight is bias for bias in biases)
        wanted = 1 if spared else 1 - 0.5 * decay  # Loshchilov & Hutter 2019, algorithm 2
        np.testing.assert_allclose(weight.numpy(), wanted, rtol=1e-6)


def test_adam_is_adam(config):
    """With the first gradient Adam moves by the rate against its sign (Kingma & Ba 2015)."""
    variable = tf.Variable([1.0, 1.0])
    made = make_optimizer(config.replace(optimizer="adam", learning_rate=0.25))
    made.build([variable])
    made.apply([tf.constant([3.0, -0.2])], [variable])
    np.testing.assert_allclose(variable.numpy(), [0.75, 1.25], rtol=1e-4)


@pytest.mark.parametrize(("name", "decay"), [("adam", 0.0), ("adamw", 0.1)])
def test_one_pass_gives_the_numbers_of_keras(name, decay, config):
    generator = np.random.default_rng(6)
    theirs = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW}[name]
    more = {"weight_decay": decay} if decay else {}
    first = generator.normal(size=(4, 3)).astype("f")
    ours, wanted = keras.Variable(first), keras.Variable(first)
    one = make_optimizer(config.replace(optimizer=name, weight_decay=decay))
    other = theirs(0.01, **more)
    other.build([wanted])
    one.build([ours])
    assert len(one.variables) == len(other.variables)
    for step in range(50):
        gradient = tf.constant(generator.normal(size=(4, 3)).astype("f"))
        for optimizer, variable in ((one, ours), (other, wanted)):
            optimizer.learning_rate.assign(0.01 / (1 + step))
            optimizer.apply([gradient], [variable])
    np.testing.assert_allclose(ours.numpy(), wanted.numpy(), atol=1e-6)
    for left, right in zip(one.variables, other.variables, strict=True):
        np.testing.assert_allclose(left.numpy(), right.numpy(), atol=1e-6)
    assert np.abs(ours.numpy() - first).max() > 0.01
