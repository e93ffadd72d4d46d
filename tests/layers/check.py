"""The one check that every layer of the library passes."""

import keras
import numpy as np
import tensorflow as tf


def as_list(value):
    return list(value) if isinstance(value, list | tuple) else [value]


def check_layer(cls, arguments, inputs, tmp_path, call_arguments=None):
    """Arguments = attributes, config round trip, symbolic = eager call, gradients, mixed precision, save and
    load.

    Args:
      inputs: a list of float32 arrays, the positional inputs of `call`.
    """
    call_arguments = call_arguments or {}
    layer = cls(**arguments)
    for name, value in arguments.items():
        assert getattr(layer, name) == value, name
    eager = layer(*inputs, **call_arguments)

    config = layer.get_config()
    twin = cls.from_config(config)
    assert twin.get_config() == config
    twin(*inputs, **call_arguments)
    twin.set_weights(layer.get_weights())
    _same(twin(*inputs, **call_arguments), eager)

    symbols = [keras.Input(x.shape[1:], dtype="float32") for x in inputs]
    model = keras.Model(symbols, layer(*symbols, **call_arguments))
    _same(model(list(inputs) if len(inputs) > 1 else inputs[0]), eager, 1e-5)

    path = tmp_path / "layer.keras"
    model.save(path)
    _same(keras.saving.load_model(path)(list(inputs) if len(inputs) > 1 else inputs[0]), eager, 1e-5)
    weights = tmp_path / "layer.weights.h5"
    model.save_weights(weights)
    for variable in model.weights:
        variable.assign(tf.zeros_like(variable))
    model.load_weights(weights)
    _same(model(list(inputs) if len(inputs) > 1 else inputs[0]), eager, 1e-5)

    watched = [tf.constant(x) for x in inputs]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        out = as_list(layer(*watched, **call_arguments))
        loss = tf.add_n([tf.reduce_sum(tf.cast(o, tf.float32) ** 2) for o in out])
    gradients = tape.gradient(loss, [*watched, *layer.trainable_variables])
    assert all(g is not None and np.isfinite(g).all() for g in gradients)

    for policy in ("mixed_float16", "mixed_bfloat16"):
        half = cls(**arguments, dtype=policy)
        outputs = as_list(half(*inputs, **call_arguments))
        half.set_weights(layer.get_weights())
        assert all(np.isfinite(tf.cast(o, tf.float32)).all() for o in outputs)
        assert all(v.dtype == "float32" or v.dtype == tf.float32 for v in half.trainable_variables)


def _same(first, second, atol=0.0):
    for a, b in zip(as_list(first), as_list(second), strict=True):
        np.testing.assert_allclose(a, b, atol=atol, rtol=0)
