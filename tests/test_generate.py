"""The function behind `gfla generate`: what reaches the model, and what comes back."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.errors import InputError
from gfla_tf.generate import generate
from tests.images.pictures import gradient


class Copy:
    """Stands for a model: gives the source back, and keeps what it was given."""

    image_size = (64, 64)
    heatmap_sigma = 2.0

    def __call__(self, inputs, training=None, return_attention=False):
        self.inputs = inputs
        flows, masks = [tf.zeros([1, 32, 32, 2])], [tf.ones([1, 32, 32, 1])]
        outputs = {"image": inputs["source_image"], "flows": flows, "masks": masks}
        if return_attention:
            outputs["attentions"] = [tf.fill([1, 32, 32, 9], 1 / 9)]
        return outputs


def _one_point(y, x):
    points = np.full((18, 2), -1.0)
    points[0] = y, x
    return points


def _peak(maps):
    return np.unravel_index(np.argmax(maps[0, ..., 0]), (64, 64))


@pytest.mark.parametrize(("fit", "expected"), [("letterbox", (16, 28)), ("resize", (16, 16))])
def test_the_poses_follow_the_photo(fit, expected):
    model, photo = Copy(), gradient(200, 100)
    target = _one_point(100, 25)
    result = generate(model, photo, _one_point(100, 50), target, target_frame=(400, 100), fit=fit)
    assert _peak(model.inputs["source_pose"]) == (32, 32)
    assert _peak(model.inputs["target_pose"]) == expected
    assert result.image.shape == photo.shape
    assert np.abs(result.image.astype(int) - photo).max() < 8
    assert result.flow is None


def test_the_source_frame_is_the_whole_photo():
    model = Copy()
    generate(model, gradient(200, 100), _one_point(5, 5), _one_point(0, 0), source_frame=(10, 10))
    assert _peak(model.inputs["source_pose"]) == (32, 32)


def test_pictures_and_sizes():
    points = _one_point(3, 3)
    result = generate(
        Copy(), gradient(30, 50), points, points, size="model", pictures=("flow", "mask", "attention")
    )
    for picture in (result.image, result.flow, result.mask, result.attention):
        assert picture.shape == (64, 64, 3)
        assert picture.dtype == np.uint8
    assert (result.mask == 255).all()
    assert (result.flow == 255).all()


def test_errors():
    points, photo = _one_point(3, 3), gradient(30, 50)
    for change in ({"fit": "crop"}, {"size": "huge"}, {"pictures": ("pose",)}):
        with pytest.raises(ValueError, match=r"mode must be|unknown pictures or size"):
            generate(Copy(), photo, points, points, **change)
    with pytest.raises(ValueError, match="the photo must be uint8"):
        generate(Copy(), photo / 255.0, points, points)

    class Broken(Copy):
        def __call__(self, inputs, **options):
            return {**super().__call__(inputs, **options), "image": inputs["source_image"] * np.nan}

    with pytest.raises(InputError, match="not finite"):
        generate(Broken(), photo, points, points)
