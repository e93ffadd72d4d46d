"""The parts of which PNG, JPEG and WebP files consist, located without decoding them.

At most `max_segments` parts are read, so that a file of many tiny ones takes little time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gfla_tf.images.limits import max_segments

Part = tuple[bytes, int, int]
"""The name of a part, and the range [begin, end) of its content in bytes."""

_MARKER = re.compile(rb"\xff+([^\x00\xff\xd9\xda])", re.DOTALL)  # of a segment, after any fill bytes


def png_chunks(data: bytes) -> Iterator[Part]:
    """Yields the chunks of a PNG file up to IEND, or up to the first incomplete one.

    Raises:
      ValueError: there are too many.
    """
    begin = 8
    for _ in _steps(data):
        end = begin + 8 + int.from_bytes(data[begin : begin + 4], "big")
        if begin + 12 > len(data) or end + 4 > len(data):
            return
        name = data[begin + 4 : begin + 8]
        yield name, begin + 8, end
        if name == b"IEND":
            return
        begin = end + 4


def webp_chunks(data: bytes) -> Iterator[Part]:
    """Yields the chunks of a WebP file, or those before the first incomplete one.

    Raises:
      ValueError: there are too many.
    """
    begin = 12
    for _ in _steps(data):
        end = begin + 8 + int.from_bytes(data[begin + 4 : begin + 8], "little")
        if begin + 8 > len(data) or end > len(data):
            return
        yield data[begin : begin + 4], begin + 8, end
        begin = end + end % 2


def jpeg_segments(data: bytes) -> Iterator[Part]:
    """Yields the segments of a JPEG file before its first scan; the name is the byte of the marker.

    Anything between two segments, other than fill bytes, ends them.

    Raises:
      ValueError: there are too many.
    """
    begin = 2
    for _ in _steps(data):
        marker = _MARKER.match(data, begin)
        if marker is None:
            return
        begin = marker.end()
        end = begin + int.from_bytes(data[begin : begin + 2], "big")
        if end > len(data) or end < begin + 2:
            return
        yield marker[1], begin + 2, end
        begin = end


def _steps(data):
    """Yields once per part; raises an error after the accepted number."""
    limit = max_segments(len(data))
    yield from range(limit + 1)
    raise ValueError(f"it has more than {limit:,} parts")
