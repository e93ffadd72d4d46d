"""The contract that every layer of the library satisfies, as one function."""

import inspect

import keras
import numpy as np
import tensorflow as tf

# Unit roundoff of the half-precision types. A block rounds its inputs, its weights and the results of its
# operators, ten at most. Such errors partly cancel: 1 to 3.2 roundoffs of the largest output were measured.
HALF_ROUNDOFF = {"mixed_float16": 2.0**-11, "mixed_bfloat16": 2.0**-8}
HALF_ROUNDINGS = 6


def check_layer(cls, arguments, inputs, tmp_path, call_arguments=None):
    """Checks attributes, config round trip, symbolic call, saving, gradients, a step, and mixed precision.

    Args:
      cls: the layer class.
      arguments: all constructor arguments of the layer that it documents.
      inputs: a list of float32 arrays, the positional inputs of `call`.
      tmp_path: a folder for files.
      call_arguments: keyword arguments of `call`.
    """
    call_arguments = call_arguments or {}
    layer = cls(**arguments)
    for name, value in arguments.items():
        assert getattr(layer, name) == value, name
    layer(*inputs, **call_arguments)
    _randomize(layer)
    if "training" in inspect.signature(layer.call).parameters:
        for _ in range(5):  # adapts u and v of spectral normalization to the randomized kernels
            layer(*inputs, **call_arguments, training=True)
    eager = layer(*inputs, **call_arguments)
    assert all(np.std(value) > 1e-3 for value in _as_list(eager))

    config = layer.get_config()
    twin = cls.from_config(config)
    assert twin.get_config() == config
    twin(*inputs, **call_arguments)
    twin.set_weights(layer.get_weights())
    _same(twin(*inputs, **call_arguments), eager)

    _check_symbolic_and_saving(layer, inputs, eager, tmp_path, call_arguments)
    _check_mixed_precision(cls, arguments, layer, inputs, eager, call_arguments)
    _check_training_step(layer, inputs, call_arguments)


def _randomize(layer):
    """Adds noise to the initial weights: biases of 0 and kernels with gain 0.02 would hide mistakes."""
    for i, variable in enumerate(layer.trainable_variables):
        noise = np.random.default_rng(200 + i).standard_normal(variable.shape)
        variable.assign(variable + 0.3 * noise.astype("float32"))


def _check_symbolic_and_saving(layer, inputs, eager, tmp_path, call_arguments):
    symbols = [keras.Input(x.shape[1:], dtype="float32") for x in inputs]
    model = keras.Model(symbols, layer(*symbols, **call_arguments))
    fed = list(inputs) if len(inputs) > 1 else inputs[0]
    _same(model(fed), eager, 1e-5)

    model.save(tmp_path / "layer.keras")
    _same(keras.saving.load_model(tmp_path / "layer.keras")(fed), eager, 1e-5)
    model.save_weights(tmp_path / "layer.weights.h5")
    for variable in model.weights:
        variable.assign(tf.zeros_like(variable))
    model.load_weights(tmp_path / "layer.weights.h5")
    _same(model(fed), eager, 1e-5)


def _check_mixed_precision(cls, arguments, layer, inputs, eager, call_arguments):
    """The same weights in half precision give the float32 result up to rounding."""
    for policy, roundoff in HALF_ROUNDOFF.items():
        half = cls(**arguments, dtype=policy)
        half(*inputs, **call_arguments)
        half.set_weights(layer.get_weights())
        assert all(tf.as_dtype(v.dtype) == tf.float32 for v in half.trainable_variables)
        for got, want in zip(_as_list(half(*inputs, **call_arguments)), _as_list(eager), strict=True):
            error = np.abs(tf.cast(got, tf.float32) - want).max() / np.abs(want).max()
            assert 0 < error < HALF_ROUNDINGS * roundoff, (policy, error)


def _check_training_step(layer, inputs, call_arguments):
    """A small step against the gradient lowers the loss by the amount that the gradient predicts."""
    watched = [tf.constant(x) for x in inputs]
    wanted = [
        np.random.default_rng(100 + i).standard_normal(value.shape).astype("float32")
        for i, value in enumerate(_as_list(layer(*watched, **call_arguments)))
    ]

    def loss_of(*values):
        out = _as_list(layer(*values, **call_arguments))
        return tf.add_n([tf.reduce_mean((o - w) ** 2) for o, w in zip(out, wanted, strict=True)])

    with tf.GradientTape() as tape:
        tape.watch(watched)
        loss = loss_of(*watched)
    variables = layer.trainable_variables
    gradients = tape.gradient(loss, [*watched, *variables])
    assert all(gradient is not None and np.isfinite(gradient).all() for gradient in gradients)
    for_inputs, for_variables = gradients[: len(watched)], gradients[len(watched) :]

    for i, gradient in enumerate(for_inputs):
        rate, predicted = _small_step(loss, [gradient])
        moved = [*watched[:i], watched[i] - rate * gradient, *watched[i + 1 :]]
        np.testing.assert_allclose(loss - loss_of(*moved), predicted, rtol=0.1)

    matters = [_matters(variable, loss, lambda: loss_of(*watched)) for variable in variables]
    before = [np.array(variable) for variable in variables]
    rate, predicted = _small_step(loss, for_variables)
    optimizer = keras.optimizers.SGD(rate)
    optimizer.apply_gradients(zip(for_variables, variables, strict=True))
    for variable, old, matter in zip(variables, before, matters, strict=True):
        assert not matter or not np.array_equal(old, variable), variable.name
    np.testing.assert_allclose(loss - loss_of(*watched), predicted, rtol=0.1)


def _small_step(loss, gradients):
    """Returns the learning rate that lowers the loss by 0.05 % to first order, and that decrease."""
    squared_norm = sum(float(tf.reduce_sum(gradient**2)) for gradient in gradients)
    decrease = 0.0005 * float(loss)
    return decrease / squared_norm, decrease


def _matters(variable, loss, loss_of):
    """Returns whether the loss depends on a variable (for example, not on a bias before a normalization)."""
    before = np.array(variable)
    noise = np.random.default_rng(300).standard_normal(before.shape)
    variable.assign(before + noise.astype("float32"))
    change = abs(float(loss_of() - loss))
    variable.assign(before)
    return change > 1e-5 * float(loss)


def _as_list(value):
    return list(value) if isinstance(value, list | tuple) else [value]


def _same(first, second, atol=0.0):
    for a, b in zip(_as_list(first), _as_list(second), strict=True):
        np.testing.assert_allclose(a, b, atol=atol, rtol=0)
