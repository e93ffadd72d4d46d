"""The compiled operators equal TensorFlow's operators: outputs and gradients, for all dtypes and flows."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import ops
from gfla_tf.native import loader
from tests.ops import oracle

# Tolerances of outputs and gradients, relative to the largest element. In float32 and float64 only the order
# of the sums differs. The compiled operators sum half types in float32, TensorFlow's in the half type itself,
# with a rounding of 2^-11 (float16) or 2^-8 (bfloat16) per tap.
TOLERANCES = {
    "float32": (1e-5, 1e-4),
    "float64": (1e-12, 1e-11),
    "float16": (1e-2, 3e-2),
    "bfloat16": (6e-2, 0.2),
}
CASES = 200


@pytest.fixture(autouse=True)
def _needs_the_library():
    if not ops.native_available():
        pytest.skip(f"no compiled operators: {loader.unavailable_reason()}")


def _operators(n, even):
    """{name: (function of the inputs and impl, whether it takes kernels)}."""
    return {
        "bilinear_warp": (lambda s, f, impl: ops.bilinear_warp(s, f, impl=impl), False),
        "gaussian_warp": (lambda s, f, impl: ops.gaussian_warp(s, f, n + 1, 0.5 * n, impl=impl), False),
        "flowed_patches": (lambda s, f, impl: ops.flowed_patches(s, f, n + even, impl=impl), False),
        "local_attention": (lambda s, f, k, impl: ops.local_attention(s, f, k, impl=impl), True),
    }


def _case(index):
    """A random shape, n and inputs; every third flow points far outside, every fifth is not finite."""
    rng = np.random.default_rng([7, index])
    batch, height, width = (int(rng.integers(1, high)) for high in (4, 14, 14))
    channels = int(rng.choice([1, 2, 3, 5, 8, 16, 19, 33, 64, 130]))
    n = int(rng.choice([1, 3, 5, 7], p=[0.25, 0.45, 0.25, 0.05]))
    source = rng.standard_normal((batch, height, width, channels))
    flow = rng.standard_normal((batch, height, width, 2)) * rng.choice([0.3, 2.0, 9.0])
    if index % 3 == 0:
        flow *= rng.choice([1.0, 1e2, 1e6, 1e12], size=flow.shape)
    if index % 5 == 0:
        odd = rng.random(flow.shape) < 0.2
        flow[odd] = rng.choice([np.nan, np.inf, -np.inf, 3e38, -3e38], size=int(odd.sum()))
    if index % 7 == 0:
        flow = np.round(flow)  # exactly on pixels
    kernels = rng.standard_normal((batch, height, width, n * n))
    return source, flow, kernels, n


def _run(function, inputs, impl, seed):
    """The output, and the gradients of its product with random weights."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        out = function(*inputs, impl=impl)
        weights = tf.cast(tf.random.stateless_normal(tf.shape(out), [seed, 1]), out.dtype)
        loss = tf.reduce_sum(tf.cast(out * weights, tf.float64))
    return out, tape.gradient(loss, inputs)


def _relative_difference(actual, expected):
    """The largest difference, relative to the largest expected element, or to 0.1 if that is larger.

    Expected values below 0.1, a tenth of the size of an input, are the result of cancellation of much larger
    terms: the gradient of a flow that points outside the map is 0 in one implementation and a rounding error
    in the other.
    """
    actual, expected = (np.asarray(tf.cast(value, tf.float64)) for value in (actual, expected))
    assert np.isfinite(actual).all()
    return np.abs(actual - expected).max(initial=0.0) / max(np.abs(expected).max(initial=0.0), 0.1)


def _compare(index, dtype, out_tolerance, gradient_tolerance):
    source, flow, kernels, n = _case(index)
    flow_dtype = "float64" if dtype == "float64" else "float32"
    for name, (function, takes_kernels) in _operators(n, index % 2).items():
        inputs = [tf.cast(source, dtype), tf.cast(flow, flow_dtype)]
        inputs += [tf.cast(kernels, flow_dtype)] if takes_kernels else []
        native_out, native_gradients = _run(function, inputs, "native", index)
        tf_out, tf_gradients = _run(function, inputs, "tf", index)
        assert native_out.dtype == tf_out.dtype
        assert native_out.shape == tf_out.shape
        assert _relative_difference(native_out, tf_out) <= out_tolerance, (name, index)
        for label, got, expected in zip(
            ("source", "flow", "kernels"), native_gradients, tf_gradients, strict=False
        ):
            assert got.dtype == expected.dtype
            assert _relative_difference(got, expected) <= gradient_tolerance, (name, label, index)


