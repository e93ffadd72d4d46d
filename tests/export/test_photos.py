"""The pixels of all photos of a request are limited, and large photos are processed one after another."""

import pytest
import tensorflow as tf

from gfla_tf.export.photos import Photos
from gfla_tf.images.io import decode_image
from tests.images import pictures

FILES = [pictures.png(0, 8, [bytes([level] * 30)] * 20, (20, 30)) for level in range(5)]


def test_photos_together():
    photos = Photos((16, 16), "letterbox", max_pixels=600)
    decode = tf.function(photos.decode, input_signature=[tf.TensorSpec([None], tf.string)])
    restore = tf.function(
        photos.restore,
        input_signature=[tf.TensorSpec([None, 16, 16, 3], tf.uint8), tf.TensorSpec([None, 2], tf.int32)],
    )
    for count in (1, 4):  # in parallel, one after another
        images, sizes = decode(FILES[:count])
        assert images.numpy()[:, 8, 8, 0].tolist() == list(range(count))
        restored = [decode_image(data) for data in restore(images, sizes).numpy()]
        assert [image[0, 0, 0] for image in restored] == list(range(count))
        assert {image.shape for image in restored} == {(20, 30, 3)}
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 2400 pixels over all rows"):
        decode(FILES)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must declare 1 to 600 pixels"):
        decode([pictures.png(0, 8, [], (20, 31))])
