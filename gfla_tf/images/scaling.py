"""The range of images inside the networks: [-1, 1], from uint8 [0, 255]."""

import tensorflow as tf


def scale_images(images: tf.Tensor) -> tf.Tensor:
    """uint8 [0, 255] as float32 [-1, 1]; what is float already passes unchanged."""
    if images.dtype != tf.uint8:
        return images
    return tf.cast(images, tf.float32) / 127.5 - 1.0
