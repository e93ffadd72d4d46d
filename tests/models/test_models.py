"""The networks: recorded outputs, parameter counts, round trips, sizes, dtypes and errors."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import _compat, interop, models
from tests.golden import recipe
from tests.layers.check import HALF_ROUNDOFF

POSES = ("source_pose", "target_pose")


def _inputs(size, batch, sigma=6.0):
    poses = {
        f"{which}_pose": recipe.heatmaps(recipe.keypoints(f"pose_{which}", batch, 18, size), size, sigma)
        for which in ("source", "target")
    }
    return {"source_image": recipe.image("source", (batch, *size, 3)), **poses}


def _count(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.parametrize(("name", "parameters"), [("fashion", 14_047_395), ("market", 12_926_471)])
def test_parameters_of_f_and_g(name, parameters):
    assert _count(models.PersonImageGenerator.from_preset(name, load_weights=False)) == parameters


def test_parameters_of_the_parts_of_fashion():
    model = models.PersonImageGenerator.from_preset("fashion", load_weights=False)
    g = model.target_image_generator
    source = sum(_count(block) for block in g.source_encoder)
    assert (_count(model.flow_field_estimator), source, _count(g) - source) == (
        6_608_212,
        1_434_758,
        6_004_425,
    )


@pytest.mark.parametrize(("name", "blocks", "parameters"), [("fashion", 4, 664_577), ("market", 3, 238_209)])
def test_parameters_of_d(name, blocks, parameters):
    assert _count(models.ResDiscriminator(num_blocks=blocks)) == parameters
    assert _count(models.ResDiscriminator.from_preset(name, load_weights=False)) == parameters


def test_the_synthetic_preset_is_small():
    assert _count(models.PersonImageGenerator.from_preset("synthetic", load_weights=False)) < 1_500_000


# Float32 sums in another order than in PyTorch differ by about 2e-5 after 40 layers.
@pytest.mark.usefixtures("implementation")
@pytest.mark.parametrize(("name", "size", "batch"), [("fashion", (256, 256), 1), ("market", (128, 64), 2)])
def test_golden_generator(golden, state_dict_shapes, name, size, batch):
    model = models.PersonImageGenerator.from_preset(name, load_weights=False)
    weights = {key: recipe.weight(key, shape) for key, shape in state_dict_shapes[f"{name}_generator"]}
    interop.torch.load_state_dict(model, weights)
    case = golden(f"{name}_generator")
    outputs = tf.function(lambda x: model(x, return_attention=True))(_inputs(size, batch))
    np.testing.assert_allclose(outputs["image"], case["image"], atol=1e-4, rtol=0)
    for kind in ("flow", "mask", "attention"):
        found = [key for key in case if key.startswith(f"{kind}_")]
        assert len(outputs[f"{kind}s"]) == len(found)
        for i, value in enumerate(outputs[f"{kind}s"]):
            np.testing.assert_allclose(value, case[f"{kind}_{i}"], atol=1e-4, rtol=0)


@pytest.mark.parametrize(("blocks", "shape"), [(4, (2, 64, 64, 3)), (3, (2, 128, 64, 3))])
def test_golden_discriminator(golden, state_dict_shapes, blocks, shape):
    model = models.ResDiscriminator(num_blocks=blocks)
    names = state_dict_shapes[f"discriminator_{blocks}"]
    interop.torch.load_state_dict(model, {key: recipe.weight(key, s) for key, s in names})
    case = golden(f"discriminator_{blocks}")
    images = tf.constant(recipe.image("image", shape))

    def check(value, name):
        np.testing.assert_allclose(value, case[name], atol=1e-4 * np.abs(case[name]).max(), rtol=0)

    check(model(images, training=True), "train_logits_step1")
    check(model(images, training=True), "train_logits_step2")
    check(model(images), "eval_logits_after_step2")
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = model(images, training=True)
        loss = tf.reduce_mean(logits**2)
    check(logits, "train_logits_step3")
    image_gradient, kernel_gradient = tape.gradient(loss, [images, model.blocks[0].conv0.kernel])
    check(image_gradient, "grad_image_step3")
    check(tf.transpose(kernel_gradient, (3, 2, 0, 1)), "grad_block0_conv1_step3")


@pytest.fixture(scope="module")
def synthetic():
    model = models.PersonImageGenerator.from_preset("synthetic", load_weights=False)
    for i, variable in enumerate(model.trainable_variables):
        variable.assign(variable + 0.05 * np.random.default_rng(i).standard_normal(variable.shape))
    return model


def test_outputs_and_their_order(synthetic):
    outputs = synthetic(_inputs((64, 64), 2, 2.0), return_attention=True)
    assert outputs["image"].shape == (2, 64, 64, 3)
    assert [f.shape for f in outputs["flows"]] == [(2, 16, 16, 2), (2, 32, 32, 2)]
    assert [m.shape for m in outputs["masks"]] == [(2, 16, 16, 1), (2, 32, 32, 1)]
    assert [a.shape for a in outputs["attentions"]] == [(2, 16, 16, 9), (2, 32, 32, 9)]
    assert np.abs(outputs["image"]).max() <= 1


def test_keras_and_weights_round_trips(synthetic, tmp_path):
    inputs = _inputs((64, 64), 1, 2.0)
    expected = synthetic(inputs)["image"]
    synthetic.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == synthetic.get_config()
    np.testing.assert_array_equal(loaded(inputs)["image"], expected)
    synthetic.save_weights(tmp_path / "model.weights.h5")
    fresh = models.PersonImageGenerator.from_config(synthetic.get_config())
    fresh.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(fresh(inputs)["image"], expected)


def test_discriminator_round_trip(tmp_path):
    model = models.ResDiscriminator.from_preset("synthetic", load_weights=False)
    images = recipe.image("image", (2, 64, 64, 3))
    model(images, training=True)
    model.save(tmp_path / "d.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "d.keras")(images), model(images))


def test_symbolic_call(synthetic):
    inputs = _inputs((64, 64), 2, 2.0)
    symbols = {name: keras.Input(value.shape[1:], name=name) for name, value in inputs.items()}
    functional = keras.Model(symbols, synthetic(symbols))
    np.testing.assert_allclose(functional(inputs)["image"], synthetic(inputs)["image"], atol=1e-5)


def test_any_batch_and_size_in_one_function(synthetic):
    channels = {"source_image": 3, "source_pose": 18, "target_pose": 18}
    signature = {name: tf.TensorSpec([None, None, None, c], tf.float32) for name, c in channels.items()}
    function = tf.function(lambda x: synthetic(x)["image"], input_signature=[signature])
    for size, batch in (((64, 64), 1), ((96, 48), 3)):
        inputs = {name: tf.constant(value) for name, value in _inputs(size, batch, 2.0).items()}
        np.testing.assert_allclose(function(inputs), synthetic(inputs)["image"], atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(policy, synthetic):
    _compat.set_dtype_policy(policy)
    try:
        half = models.PersonImageGenerator.from_preset("synthetic", load_weights=False)
    finally:
        _compat.set_dtype_policy("float32")
    half.set_weights(synthetic.get_weights())
    inputs = _inputs((64, 64), 1, 2.0)
    outputs = half(inputs)
    # Rounding errors of about 20 layers add up to 4 to 10 roundoffs, relative to the spread of each output.
    tolerance = 20 * HALF_ROUNDOFF[policy]
    for value, full in zip(tf.nest.flatten(outputs), tf.nest.flatten(synthetic(inputs)), strict=True):
        assert value.dtype == tf.float32
        assert 0 < np.abs(value - full).mean() < tolerance * np.std(full)


def _pixels(size, batch):
    """The same random images as uint8 and as float32 in [-1, 1]."""
    pixels = np.random.default_rng(0).integers(0, 256, (batch, *size, 3), dtype=np.uint8)
    return pixels, pixels / np.float32(127.5) - np.float32(1)


@pytest.mark.parametrize("convert", [np.asarray, tf.constant], ids=["array", "tensor"])
def test_uint8_and_float_images_give_the_same_output(synthetic, convert):
    pixels, images = _pixels((64, 64), 2)
    poses = {name: value for name, value in _inputs((64, 64), 2, 2.0).items() if name in POSES}

    def same(call):
        whole, scaled = (tf.nest.flatten(call(convert(source))) for source in (pixels, images))
        assert len(whole) == len(scaled) > 0
        for one, other in zip(whole, scaled, strict=True):
            np.testing.assert_array_equal(one, other)
            assert np.std(one) > 0

    f, g = synthetic.flow_field_estimator, synthetic.target_image_generator
    flows, masks = f({"source_image": images, **poses})
    same(lambda source: synthetic({"source_image": source, **poses}))
    same(lambda source: synthetic.encode_source(source, poses["source_pose"]))
    same(lambda source: f((source, poses["source_pose"], poses["target_pose"])))
    inputs = {"guidance": poses["target_pose"], "flows": flows, "masks": masks}
    same(lambda source: g({"source_image": source, **inputs}))
    same(models.ResDiscriminator(2, width=4))


def test_uint8_images_in_a_graph(synthetic):
    pixels, images = _pixels((64, 64), 1)
    poses = {name: value for name, value in _inputs((64, 64), 1, 2.0).items() if name in POSES}
    function = tf.function(lambda source: synthetic({"source_image": source, **poses})["image"])
    # The optimized graph multiplies by 1 / 127.5, so inputs may differ in the last bit.
    np.testing.assert_allclose(function(pixels), function(images), atol=1e-4)


@pytest.mark.parametrize("dtype", [np.int32, np.bool_])
def test_images_of_other_dtypes(dtype):
    with pytest.raises(
        ValueError, match=r"must be uint8 in \[0, 255\] or floating-point in \[-1, 1\], got (int32|bool)"
    ):
        models.ResDiscriminator(2, width=4)(np.ones((1, 8, 8, 3), dtype))


@pytest.mark.parametrize("scale", [127.5, np.nan])
def test_images_and_poses_outside_their_range(synthetic, scale):
    """Floats are in [-1, 1], pose maps in [0, 1]: each network names the input that is not."""
    _, images = _pixels((64, 64), 1)
    poses = {name: value for name, value in _inputs((64, 64), 1, 2.0).items() if name in POSES}
    f, g = synthetic.flow_field_estimator, synthetic.target_image_generator
    flows, masks = f({"source_image": images, **poses})
    inputs = {"source_image": images, **poses}
    g_inputs = {"source_image": images, "guidance": poses["target_pose"], "flows": flows, "masks": masks}
    for network, given, names in (
        (synthetic, inputs, inputs),
        (f, inputs, inputs),
        (g, g_inputs, ("source_image", "guidance")),
    ):
        for name in names:
            with pytest.raises(ValueError, match=rf"{name} must be .* 1\], got "):
                network({**given, name: given[name] * np.float32(scale)})
    with pytest.raises(ValueError, match=r"images must be uint8 in \[0, 255\] or .*, got "):
        models.ResDiscriminator(2, width=4)(images * np.float32(scale))


def test_encode_once_render_many(synthetic):
    inputs = _inputs((64, 64), 2, 2.0)
    flows, masks = synthetic.flow_field_estimator(inputs)
    g = synthetic.target_image_generator
    image, _ = g.render(inputs["target_pose"], g.encode_source(inputs["source_image"]), flows, masks)
    np.testing.assert_allclose(image, synthetic(inputs)["image"], atol=1e-6)
    with pytest.raises(ValueError, match="each of its 2 attention layers, got 2, 1 and 2"):
        g.render(inputs["target_pose"], g.encode_source(inputs["source_image"]), flows[:1], masks)


def test_the_auto_encoder_of_the_ablation():
    """It is the target branch of G: the same weights with masks of 0, which switch attention off."""
    arguments = {"guidance_channels": 39, "width": 8}
    model = models.TargetImageGenerator(attention_layers={}, **arguments)
    assert not model.source_encoder
    assert not model.attention
    whole = models.TargetImageGenerator(attention_layers={2: 3}, **arguments)
    shared = {id(v) for part in (whole.source_encoder, whole.attention) for x in part for v in x.weights}
    for i, variable in enumerate(whole.weights):
        variable.assign(variable + 0.1 * np.random.default_rng(i).standard_normal(variable.shape))
    model.set_weights([np.asarray(variable) for variable in whole.weights if id(variable) not in shared])
    guidance = np.random.default_rng(0).uniform(-1, 1, (2, 32, 24, 39)).astype("float32")
    image = model({"guidance": guidance})
    assert image.shape == (2, 32, 24, 3)
    assert np.std(image) > 0.01
    off = {"flows": [tf.zeros([2, 8, 6, 2])], "masks": [tf.zeros([2, 8, 6, 1])]}
    inputs = {"guidance": guidance, "source_image": tf.ones([2, 32, 24, 3]), **off}
    np.testing.assert_allclose(image, whole(inputs), atol=1e-5)


def test_weights_start_orthogonal_with_gain_002():
    model = models.PersonImageGenerator.from_preset("market", load_weights=False)
    kernel = np.asarray(model.target_image_generator.target_encoder[1].conv1.kernel)
    columns = kernel.reshape(-1, kernel.shape[-1])
    np.testing.assert_allclose(columns.T @ columns, 0.02**2 * np.eye(columns.shape[1]), atol=1e-8)
    assert not np.asarray(model.target_image_generator.target_encoder[1].conv1.bias).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: models.PersonImageGenerator.from_preset("face"),
            "no preset 'face': the presets are fashion",
        ),
        (
            lambda: models.FlowFieldEstimator(attention_layers={5: 3}),
            "more than the coarsest attention layer, 5",
        ),
        (lambda: models.PersonImageGenerator(attention_layers={}), "at least one attention layer, got none"),
        (
            lambda: models.FlowFieldEstimator(attention_layers={2: 4}),
            "patch sizes up to 31, all odd, got {2: 4}",
        ),
        (
            lambda: models.TargetImageGenerator(attention_layers={4: 3}),
            "num_layers=3 must be at least the coarsest attention layer, 4",
        ),
        (
            lambda: models.PersonImageGenerator.from_preset("synthetic", load_weights=False)(
                {name: tf.zeros([1, 60, 64, 18 if name in POSES else 3]) for name in ("source_image", *POSES)}
            ),
            r"source of F must have .* divisible by 16, got \(1, 60, 64, 21\)",
        ),
    ],
)
def test_errors_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()
