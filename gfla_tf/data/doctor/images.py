"""Checks of the image files: completeness, size, protocol and duplicates."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from gfla_tf.data.doctor.checks import FaultList
from gfla_tf.data.doctor.files import of_image
from gfla_tf.data.doctor.tables import Tables
from gfla_tf.data.protocol import Protocol
from gfla_tf.errors import InputError
from gfla_tf.images.header import HeaderError, ImageHeader, read_header
from gfla_tf.images.io import MAX_BYTES, read_file, read_image

_BLOCK = 512


@dataclass(frozen=True)
class ImageFile:
    """Header and hash of an image file, or the error message `sentence` if it cannot be read."""

    header: ImageHeader | None = None
    digest: bytes = b""
    sentence: str | None = None


def read_images(
    paths: list[str], decode: bool, progress: Callable[[int, int], None] | None = None
) -> Iterable[ImageFile]:
    """Reads image files in one thread per core and yields their headers and hashes, in order.

    Args:
      paths: the files. Header and completeness of each are checked.
      decode: whether to decode the pixels as well.
      progress: called as progress(images done, all images).
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for start in range(0, len(paths), _BLOCK):
                block = paths[start : start + _BLOCK]
                yield from pool.map(lambda path: _read(path, decode), block)
                if progress is not None:
                    progress(start + len(block), len(paths))
        finally:
            pool.shutdown(cancel_futures=True)


def check_images(
    root: str,
    tables: Tables,
    names: list[str],
    images: list[ImageFile],
    protocol: Protocol | None,
    faults: FaultList,
) -> None:
    """Reports images that cannot be read, have an unusual size, or do not match the `protocol`."""
    sizes = Counter((image.header.height, image.header.width) for image in images if image.header)
    usual = sizes.most_common(1)[0][0] if sizes else None
    for name, image in zip(names, images, strict=True):
        row = tables.rows[name]
        where = {"split": tables.split, "file": tables.annotation_path, "line": row.line, "image": name}
        position = f"{tables.annotation_path!r}, line {row.line}"
        if image.sentence is not None:
            of_image(name, tables, faults)("unreadable-image", f"{position}: {image.sentence}", **where)
            continue
        size = image.header.height, image.header.width
        what = (
            f"the image {os.path.join(root, tables.split, name)!r} has {size[0]} x {size[1]} pixels (h x w)"
        )
        if protocol is not None and size != protocol.image_size:
            expected = f"protocol.json specifies {protocol.height} x {protocol.width}"
            faults.error("protocol", f"{position}: {what}, {expected}", **where)
        elif protocol is not None and image.header.format.lower() != protocol.format:
            what = f"the image {os.path.join(root, tables.split, name)!r} is a {image.header.format} file"
            expected = f"protocol.json specifies {protocol.format.upper()}"
            faults.error("protocol", f"{position}: {what}, {expected}", **where)
        elif protocol is None and size != usual:
            others = f"most of the {tables.split} split have {usual[0]} x {usual[1]}"
            faults.warning("image-size", f"{position}: {what}, {others}", **where)


def check_contents(found: list[tuple[Tables, str, ImageFile]], faults: FaultList) -> None:
    """Reports files of equal content under two names, in one or both splits.

    Args:
      found: (tables, name, file) of all images.
      faults: the list to add to.
    """
    first: dict[bytes, tuple[Tables, str]] = {}
    for tables, name, image in found:
        if image.sentence is not None:
            continue
        like, other = first.setdefault(image.digest, (tables, name))
        if (like.split, other) == (tables.split, name):
            continue
        line = tables.rows[name].line
        sentence = (
            f"{tables.annotation_path!r}, line {line}: the {tables.split} image {name!r} has the content of "
            f"the {like.split} image {other!r} ({like.annotation_path!r}, line {like.rows[other].line})"
        )
        where = {"split": tables.split, "file": tables.annotation_path, "line": line, "image": name}
        faults.warning("same-content", sentence, **where)


def _read(path: str, decode: bool) -> ImageFile:
    try:
        data = read_file(path, MAX_BYTES, "image")
        try:
            header = read_header(data)
        except HeaderError as error:
            return ImageFile(sentence=f"the image {path!r} {error}")
        if decode:
            read_image(path)
    except InputError as error:
        return ImageFile(sentence=str(error))
    return ImageFile(header, hashlib.blake2b(data, digest_size=16).digest())