@pytest.mark.parametrize("block", [0, *(pytest.param(i, marks=pytest.mark.slow) for i in range(1, 8))])
def test_float32_on_random_shapes_and_flows(block):
    for index in range(block, CASES, 8):
        _compare(index, "float32", *TOLERANCES["float32"])


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_other_types(dtype):
    for index in range(0, CASES, 8):
        _compare(index, dtype, *TOLERANCES[dtype])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("index", [1, 4, 9, 15])
def test_half_types_are_summed_in_float32(dtype, index):
    """Results and gradients equal those of the rounded inputs in float32, rounded once."""

    def rounded(value):
        return tf.cast(tf.cast(value, dtype), tf.float32)

    def run(function, inputs, upstream):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            out = function(*inputs, impl="native")
        return out, *tape.gradient(out, inputs, output_gradients=tf.cast(upstream, out.dtype))

    source, flow, kernels, n = _case(index)
    upstreams = np.random.default_rng(index).standard_normal((*source.shape[:3], n * n + 1, source.shape[3]))
    for name, (function, takes_kernels) in _operators(n, 0).items():
        inputs = [rounded(source), tf.cast(flow, tf.float32)]
        inputs += [tf.cast(kernels, tf.float32)] if takes_kernels else []
        upstream = rounded(upstreams[..., : n * n, :] if name == "flowed_patches" else upstreams[..., -1, :])
        exact = run(function, inputs, upstream)
        got = run(function, [tf.cast(inputs[0], dtype), *inputs[1:]], upstream)
        for value, expected, half in zip(got, exact, [True, True, False, False], strict=False):
            if half:
                assert value.dtype.name == dtype
                np.testing.assert_array_equal(tf.cast(value, tf.float32), rounded(expected), err_msg=name)
            else:
                assert _relative_difference(value, expected) <= 1e-5, name


def test_every_value_of_the_half_types_is_kept():
    """All 65,536 bit patterns, read with zero flow and weight 1.

    TensorFlow's threads flush denormals of float32 to zero, which include those of bfloat16. Denormals of
    float16 are normal numbers in float32.
    """
    bits = np.arange(65536, dtype="uint16").reshape(1, 16, 16, 256)
    for dtype in (tf.float16, tf.bfloat16):
        values = tf.bitcast(bits, dtype)
        out = ops.local_attention(values, tf.zeros([1, 16, 16, 2]), tf.ones([1, 16, 16, 1]), impl="native")
        got, expected = (np.array(tf.cast(value, tf.float32)).ravel() for value in (out, values))
        expected[np.abs(expected) < np.finfo("float32").tiny] = 0
        # With zero flow, three of the four neighbors have weight 0, and 0 * inf is NaN.
        kept = np.isfinite(got) & np.isfinite(expected)
        assert kept.mean() > 0.9
        np.testing.assert_array_equal(got[kept], expected[kept])


_PROGRAM = """
import sys, numpy as np, tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(int(sys.argv[1]))
from gfla_tf import ops
from gfla_tf.native import loader
rng = np.random.default_rng(3)
make = lambda *shape: tf.constant(rng.standard_normal(shape), tf.float32)
s, f, k = make(1, 33, 29, 37), 9 * make(1, 33, 29, 2), make(1, 33, 29, 25)
calls = [
    lambda impl: ops.local_attention(s, f, k, impl=impl),
    lambda impl: ops.bilinear_warp(s, f, impl=impl),
    lambda impl: ops.gaussian_warp(s, f, impl=impl),
    lambda impl: ops.flowed_patches(s, f, 4, impl=impl),
]
values = []
for call in calls:
    with tf.GradientTape() as tape:
        tape.watch([s, f, k])
        out = call(sys.argv[2])
        loss = tf.reduce_sum(out * tf.sin(out))
    values += [out, *(v for v in tape.gradient(loss, [s, f, k]) if v is not None)]
np.savez(sys.argv[3], *values)
print(loader.instruction_set())
"""


def _in_a_process(folder, threads, impl="native", instruction_set=None):
    """Runs all operators in a new process; returns outputs, gradients and the instruction set."""
    file = folder / f"{threads}-{impl}-{instruction_set}.npz"
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    if instruction_set:
        environment["GFLA_INSTRUCTION_SET"] = instruction_set
    command = [sys.executable, "-c", _PROGRAM, str(threads), impl, str(file)]
    done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    with np.load(file) as values:
        return list(values.values()), done.stdout.strip()


def test_other_instruction_sets_give_equal_results(tmp_path):
    expected, best = _in_a_process(tmp_path, 2, "tf")
    for requested in ("baseline", "avx2"):
        got, used = _in_a_process(tmp_path, 2, "native", requested)
        assert used == min(requested, best, key=["baseline", "avx2", "avx512"].index)
        for value, reference in zip(got, expected, strict=True):
            assert _relative_difference(value, reference) <= 1e-4


