"""Comparison of an exported SavedModel's signatures with the Keras model."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from gfla_tf.errors import InputError
from gfla_tf.generate import generate
from gfla_tf.images.frame import Frame
from gfla_tf.images.io import decode_image, encode_image
from gfla_tf.models import PersonImageGenerator
from gfla_tf.pose.heatmaps import pose_heatmaps
from gfla_tf.pose.keypoints import NUM_KEYPOINTS

TOLERANCES = {
    "image": 1 / 255,  # of the range 0..1: a value that is rounded the other way
    "image_bytes": 2 / 255,  # the same after enlarging, since the cubic kernel overshoots
    "encoded_path": 1 / 255,
    "tensors": 1e-3,  # of images in [-1, 1], masks, and flows in pixels
}
"""The largest accepted differences of an export from the Keras model."""

_PHOTO_SIZES = ((1.6, 1.1), (1.0, 1.0), (0.4, 0.9))  # (height, width), in units of the export's size


def measure_parity(
    model: PersonImageGenerator,
    signatures: Mapping[str, Callable[..., dict[str, tf.Tensor]]],
    size: tuple[int, int],
    fit: str,
) -> dict[str, float]:
    """Measures the largest differences over three photos of different sizes, JPEG and PNG, in one request.

    Args:
      model: The Keras model.
      signatures: The signatures of the exported model, loaded from disk.
      size: (H, W) of the export.
      fit: The `fit` of the export.

    Returns:
      A dict with "image" and "image_bytes", `serving_default` against `gfla_tf.generate`, in the
      range 0..1; "encoded_path", `render` of `encode_source` against `serving_default`, likewise; and
      "tensors", that signature against the model's call, over all outputs.
    """
    photos, points, targets = _request(size)
    source = {"source_bytes": tf.constant(photos), "source_keypoints": tf.constant(points)}
    target = {"target_keypoints": tf.constant(targets)}
    served = signatures["serving_default"](**source, **target)
    encoded_path = signatures["render"](**signatures["encode_source"](**source), **target)
    image = served["image"].numpy()
    image_bytes = [decode_image(data) for data in served["image_bytes"].numpy()]
    decoded = [decode_image(photo) for photo in photos]
    expected = [
        generate(rgb, *poses, model, fit=fit, size="model", model_size=size).image
        for rgb, *poses in zip(decoded, points, targets, strict=True)
    ]
    restored = [
        Frame.fit(rgb.shape[:2], size, fit).restore(generated)
        for rgb, generated in zip(decoded, expected, strict=True)
    ]
    return {
        "image": _image_difference(image, expected),
        "image_bytes": _image_difference(image_bytes, restored),
        "encoded_path": _image_difference(image, encoded_path["image"].numpy()),
        "tensors": _tensor_difference(model, signatures["tensors"], size, points, targets),
    }


def check_parity(parity: dict[str, float]) -> None:
    """Checks differences against `TOLERANCES`.

    Raises:
      InputError: A difference exceeds its tolerance or is NaN.
    """
    for name, value in parity.items():
        if not value <= TOLERANCES[name]:
            raise InputError(
                f"the exported model differs from the Keras model: {name} by {value:.3g}, more than "
                f"{TOLERANCES[name]:.3g}; nothing was written"
            )


def _request(size):
    """Returns fixed photos, encoded, and a source and a target pose for each."""
    rng = np.random.default_rng(0)
    photos, points, targets = [], [], []
    for number, factors in enumerate(_PHOTO_SIZES):
        sides = [round(side * factor) for side, factor in zip(size, factors, strict=True)]
        coarse = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
        photo = np.kron(coarse, np.ones([-(-side // 8) for side in sides] + [1], np.uint8))
        photos.append(encode_image(("a.jpg", "a.png")[number % 2], photo[: sides[0], : sides[1]]))
        poses = rng.uniform(0, sides, (2, NUM_KEYPOINTS, 2)).astype(np.float32)
        poses[:, number] = -1.0
        points.append(poses[0])
        targets.append(poses[1])
    return photos, np.stack(points), np.stack(targets)


def _tensor_difference(model, signature, size, points, targets):
    """Returns the largest difference of the networks' outputs for random images."""
    images = np.random.default_rng(1).uniform(-1, 1, (len(points), *size, 3)).astype(np.float32)
    inputs = {"source_image": tf.constant(images)}
    for name, keypoints in (("source_pose", points), ("target_pose", targets)):
        inputs[name] = pose_heatmaps(keypoints % np.float32(size), size, model.heatmap_sigma)
    actual, expected = signature(**inputs), model.named_outputs(model(inputs, training=False))
    if set(actual) != set(expected):
        return float("inf")
    return max(float(tf.reduce_max(tf.abs(actual[name] - expected[name]))) for name in expected)


def _image_difference(actual, expected):
    """Returns the largest difference of two lists of uint8 images in the range 0..1."""
    pairs = zip(actual, expected, strict=True)
    return max(float(np.abs(a.astype(int) - e).max()) for a, e in pairs) / 255
