"""VGG19Features: the kinds of weights, the activations, uint8 images, errors."""

import collections
import logging
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.errors import InputError
from gfla_tf.features import VGG19Features, vgg19_weights
from tests.golden import recipe


@pytest.fixture(scope="module")
def narrow():
    return VGG19Features("random", width_multiplier=0.125)


def images(size=(32, 48), seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (2, *size, 3)).astype(np.float32)


def test_all_layers_by_name(narrow):
    features = narrow(images())
    assert list(features) == [
        f"relu{i}_{j}" for i, n in enumerate((2, 2, 4, 4, 4), 1) for j in range(1, n + 1)
    ]
    assert features["relu1_1"].shape == (2, 32, 48, 8)
    assert features["relu4_1"].shape == (2, 4, 6, 64)
    assert features["relu5_4"].shape == (2, 2, 3, 64)
    assert min(float(tf.reduce_min(value)) for value in features.values()) == 0


@pytest.mark.parametrize("vgg_input", ["signed", "imagenet"])
def test_uint8_images_equal_float_images(vgg_input):
    net = VGG19Features("random", vgg_input=vgg_input, width_multiplier=0.0625)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    expected = net(pixels / np.float32(127.5) - 1)
    for name, value in net(pixels).items():
        np.testing.assert_allclose(value, expected[name], atol=1e-5)


def test_deeper_layers_are_not_computed(narrow):
    every = narrow(images())
    some = narrow.features(images(), ["relu3_1", "relu1_2"])
    assert list(some) == ["relu3_1", "relu1_2"]
    for name, value in some.items():
        np.testing.assert_allclose(value, every[name], atol=1e-5)
    graph = tf.function(lambda x: narrow.features(x, ["relu3_1", "relu1_2"])).get_concrete_function(
        tf.TensorSpec([None, None, None, 3])
    )
    assert sum(op.type == "Conv2D" for op in graph.graph.get_operations()) == 5


def test_only_the_images_have_a_gradient(narrow):
    assert narrow.trainable_weights == []
    image = tf.Variable(images())
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(narrow.features(image, ["relu2_1"])["relu2_1"])
    assert [variable is image for variable in tape.watched_variables()] == [True]
    assert np.abs(tape.gradient(loss, image)).max() > 0


def test_random_is_seeded():
    first, second, other = (VGG19Features("random", seed=s, width_multiplier=0.0625) for s in (1, 1, 2))
    a, b, c = (net.features(images(), ["relu2_2"])["relu2_2"] for net in (first, second, other))
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 0.1


def test_imagenet_input_takes_mean_and_std_out():
    plain = VGG19Features("random", width_multiplier=0.0625)
    textbook = VGG19Features("random", width_multiplier=0.0625, vgg_input="imagenet")
    unit = (images() + 1) / 2
    normalized = ((unit - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]).astype(np.float32)
    np.testing.assert_allclose(textbook(images())["relu2_1"], plain(normalized)["relu2_1"], atol=1e-4)


def test_calibration_makes_mean_activations_one_and_is_saved(tmp_path):
    net = VGG19Features("random", width_multiplier=0.0625)
    before = net(images())["relu3_1"]
    net.calibrate([images(), images()])
    features = net(images())
    np.testing.assert_allclose([np.mean(value) for value in features.values()], 1, rtol=1e-4)
    np.testing.assert_allclose(features["relu3_1"], before / np.mean(before), rtol=1e-3, atol=1e-5)
    net.save_weights(tmp_path / "scales.weights.h5")
    other = VGG19Features("random", width_multiplier=0.0625, seed=9)
    other.load_weights(tmp_path / "scales.weights.h5")
    np.testing.assert_array_equal(other(images())["relu4_2"], features["relu4_2"])
    with pytest.raises(ValueError, match="got none"):
        net.calibrate([])


def test_npz_and_pth_names_and_layouts(tmp_path):
    tensors = recipe.vgg19_weights()
    np.savez(tmp_path / "vgg.npz", **tensors, **{"classifier.0.weight": np.zeros(3)})
    net = VGG19Features(str(tmp_path / "vgg.npz"))
    np.testing.assert_array_equal(net.kernels["relu5_4"], tensors["features.34.weight"].transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(net.kernels["relu1_1"], tensors["features.0.weight"].transpose(2, 3, 1, 0))


@pytest.mark.parametrize("zipped", [True, False])
def test_torchvisions_file(tmp_path, torch, zipped):
    """All 16 convolutions arrive, and the classifier, which torchvision's file ends with, is ignored."""
    tensors = recipe.vgg19_weights()
    classifier = {"classifier.0": (8, 12), "classifier.3": (8, 8), "classifier.6": (10, 8)}
    for name, shape in classifier.items():
        tensors |= {
            f"{name}.weight": np.ones(shape, np.float32),
            f"{name}.bias": np.ones(shape[0], np.float32),
        }
    state = collections.OrderedDict((name, torch.from_numpy(value)) for name, value in tensors.items())
    torch.save(state, tmp_path / "vgg.pth", _use_new_zipfile_serialization=zipped)
    net = VGG19Features(tmp_path / "vgg.pth")
    convolutions = [name for name in tensors if name.startswith("features.") and name.endswith("weight")]
    assert len(convolutions) == len(net.kernels) == 16
    for kernel, bias, name in zip(net.kernels.values(), net.biases.values(), convolutions, strict=True):
        np.testing.assert_array_equal(kernel, tensors[name].transpose(2, 3, 1, 0))
        np.testing.assert_array_equal(bias, tensors[name.replace("weight", "bias")])


def test_pth_without_pytorch_names_the_extra(tmp_path, monkeypatch, torch):
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "vgg.pth")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"gfla-tf\[torch\]"):
        VGG19Features(tmp_path / "vgg.pth")


