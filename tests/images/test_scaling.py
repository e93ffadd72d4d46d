"""The value ranges of images and pose maps: uint8 is scaled, other ranges are refused."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.images.scaling import check_maps, scale_images


@pytest.mark.parametrize("convert", [np.asarray, tf.constant])
def test_uint8_is_scaled(convert):
    scaled = scale_images(convert(np.array([0, 51, 255], np.uint8)))
    assert scaled.dtype == tf.float32
    np.testing.assert_allclose(scaled, [-1.0, -0.6, 1.0], atol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_floats_are_unchanged(dtype):
    images = tf.cast([-1.005, -0.25, 1.005], dtype)  # rounding may exceed 1
    assert scale_images(images).dtype == dtype
    np.testing.assert_array_equal(scale_images(images), images)
    assert scale_images(tf.zeros([0, 4, 4, 3], dtype)).shape == (0, 4, 4, 3)


@pytest.mark.parametrize(
    ("images", "received"),
    [
        (np.array([0.0, 255.0], np.float32), "got 0 to 255"),
        (np.array([-1.0, 1.02]), "got -1 to 1.02"),
        (tf.constant([-1.5, 0.0], tf.bfloat16), "got -1.5 to 0"),
        (np.array([0.0, np.nan], np.float32), "got NaN"),
        (np.array([0.0, np.inf], np.float32), "got 0 to inf"),
        (np.array([0, 255], np.int32), "got int32"),
        (np.array([0, 255], np.int64), "got int64"),
        (np.array([0, 255], np.uint16), "got uint16"),
        (np.array([False, True]), "got bool"),
    ],
)
def test_other_ranges_and_dtypes(images, received):
    with pytest.raises(ValueError, match=rf"photo must be uint8 in \[0, 255\] or .*\[-1, 1\], {received}"):
        scale_images(images, "photo")


def test_graphs_have_no_check():
    """An exported graph stays a graph of image operators only."""
    graph = tf.function(scale_images).get_concrete_function(tf.TensorSpec([None], tf.float32)).graph
    assert not [operation for operation in graph.get_operations() if operation.type == "Assert"]


@pytest.mark.parametrize(
    ("maps", "received"),
    [
        (np.array([0.0, 255.0], np.float32), "got 0 to 255"),
        (np.array([-0.5, 1.0], np.float32), "got -0.5 to 1"),
        (np.array([0.0, np.nan], np.float32), "got NaN"),
        (np.array([0, 255], np.uint8), "got uint8"),
    ],
)
def test_pose_maps(maps, received):
    with pytest.raises(ValueError, match=rf"pose must be floating-point in \[0, 1\], {received}"):
        check_maps(maps, "pose")
    assert check_maps(np.array([0.0, 1.0]), "pose").dtype == tf.float64
