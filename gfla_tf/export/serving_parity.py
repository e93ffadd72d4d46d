"""Whether an exported model answers as the Keras model that it was made of."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from gfla_tf.errors import InputError
from gfla_tf.export.request_checks import NUM_KEYPOINTS
from gfla_tf.generate import generate
from gfla_tf.images.frame import Frame
from gfla_tf.images.io import decode_image, encode_image
from gfla_tf.pose.heatmaps import pose_heatmaps

TOLERANCES = {
    "image": 1 / 255,  # of the 0..1 range: a value that falls on the other side of a half
    "image_bytes": 2 / 255,  # the same after enlarging, whose cubic weights overshoot
    "encoded_path": 1 / 255,
    "tensors": 1e-3,  # of images in [-1, 1], masks, and flows in pixels
}
"""Largest differences that an export may have from the Keras model."""

_PROPORTIONS = ((1.6, 1.1), (1.0, 1.0), (0.4, 0.9))  # of the photographs, over the model's frame


def measure_parity(model, signatures: dict, size: tuple[int, int], fit: str) -> dict[str, float]:
    """The largest differences, over three photographs of different sizes in one request, JPEG and PNG.

    Args:
      model: the `PersonImageGenerator`.
      signatures: of the exported model, loaded again.
      size: (H, W), the exported model's frame.
      fit: as it was exported.

    Returns:
      "image" and "image_bytes": `serving_default` against `gfla_tf.generate.generate`, of the 0..1 range;
      "encoded_path": `render` of `encode_source` against `serving_default`, likewise; "tensors": that
      signature against the model's call, over all its outputs.
    """
    photos, points, targets = _request(size)
    source = {"source_bytes": tf.constant(photos), "source_keypoints": tf.constant(points)}
    target = {"target_keypoints": tf.constant(targets)}
    answer = signatures["serving_default"](**source, **target)
    apart = signatures["render"](**signatures["encode_source"](**source), **target)
    image, pictures = answer["image"].numpy(), [decode_image(data) for data in answer["image_bytes"].numpy()]
    decoded = [decode_image(photo) for photo in photos]
    wanted = [
        generate(model, rgb, *poses, fit=fit, size="model", model_size=size).image
        for rgb, *poses in zip(decoded, points, targets, strict=True)
    ]
    restored = [
        Frame.fit(rgb.shape[:2], size, fit).restore(one) for rgb, one in zip(decoded, wanted, strict=True)
    ]
    return {
        "image": _levels(image, wanted),
        "image_bytes": _levels(pictures, restored),
        "encoded_path": _levels(image, apart["image"].numpy()),
        "tensors": _tensors(model, signatures["tensors"], size, points, targets),
    }


def check_parity(found: dict[str, float]) -> None:
    """Raises `InputError` where a difference is beyond `TOLERANCES`, or not a number."""
    for name, value in found.items():
        if not value <= TOLERANCES[name]:
            raise InputError(
                f"the exported model differs from the Keras model: {name} by {value:.3g}, where "
                f"{TOLERANCES[name]:.3g} is accepted; nothing was written"
            )


def _request(size):
    """Photographs, encoded, and two poses of each: the same every time."""
    rng = np.random.default_rng(0)
    photos, points, targets = [], [], []
    for number, factors in enumerate(_PROPORTIONS):
        sides = [round(side * factor) for side, factor in zip(size, factors, strict=True)]
        coarse = rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)
        photo = np.kron(coarse, np.ones([-(-side // 8) for side in sides] + [1], np.uint8))
        photos.append(encode_image(("a.jpg", "a.png")[number % 2], photo[: sides[0], : sides[1]]))
        poses = rng.uniform(0, sides, (2, NUM_KEYPOINTS, 2)).astype(np.float32)
        poses[:, number] = -1.0
        points.append(poses[0])
        targets.append(poses[1])
    return photos, np.stack(points), np.stack(targets)


def _tensors(model, signature, size, points, targets):
    """The largest difference of the networks' outputs, for random images."""
    images = np.random.default_rng(1).uniform(-1, 1, (len(points), *size, 3)).astype(np.float32)
    inputs = {"source_image": tf.constant(images)}
    for name, keypoints in (("source_pose", points), ("target_pose", targets)):
        inputs[name] = pose_heatmaps(keypoints % np.float32(size), size, model.heatmap_sigma)
    got, wanted = signature(**inputs), model.named_outputs(model(inputs, training=False))
    if set(got) != set(wanted):
        return float("inf")
    return max(float(tf.reduce_max(tf.abs(got[name] - wanted[name]))) for name in wanted)


def _levels(got, wanted):
    """The largest difference of uint8 pictures, one by one, of the 0..1 range."""
    pairs = zip(got, wanted, strict=True)
    return max(float(np.abs(one.astype(int) - other).max()) for one, other in pairs) / 255
