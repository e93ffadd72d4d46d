"""Requests to the signatures from a process without gfla_tf: correct images and clear errors."""

import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.export.serving import Serving
from gfla_tf.images.io import decode_image, encode_image
from gfla_tf.models import PersonImageGenerator
from gfla_tf.pose.heatmaps import pose_heatmaps
from tests.export.conftest import SIZES, generate_with_keras, request
from tests.images import pictures

LEVEL = 1  # of 255: values that are rounded the other way


def _difference(actual, expected):
    return np.abs(np.asarray(actual).astype(int) - np.asarray(expected)).max()


@pytest.mark.slow
def test_images_match_the_keras_model(model, answers):
    batches = [request(SIZES[:count]) for count in (1, 3, 8)]
    sources = [{name: one[name] for name in ("source_bytes", "source_keypoints")} for one in batches]
    first = answers(
        [("serving_default", one) for one in batches] + [("encode_source", one) for one in sources]
    )
    whole, encoded = first[:3], first[3:]
    one_for_all = {field: value[:1] for field, value in encoded[2].items()}
    targets = [one["target_keypoints"] for one in batches]
    inside = np.minimum(targets[2], np.float32([60, 60]))  # inside the first photo
    later = answers(
        [("render", {**one, "target_keypoints": to}) for one, to in zip(encoded, targets, strict=True)]
        + [("render", {**one_for_all, "target_keypoints": inside})]
    )
    for inputs, answer, rendered in zip(batches, whole, later[:3], strict=True):
        assert answer["image"].dtype == np.uint8
        assert _difference(answer["image"], rendered["image"]) == 0
        for row, data in enumerate(answer["image_bytes"]):
            wanted = generate_with_keras(model, inputs, row)
            got = decode_image(data)
            assert got.shape == wanted.shape
            assert _difference(got, wanted) <= LEVEL
            assert (
                _difference(answer["image"][row], generate_with_keras(model, inputs, row, size="model"))
                <= LEVEL
            )
            assert _difference(decode_image(rendered["image_bytes"][row]), got) == 0
    first_photo_in_eight_poses = {
        "source_bytes": np.repeat(batches[2]["source_bytes"][:1], 8),
        "source_keypoints": np.repeat(batches[2]["source_keypoints"][:1], 8, 0),
        "target_keypoints": inside,
    }
    for row, data in enumerate(later[3]["image_bytes"]):
        assert (
            _difference(decode_image(data), generate_with_keras(model, first_photo_in_eight_poses, row))
            <= LEVEL
        )


@pytest.mark.slow
def test_frame_sizes_and_tensors_match_the_keras_model(model, answers):
    inputs = request(SIZES[:3])
    frames = {
        "source_size": np.array([[128, 128], [60, 45], [400, 700]], np.int32),
        "target_size": np.array([[64, 200], [90, 90], [20, 10]], np.int32),
    }
    photos = np.array(SIZES[:3], np.float32)[:, None]
    for which in ("source", "target"):
        points = inputs[f"{which}_keypoints"]
        scaled = points / photos * frames[f"{which}_size"][:, None].astype(np.float32)
        inputs[f"{which}_keypoints"] = np.where(points < 0, points, scaled).astype(np.float32)
    images = np.random.default_rng(3).uniform(-1, 1, (2, 32, 48, 3)).astype(np.float32)
    poses = pose_heatmaps(np.random.default_rng(4).uniform(0, 32, (2, 2, 18, 2)), (32, 48), 2.0).numpy()
    maps = {"source_image": images, "source_pose": poses[0], "target_pose": poses[1]}
    sized, tensors = answers([("sized", {**inputs, **frames}), ("tensors", maps)])
    for row, data in enumerate(sized["image_bytes"]):
        sides = {f"{which}_frame": tuple(frames[f"{which}_size"][row]) for which in ("source", "target")}
        assert _difference(decode_image(data), generate_with_keras(model, inputs, row, **sides)) <= LEVEL
    wanted = model.named_outputs(model(maps))
    assert set(tensors) == set(wanted) == {"image", "flow_0", "flow_1", "mask_0", "mask_1"}
    for name, value in wanted.items():
        np.testing.assert_allclose(tensors[name], value, atol=1e-4, err_msg=name)


