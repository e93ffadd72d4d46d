"""The bytes of a file and the segments of a JPEG file inside a graph.

The loop ends after a limited number of steps, so that a file of many tiny segments takes little time.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

_WINDOW = 65536  # bytes searched for a marker at a time
_SIGNATURE = 2  # bytes before the first segment
_END, _SCAN, _TEM = 0xD9, 0xDA, 0x01  # markers


class JpegSegments(NamedTuple):
    """The segments of a JPEG file.

    Attributes:
      count: int64 scalar, the number of segments.
      scans: int64 scalar, the number of scans.
      complete: bool scalar, whether the file has an end.
    """

    count: tf.Tensor
    scans: tf.Tensor
    complete: tf.Tensor


def byte_length(data: tf.Tensor) -> tf.Tensor:
    """Returns the number of bytes of a string, int64 scalar."""
    return tf.cast(tf.strings.length(data), tf.int64)


def bytes_at(data: tf.Tensor, position: tf.Tensor, count: int) -> tf.Tensor:
    """Returns `count` bytes of a string, uint8 [count]; zeros after its end."""
    begin = tf.cast(tf.minimum(position, byte_length(data)), tf.int32)
    return tf.io.decode_raw(tf.strings.substr(data, begin, count), tf.uint8, fixed_length=count)[:count]


def big_endian(values: tf.Tensor) -> tf.Tensor:
    """Returns the integer of big-endian bytes [n], int64 scalar."""
    count = values.shape[0]
    return tf.reduce_sum(tf.cast(values, tf.int64) * [256**power for power in reversed(range(count))])


def jpeg_segments(data: tf.Tensor, limit: tf.Tensor) -> JpegSegments:
    """Reads the markers of a JPEG file up to its end; those within a segment's content are not counted.

    Args:
      data: String scalar, the bytes of the file.
      limit: int64 scalar. Reading ends after `limit` + 1 segments.
    """
    length = byte_length(data)

    def more(position, count, scans, complete):
        return (position + 1 < length) & (count <= limit)

    def step(position, count, scans, complete):
        window = tf.io.decode_raw(tf.strings.substr(data, tf.cast(position, tf.int32), _WINDOW), tf.uint8)
        second = window[1:]
        restart = (second >= 0xD0) & (second <= 0xD7)
        is_marker = (window[:-1] == 0xFF) & (second != 0) & (second != 0xFF) & ~restart
        first = tf.argmax(tf.cast(is_marker, tf.uint8))
        found, marker = is_marker[first], second[first]
        content = position + first + 2
        size = tf.where(marker == _TEM, tf.zeros([], tf.int64), big_endian(bytes_at(data, content, 2)))
        after = tf.where(marker == _END, length, content + size)
        nothing = position + tf.size(second, tf.int64)  # the last byte may begin a marker
        counted = tf.cast(found, tf.int64)
        return (
            tf.where(found, after, nothing),
            count + counted,
            scans + tf.where(marker == _SCAN, counted, 0),
            complete | (found & (marker == _END)),
        )

    zero = tf.zeros([], tf.int64)
    start = tf.constant(_SIGNATURE, tf.int64), zero, zero, tf.constant(False)
    return JpegSegments(*tf.while_loop(more, step, start, parallel_iterations=1)[1:])
