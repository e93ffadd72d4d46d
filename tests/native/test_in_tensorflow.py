"""The compiled operators inside XLA, `fit`, mixed precision and distribution strategies."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import _compat, ops
from gfla_tf.native import loader as native
from tests.native.helpers import (
    arguments,
    assert_close,
    attention_model,
    calls,
    compiled_nodes,
    features,
    needs_library,
    run_python,
    value_and_gradients,
)


@needs_library
@pytest.mark.parametrize("operator", native.OPERATORS)
def test_xla_compiles_tensorflow_operators(operator):
    inputs = arguments(batch=1)
    compute = value_and_gradients(calls()[operator])
    compiled = tf.function(compute, jit_compile=True)
    assert_close(compiled(*inputs), compute(*inputs))
    assert compiled_nodes(compiled.get_concrete_function(*inputs).graph.as_graph_def()) == set()
    with pytest.raises(ops.NativeUnavailableError, match=r"XLA \(jit_compile=True\) cannot compile it"):
        tf.function(calls("native")[operator], jit_compile=True)(*inputs)


@needs_library
@pytest.mark.parametrize("jit_compile", [False, True])
def test_fit_and_predict(jit_compile):
    model = attention_model()
    expected = model.predict(features(), verbose=0)
    model.compile("sgd", "mse", jit_compile=jit_compile)
    np.testing.assert_allclose(model.predict(features(), verbose=0), expected, rtol=1e-4, atol=1e-5)
    losses = model.fit(features(), expected * 0.9, batch_size=2, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@needs_library
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_uses_the_compiled_operator(policy):
    with _compat.dtype_policy(policy):
        model = attention_model()
        other = attention_model(impl="tf")
        for one in (model, other):
            one.compile(_compat.for_precision(keras.optimizers.SGD(0.01)), "mse")
        half = tf.as_dtype(policy.removeprefix("mixed_"))
    call = tf.function(lambda source, target: model([source, target]))
    graph = call.get_concrete_function(*map(tf.constant, features())).graph
    operations = [part for part in graph.get_operations() if part.type == "GflaLocalAttention"]
    assert [part.outputs[0].dtype for part in operations] == [half]
    float32 = attention_model()
    start = model.get_weights()
    losses, changes = [], []
    for one in (model, other):
        one.set_weights(start)
        losses += one.fit(features(), features()[0], epochs=1, verbose=0).history["loss"]
        changes.append([b - a for a, b in zip(start, one.get_weights(), strict=True)])
    float32.set_weights(start)
    expected = np.mean((float32.predict(features(), verbose=0) - features()[0]) ** 2)
    epsilon = 2.0 ** {"mixed_float16": -10, "mixed_bfloat16": -7}[policy]
    np.testing.assert_allclose(losses, expected, rtol=epsilon)
    for compiled, tensorflow in zip(*changes, strict=True):  # the rounding of the flow is the same in both
        error = np.linalg.norm(compiled - tensorflow) / np.linalg.norm(tensorflow)
        assert error < 16 * epsilon


@needs_library
@pytest.mark.slow
def test_distributed_over_two_devices():
    """The averaged gradients of the replicas equal the gradient of the whole batch."""
    out, _ = run_python("""
import keras, numpy as np, tensorflow as tf
cpu, = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from gfla_tf import ops
from tests.native.helpers import attention_model, features

def weights(strategy):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = attention_model()
        model.compile(keras.optimizers.SGD(0.1), "mse")
    data = tf.data.Dataset.from_tensor_slices((tuple(features()), features()[0])).batch(4)
    model.fit(data, epochs=2, verbose=0)
    return model.get_weights()

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
both, one = weights(strategy), weights(tf.distribute.get_strategy())
difference = max(np.abs(a - b).max() for a, b in zip(both, one))
print(ops.native_available(), strategy.num_replicas_in_sync, difference < 1e-5)
""")
    assert out.split() == ["True", "2", "True"]
