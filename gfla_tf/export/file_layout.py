"""The parts of PNG and JPEG files that determine colors and orientation, located inside a graph.

They are found as by `gfla_tf.images.png` and `gfla_tf.images.orientation`, in at most `max_segments` steps.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from gfla_tf.export.file_segments import big_endian, byte_length, bytes_at
from gfla_tf.images.limits import KEYWORD_BYTES, TEXT_CHUNKS, max_segments
from gfla_tf.images.orientation import EXIF

_PLTE, _TRNS, _IDAT, _EXIF, _ITXT, _IEND = (
    int.from_bytes(name, "big") for name in (b"PLTE", b"tRNS", b"IDAT", b"eXIf", b"iTXt", b"IEND")
)
_TEXT = [int.from_bytes(name, "big") for name in TEXT_CHUNKS]
_FILL, _END_OF_IMAGE, _SCAN, _APP1, _APP14 = 0xFF, 0xD9, 0xDA, 0xE1, 0xEE
_NOT_FRAMES = (0xC4, 0xC8, 0xCC)  # of the markers 0xC0 to 0xCF
_NONE = -1


class PngLayout(NamedTuple):
    """Positions and lengths in a PNG file, int64 scalars in bytes; -1 if there is no such chunk.

    Attributes:
      begin: where the search ended.
      steps: the number of chunks, or one more than the accepted.
      text: the total length of compressed text and color profiles.
      palette: the length of PLTE.
      transparency, transparency_end: the data of tRNS.
      pixels: the length of the last IDAT.
      exif, exif_end: the data of eXIf.
      misplaced: bool, whether PLTE or tRNS is repeated or not where it belongs.
      complete: bool, whether there is IEND.
    """

    begin: tf.Tensor
    steps: tf.Tensor
    text: tf.Tensor
    palette: tf.Tensor
    transparency: tf.Tensor
    transparency_end: tf.Tensor
    pixels: tf.Tensor
    exif: tf.Tensor
    exif_end: tf.Tensor
    misplaced: tf.Tensor
    complete: tf.Tensor


class JpegLayout(NamedTuple):
    """Header of a JPEG file before its first scan, int64 scalars; -1 if there is no such segment.

    Attributes:
      begin: where the search ended, in bytes.
      steps: the number of segments and fill bytes.
      frame: the marker of the last frame header.
      precision: its bits per sample.
      height, width: the size of the image, in pixels.
      components: its number of color components.
      exif, exif_end: the first EXIF segment's data, in bytes.
      adobe: bool, whether there is Adobe's marker.
      complete: bool, whether a scan follows.
    """

    begin: tf.Tensor
    steps: tf.Tensor
    frame: tf.Tensor
    precision: tf.Tensor
    height: tf.Tensor
    width: tf.Tensor
    components: tf.Tensor
    exif: tf.Tensor
    exif_end: tf.Tensor
    adobe: tf.Tensor
    complete: tf.Tensor


def png_layout(data: tf.Tensor) -> PngLayout:
    """Locates the chunks of a PNG file up to IEND, or up to the first incomplete one."""
    size = byte_length(data)

    def step(*values):
        layout = PngLayout(*values)
        head = bytes_at(data, layout.begin, 8)
        length, name = big_endian(head[:4]), big_endian(head[4:])
        end = layout.begin + 8 + length
        complete = end + 4 <= size
        colors = (name == _PLTE) | (name == _TRNS)
        late = (layout.transparency != _NONE) | (layout.pixels != _NONE)
        repeated = (name == _PLTE) & (layout.palette != _NONE)
        exif = complete & (name == _EXIF) & (layout.exif == _NONE)
        text = tf.cond(
            name == _ITXT,
            lambda: _is_compressed(data, layout.begin + 8),
            lambda: tf.reduce_any(name == _TEXT),
        )
        return PngLayout(
            begin=tf.where(complete & (name != _IEND), end + 4, size),
            steps=layout.steps + 1,
            text=layout.text + tf.where(complete & text, length, 0),
            palette=tf.where(complete & (name == _PLTE), length, layout.palette),
            transparency=tf.where(complete & (name == _TRNS), layout.begin + 8, layout.transparency),
            transparency_end=tf.where(complete & (name == _TRNS), end, layout.transparency_end),
            pixels=tf.where(complete & (name == _IDAT), length, layout.pixels),
            exif=tf.where(exif, layout.begin + 8, layout.exif),
            exif_end=tf.where(exif, end, layout.exif_end),
            misplaced=layout.misplaced | (complete & colors & (late | repeated)),
            complete=complete & (name == _IEND),
        )

    nothing = [tf.constant(_NONE, tf.int64)] * 6
    zero, no = tf.constant(0, tf.int64), tf.constant(False)
    start = PngLayout(tf.constant(8, tf.int64), zero, zero, *nothing, no, no)
    return PngLayout(*_search(lambda layout: layout.begin + 12 <= size, step, start, size))


def jpeg_layout(data: tf.Tensor) -> JpegLayout:
    """Locates the segments of a JPEG file before its first scan."""
    size = byte_length(data)

    def step(*values):
        layout = JpegLayout(*values)
        head = tf.cast(bytes_at(data, layout.begin, 10), tf.int64)
        marker, length = head[1], big_endian(head[2:4])
        end = layout.begin + 2 + length
        is_marker = head[0] == _FILL
        fill = is_marker & (marker == _FILL)
        last = (marker == 0) | (marker == _END_OF_IMAGE) | (marker == _SCAN) | (length < 2) | (end > size)
        segment = is_marker & ~fill & ~last
        frame = segment & (marker >= 0xC0) & (marker <= 0xCF) & tf.reduce_all(marker != _NOT_FRAMES)
        adobe = segment & (marker == _APP14) & (length >= 14) & _equal(head[4:9], b"Adobe")
        exif = segment & (marker == _APP1) & (length >= 2 + len(EXIF)) & _equal(head[4:10], EXIF)
        exif &= layout.exif == _NONE
        return JpegLayout(
            begin=tf.where(fill, layout.begin + 1, tf.where(segment, end, size)),
            steps=layout.steps + 1,
            frame=tf.where(frame, marker, layout.frame),
            precision=tf.where(frame, head[4], layout.precision),
            height=tf.where(frame, big_endian(head[5:7]), layout.height),
            width=tf.where(frame, big_endian(head[7:9]), layout.width),
            components=tf.where(frame, head[9], layout.components),
            exif=tf.where(exif, layout.begin + 4, layout.exif),
            exif_end=tf.where(exif, end, layout.exif_end),
            adobe=layout.adobe | adobe,
            complete=is_marker & (marker == _SCAN),
        )

    nothing, no = [tf.constant(_NONE, tf.int64)] * 7, tf.constant(False)
    start = JpegLayout(tf.constant(2, tf.int64), tf.constant(0, tf.int64), *nothing, no, no)
    return JpegLayout(*_search(lambda layout: layout.begin + 4 <= size, step, start, size))


def _is_compressed(data, begin):
    """Whether the text of an iTXt chunk whose content begins here is compressed."""
    content = bytes_at(data, begin, KEYWORD_BYTES + 2)
    zeros = content[:-1] == 0
    return ~tf.reduce_any(zeros) | (content[tf.argmax(tf.cast(zeros, tf.uint8)) + 1] != 0)


def _search(unfinished, step, start, size):
    """Repeats `step` in a file of `size` bytes."""

    def condition(*values):
        layout = type(start)(*values)
        return unfinished(layout) & (layout.steps <= max_segments(size))

    return tf.while_loop(condition, lambda *values: tuple(step(*values)), tuple(start), parallel_iterations=1)


def _equal(values, text):
    return tf.reduce_all(values == tf.constant(list(text), tf.int64))
