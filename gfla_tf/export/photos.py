"""The photos of a request inside a graph: decoding into the model's frame, and encoding as PNG files."""

from __future__ import annotations

import tensorflow as tf

from gfla_tf.export import request_checks as checks
from gfla_tf.export.encoded_images import decode_png_or_jpeg, encode_png
from gfla_tf.export.file_limits import declared_pixels
from gfla_tf.export.graph_frame import GraphFrame

MAX_PHOTOS = 4
"""The largest number of pixels of the photos of a request together, as a multiple of `max_pixels`."""

_PARALLEL = 10  # photos that are processed at a time if they are small


class Photos:
    """Decoding and encoding of the rows of a request, with a limit of their pixels.

    Args:
      size: (H, W) of the model's images.
      fit: How photos are fitted into `size`: "letterbox" or "resize".
      max_pixels: The largest accepted product of a photo's height and width. Photos that have more pixels
        together are processed one after another, which bounds the memory.
    """

    def __init__(self, size: tuple[int, int], fit: str, max_pixels: int) -> None:
        self.size = size
        self.fit = fit
        self.max_pixels = max_pixels

    def decode(self, source_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Decodes encoded photos, string [N].

        Returns:
          The photos in the model's frame, uint8 [N, H, W, 3], and their sizes, int32 [N, 2].
        """

        def decode_row(row):
            with tf.name_scope("source_bytes"):  # for TensorFlow's messages about damaged files
                rgb = decode_png_or_jpeg(source_bytes[row], row, "source_bytes", self.max_pixels)
            size = tf.shape(rgb)[:2]
            return GraphFrame.fit(size, self.size, self.fit).to_frame(rgb), size

        rows = tf.range(tf.shape(source_bytes)[0])
        output = tf.TensorSpec([*self.size, 3], tf.uint8), tf.TensorSpec([2], tf.int32)
        with tf.name_scope("source_bytes"):
            pixels = tf.cond(
                tf.size(rows) > 1,  # one photo is checked when it is decoded
                lambda: tf.map_fn(
                    lambda row: declared_pixels(source_bytes[row], self.max_pixels),
                    rows,
                    fn_output_signature=tf.int64,
                ),
                lambda: tf.zeros_like(rows, tf.int64),
            )
            rows = checks.check_total_pixels(rows, pixels, "source_bytes", MAX_PHOTOS * self.max_pixels)
            return self._map(decode_row, rows, pixels, output)

    def restore(self, images: tf.Tensor, sizes: tf.Tensor) -> tf.Tensor:
        """Crops images to the photos' area, resizes them to `sizes` and encodes them.

        Args:
          images: uint8 [N, H, W, 3].
          sizes: int32 [N, 2], (height, width).

        Returns:
          PNG files, string [N].
        """

        def restore_row(row):
            return encode_png(GraphFrame.fit(sizes[row], self.size, self.fit).restore(images[row]))

        pixels = tf.reduce_prod(tf.cast(sizes, tf.int64), axis=1)
        return self._map(restore_row, tf.range(tf.shape(images)[0]), pixels, tf.string)

    def _map(self, function, rows, pixels, output):
        function = tf.function(function)  # traced once for both branches

        def map_with(parallel):
            return lambda: tf.map_fn(function, rows, fn_output_signature=output, parallel_iterations=parallel)

        small = tf.reduce_sum(pixels) <= self.max_pixels
        return tf.cond(small, map_with(_PARALLEL), map_with(1))
