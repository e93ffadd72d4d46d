"""Recognition of a state dict's network, and the errors for unknown and incomplete ones."""

import numpy as np
import pytest

from gfla_tf import models
from gfla_tf.errors import InputError
from gfla_tf.interop import torch as torch_format
from gfla_tf.interop.infer_arguments import person_arguments
from gfla_tf.interop.recognize import is_vgg19, load_recognized, title
from tests.weight_files.released import state_dict

SMALL = {
    "image_size": (64, 48),
    "attention_layers": {2: 5},
    "image_channels": 4,
    "pose_channels": 7,
    "width": 6,
    "max_width": 9,
    "num_layers": 3,
    "attention_hidden": 10,
    "flow_width": 5,
    "flow_max_width": 20,
    "flow_encoder_layers": 4,
}


def released(model, prefix=""):
    """Returns a state dict for a model, with random weights."""
    rng = np.random.default_rng(0)
    return {
        name: rng.standard_normal(value.shape).astype(np.float32)
        for name, value in torch_format.state_dict(model, prefix).items()
    }


@pytest.fixture(scope="module")
def market(state_dict_shapes):
    return state_dict(state_dict_shapes["market_generator"])


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        pytest.param("fashion_generator", "fashion person image generator (F and G)", marks=pytest.mark.slow),
        ("market_generator", "market person image generator (F and G)"),
        ("discriminator_4", "fashion discriminator"),
        ("discriminator_3", "market discriminator"),
    ],
)
def test_the_released_networks(state_dict_shapes, network, expected):
    model = load_recognized("net.pth", state_dict(state_dict_shapes[network]))
    assert title(model) == expected
    if "generator" in network:
        preset = models.PersonImageGenerator.from_preset(expected.split()[0], load_weights=False)
        ours, theirs = model.get_config(), preset.get_config()
        assert {**ours, "name": ""} == {**theirs, "name": ""}


@pytest.mark.parametrize(
    ("network", "name"),
    [
        ("face_generator", "the face animation network"),
        ("dance_generator", "the person animation (dance) network"),
        ("shapenet_generator", "the view synthesis (ShapeNet) network"),
        ("motion_extraction", "the motion extraction network"),
        ("temporal_discriminator", "a temporal discriminator"),
    ],
)
def test_unsupported_networks_are_named(state_dict_shapes, network, name):
    tensors = {key: np.zeros(shape, np.float32) for key, shape in state_dict_shapes[network]}
    with pytest.raises(InputError, match="this release does not support") as caught:
        load_recognized("net.pth", tensors)
    assert str(caught.value).startswith(f"net.pth is {name} ({len(tensors)} tensors)")


def test_widths_and_layers_are_inferred_from_the_shapes():
    model = models.PersonImageGenerator(**SMALL)
    tensors = released(model)
    found = load_recognized("net.pth", tensors, image_size=(64, 48))
    assert title(found) == "non-standard person image generator (F and G)"
    different = {"name", "max_width"}  # visible in the widths 6, 9, 9 of G and 5, 10, 20, 20 of F
    assert {k: v for k, v in found.get_config().items() if k not in different} == {
        k: v for k, v in model.get_config().items() if k not in different
    }
    assert found.target_image_generator.max_width == 9
    for name, value in torch_format.state_dict(found).items():
        np.testing.assert_array_equal(value, tensors[name])


def test_an_image_size_that_is_not_divisible():
    with pytest.raises(InputError, match=r"256x184 does not fit this network: .* multiples of 16"):
        load_recognized("net.pth", released(models.PersonImageGenerator(**SMALL)), (256, 184))


def test_a_maximum_width_that_no_layer_reaches_is_the_released_one():
    model = models.PersonImageGenerator(**{**SMALL, "max_width": 24, "flow_max_width": 40})
    found = load_recognized("net.pth", released(model))
    assert (found.target_image_generator.max_width, found.flow_field_estimator.max_width) == (512, 256)
    assert found.image_size == (256, 256)


