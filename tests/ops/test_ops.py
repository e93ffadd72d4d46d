"""The operators, compiled and in TensorFlow's own, against loops, numeric gradients and the released program;
borders, sizes and errors."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import ops
from tests.golden import recipe
from tests.ops import oracle
from tests.ops.gradients import assert_gradients

pytestmark = pytest.mark.usefixtures("implementation")
SHAPES = [(2, 5, 7, 3), (1, 1, 1, 2), (1, 1, 6, 1), (2, 8, 3, 4)]


def _case(shape, spread, n=None, seed=0):
    rng = np.random.default_rng([seed, *shape])
    image = rng.standard_normal(shape)
    flow = rng.standard_normal((*shape[:3], 2)) * spread
    kernels = None if n is None else rng.standard_normal((*shape[:3], n * n))
    return image, flow, kernels


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spread", [0.4, 3.0, 40.0])
def test_warps_equal_the_loops(shape, spread):
    image, flow, _ = _case(shape, spread)
    np.testing.assert_allclose(ops.bilinear_warp(image, flow), oracle.bilinear_warp(image, flow), atol=1e-12)
    np.testing.assert_allclose(ops.gaussian_warp(image, flow), oracle.gaussian_warp(image, flow), atol=1e-12)
    np.testing.assert_allclose(
        ops.gaussian_warp(image, flow, kernel_size=3, sigma=0.75),
        oracle.gaussian_warp(image, flow, kernel_size=3, sigma=0.75),
        atol=1e-12,
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spread", [0.4, 3.0, 40.0])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_flowed_patches_equal_the_loops(shape, spread, n):
    source, flow, _ = _case(shape, spread)
    np.testing.assert_allclose(
        ops.flowed_patches(source, flow, n), oracle.flowed_patches(source, flow, n), atol=1e-12
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spread", [0.4, 3.0, 40.0])
@pytest.mark.parametrize("n", [1, 3, 5])
def test_local_attention_equals_the_loops(shape, spread, n):
    source, flow, kernels = _case(shape, spread, n)
    np.testing.assert_allclose(
        ops.local_attention(source, flow, kernels), oracle.local_attention(source, flow, kernels), atol=1e-12
    )


@pytest.mark.parametrize("spread", [0.4, 3.0])
def test_gradients_equal_numeric_ones(spread):
    image, flow, kernels = _case((2, 4, 5, 2), spread, 3)
    assert_gradients(ops.bilinear_warp, [image, flow])
    assert_gradients(ops.gaussian_warp, [image, flow])
    for n in (2, 3):
        assert_gradients(lambda s, f, n=n: ops.flowed_patches(s, f, n), [image, flow])
    assert_gradients(ops.local_attention, [image, flow, kernels])


def test_zero_flow_reads_the_location_itself():
    image, flow, _ = _case((1, 6, 5, 3), 0.0)
    np.testing.assert_array_equal(ops.bilinear_warp(image, flow), image)
    centre = ops.flowed_patches(image, flow, 3)[..., 4, :]
    np.testing.assert_array_equal(centre, image)


def test_flow_is_dx_dy_and_points_into_the_source():
    image = np.arange(12.0).reshape(1, 3, 4, 1)
    flow = np.zeros((1, 3, 4, 2))
    flow[..., 0], flow[..., 1] = 1, 2  # one to the right, two down
    assert ops.bilinear_warp(image, flow)[0, 0, 0, 0] == image[0, 2, 1, 0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_flows_that_point_nowhere_read_the_border(bad):
    image, flow, kernels = _case((1, 4, 5, 2), 0.5, 3)
    flow[0, 1, 2] = bad
    border = np.clip(np.nan_to_num(flow), -100, 100)  # NaN reads the location itself
    for call in (
        ops.bilinear_warp,
        ops.gaussian_warp,
        lambda image, flow: ops.flowed_patches(image, flow, 3),
        lambda image, flow: ops.local_attention(image, flow, tf.cast(kernels, image.dtype)),
    ):
        for dtype, atol in (("float64", 1e-12), ("float32", 1e-6)):
            source = image.astype(dtype)
            got, expected = (call(source, value.astype(dtype)) for value in (flow, border))
            np.testing.assert_allclose(got, expected, atol=atol)
    where = (1, 2) if np.isnan(bad) else (3, 4) if bad > 0 else (0, 0)
    np.testing.assert_allclose(ops.bilinear_warp(image, flow)[0, 1, 2], image[0][where])


def test_an_empty_batch_stays_empty():
    source, flow, kernels = np.zeros((0, 4, 5, 3)), np.zeros((0, 4, 5, 2)), np.zeros((0, 4, 5, 9))
    assert ops.bilinear_warp(source, flow).shape == (0, 4, 5, 3)
    assert ops.gaussian_warp(source, flow).shape == (0, 4, 5, 3)
    assert ops.flowed_patches(source, flow, 3).shape == (0, 4, 5, 9, 3)
    assert ops.local_attention(source, flow, kernels).shape == (0, 4, 5, 3)


def test_dynamic_sizes_inside_one_function():
    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, None, 3], tf.float64),
            tf.TensorSpec([None, None, None, 2], tf.float64),
            tf.TensorSpec([None, None, None, 9], tf.float64),
        ]
    )
    def everything(source, flow, kernels):
        with tf.GradientTape() as tape:
            tape.watch([source, flow, kernels])
            attended = ops.local_attention(source, flow, kernels)
            loss = tf.reduce_sum(attended**2)
        gradients = tape.gradient(loss, [source, flow, kernels])
        return ops.bilinear_warp(source, flow), ops.flowed_patches(source, flow, 3), attended, gradients

    for shape in [(1, 4, 6, 3), (3, 7, 2, 3)]:
        source, flow, kernels = _case(shape, 2.0, 3)
        warped, patches, attended, gradients = everything(source, flow, kernels)
        np.testing.assert_allclose(warped, oracle.bilinear_warp(source, flow), atol=1e-12)
        np.testing.assert_allclose(patches, oracle.flowed_patches(source, flow, 3), atol=1e-12)
        np.testing.assert_allclose(attended, oracle.local_attention(source, flow, kernels), atol=1e-12)
        inputs = [tf.constant(value) for value in (source, flow, kernels)]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(ops.local_attention(*inputs) ** 2)
        for got, expected in zip(gradients, tape.gradient(loss, inputs), strict=True):
            np.testing.assert_allclose(got, expected, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_types_keep_their_type_and_position(dtype):
    source, flow, kernels = _case((1, 6, 40, 4), 8.0, 3)
    kernels = np.abs(kernels) / np.abs(kernels).sum(-1, keepdims=True)
    flow = flow.astype("float32")
    out = ops.local_attention(tf.cast(source, dtype), flow, tf.cast(kernels, "float32"))
    assert out.dtype.name == dtype
    # 2^-8 of the largest value a tap can read is bfloat16's own rounding, 2^-11 float16's; 16 of them add up.
    atol = {"bfloat16": 0.06, "float16": 0.0075}[dtype]
    np.testing.assert_allclose(
        tf.cast(out, tf.float64), oracle.local_attention(source, flow, kernels), atol=atol
    )


@pytest.mark.parametrize(
    ("n", "shape", "spread"), [(3, (2, 9, 7, 4), 2), (5, (2, 8, 8, 3), 6), (4, (2, 6, 6, 2), 3)]
)
def test_golden_flowed_patches(golden, n, shape, spread):
    case = golden(f"flowed_patches_k{n}")
    source = tf.constant(recipe.tensor(f"patch_source_{n}", shape))
    flow = tf.constant(recipe.tensor(f"patch_flow_{n}", (*shape[:3], 2)) * spread)
    batch, height, width, channels = shape
    with tf.GradientTape() as tape:
        tape.watch([source, flow])
        patches = tf.reshape(ops.flowed_patches(source, flow, n), [batch, height, width, n, n, channels])
        mosaic = tf.reshape(
            tf.transpose(patches, [0, 1, 3, 2, 4, 5]), [batch, height * n, width * n, channels]
        )
        loss = tf.reduce_sum(mosaic * recipe.tensor(f"patch_grad_{n}", mosaic.shape))
    np.testing.assert_allclose(mosaic, case["patches"], atol=1e-5)
    for name, gradient in zip(("source", "flow"), tape.gradient(loss, [source, flow]), strict=True):
        expected = case[f"grad_{name}"]
        np.testing.assert_allclose(gradient, expected, atol=1e-5 * np.abs(expected).max())


def test_golden_gaussian_warp(golden):
    case = golden("gaussian_warp")
    image = tf.constant(recipe.tensor("resample_source", (2, 9, 11, 5)))
    flow = tf.constant(recipe.tensor("resample_flow", (2, 9, 11, 2)) * 4)
    with tf.GradientTape() as tape:
        tape.watch([image, flow])
        out = ops.gaussian_warp(image, flow)
        loss = tf.reduce_sum(out * recipe.tensor("resample_grad", out.shape))
    np.testing.assert_allclose(out, case["output"], atol=1e-5)
    for name, gradient in zip(("source", "flow"), tape.gradient(loss, [image, flow]), strict=True):
        expected = case[f"grad_{name}"]
        np.testing.assert_allclose(gradient, expected, atol=1e-5 * np.abs(expected).max())


def _images(*shape):
    return tf.zeros(shape)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: ops.bilinear_warp(_images(4, 5, 3), _images(1, 4, 5, 2)),
            r"image must have rank 4.*\(4, 5, 3\)",
        ),
        (lambda: ops.bilinear_warp(_images(1, 4, 5, 3), _images(1, 4, 5, 3)), r"2 channels.*\(1, 4, 5, 3\)"),
        (
            lambda: ops.bilinear_warp(_images(1, 4, 5, 3), _images(1, 4, 6, 2)),
            "must agree in batch, height and width",
        ),
        (
            lambda: ops.bilinear_warp(tf.zeros([1, 4, 5, 3], tf.int32), _images(1, 4, 5, 2)),
            "floating point, got int32",
        ),
        (
            lambda: ops.gaussian_warp(_images(1, 4, 5, 3), _images(1, 4, 5, 2), sigma=0),
            "sigma must be positive.*got 0",
        ),
        (
            lambda: ops.gaussian_warp(_images(1, 4, 5, 3), _images(1, 4, 5, 2), kernel_size=0),
            "positive int, got 0",
        ),
        (lambda: ops.flowed_patches(_images(1, 4, 5, 3), _images(1, 4, 5, 2), 2.5), "positive int, got 2.5"),
        (lambda: ops.flowed_patches(_images(1, 4, 5, 3), _images(1, 4, 5, 2), 3, impl="cuda"), "got 'cuda'"),
        (
            lambda: ops.local_attention(_images(1, 4, 5, 3), _images(1, 4, 5, 2), _images(1, 4, 5, 16)),
            "n odd, got 16",
        ),
        (
            lambda: ops.local_attention(_images(1, 4, 5, 3), _images(1, 4, 5, 2), _images(1, 4, 5, 8)),
            "n odd, got 8",
        ),
        (
            lambda: ops.local_attention(_images(1, 4, 5, 3), _images(1, 4, 5, 2), _images(1, 4, 4, 9)),
            "kernels and flow",
        ),
        (lambda: ops.local_attention(_images(1, 4, 5, 3), _images(1, 4, 5, 2), _images(4, 5, 9)), "static n"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
