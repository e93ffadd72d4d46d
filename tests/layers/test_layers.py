"""The shared contract of all layers, and the properties of each one."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import interop, layers, ops
from tests.golden import recipe
from tests.layers.check import check_layer

CASES = {
    "InstanceNormalization": (layers.InstanceNormalization, {"epsilon": 1e-4}, [(2, 6, 5, 3)]),
    "UpConv2D": (layers.UpConv2D, {"filters": 4}, [(2, 3, 5, 2)]),
    "SpectralNormConv2D": (
        layers.SpectralNormConv2D,
        {"filters": 4, "kernel_size": 3, "strides": 2, "padding": 1, "epsilon": 1e-10},
        [(2, 6, 8, 3)],
    ),
    "EncoderBlock": (layers.EncoderBlock, {"filters": 4}, [(2, 8, 6, 3)]),
    "EncoderBlock raw": (layers.EncoderBlock, {"filters": 4, "normalize": False}, [(2, 8, 6, 3)]),
    "ResidualBlock": (layers.ResidualBlock, {"filters": 3}, [(2, 5, 6, 3)]),
    "ResidualDecoderBlock": (layers.ResidualDecoderBlock, {"filters": 4, "hidden": 2}, [(2, 4, 3, 3)]),
    "JumpBlock": (layers.JumpBlock, {"filters": 4}, [(2, 4, 3, 3)]),
    "OutputBlock": (layers.OutputBlock, {"filters": 3}, [(2, 4, 3, 5)]),
    "DiscriminatorBlock": (layers.DiscriminatorBlock, {"filters": 4, "hidden": 2}, [(2, 8, 6, 3)]),
    "LocalAttention": (
        layers.LocalAttention,
        {"kernel_size": 3, "hidden": 8, "average": False, "impl": "tf"},
        [(2, 6, 5, 4), (2, 6, 5, 4), (2, 6, 5, 2)],
    ),
    "LocalAttention with its kernels": (
        layers.LocalAttention,
        {"kernel_size": 5, "hidden": 8, "average": True, "impl": "tf"},
        [(2, 6, 5, 4), (2, 6, 5, 4), (2, 6, 5, 2)],
        {"return_attention": True},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_layer_contract(name, tmp_path):
    cls, arguments, shapes, *call_arguments = CASES[name]
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal(shape).astype("float32") for shape in shapes]
    check_layer(cls, arguments, inputs, tmp_path, *call_arguments)


def test_instance_norm_normalizes_each_instance():
    x = np.random.default_rng(0).normal(3.0, 2.0, (2, 64, 64, 3)).astype("float32")
    y = layers.InstanceNormalization()(x)
    np.testing.assert_allclose(np.mean(y, axis=(1, 2)), 0.0, atol=1e-5)
    np.testing.assert_allclose(np.std(y, axis=(1, 2)), 1.0, atol=1e-4)


def test_instance_norm_is_precise_on_a_large_map():
    x = np.random.default_rng(0).standard_normal((1, 256, 256, 2)).astype("float32") + 30
    exact = (x - x.mean((1, 2), dtype="float64")) / np.sqrt(x.var((1, 2), dtype="float64") + 1e-5)
    np.testing.assert_allclose(layers.InstanceNormalization()(x), exact, atol=3e-5)


def test_up_conv_is_pytorchs_transposed_convolution():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 3, 4, 2)).astype("float32")
    layer = layers.UpConv2D(5)
    layer.build(x.shape)
    kernel = rng.standard_normal((3, 3, 5, 2)).astype("float32")
    layer.kernel.assign(kernel)
    expected = np.zeros((6 + 2, 8 + 2, 5))
    for h, w, i, j in np.ndindex(3, 4, 3, 3):
        expected[2 * h + i, 2 * w + j] += kernel[i, j] @ x[0, h, w]
    np.testing.assert_allclose(layer(x)[0], expected[1:7, 1:9], atol=1e-5)


class TestSpectralNorm:
    def _layer(self, **arguments):
        layer = layers.SpectralNormConv2D(6, 3, **arguments)
        layer.build((None, 8, 8, 4))
        layer.kernel.assign(np.random.default_rng(0).standard_normal((3, 3, 4, 6)).astype("float32"))
        return layer

    def test_converges_to_the_largest_singular_value(self):
        layer = self._layer()
        x = np.random.default_rng(1).standard_normal((1, 8, 8, 4)).astype("float32")
        for _ in range(60):
            layer(x, training=True)
        kernel = np.asarray(layer.kernel)
        sigma = np.linalg.svd(kernel.reshape(-1, 6), compute_uv=False)[0]
        expected = tf.nn.conv2d(x, kernel / sigma, 1, "VALID")
        np.testing.assert_allclose(layer(x), expected, atol=1e-4)

    def test_inference_changes_nothing_and_training_changes_only_u_and_v(self):
        layer = self._layer()
        x = np.ones((1, 8, 8, 4), "float32")
        before = [np.asarray(w) for w in (layer.kernel, layer.bias, layer.u, layer.v)]
        layer(x)
        for old, new in zip(before, (layer.kernel, layer.bias, layer.u, layer.v), strict=True):
            np.testing.assert_array_equal(old, new)
        layer(x, training=True)
        np.testing.assert_array_equal(before[0], layer.kernel)
        assert not np.array_equal(before[2], layer.u)
        assert not np.array_equal(before[3], layer.v)

    def test_the_gradient_flows_through_sigma(self):
        layer = self._layer()
        x = np.random.default_rng(1).standard_normal((1, 8, 8, 4)).astype("float32")
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(x) ** 2)
        gradient = tape.gradient(loss, layer.kernel)
        # W / sigma(W) does not change with the length of W, so the gradient has no part along W.
        along = float(tf.reduce_sum(gradient * layer.kernel)) / float(
            tf.norm(gradient) * tf.norm(layer.kernel)
        )
        assert abs(along) < 1e-4


class TestLocalAttention:
    def _inputs(self, spread, shape=(2, 7, 6, 4)):
        rng = np.random.default_rng(0)
        source, target = (rng.standard_normal(shape).astype("float32") for _ in range(2))
        return source, target, (rng.standard_normal((*shape[:3], 2)) * spread).astype("float32")

    @pytest.mark.parametrize("n", [1, 3, 5])
    @pytest.mark.parametrize("spread", [0.5, 6.0])
    def test_equals_the_patch_form(self, n, spread):
        source, target, flow = self._inputs(spread)
        layer = layers.LocalAttention(n, hidden=16)
        layer.build(source.shape)
        for weight in layer.weights:
            weight.assign(np.random.default_rng(1).standard_normal(weight.shape).astype("float32") * 0.3)
        out, kernels = layer(source, target, flow, return_attention=True)

        patches = [ops.flowed_patches(target, np.zeros_like(flow), n), ops.flowed_patches(source, flow, n)]
        both = tf.reshape(tf.concat(patches, axis=-1), [*source.shape[:3], n * n * 8])
        weight = tf.reshape(layer.hidden_kernel, [n * n * 8, 16])
        hidden = tf.nn.leaky_relu(both @ weight + layer.hidden_bias, 0.1)
        expected = tf.nn.softmax(hidden @ layer.tap_kernel[0, 0] + layer.tap_bias)
        np.testing.assert_allclose(kernels, expected, atol=1e-5)
        attended = tf.reduce_mean(expected[..., None] * patches[1], axis=3)
        np.testing.assert_allclose(out, attended, atol=1e-5)

    def test_average_false_leaves_out_the_1_over_n_squared(self):
        source, target, flow = self._inputs(1.0)
        layer = layers.LocalAttention(3, hidden=8)
        averaged = layer(source, target, flow)
        layer.average = False
        np.testing.assert_allclose(layer(source, target, flow), 9 * averaged, rtol=1e-5)

    @pytest.mark.usefixtures("implementation")
    @pytest.mark.parametrize(("n", "shape"), [(3, (2, 12, 10, 6)), (5, (2, 16, 16, 8))])
    def test_golden(self, golden, state_dict_shapes, n, shape):
        case = golden(f"local_attention_k{n}")
        layer = layers.LocalAttention(n)
        layer.build(shape)
        names = state_dict_shapes[f"local_attention_k{n}"]
        interop.torch.load_state_dict(layer, {k: recipe.weight(k, s) for k, s in names})
        source, target = (tf.constant(recipe.tensor(f"attn_{k}", shape)) for k in ("source", "target"))
        flow = tf.constant(recipe.tensor("attn_flow", (*shape[:3], 2)) * 4)
        with tf.GradientTape() as tape:
            tape.watch([source, target, flow])
            out, kernels = layer(source, target, flow, return_attention=True)
            loss = tf.reduce_sum(out * recipe.tensor("attn_grad", out.shape))
        np.testing.assert_allclose(out, case["output"], atol=1e-5)
        np.testing.assert_allclose(kernels, case["attention"], atol=1e-5)
        weights = [layer.hidden_kernel, layer.hidden_bias, layer.tap_kernel, layer.tap_bias]
        gradients = tape.gradient(loss, [source, target, flow, *weights])
        expected = [case["grad_source"], case["grad_target"], case["grad_flow"]]
        for name, _ in names:
            gradient = case["grad_" + name.replace(".", "_")]
            expected.append(gradient.transpose(2, 3, 1, 0) if gradient.ndim == 4 else gradient)
        for got, want in zip(gradients, expected, strict=True):
            np.testing.assert_allclose(got, want, atol=1e-4 * np.abs(want).max())

    def test_no_patch_tensor_in_the_graph_of_a_training_step(self):
        layer = layers.LocalAttention(5, hidden=8)
        shape = (1, 16, 16, 32)
        layer.build(shape)

        @tf.function
        def step(source, target, flow):
            with tf.GradientTape() as tape:
                tape.watch([source, target, flow])
                loss = tf.reduce_sum(layer(source, target, flow) ** 2)
            return tape.gradient(loss, [source, target, flow])

        graph = step.get_concrete_function(
            *(tf.TensorSpec(s, tf.float32) for s in (shape, shape, (1, 16, 16, 2)))
        ).graph
        bodies = [graph, *(f.graph for f in graph._functions.values() if hasattr(f, "graph"))]
        patch = 16 * 16 * 32 * 25
        sizes = [
            np.prod(t.shape.as_list())
            for body in bodies
            for op in body.get_operations()
            for t in op.outputs
            if t.shape.is_fully_defined()
        ]
        assert max(sizes) < patch / 4

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"kernel_size": 4}, "kernel_size must be odd, got 4"),
            ({"kernel_size": 0}, "positive int, got 0"),
            ({"kernel_size": 3, "hidden": 0}, "hidden must be a positive int, got 0"),
            ({"kernel_size": 3, "impl": "gpu"}, "got 'gpu'"),
        ],
    )
    def test_errors_name_the_argument(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            layers.LocalAttention(**arguments)

    def test_flow_of_another_size_is_refused(self):
        source, target, flow = self._inputs(1.0)
        with pytest.raises(ValueError, match="must agree in batch, height and width"):
            layers.LocalAttention(3)(source, target, flow[:, :-1])

    def test_the_flow_keeps_float32_under_mixed_precision(self):
        source, target, flow = self._inputs(1.0, (1, 4, 600, 4))
        flow[...] = 0
        flow[..., 0] = 0.3  # at x = 599, float16 positions are half a pixel apart
        full = layers.LocalAttention(1, hidden=4)
        half = layers.LocalAttention(1, hidden=4, dtype="mixed_float16")
        expected = full(source, target, flow)
        half.build(source.shape)
        np.testing.assert_allclose(tf.cast(half(source, target, flow), tf.float32), expected, atol=0.01)


def test_power_iteration_starts_from_random_unit_vectors():
    layer = layers.SpectralNormConv2D(5, 3)
    layer.build((None, 8, 8, 2))
    for vector in (layer.u, layer.v):
        np.testing.assert_allclose(np.linalg.norm(vector), 1.0, rtol=1e-5)
        assert np.std(vector) > 0