@pytest.mark.parametrize("prefix", ["flow_net.", ""])
@pytest.mark.parametrize("layers", [{3: 3, 2: 5}, {2: 3}, {1: 3}])
def test_flow_field_estimator(prefix, layers):
    tensors = released(models.FlowFieldEstimator(layers, width=4, max_width=16), prefix)
    found = load_recognized("net.pth", tensors)
    assert isinstance(found, models.FlowFieldEstimator)
    assert found.attention_layers == layers
    for name, value in torch_format.state_dict(found, prefix).items():
        np.testing.assert_array_equal(value, tensors[name])


def test_other_discriminators():
    tensors = released(models.ResDiscriminator(5, image_channels=6, width=8, max_width=24))
    found = load_recognized("net.pth", tensors)
    assert title(found) == "non-standard discriminator"
    assert (found.num_blocks, found.image_channels, found.width, found.max_width) == (5, 6, 8, 24)


def test_every_problem_of_a_released_network_is_listed(market):
    tensors = dict(market)
    missing = ["source.block0.model.2.bias", "target.decoder1.1.shortcut.0.weight", "flow_net.output2.weight"]
    for name in missing:
        del tensors[name]
    with pytest.raises(InputError) as caught:
        load_recognized("net.pth", tensors)
    assert str(caught.value) == (
        "net.pth is closest to the market person image generator (F and G), but does not fit it "
        "(3 problems): missing source.block0.model.2.bias (64,); "
        "missing target.decoder1.1.shortcut.0.weight (128, 64, 3, 3); "
        "missing flow_net.output2.weight (2, 64, 3, 3)"
    )


def test_wrong_shapes_do_not_prevent_recognition(market):
    tensors = dict(market)
    tensors["source.block0.model.2.weight"] = np.zeros([99, 3, 4, 4], np.float32)
    tensors["target.attn1.fully_connect_layer.0.weight"] = np.zeros([128, 256, 5, 5], np.float32)
    tensors["flow_net.encoder3.model.2.weight"] = np.zeros([7], np.float32)
    with pytest.raises(InputError, match=r"closest to the market .* \(3 problems\)") as caught:
        load_recognized("net.pth", tensors)
    assert "misshapen source.block0.model.2.weight (99, 3, 4, 4), expected (64, 3, 4, 4)" in str(caught.value)


def test_problems_of_f_have_the_prefix_of_the_file():
    tensors = released(models.FlowFieldEstimator({2: 3}), "flow_net.")
    del tensors["flow_net.mask2.0.bias"]
    with pytest.raises(
        InputError, match=r"market flow field .* \(1 problem\): missing flow_net.mask2.0.bias"
    ):
        load_recognized("net.pth", tensors)


def test_no_network_much_larger_than_its_file_is_built():
    shapes = {f"{branch}.encoder8.model.2.bias": (1,) for branch in ("source", "target", "flow_net")}
    shapes["source.block0.model.2.weight"] = shapes["target.block0.model.2.weight"] = (20_000, 1, 4, 4)
    shapes["flow_net.block0.model.2.weight"] = (20_000, 5, 4, 4)
    shapes["target.attn7.fully_connect_layer.2.weight"] = (9, 1, 1, 1)
    shapes["flow_net.output6.bias"] = (2,)
    assert person_arguments(shapes) is None
    shapes["padding"] = (100, 10**9)
    assert person_arguments(shapes)["width"] == 20_000


def test_unknown_networks():
    with pytest.raises(InputError, match=r"not a known network: its 1 tensors begin with fc.weight"):
        load_recognized("net.pth", {"fc.weight": np.zeros([2, 2], np.float32)})


def test_is_vgg19():
    names = [f"features.{i}.weight" for i in (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)]
    vgg16 = [f"features.{i}.weight" for i in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)]
    assert is_vgg19(dict.fromkeys(names))
    assert is_vgg19(dict.fromkeys(names[:5] + names[8:]))
    assert not is_vgg19(dict.fromkeys(vgg16))
    assert not is_vgg19({"source.features.0.weight": None})