def _bad_requests():
    """Returns {mistake: (signature, inputs, field in the message, part of the message)}."""
    good = request(SIZES[:2])
    jpeg, png = (encode_image(name, pictures.gradient(80, 60)) for name in ("a.jpg", "a.png"))
    points, pixels = good["source_keypoints"], "source_bytes must declare 1 to 64000000 pixels"
    kinds = "source_bytes must be PNG or JPEG"

    def files(data):
        return {"source_bytes": np.array([png, data], object)}

    def changed(values, row, value):
        values = values.copy()
        values[row] = value
        return values

    def missing(name):
        return {key: value for key, value in good.items() if key != name}

    of_eighteen = "must be of shape [N, 18, 2], got"
    defaults = {
        "an empty string": (files(b""), "source_bytes", "empty string in row"),
        "text": (files(b"dear diary"), "source_bytes", kinds),
        "a truncated JPEG": (files(jpeg[:-300]), "source_bytes", "truncated JPEG file in row"),
        "a JPEG's beginning": (files(jpeg[:15]), "source_bytes", "truncated JPEG file in row"),
        "a truncated PNG": (files(png[:-300]), "source_bytes", "truncated or damaged PNG file in row"),
        "a damaged PNG": (files(png[:90] + b"\0\1\2" + png[93:]), "source_bytes", "Invalid PNG data"),
        "a bomb": (files(pictures.huge_png()), "source_bytes", pixels),
        "a huge JPEG": (files(pictures.huge_jpeg()), "source_bytes", pixels),
        "a GIF": (files(b"GIF89a" + bytes(90)), "source_bytes", kinds),
        "a WebP": (files(encode_image("a.webp", pictures.gradient(9, 9))), "source_bytes", kinds),
        "a BMP": (files(encode_image("a.bmp", pictures.gradient(9, 9))), "source_bytes", kinds),
        "bytes of rank 2": (
            {"source_bytes": np.array([[png], [png]], object)},
            "source_bytes",
            "shape [N], got",
        ),
        "one image without a batch": (
            {"source_bytes": np.array(png, object)},
            "source_bytes",
            "shape [N], got",
        ),
        "keypoints of rank 2": ({"source_keypoints": points[0]}, "source_keypoints", of_eighteen),
        "17 keypoints": ({"target_keypoints": points[:, :17]}, "target_keypoints", of_eighteen),
        "3 coordinates": ({"source_keypoints": np.zeros((2, 18, 3), "f")}, "source_keypoints", of_eighteen),
        "NaN": (
            {"source_keypoints": changed(points, (1, 2, 0), np.nan)},
            "source_keypoints",
            "NaN or infinity",
        ),
        "infinity": (
            {"target_keypoints": changed(points, (0, 2, 1), -np.inf)},
            "target_keypoints",
            "NaN or infinity",
        ),
        "fewer targets": (
            {"target_keypoints": points[:1]},
            "target_keypoints",
            "as many rows as source_bytes",
        ),
        "fewer sources": (
            {"source_keypoints": points[:1]},
            "source_keypoints",
            "as many rows as source_bytes",
        ),
        "an empty batch": ({name: value[:0] for name, value in good.items()}, "source_bytes", "is empty"),
        "no keypoint": (
            {"source_keypoints": changed(points, 1, -1.0)},
            "source_keypoints",
            "must have a keypoint inside",
        ),
        "fractions": ({"source_keypoints": points / 300}, "source_keypoints", "must be in pixels"),
        "most outside": ({"target_keypoints": points * 3}, "target_keypoints", "must be inside the frame"),
        "all outside": (
            {"target_keypoints": points + 1e6},
            "target_keypoints",
            "must have a keypoint inside",
        ),
    }
    bad = {
        name: ("serving_default", {**good, **change}, *expected)
        for name, (change, *expected) in defaults.items()
    }
    many = {name: np.repeat(value, 257, axis=0) for name, value in good.items()}
    bad["many rows"] = ("serving_default", many, "source_bytes", "at most 512 rows in a request")
    bad["a missing field"] = (
        "serving_default",
        missing("target_keypoints"),
        "target_keypoints",
        "must feed a value",
    )
    sized = {
        **good,
        "source_size": np.array(SIZES[:2], np.int32),
        "target_size": np.array(SIZES[:2], np.int32),
    }
    for name, field, value, words in (
        ("a size of 0", "source_size", [[64, 64], [0, 90]], "of 1 to 1048575 pixels"),
        ("a negative size", "target_size", [[64, -64], [120, 90]], "of 1 to 1048575 pixels"),
        ("a size of three", "target_size", [[64, 64, 3], [120, 90, 3]], "shape [N, 2], got"),
        ("fewer sizes", "source_size", [[64, 64]], "as many rows as source_bytes"),
    ):
        bad[name] = ("sized", {**sized, field: np.array(value, np.int32)}, field, words)
    blank = {
        n: np.zeros((1, 32, 32, 3 if n == "source_image" else 18), "f")
        for n in ("source_image", "source_pose")
    }
    blank["target_pose"] = blank["source_pose"]
    for name, field, shape, words in (
        ("a size not divisible", "source_image", (1, 33, 32, 3), "divisible by 16"),
        ("an empty image", "source_image", (1, 0, 32, 3), "divisible by 16"),
        ("a pose of another size", "target_pose", (1, 16, 32, 18), "height and width of source_image"),
        ("17 maps", "source_pose", (1, 32, 32, 17), "shape [N, N, N, 18], got"),
        ("more poses", "target_pose", (2, 32, 32, 18), "as many rows as source_image"),
    ):
        bad[name] = ("tensors", {**blank, field: np.zeros(shape, "f")}, field, words)
    nan = np.full((1, 32, 32, 3), np.nan, "f")
    bad["an image of NaN"] = ("tensors", {**blank, "source_image": nan}, "source_image", "NaN or infinity")
    return bad