def test_results_do_not_depend_on_the_number_of_threads(tmp_path):
    one, *others = (_in_a_process(tmp_path, threads)[0] for threads in (1, 2, 5))
    for other in others:
        for value, expected in zip(other, one, strict=True):
            np.testing.assert_array_equal(value, expected)


def test_native_equals_the_oracle():
    source, flow, kernels, _ = _case(1)
    np.testing.assert_allclose(
        ops.local_attention(source, flow, kernels, impl="native"),
        oracle.local_attention(source, flow, kernels),
        atol=1e-12,
    )


def test_more_taps_than_supported_raise():
    source, flow = tf.zeros([1, 2, 3, 1]), tf.zeros([1, 2, 3, 2])
    with pytest.raises(ops.NativeUnavailableError, match=r"flowed_patches.*at most 31, got 32"):
        ops.flowed_patches(source, flow, 32, impl="native")
    with pytest.raises(ops.NativeUnavailableError, match=r"gaussian_warp.*at most 32, got 33"):
        ops.gaussian_warp(source, flow, kernel_size=33, impl="native")
    with pytest.raises(ops.NativeUnavailableError, match=r"local_attention.*at most 31, got 33"):
        ops.local_attention(source, flow, tf.zeros([1, 2, 3, 33 * 33]), impl="native")
    assert ops.flowed_patches(source, flow, 32).shape == (1, 2, 3, 1024, 1)


def _shapes_of(*shapes):
    return [tf.TensorSpec(shape, tf.float32) for shape in shapes]


@pytest.mark.parametrize(
    ("operator", "shapes", "arguments", "message"),
    [
        ("local_attention", ([2, 4, 5], [2, 4, 5, 2], [2, 4, 5, 9]), {}, "must be rank 4"),
        ("local_attention", ([2, 4, 5, 3], [2, 4, 5, 3], [2, 4, 5, 9]), {}, "must be 2 but is 3"),
        ("local_attention", ([2, 4, 5, 3], [2, 4, 6, 2], [2, 4, 5, 9]), {}, "are 5 and 6|are 6 and 5"),
        ("local_attention", ([2, 4, 5, 3], [2, 4, 5, 2], [2, 4, 5, 16]), {}, "n odd, at most 31, got 16"),
        ("local_attention", ([2, 4, 5, 3], [2, 4, 5, 2], [2, 4, 7, 9]), {}, "are 5 and 7|are 7 and 5"),
        ("flowed_patches", ([2, 4, 5, 3], [2, 4, 5, 2]), {"kernel_size": 0}, "kernel_size"),
        ("flowed_patches", ([2, 4, 5, 3], [3, 4, 5, 2]), {"kernel_size": 3}, "are 2 and 3"),
        ("flowed_patches", ([2, 4, 5, 3], [2, 4, 5, 2]), {"kernel_size": 32}, "must be 1 to 31, got 32"),
        ("bilinear_warp", ([2, 4, 5, 3], [2, 4, 5, 1]), {}, "must be 2 but is 1"),
        ("gaussian_warp", ([2, 4, 5, 3], [2, 4, 5, 2]), {"kernel_size": 4, "sigma": -1.0}, "got -1"),
        ("gaussian_warp", ([2, 4, 5, 3], [2, 4, 5]), {"kernel_size": 4, "sigma": 2.0}, "must be rank 4"),
    ],
)
def test_the_registered_operators_reject_wrong_shapes_while_the_graph_is_built(
    operator, shapes, arguments, message
):
    call = getattr(loader.library(), f"gfla_{operator}")
    build = tf.function(lambda *inputs: call(*inputs, **arguments), autograph=False)
    with pytest.raises(ValueError, match=message):
        build.get_concrete_function(*_shapes_of(*shapes))


def test_the_registered_operators_check_shapes_when_they_run():
    """Shapes that are unknown when the graph is built."""
    library = loader.library()
    unknown = [tf.TensorSpec(None, tf.float32)] * 3
    attention = tf.function(library.gfla_local_attention, input_signature=unknown, autograph=False)
    source, flow, kernels = tf.zeros([1, 4, 5, 3]), tf.zeros([1, 4, 5, 2]), tf.zeros([1, 4, 5, 9])
    assert attention(source, flow, kernels).shape == (1, 4, 5, 3)
    for wrong, message in [
        ((source[0], flow, kernels), "source must have rank 4"),
        ((source, flow[..., :1], kernels), r"flow must be \[B, H, W, 2\]"),
        ((source, flow[:, 1:], kernels), "must agree in batch, height and width"),
        ((source, flow, kernels[..., :4]), "n odd, at most 31, got 4"),
        ((source, flow, kernels[:, :, 1:]), "kernels must have shape"),
    ]:
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            attention(*wrong)
