"""The pixels of all photos of a request are limited, and large photos are processed one after another."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.export import graph_resize
from gfla_tf.export.photos import Photos
from gfla_tf.images import frame
from gfla_tf.images.io import decode_image
from tests.images import pictures

FILES = [pictures.png(0, 8, [bytes([level] * 30)] * 20, (20, 30)) for level in range(5)]


def test_photos_together():
    photos = Photos((16, 16), "letterbox", max_pixels=600)
    for count in (1, 4):  # in parallel, one after another
        images, sizes = photos.decode(FILES[:count])
        assert images.numpy()[:, 8, 8, 0].tolist() == list(range(count))
        restored = [decode_image(data) for data in photos.restore(images, sizes).numpy()]
        assert [image[0, 0, 0] for image in restored] == list(range(count))
        assert {image.shape for image in restored} == {(20, 30, 3)}
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 2400 pixels over all rows"):
        photos.decode(FILES)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must declare 1 to 600 pixels"):
        photos.decode([pictures.png(0, 8, [], (20, 31))])


def test_a_wide_photo_is_resized_in_the_other_order(monkeypatch):
    """The order of the two passes changes no pixel by more than one level."""
    photos = Photos((16, 16), "resize", max_pixels=600)
    noise = np.random.default_rng(0).integers(0, 256, (3, 200)).astype(np.uint8)
    data = tf.constant([pictures.png(0, 8, noise, noise.shape)])
    images, sizes = photos.decode(data)
    expected = decode_image(photos.restore(images, sizes).numpy()[0])
    for part in (frame, graph_resize):
        monkeypatch.setattr(part, "_MAX_PASS_PIXELS", 100)
    flipped, _ = photos.decode(data)
    restored = decode_image(photos.restore(images, sizes).numpy()[0])
    assert np.abs(flipped.numpy().astype(int) - images).max() <= 1
    assert np.abs(restored.astype(int) - expected).max() <= 1