def test_every_problem_of_a_file_is_listed(tmp_path):
    tensors = recipe.vgg19_weights()
    del tensors["features.5.bias"]
    tensors["features.7.bias"] = np.full([128], np.nan, np.float32)
    tensors["features.28.weight"] = tensors["features.28.weight"][:7]
    np.savez(tmp_path / "vgg.npz", **tensors)
    expected = (
        r"features.5.bias is missing; features.7.bias contains NaN or infinity; "
        r"features.28.weight is \(7, 512, 3, 3\) instead of \(512, 512, 3, 3\)$"
    )
    with pytest.raises(InputError, match=expected):
        VGG19Features(tmp_path / "vgg.npz")


def test_files_of_other_formats(tmp_path):
    with pytest.raises(InputError, match=r"no VGG19 weights at .*absent.npz"):
        VGG19Features(tmp_path / "absent.npz")
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(InputError, match=r"text.npz is not a supported weight file"):
        VGG19Features(tmp_path / "text.npz")
    with open(tmp_path / "array.npz", "wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(InputError, match=r"array.npz is a single NumPy array"):
        VGG19Features(tmp_path / "array.npz")
    (tmp_path / "vgg.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(InputError, match=r"vgg.h5 is an HDF5 file"):
        VGG19Features(tmp_path / "vgg.h5")
    np.savez(tmp_path / "pickled.npz", **{"features.0.weight": np.array([{}], dtype=object)})
    with pytest.raises(InputError, match=r"pickled.npz cannot be read"):
        VGG19Features(tmp_path / "pickled.npz")


def test_imagenet_uses_keras_weights_and_needs_calibration(monkeypatch):
    keras_vgg = keras.applications.VGG19(include_top=False, weights=None)
    policies = []

    def load(**_):
        policies.append(keras.layers.ReLU().dtype_policy.name)
        return keras_vgg

    monkeypatch.setattr(vgg19_weights.keras.applications, "VGG19", load)
    with _compat.dtype_policy("float16"):
        net = VGG19Features("imagenet")
    assert policies == ["float32"]
    assert net.needs_calibration
    pixels = (images() + 1) * 127.5
    expected = keras.Model(keras_vgg.input, keras_vgg.get_layer("block3_conv2").output)(
        pixels[..., ::-1] - np.float32([103.939, 116.779, 123.68])
    )
    actual = net(images())["relu3_2"]
    np.testing.assert_allclose(actual, expected, atol=1e-4 * np.max(expected))
    net.calibrate([images()])
    assert not net.needs_calibration


def test_imagenet_without_a_network_explains_the_alternatives(monkeypatch, tmp_path):
    def no_network(**_):
        raise Exception("URL fetch failure on https://storage.googleapis.com/...: None -- no route")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(vgg19_weights.keras.applications, "VGG19", no_network)
    with pytest.raises(InputError) as caught:
        VGG19Features("imagenet")
    file = tmp_path / "models" / "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert str(file) in str(caught.value)
    assert "vgg19-dcbb9e9d.pth" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_description_is_logged(caplog):
    with caplog.at_level(logging.INFO, "gfla_tf"):
        VGG19Features("random", width_multiplier=0.0625, seed=3)
    assert "random weights of seed 3" in caplog.text


def test_config_round_trip(narrow):
    again = VGG19Features.from_config(narrow.get_config())
    np.testing.assert_array_equal(again(images())["relu5_1"], narrow(images())["relu5_1"])


def test_wrong_arguments_raise(narrow):
    with pytest.raises(ValueError, match="unknown layer relu6_1; the layers are relu1_1"):
        narrow.features(images(), ["relu6_1"])
    with pytest.raises(ValueError, match=r"\[B, H, W, 3\], got shape \(2, 8, 8\)"):
        narrow(np.zeros((2, 8, 8), np.float32))
    with pytest.raises(ValueError, match=r"at least 16 x 16 for relu5_1, got shape \(2, 8, 64, 3\)"):
        narrow.features(images((8, 64)), ["relu5_1"])
    assert narrow.features(images((1, 1)), ["relu1_2"])["relu1_2"].shape == (2, 1, 1, 8)
    with pytest.raises(ValueError, match="vgg_input"):
        VGG19Features("random", vgg_input="caffe")
    with pytest.raises(ValueError, match="width_multiplier"):
        VGG19Features("imagenet", width_multiplier=0.5)


@pytest.mark.skipif(not _compat.KERAS_3, reason="Keras 2 has no DTypePolicyMap")
def test_the_dtype_survives_the_config():
    policies = keras.dtype_policies.DTypePolicyMap(default_policy="float64")
    for dtype in ("float64", policies):
        net = VGG19Features("random", width_multiplier=1 / 64, dtype=dtype)
        again = VGG19Features.from_config(net.get_config())
        assert type(again.dtype_policy) is type(net.dtype_policy)
        assert again.get_config() == net.get_config()
