"""The kinds of image files: which of them are read, by what, and how their pixels become RGB.

Both readers, `gfla_tf.images.io.read_image` and the graph of an exported SavedModel
(`gfla_tf.export.encoded_images`), return the same pixels of every kind that both accept. Interlacing, color
profiles, gamma, resolution and other metadata do not change the pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

JPEG_FRAMES = (0xC0, 0xC1, 0xC2)
"""The markers of supported JPEG frames: Huffman-coded baseline, extended sequential and progressive."""
JPEG_COMPONENTS = (1, 3, 4)


@dataclass(frozen=True)
class ImageKind:
    """One kind of image files.

    Attributes:
      format: the name of the file format.
      content: color type, bit depths and transparency.
      result: how it becomes RGB, or how it is refused.
      file: whether `read_image`, and thus all commands, accept it.
      graph: whether the exported graph accepts it; otherwise its error message says what it accepts.
      orientation: where an EXIF orientation is read, which every reader that accepts the kind applies.
    """

    format: str
    content: str
    result: str
    file: bool = True
    graph: bool = True
    orientation: str = ""


_AS_STORED = "as stored"
_REPEATED = "repeated in three channels"
_OVER_WHITE = "composited over white"
_FIRST_FRAME = "first frame"
_REFUSED = "refused by name"


def _png(content, result):
    return ImageKind("PNG", content, result, orientation="eXIf")


def _jpeg(content, result, accepted=True):
    return ImageKind("JPEG", content, result, accepted, accepted, "APP1" if accepted else "")


def _webp(content, result):
    return ImageKind("WebP", content, result, graph=False, orientation="EXIF")


def _bmp(content, result):
    return ImageKind("BMP", content, result, graph=False)


KINDS = (
    _png("gray, 1, 2, 4 or 8 bits", _REPEATED),
    _png("gray, 16 bits", f"rounded to 8 bits, {_REPEATED}"),
    _png("gray with tRNS, 1 to 16 bits", "pixels of the transparent level are white"),
    _png("gray and alpha, 8 or 16 bits", f"rounded to 8 bits, {_OVER_WHITE}"),
    _png("RGB, 8 bits", _AS_STORED),
    _png("RGB, 16 bits", "rounded to 8 bits"),
    _png("RGB with tRNS, 8 or 16 bits", "pixels of the transparent color are white"),
    _png("RGB and alpha, 8 or 16 bits", f"rounded to 8 bits, {_OVER_WHITE}"),
    _png("palette, 1, 2, 4 or 8 bits", "the colors of the palette; black beyond its end"),
    _png("palette with tRNS, 1, 2, 4 or 8 bits", f"the colors of the palette, {_OVER_WHITE}"),
    _png("animated", "the still image, as in programs without animation"),
    _jpeg("gray", _REPEATED),
    _jpeg("YCbCr or RGB, baseline or progressive", "decoded with accurate integer arithmetic"),
    _jpeg("CMYK or YCCK with Adobe's marker", "ink and black are multiplied"),
    _jpeg("CMYK without Adobe's marker", _REFUSED, accepted=False),
    _jpeg("lossless, arithmetic-coded, or of more than 8 bits", _REFUSED, accepted=False),
    _webp("lossy or lossless", _AS_STORED),
    _webp("with alpha", _OVER_WHITE),
    _webp("animated", _FIRST_FRAME),
    _bmp("palette, 1, 4 or 8 bits, also run-length encoded", "the colors of the palette"),
    _bmp("16, 24 or 32 bits", "rounded to 8 bits"),
    _bmp("32 bits with an alpha mask", _OVER_WHITE),
    ImageKind("GIF, TIFF, HEIC, AVIF, PDF", "any", _REFUSED, file=False, graph=False),
)


def jpeg_fault(frame: int, precision: int, components: int, adobe: bool) -> str | None:
    """Returns why a JPEG file is not supported, as a sentence without its subject, or `None` if it is.

    Args:
      frame: the marker of its frame, 0xC0 to 0xCF.
      precision: bits per sample.
      components: the number of color components.
      adobe: whether it has Adobe's marker, which determines the meaning of four components.
    """
    if frame not in JPEG_FRAMES:
        return "is a lossless or arithmetic-coded JPEG, which is not supported: save it as baseline"
    if precision != 8:
        return f"is a JPEG of {precision} bits per color, which is not supported: save it with 8"
    if components not in JPEG_COMPONENTS:
        return f"is a JPEG of {components} color components, which is not supported: save it as RGB"
    if components == 4 and not adobe:
        return "is a CMYK JPEG without the Adobe marker, so its inks are ambiguous: save it as RGB"
    return None