def _bad_encoded(encoded):
    """Returns the bad requests of `render`, in the form of `_bad_requests`."""
    good = {**encoded, "target_keypoints": request(SIZES[:3])["target_keypoints"]}
    feature = encoded["encoded_feature_0"]
    changes = {
        "features of another model": ("encoded_feature_0", feature[:, :3], "of shape [N, 16, 16, 64], got"),
        "features of NaN": (
            "encoded_feature_1",
            encoded["encoded_feature_1"] * np.float32("nan"),
            "NaN or infinity",
        ),
        "projections mixed up": (
            "encoded_projected_0",
            encoded["encoded_projected_1"],
            "of shape [N, 18, 18, 48], got",
        ),
        "fewer flow parts": ("encoded_flow_source", encoded["encoded_flow_source"][:2], "as many rows as"),
        "two sources, three poses": (
            "target_keypoints",
            good["target_keypoints"][:2],
            "as there are encoded sources",
        ),
        "a huge image": ("encoded_size", np.full((3, 2), 60000, np.int32), "of at most 64000000 pixels"),
        "a side that PNG does not have": (
            "encoded_size",
            np.full((3, 2), (64_000_000, 1), np.int32),
            "must be (height, width) of 1 to 1000000 pixels",
        ),
        "an image of size 0": ("encoded_size", np.zeros((3, 2), np.int32), "must be (height, width) of 1"),
    }
    bad = {
        name: ("render", {**good, field: value}, field, words)
        for name, (field, value, words) in changes.items()
    }
    one = {name: value[:1] for name, value in encoded.items()}
    poses = np.repeat(good["target_keypoints"][:1], 513, axis=0)
    bad["many poses"] = ("render", {**one, "target_keypoints": poses}, "target_keypoints", "at most 512 rows")
    large = {**one, "encoded_size": np.full((1, 2), 8000, np.int32), "target_keypoints": poses[:5]}
    bad["many large images"] = ("render", large, "encoded_size", "at most 256000000 pixels over all rows")
    return bad


@pytest.mark.slow
def test_malformed_requests_are_rejected_by_field(answers):
    """The same session answers a good request after each malformed one, with the same bytes."""
    inputs = request(SIZES[:3])
    source = {name: inputs[name] for name in ("source_bytes", "source_keypoints")}
    (encoded,) = answers([("encode_source", source)])
    bad = {**_bad_requests(), **_bad_encoded(encoded)}
    assert len(bad) >= 40
    good = ("serving_default", inputs)
    requests = [one for name, inputs, *_ in bad.values() for one in ((name, inputs), good)]
    replies = answers([good, *requests])
    for (mistake, (_, _, field, words)), reply in zip(bad.items(), replies[1::2], strict=True):
        assert reply.get("error") == "InvalidArgumentError", mistake
        assert field in reply["message"], (mistake, reply["message"])
        assert words in reply["message"], (mistake, reply["message"])
    for reply in replies[::2]:
        assert list(reply["image_bytes"]) == list(replies[0]["image_bytes"])


@pytest.mark.slow
def test_a_wrong_dtype_is_rejected(answers):
    inputs = {**request(SIZES[:1]), "source_keypoints": np.zeros((1, 18, 2), np.int32)}
    good = ("serving_default", request(SIZES[:1]))
    rejected, served = answers([("serving_default", inputs), good])
    assert rejected["error"] == "InvalidArgumentError"
    assert "image" in served


def test_models_and_options_that_cannot_be_served():
    model = PersonImageGenerator.from_preset("synthetic", load_weights=False)
    with pytest.raises(ValueError, match="fit must be one of"):
        Serving(model, fit="crop")
    with pytest.raises(InputError, match="divisible by 16, got 64x40"):
        Serving(model, size=(64, 40))
    for limit in (65_535, 64_000_001):
        with pytest.raises(InputError, match="must be from 65,536 to 64,000,000, got"):
            Serving(model, max_pixels=limit)
    other = PersonImageGenerator.from_preset("synthetic", load_weights=False, pose_channels=17)
    with pytest.raises(InputError, match="18 pose channels, got 3 and 17"):
        Serving(other)
