"""What Keras expects of every layer: output shapes, inputs of other types, dtype policies, arguments."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import _compat, layers
from tests.layers.test_layers import CASES

LAYERS = [name for name in CASES if name not in ("EncoderBlock raw", "LocalAttention with its kernels")]
ONE_INPUT = [name for name in LAYERS if name != "LocalAttention"]
SMALLEST = {
    "SpectralNormConv2D": 1,
    "EncoderBlock": 2,
    "JumpBlock": 2,
    "OutputBlock": 2,
    "DiscriminatorBlock": 2,
}


def _create(name, **kwargs):
    cls, arguments, shapes, *_ = CASES[name]
    inputs = [np.random.default_rng(i).standard_normal(s).astype("float32") for i, s in enumerate(shapes)]
    return cls(**arguments, **kwargs), inputs


def _float32(value):
    return np.asarray(tf.cast(value, tf.float32))


@pytest.mark.parametrize("name", LAYERS)
def test_output_shapes(name):
    layer, inputs = _create(name)
    smallest, channels = SMALLEST.get(name, 1), inputs[0].shape[-1]
    for height, width in ((smallest, smallest), (smallest, 6), (8, 4)):
        fed = [np.resize(x, (2, height, width, x.shape[-1])) for x in inputs]
        computed = layer.compute_output_shape((2, height, width, channels))
        assert tuple(computed) == tuple(layer(*fed).shape)
        unknown = tuple(layer.compute_output_shape((None, None, width, channels)))
        assert unknown == (None, None, *computed[2:])
        fresh, _ = _create(name)
        fresh.build((None, height, width, channels))
        assert [w.shape for w in fresh.weights] == [w.shape for w in layer.weights]


@pytest.mark.parametrize("name", [*LAYERS, "LocalAttention with its kernels"])
def test_symbolic_outputs_have_the_shape_and_dtype_of_eager_ones(name):
    call_arguments = (CASES[name] + ({},))[3]
    for policy in ("float64", "mixed_float16"):
        layer, inputs = _create(name, dtype=policy)
        symbolic = layer(*[keras.Input((None, None, x.shape[-1])) for x in inputs], **call_arguments)
        eager = layer(*inputs, **call_arguments)
        for expected, actual in zip(tf.nest.flatten(symbolic), tf.nest.flatten(eager), strict=True):
            assert tf.as_dtype(expected.dtype) == actual.dtype
            assert tf.TensorShape(expected.shape).is_compatible_with(actual.shape)


@pytest.mark.parametrize("name", LAYERS)
def test_numpy_and_integer_inputs(name):
    layer, inputs = _create(name)
    inputs = [np.round(3 * x) for x in inputs]
    expected = layer(*inputs)
    np.testing.assert_array_equal(layer.call(*inputs), expected)
    integers = [x.astype("int32") if x.shape[-1] != 2 or name == "UpConv2D" else x for x in inputs]
    np.testing.assert_array_equal(layer(*integers), expected)
    np.testing.assert_array_equal(layer.call(*integers), expected)
    with pytest.raises(ValueError, match="must be floating point or integers, got bool"):
        layer.call(inputs[0] > 0, *inputs[1:])


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("policy", ["float16", "bfloat16", "float64"])
def test_pure_policies(name, policy):
    layer, inputs = _create(name, dtype=policy)
    reference, _ = _create(name)
    reference(*inputs)
    layer(*inputs)
    layer.set_weights([np.asarray(w) for w in reference.get_weights()])
    out, expected = layer(*inputs), reference(*inputs)
    assert out.dtype == ("float32" if name == "OutputBlock" else policy)
    atol = {"float16": 0.01, "bfloat16": 0.06, "float64": 1e-5}[policy] * np.abs(expected).max()
    np.testing.assert_allclose(_float32(out), expected, atol=atol)


@pytest.mark.parametrize("name", LAYERS)
def test_wrong_shapes_are_refused(name):
    layer, inputs = _create(name)
    layer(*inputs)
    for wrong in (inputs[0][..., :1], inputs[0][0], inputs[0][:, :0]):
        with pytest.raises(ValueError, match=r"channels|\[B, H, W, C\]|height and width"):
            layer(wrong, *inputs[1:])
    if name in SMALLEST and SMALLEST[name] > 1:
        with pytest.raises(ValueError, match="height and width"):
            layer(inputs[0][:, :1])


@pytest.mark.skipif(not _compat.KERAS_3, reason="Keras 2 has no DTypePolicyMap")
@pytest.mark.parametrize("name", LAYERS)
def test_a_map_of_dtype_policies_survives_the_config(name):
    policies = keras.dtype_policies.DTypePolicyMap(default_policy="mixed_float16")
    layer, inputs = _create(name, dtype=policies)
    layer(*inputs)
    twin = type(layer).from_config(layer.get_config())
    assert twin.get_config() == layer.get_config()
    assert isinstance(twin.dtype_policy, keras.dtype_policies.DTypePolicyMap)
    assert twin(*inputs).dtype == layer(*inputs).dtype


@pytest.mark.skipif(not _compat.KERAS_3, reason="Keras 2 has no layer test")
@pytest.mark.parametrize("name", ONE_INPUT)
def test_keras_own_layer_test(name):
    from keras.src.testing import TestCase

    cls, arguments, (shape,), *_ = CASES[name]
    expected = tuple(cls(**arguments).compute_output_shape(shape))
    TestCase().run_layer_test(
        cls, arguments, input_shape=shape, expected_output_shape=expected, supports_masking=False
    )


def test_a_target_with_other_channels_is_refused():
    layer, (source, target, flow) = _create("LocalAttention")
    for channels in (2, 6):
        other = np.resize(target, (*target.shape[:3], channels))
        message = rf"target must have 4 channels.*, {channels}\)"
        with pytest.raises(ValueError, match=message):
            layer(source, other, flow)
        with pytest.raises(ValueError, match=message):
            layer(*[keras.Input((6, 5, size)) for size in (4, channels, 2)])
    with pytest.raises(ValueError, match=r"flow must be \[B, H, W, 2\]|2 channels"):
        layer(*[keras.Input((6, 5, size)) for size in (4, 4, 3)])


def test_attention_of_an_empty_batch():
    layer, inputs = _create("LocalAttention")
    empty = [tf.constant(x[:0]) for x in inputs]
    with tf.GradientTape() as tape:
        tape.watch(empty)
        out = layer(*empty)
    assert out.shape == (0, 6, 5, 4)
    assert [g.shape for g in tape.gradient(out, empty)] == [x.shape for x in empty]


class TestLargeValues:
    """Results that float32 has are not lost to float16, whose largest value is 65504."""

    def test_instance_normalization(self):
        x = 1e6 + 1e5 * np.random.default_rng(0).standard_normal((2, 8, 8, 3)).astype("float32")
        expected = layers.InstanceNormalization()(x)
        half = layers.InstanceNormalization(dtype="mixed_float16")
        np.testing.assert_allclose(_float32(half(x)), expected, atol=5e-3)
        half.gamma.assign([70000.0] * 3)
        np.testing.assert_allclose(_float32(half(x)), np.clip(70000 * expected, -65504, 65504), rtol=2e-3)

    def test_the_softmax_of_attention(self):
        layer, (source, target, flow) = _create("LocalAttention", dtype="mixed_float16")
        out, kernels = layer(1e6 * source, 1e6 * target, flow, return_attention=True)
        assert np.isfinite(_float32(out)).all()
        np.testing.assert_allclose(tf.reduce_sum(kernels, -1), 1.0, atol=1e-5)

    def test_spectral_normalization(self):
        layer, (x,) = _create("SpectralNormConv2D")
        half, _ = _create("SpectralNormConv2D", dtype="mixed_float16")
        for one in (layer, half):
            one.build(x.shape)
        weights = layer.get_weights()
        weights[0] = weights[0] * 1e8
        for one in (layer, half):
            one.set_weights(weights)
        np.testing.assert_allclose(_float32(half(x)), layer(x), atol=5e-3)


INVALID = [
    (layers.InstanceNormalization, {}, {"epsilon": [-1, 0, float("nan"), float("inf"), True, "1e-5", None]}),
    (layers.UpConv2D, {"filters": 4}, {"filters": [0, -1, 2.0, True, "4", None]}),
    (
        layers.SpectralNormConv2D,
        {"filters": 4, "kernel_size": 3},
        {
            "filters": [0, True],
            "kernel_size": [0, 1.5, None],
            "strides": [0, -1, True],
            "padding": [-1, 1.0, True, "same"],
            "epsilon": [-1, 0.0, float("nan")],
        },
    ),
    (layers.EncoderBlock, {"filters": 4}, {"filters": [0, 4.0], "normalize": [1, "yes", None]}),
    (layers.ResidualBlock, {"filters": 4}, {"filters": [0, True]}),
    (layers.ResidualDecoderBlock, {"filters": 4, "hidden": 2}, {"filters": [-1], "hidden": [0, True, 2.5]}),
    (layers.JumpBlock, {"filters": 4}, {"filters": [0, None]}),
    (layers.OutputBlock, {"filters": 4}, {"filters": [0, float("nan")]}),
    (layers.DiscriminatorBlock, {"filters": 4, "hidden": 2}, {"filters": [0], "hidden": [0, -2]}),
    (
        layers.LocalAttention,
        {"kernel_size": 3},
        {"kernel_size": [True, -3], "hidden": [0, 1.0], "average": [1, None], "impl": ["cuda", None]},
    ),
]


@pytest.mark.parametrize(("cls", "arguments", "invalid"), INVALID, ids=[case[0].__name__ for case in INVALID])
def test_invalid_arguments_are_refused_by_name(cls, arguments, invalid):
    for name, values in invalid.items():
        for value in values:
            with pytest.raises(ValueError, match=rf"{name} must be .*got"):
                cls(**{**arguments, name: value})


def test_a_residual_block_of_other_channels_is_refused():
    with pytest.raises(ValueError, match=r"ResidualBlock\(filters=4\) needs 4 channels, got 1"):
        layers.ResidualBlock(4)(np.zeros((1, 4, 4, 1), "float32"))


@pytest.mark.parametrize("channels", [3, 40])
def test_a_new_layer_is_spectrally_normalized(channels):
    """Also for more inputs than outputs, and for fewer: the largest singular value of W / sigma(W) is 1."""
    layer = layers.SpectralNormConv2D(24, 1)
    layer.build((None, 8, 8, channels))
    kernel = np.asarray(layer.kernel).reshape(-1, 24)
    sigma = float(tf.tensordot(layer.v, tf.linalg.matvec(kernel, layer.u), 1))
    np.testing.assert_allclose(sigma, np.linalg.svd(kernel, compute_uv=False)[0], rtol=1e-4)


def test_integers_of_numpy_are_arguments():
    for layer in (
        layers.UpConv2D(np.int64(8)),
        layers.EncoderBlock(np.int32(8)),
        layers.DiscriminatorBlock(np.int64(8), hidden=np.int64(4)),
        layers.LocalAttention(np.int64(3), hidden=np.int64(4)),
        layers.SpectralNormConv2D(np.int64(8), np.int64(3), padding=np.int64(1)),
    ):
        config = layer.get_config()
        assert all(
            type(config.get(name, 0)) is int for name in ("filters", "hidden", "kernel_size", "padding")
        )
