"""The parts of a PNG file that determine its pixels, with checks; and the colors of palettes."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from gfla_tf.images.containers import png_chunks
from gfla_tf.images.transparency import over_white

GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
"""The color types."""
HEADER = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
"""The first bytes of every valid file."""
DEPTHS = {
    GRAY: (1, 2, 4, 8, 16),
    RGB: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GRAY_ALPHA: (8, 16),
    RGB_ALPHA: (8, 16),
}
"""{color type: the valid bit depths}"""
MAX_COLORS = 256
"""The largest number of colors of a palette; those that no index of `depth` bits can reach are unused."""
_KEPT = (b"IHDR", b"PLTE", b"IDAT", b"IEND")


@dataclass(frozen=True)
class PngColors:
    """How the samples of a PNG file become colors.

    Attributes:
      depth: bits per sample, or per index of a palette.
      type: the color type.
      palette: RGB colors of 3 bytes; empty for other color types.
      transparency: the content of tRNS: one alpha per color of a palette, otherwise the transparent gray
        level or color, 2 bytes per channel. Empty if there is none.
    """

    depth: int
    type: int
    palette: bytes
    transparency: bytes

    def transparent_color(self) -> np.ndarray | None:
        """Returns the transparent gray level [1] or color [3], in samples of `depth` bits, or `None`."""
        if self.type == PALETTE or not self.transparency:
            return None
        return np.frombuffer(self.transparency, ">u2").astype(np.uint32) & (2**self.depth - 1)

    def palette_over_white(self) -> np.ndarray:
        """Returns the color of each index, composited over white, uint8 [256, 3]; unused ones are black."""
        rgba = np.zeros((256, 4), np.uint8)
        given = np.frombuffer(self.palette, np.uint8).reshape(-1, 3)
        rgba[: len(given), :3] = given
        rgba[:, 3] = 255
        rgba[: len(self.transparency), 3] = np.frombuffer(self.transparency, np.uint8)
        return over_white(rgba)


def read_colors(data: bytes) -> PngColors:
    """Reads and checks the chunks of a PNG file that begins with `HEADER`.

    Raises:
      ValueError: a chunk is damaged or missing; IHDR, PLTE or tRNS is invalid, repeated or misplaced, so that
        programs show different images; or there are too many chunks.
    """
    depth, type = data[24], data[25]
    if depth not in DEPTHS.get(type, ()) or data[26:28] != b"\0\0" or data[28] > 1:
        raise ValueError("its header is invalid")
    content, found = memoryview(data), dict[bytes, bytes]()
    for name, begin, end in png_chunks(data):
        if zlib.crc32(content[begin - 4 : end]) != int.from_bytes(content[end : end + 4], "big"):
            raise ValueError(f"the checksum of its chunk {name!r} is wrong")
        if name in (b"IHDR", b"PLTE", b"tRNS"):
            if found.keys() & {name, b"tRNS", b"IDAT"}:
                raise ValueError(f"its {name.decode()} chunk is repeated or misplaced")
            found[name] = data[begin:end]
        elif name in (b"IDAT", b"IEND"):
            found[name] = b""
    if not {b"IHDR", b"IDAT", b"IEND"} <= found.keys():
        raise ValueError("it is incomplete")
    palette, transparency = (found.get(name, b"") for name in (b"PLTE", b"tRNS"))
    if type != PALETTE:
        palette = b""
    elif not palette or len(palette) % 3 or len(palette) > 3 * MAX_COLORS:
        raise ValueError("its palette is missing or has an invalid number of colors")
    colors = min(len(palette) // 3, 2**depth)
    lengths = range(1, colors + 1) if type == PALETTE else {GRAY: [2], RGB: [6]}.get(type, [])
    if b"tRNS" in found and len(transparency) not in lengths:
        raise ValueError("its tRNS chunk does not match its colors")
    return PngColors(depth, type, palette, transparency)


def still_png(data: bytes) -> bytes:
    """Returns a PNG file without its ancillary chunks, thus the still image of an animation."""
    content = memoryview(data)
    kept = [content[begin - 8 : end + 4] for name, begin, end in png_chunks(data) if name in _KEPT]
    return b"".join((content[:8], *kept))
