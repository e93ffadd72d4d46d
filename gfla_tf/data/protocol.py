"""How prepared images were made: the record `protocol.json` beside them, which every figure measured on them
carries.

The same photographs resized or stored in another way give other figures (FID moves by points), so a figure
without its protocol compares with nothing.
"""

from __future__ import annotations

import dataclasses
import json
import os

from gfla_tf._version import __version__
from gfla_tf.errors import InputError
from gfla_tf.files import write_files
from gfla_tf.images.io import read_file
from gfla_tf.images.resize import INTERPOLATIONS

FILE_NAME = "protocol.json"
SOURCES = {"deepfashion": ("img_highres", "img"), "market1501": ("bounding_box",)}
"""By layout, the trees of images that the datasets' owners hand out."""

WHEN_READ = "tf-bilinear"
"""How a dataset resizes images of another size than its own when it reads them: `tf.image.resize`, bilinear
and antialiased, which differs from `pil-bilinear` by rounding (1/255) where it reduces less than eight times.
"""

FORMATS = {"png": ".png", "jpeg": ".jpg"}
"""By name, the file name's extension."""

_SCHEMA = 1
_MAX_BYTES = 2**20
_MAX_SIDE = 16384


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How a prepared folder's images were made of the dataset's own.

    Attributes:
      layout: "deepfashion" or "market1501".
      source: which of the owners' trees the images are from, one of the layout's `SOURCES`.
      interpolation: how they were resized, one of `INTERPOLATIONS` (`gfla_tf.images.resize`).
      height, width: in pixels, of every image.
      format: of the files, "png" or "jpeg".
      quality: of JPEG files, 1 to 100; None for PNG, which loses nothing.
      gfla_tf: the version of this package that made them.

    Raises:
      ValueError: a value is none of these.
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
                raise ValueError(f"{name} must be 1 to {_MAX_SIDE} pixels, got {_short(getattr(self, name))}")
        if self.format == "png" and self.quality is not None:
            raise ValueError(f"quality must be null for png, got {_short(self.quality)}")
        if self.format == "jpeg" and not _is_whole(self.quality, 100):
            raise ValueError(f"quality must be 1 to 100 for jpeg, got {_short(self.quality)}")
        if not isinstance(self.gfla_tf, str) or not 0 < len(self.gfla_tf) <= 40:
            raise ValueError(f"gfla_tf must be a version, got {_short(self.gfla_tf)}")

    @property
    def image_size(self) -> tuple[int, int]:
        """(H, W) in pixels."""
        return self.height, self.width

    def describe(self) -> str:
        """The protocol in words, for a line under a table of figures."""
        stored = "PNG" if self.format == "png" else f"JPEG of quality {self.quality}"
        return (
            f"{self.source} of {self.layout}, resized to {self.height} x {self.width} (h x w) by "
            f"{self.interpolation}, stored as {stored}, prepared with gfla_tf {self.gfla_tf}"
        )

    def to_dict(self) -> dict:
        """JSON-ready, as `protocol.json` holds it."""
        return {"schema": _SCHEMA, **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, values, where: str) -> Protocol:
        """The protocol of a `to_dict`; `where` names the file in the error.

        Raises:
          InputError: not such a dict, of another schema, or a value is out of its range.
        """
        if not isinstance(values, dict):
            raise InputError(f"{where} holds no protocol: expected a JSON object, found {_short(values)}")
        if values.get("schema") != _SCHEMA:
            found = _short(values.get("schema"))
            raise InputError(f"{where} is of schema {found}: this version of gfla_tf reads schema {_SCHEMA}")
        names = {field.name for field in dataclasses.fields(cls)}
        given = set(values) - {"schema"}
        if given != names:
            wrong = sorted(names - given) or sorted(given - names)
            what = "lacks" if names - given else "has the unknown entry"
            raise InputError(f"{where} is not a protocol: it {what} {', '.join(map(_short, wrong[:3]))}")
        try:
            return cls(**{name: values[name] for name in names})
        except ValueError as error:
            raise InputError(f"{where} is not a protocol: {error}") from error


def read_protocol(folder) -> Protocol | None:
    """The protocol of a prepared folder (or of shards built from one); None where none is recorded.

    Raises:
      InputError: `protocol.json` is there and cannot be read, or is none.
    """
    path = os.path.join(os.fspath(folder), FILE_NAME)
    if not os.path.lexists(path):
        return None
    data = read_file(path, _MAX_BYTES, "protocol")
    try:
        values = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"the protocol {path!r} is not a JSON file: prepare the data again") from error
    return Protocol.from_dict(values, f"the protocol {path!r}")


def write_protocol(folder, protocol: Protocol, force: bool = False) -> None:
    """Writes `protocol.json` into a folder, whole or not at all.

    Raises:
      InputError: it exists and `force` is not set, or it cannot be written.
    """
    text = json.dumps(protocol.to_dict(), indent=2) + "\n"
    write_files({os.path.join(os.fspath(folder), FILE_NAME): text.encode()}, force)


def describe_protocol(protocol: Protocol | None, folder, image_size: tuple[int, int]) -> str:
    """How the images of `folder` reached a model of `image_size` (H, W), for the figures measured on them."""
    if protocol is None:
        return f"not recorded: images as found in {os.fspath(folder)}"
    if protocol.image_size == tuple(image_size):
        return protocol.describe()
    height, width = image_size
    return f"{protocol.describe()}; resized again to {height} x {width} when read ({WHEN_READ})"


def _check(name: str, value, known: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} must be {' or '.join(map(repr, known))}, got {_short(value)}")


def _is_whole(value, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _short(value) -> str:
    """The start of a value's text; huge integers, whose text Python refuses to make, by their size."""
    if isinstance(value, int) and abs(value) >= 2**64:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, list | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return repr(value)[:60]
