"""Limits of image files that bound the memory and time of decoding, checked before a file is decoded."""

MAX_PIXELS = 64_000_000
"""The default of the largest accepted product of width and height."""

MAX_SIDE = 1_000_000
"""The largest width and height, in pixels, that libpng reads and writes."""

MAX_SCANS = 24
"""The number of scans accepted in a JPEG of the largest accepted size; smaller images may have more.

Each scan of a progressive JPEG may process the whole image, however few bytes it has. Encoders write about
10 scans for color images and 18 for CMYK.
"""

MAX_TEXT_BYTES = 2**19
"""The largest total size of a PNG's compressed text and color profiles (zTXt, iTXt, iCCP) in the file.

One byte may expand to a thousand when it is read.
"""

TEXT_CHUNKS = (b"zTXt", b"iCCP")
"""The chunks that are always compressed. The text of iTXt is if a flag after its keyword is not 0."""

KEYWORD_BYTES = 79
"""The longest keyword of a text chunk, without the zero that ends it."""

_MCU = 32  # the largest side of the blocks, in pixels, that a JPEG's scans process


def max_segments(length: int) -> int:
    """Returns the number of PNG chunks or JPEG segments accepted in a file of `length` bytes.

    The length may also be an integer tensor.
    """
    return 1000 + length // 1024


def scanned_pixels(height: int, width: int) -> int:
    """Returns the pixels that a scan of a JPEG processes: the sides are rounded up to whole blocks.

    The sides may also be integer tensors.
    """
    return (height + _MCU - 1) // _MCU * _MCU * ((width + _MCU - 1) // _MCU * _MCU)
