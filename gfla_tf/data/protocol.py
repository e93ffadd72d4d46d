"""The record `protocol.json` of how a folder's images were prepared.

Resizing or storing the same photographs differently changes metrics (FID by several points), so metrics are
only comparable under the same protocol; every evaluation reports it.
"""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

from gfla_tf._version import __version__
from gfla_tf.documents import DocumentError, describe, parse_json
from gfla_tf.errors import InputError
from gfla_tf.files import PathLike, write_files
from gfla_tf.images.io import read_file
from gfla_tf.images.resize import INTERPOLATIONS

FILE_NAME = "protocol.json"
SOURCES = {"deepfashion": ("img_highres", "img"), "market1501": ("bounding_box",)}
"""By layout, the image folders of the original dataset."""

WHEN_READ = "tf-bilinear"
"""How datasets resize images of another size when they are read: `tf.image.resize`, bilinear and antialiased.

It differs from `pil-bilinear` by rounding (1/255).
"""

FORMATS = {"png": ".png", "jpeg": ".jpg"}
"""File extensions by format."""

_SCHEMA = 1
_MAX_BYTES = 2**20
_MAX_SIDE = 16384


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How a prepared folder's images were made from the original dataset.

    Attributes:
      layout: "deepfashion" or "market1501".
      source: the image folder of the original dataset, one of the layout's `SOURCES`.
      interpolation: how the images were resized, one of `INTERPOLATIONS` (`gfla_tf.images.resize`).
      height, width: the size of the images, in pixels.
      format: the format of the files, "png" or "jpeg".
      quality: the quality of JPEG files, 1 to 100; None for PNG, which is lossless.
      gfla_tf: the version of this package that prepared the images.

    Raises:
      ValueError: a value is invalid.
    """

    layout: str
    source: str
    interpolation: str
    height: int
    width: int
    format: str = "png"
    quality: int | None = None
    gfla_tf: str = __version__

    def __post_init__(self):
        _check("layout", self.layout, tuple(SOURCES))
        _check("source", self.source, SOURCES[self.layout])
        _check("interpolation", self.interpolation, INTERPOLATIONS)
        _check("format", self.format, tuple(FORMATS))
        for name in ("height", "width"):
            if not _is_whole(getattr(self, name), _MAX_SIDE):
                raise ValueError(
                    f"{name} must be 1 to {_MAX_SIDE} pixels, got {describe(getattr(self, name))}"
                )
        if self.format == "png" and self.quality is not None:
            raise ValueError(f"quality must be null for png, got {describe(self.quality)}")
        if self.format == "jpeg" and not _is_whole(self.quality, 100):
            raise ValueError(f"quality must be 1 to 100 for jpeg, got {describe(self.quality)}")
        if not isinstance(self.gfla_tf, str) or not 0 < len(self.gfla_tf) <= 40:
            raise ValueError(f"gfla_tf must be a version, got {describe(self.gfla_tf)}")

    @property
    def image_size(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.height, self.width

    def describe(self) -> str:
        """Returns the protocol as text, for a line below a table of metrics."""
        stored = "PNG" if self.format == "png" else f"JPEG of quality {self.quality}"
        return (
            f"{self.source} of {self.layout}, resized to {self.height} x {self.width} (h x w) by "
            f"{self.interpolation}, stored as {stored}, prepared with gfla_tf {self.gfla_tf}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of `protocol.json`."""
        return {"schema": _SCHEMA, **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, values: object, where: str) -> Protocol:
        """Converts the result of `to_dict` back.

        Args:
          values: the parsed JSON.
          where: the file, for messages.

        Raises:
          InputError: not such a dict, of another schema, or a value is invalid.
        """
        if not isinstance(values, dict):
            raise InputError(f"{where} is not a protocol: expected a JSON object, found {describe(values)}")
        if values.get("schema") != _SCHEMA:
            found = describe(values.get("schema"))
            raise InputError(f"{where} is of schema {found}: this version of gfla_tf reads schema {_SCHEMA}")
        names = {field.name for field in dataclasses.fields(cls)}
        given = set(values) - {"schema"}
        if given != names:
            wrong = sorted(names - given) or sorted(given - names)
            what = "has no entry" if names - given else "has the unknown entry"
            raise InputError(f"{where} is not a protocol: it {what} {', '.join(map(describe, wrong[:3]))}")
        try:
            return cls(**{name: values[name] for name in names})
        except ValueError as error:
            raise InputError(f"{where} is not a protocol: {error}") from error


def read_protocol(folder: PathLike) -> Protocol | None:
    """Reads the protocol of a prepared folder, or of shards built from one; None if it is not recorded.

    Raises:
      InputError: `protocol.json` exists but is invalid or cannot be read.
    """
    path = os.path.join(os.fspath(folder), FILE_NAME)
    if not os.path.lexists(path):
        return None
    data = read_file(path, _MAX_BYTES, "protocol")
    try:
        values = parse_json(data)
    except DocumentError as error:
        raise InputError(
            f"the protocol {path!r} is not a JSON file ({error}): prepare the data again"
        ) from error
    return Protocol.from_dict(values, f"the protocol {path!r}")


def write_protocol(folder: PathLike, protocol: Protocol, force: bool = False) -> None:
    """Writes `protocol.json` to a folder atomically.

    Raises:
      InputError: it exists and `force` is False, or it cannot be written.
    """
    text = json.dumps(protocol.to_dict(), indent=2) + "\n"
    write_files({os.path.join(os.fspath(folder), FILE_NAME): text.encode()}, force)


def describe_protocol(protocol: Protocol | None, folder: PathLike, image_size: tuple[int, int]) -> str:
    """Describes how the images of a folder were prepared and resized to `image_size` (H, W), for reports."""
    if protocol is None:
        return f"not recorded: images as found in {os.fspath(folder)}"
    if protocol.image_size == tuple(image_size):
        return protocol.describe()
    height, width = image_size
    return f"{protocol.describe()}; resized again to {height} x {width} when read ({WHEN_READ})"


def _check(name: str, value: object, known: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} must be {' or '.join(map(repr, known))}, got {describe(value)}")


def _is_whole(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
