"""The checks of keypoints inside a graph decide as those of `gfla_tf.generate`."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.errors import InputError
from gfla_tf.export.keypoint_checks import check_keypoints, mask_keypoints_outside
from gfla_tf.pose.frame import keep_inside
from gfla_tf.pose.units import check_pixels
from tests.pose.pose_files import upright

FRAME = (256, 176)
MISSING = np.full((18, 2), -1.0, np.float32)
ONE_PIXEL = np.concatenate([np.ones((1, 2), np.float32), MISSING[1:]])
MIXED = np.where(np.arange(18)[:, None] < 7, np.float32(0.4), upright())
PIXELS, SWAPPED = "must be in pixels, got fractions", "whose height and width may be swapped"


@pytest.fixture(scope="module")
def check():
    @tf.function(
        input_signature=[
            tf.TensorSpec(None, tf.float32),
            tf.TensorSpec([None, 2], tf.int32),
            tf.TensorSpec([None], tf.bool),
        ]
    )
    def graph(points, frames, maybe_swapped):
        return mask_keypoints_outside(check_keypoints(points, "pose"), frames, "pose", maybe_swapped)

    return graph


@pytest.mark.parametrize(
    ("points", "frame", "maybe_swapped", "message"),
    [
        (upright(), FRAME, True, None),
        (upright(), FRAME[::-1], False, None),
        (upright(), FRAME[::-1], True, SWAPPED),
        (upright(), (88, 256), False, "too many are outside"),
        (upright() * np.float32((4, 1)), (176, 1024), False, SWAPPED),
        (upright(), (9, 9), False, "must have a keypoint inside"),
        (ONE_PIXEL, FRAME, False, None),
        (upright() / np.float32(FRAME), FRAME, False, PIXELS),
        (np.concatenate([[(1.4, 2.7)], upright()[1:] / np.float32(FRAME)]), FRAME, False, PIXELS),
        (np.rint(upright() / np.float32(FRAME)), FRAME, False, PIXELS),
        (upright() / np.float32((128, 88)) - 1, FRAME, False, PIXELS),
        (MIXED, FRAME, False, PIXELS),
    ],
)
def test_the_graph_decides_as_the_package(check, points, frame, maybe_swapped, message):
    rows = np.stack([upright(), points]).astype(np.float32)

    def package():
        check_pixels(rows[1:], "pose")
        return keep_inside(rows[1], frame, "pose", maybe_swapped)

    arguments = rows, [FRAME, frame], [False, maybe_swapped]
    if message is None:
        np.testing.assert_array_equal(check(*arguments)[1], package())
        return
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"\[pose [^]]*{message}[^]]*\] \[1\]"):
        check(*arguments)
    with pytest.raises(InputError):
        package()
