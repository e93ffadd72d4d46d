"""Arguments of networks, as files may contain them: refused in one sentence before anything is built."""

import pytest
import tensorflow as tf

from gfla_tf import models
from gfla_tf.data import DeepFashion, Market1501, PairFile
from gfla_tf.features import PartFeatures, VGG19Features
from gfla_tf.synthetic import SyntheticPeople

F = {"attention_layers": {1: 3}, "width": 2, "max_width": 4, "encoder_layers": 2, "pose_channels": 2}
G = {"attention_layers": {1: 3}, "width": 2, "max_width": 4, "num_layers": 1, "attention_hidden": 2}
PERSON = {**G, "flow_width": 2, "flow_max_width": 4, "flow_encoder_layers": 2, "image_size": (8, 8)}
D = {"num_blocks": 1, "width": 2}

NOT_INTEGERS = (0, -1, 2.0, "2", True, None, float("nan"), 10**12, [2], {"a": 1})
NOT_SIGMAS = (0, -1.0, float("nan"), float("inf"), "6", True, None, [6])
SIZES = (0, [0, 8], [-4, 8], ["8", "8"], "8x8", 36, [10, 8], [8.0, 8], [8], None, [10**9, 8], {"h": 8})

CASES = [
    *(
        (models.FlowFieldEstimator, F, name, NOT_INTEGERS)
        for name in ("width", "max_width", "encoder_layers")
    ),
    *((models.FlowFieldEstimator, F, name, NOT_INTEGERS) for name in ("image_channels", "pose_channels")),
    *((models.TargetImageGenerator, G, name, NOT_INTEGERS) for name in ("width", "max_width", "num_layers")),
    (models.TargetImageGenerator, G, "guidance_channels", NOT_INTEGERS),
    (models.TargetImageGenerator, G, "attention_hidden", NOT_INTEGERS),
    (models.TargetImageGenerator, G, "average_attention", (0, 1, "yes", None)),
    (models.TargetImageGenerator, G, "normalize_source", (0, 1, "yes", None)),
    (models.TargetImageGenerator, G, "attention_layers", ({0: 3}, {1: 2}, {1: 0}, {1: True}, {1: "3"}, [3])),
    (
        models.TargetImageGenerator,
        G,
        "attention_layers",
        ({1.5: 3}, {"x": 3}, {1: 10**9 + 1}, {1: 3, "1": 5}),
    ),
    (models.PersonImageGenerator, PERSON, "image_size", SIZES),
    (models.PersonImageGenerator, PERSON, "heatmap_sigma", NOT_SIGMAS),
    (models.PersonImageGenerator, PERSON, "initial_gain", NOT_SIGMAS),
    (models.ResDiscriminator, D, "num_blocks", NOT_INTEGERS),
    (models.ResDiscriminator, D, "width", NOT_INTEGERS),
    (
        models.ResDiscriminator,
        D,
        "dtype",
        ({"a": 1}, {"class_name": "system", "module": "os"}, "int8", 3, "x"),
    ),
    (models.ResDiscriminator, D, "name", (5, "", "a/b", {"a": 1})),
    (models.ResDiscriminator, D, "trainable", (1, "yes")),
    (PartFeatures, {}, "width", NOT_INTEGERS),
    (PartFeatures, {"width": 1}, "num_parts", NOT_INTEGERS),
    (PartFeatures, {"width": 1}, "seed", (-1, 0.5, "0", True, 2**32)),
    (VGG19Features, {"weights": "random"}, "width_multiplier", (0, -1, float("nan"), "1", True, 10**6)),
    (VGG19Features, {}, "weights", ("", None, 3, {"a": 1})),
    (SyntheticPeople, {}, "image_size", (16, [16, 64], "64", [64.5, 64], [64, 10**6], [True, 64])),
    (SyntheticPeople, {}, "heatmap_sigma", (0, -1, float("nan"), "2", True)),
    (SyntheticPeople, {}, "seed", (-1, 0.5, True, "0", 2**63)),
    (SyntheticPeople, {}, "identities", ({"train": 10**12}, {"train": -1}, {"train": 2.5}, {"train": True})),
    (SyntheticPeople, {}, "images_per_identity", (1, 10**6, 2.0, True)),
    (DeepFashion, {"root": "."}, "image_size", (0, "64", [0, 64], [64, -1], [64.5, 64], [True, 64])),
    (Market1501, {"root": "."}, "heatmap_sigma", NOT_SIGMAS),
    (PairFile, {"path": "."}, "heatmap_sigma", NOT_SIGMAS),
    (SyntheticPeople, {}, "supersample", (0, 10**6, 1.5, True)),
]


@pytest.mark.parametrize(
    ("cls", "arguments", "name", "values"), CASES, ids=[f"{c.__name__}-{n}" for c, _, n, _ in CASES]
)
def test_invalid_arguments(cls, arguments, name, values):
    for value in values:
        with pytest.raises(ValueError, match=rf"{name}\b.* must ") as caught:
            cls(**{**arguments, name: value})
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 250


def test_networks_of_too_many_parameters():
    with pytest.raises(
        ValueError, match="num_blocks=10, width=4096 and max_width=4096 make a network of about"
    ):
        models.ResDiscriminator(10, width=4096, max_width=4096)


def test_people_that_do_not_fit_into_memory():
    people = SyntheticPeople((4096, 4096), identities={"train": 10**6})
    with pytest.raises(
        ValueError, match=r"1000000 people of the split 'train' need 250000.0 GiB, more than the"
    ):
        people.cache("train")


def test_the_shape_of_an_image_is_an_image_size():
    shape = tf.zeros([1, 8, 12, 3]).shape[1:3]
    assert models.PersonImageGenerator(**{**PERSON, "image_size": shape}).image_size == (8, 12)
