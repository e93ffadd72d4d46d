"""The random affine maps of Market-1501: images and keypoints move together, by the stated amounts."""

import math

import cv2
import numpy as np
import tensorflow as tf

from gfla_tf.data import Market1501
from gfla_tf.data.augment import FILL, move_images, move_keypoints, random_affine_pairs
from gfla_tf.images.io import encode_image

SIZE = (64, 48)


def _spots(count=6):
    """Images with one bright Gaussian spot each, and keypoints on it."""
    rng = np.random.default_rng(0)
    points = rng.uniform(16, 32, (count, 1, 2)).astype(np.float32)
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    distance = (y - points[..., 0:1]) ** 2 + (x - points[..., 1:2]) ** 2
    images = np.repeat(np.exp(-distance / 8)[..., None], 3, -1).astype(np.float32)
    keypoints = np.full((count, 18, 2), -1.0, np.float32)
    keypoints[:, 0] = points[:, 0]
    return images, keypoints


def _centers(images, background):
    weight = np.clip(images[..., 0] - background, 0, None) ** 2
    axes = np.mgrid[: SIZE[0], : SIZE[1]]
    return np.stack([(weight * axis).sum((1, 2)) / weight.sum((1, 2)) for axis in axes], -1)


def test_images_and_keypoints_move_together():
    images, keypoints = _spots()
    angle = tf.constant(np.radians([0, 5, -5, 3, 0, 30]), tf.float32)
    shift = tf.constant([[0, 0], [0, 0], [0, 0], [4, -3], [5, 0], [0, 5]], tf.float32)
    scale = tf.constant([1, 1, 1.05, 0.95, 1, 0.9], tf.float32)
    moved = move_images(images, SIZE, angle, shift, scale).numpy()
    points = move_keypoints(keypoints, SIZE, angle, shift, scale).numpy()
    np.testing.assert_allclose(moved[0], images[0], atol=1e-5)
    np.testing.assert_allclose(points[:, 0], _centers(moved, 0.05), atol=0.15)
    np.testing.assert_allclose(points[4, 0], keypoints[4, 0] + [0, 5], atol=1e-4)
    assert (points[:, 1:] == -1).all()
    np.testing.assert_allclose(moved[4, :, :4], FILL, atol=1e-6)


def test_keypoints_that_leave_the_frame_are_missing():
    points = np.full((1, 18, 2), 2.0, np.float32)
    one = tf.ones([1])
    moved = move_keypoints(points, SIZE, one * 0.0, tf.constant([[-3.0, 0.0]]), one)
    assert (moved.numpy() == -1).all()


def test_parameters_stay_in_range_and_the_target_moves_less():
    count = 400
    points = np.zeros((count, 18, 2), np.float32)
    points[:, :2] = [[31.5, 23.5], [31.5, 33.5]]  # the center, and 10 pixels to its right
    batch = {
        "source_image": np.zeros((count, *SIZE, 3), np.float32),
        "target_image": np.zeros((count, *SIZE, 3), np.float32),
        "source_keypoints": points,
        "target_keypoints": points,
        "draw": tf.range(count, dtype=tf.int64),
    }
    result = random_affine_pairs(batch, SIZE, seed=1)
    assert set(result) == set(batch) - {"draw"}
    measured = {}
    for which in ("source", "target"):
        moved = result[f"{which}_keypoints"].numpy().astype(np.float64)
        shift, arm = moved[:, 0] - points[:, 0], moved[:, 1] - moved[:, 0]
        measured[which] = shift, np.arctan2(arm[:, 0], arm[:, 1]), np.linalg.norm(arm, axis=-1) / 10
    shift, angle, scale = measured["source"]
    assert 4.5 < np.abs(shift).max() <= 5.001
    assert 4.5 < np.degrees(np.abs(angle).max()) <= 5.001
    assert 0.9499 <= scale.min() < 0.96
    assert 1.04 < scale.max() <= 1.0501
    np.testing.assert_allclose(measured["target"][0], shift * 0.5, atol=1e-4)
    np.testing.assert_allclose(measured["target"][1], angle * 0.2, atol=math.radians(0.01))
    np.testing.assert_allclose(measured["target"][2], 1.0, atol=1e-4)


def _write_markers(root, count):
    """A Market-1501 folder of `count` gray images with a disc in each color, each a keypoint."""
    (root / "train").mkdir()
    rng = np.random.default_rng(3)
    rows, names = ["name:keypoints_y:keypoints_x"], [f"{number:04}.png" for number in range(count)]
    for name in names:
        points = np.full((18, 2), -1)
        points[:3] = rng.integers([16, 14], [112, 50], (3, 2))
        image = np.full((128, 64, 3), 128, np.uint8)
        for channel, (y, x) in enumerate(points[:3].tolist()):
            disc = np.zeros((128, 64), np.uint8)
            cv2.circle(disc, (x, y), 2, 127, -1)
            image[..., channel] += disc
        (root / "train" / name).write_bytes(encode_image(name, image))
        rows.append(f"{name}:{points[:, 0].tolist()}:{points[:, 1].tolist()}")
    pairs = [f"{name},{names[number - 1]}" for number, name in enumerate(names)]
    (root / "market-annotation-train.csv").write_text("\n".join(rows))
    (root / "market-pairs-train.csv").write_text("\n".join(["from,to", *pairs]))


def test_markers_stay_on_the_keypoints_of_500_samples(tmp_path):
    _write_markers(tmp_path, 500)
    y, x = np.mgrid[:128, :64][..., None]
    still = list(Market1501(tmp_path, augment=False).as_dataset("train", 100, shuffle=False))
    moved = list(Market1501(tmp_path).as_dataset("train", 100, shuffle=False, seed=11))
    for which, farthest in (("source", 8), ("target", 3)):
        images = np.concatenate([batch[f"{which}_image"] for batch in moved])
        points = np.concatenate([batch[f"{which}_keypoints"] for batch in moved])
        before = np.concatenate([batch[f"{which}_keypoints"] for batch in still])
        assert len(images) == 500
        weight = np.clip(images - FILL - 0.05, 0, None)  # [500, 128, 64, 3]
        centers = np.stack([(weight * axis).sum((1, 2)) / weight.sum((1, 2)) for axis in (y, x)], -1)
        assert (points[:, :3] >= 0).all()
        assert (points[:, 3:] == -1).all()
        assert np.linalg.norm(centers - points[:, :3], axis=-1).max() < 0.5
        assert np.linalg.norm(points[:, :3] - before[:, :3], axis=-1).max() > farthest
