"""The undamaged files of kinds that are not part of a data folder: images, weights, HDF5, settings."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import cv2
import h5py
import numpy as np
import tensorflow as tf

from gfla_tf.features import PartFeatures
from gfla_tf.models import ResDiscriminator
from gfla_tf.training.checkpoint_folder import CheckpointFolder
from tests.images.pictures import gradient

_SIDES = (40, 24)
_SETTINGS = b"""# A run with every kind of value.
model: {preset: synthetic, overrides: {width: 8, image_size: [64, 48]}}
data:
  source: synthetic
  identities: 3
features: {kind: parts, width: 2, width_multiplier: 0.5}
stage1:
  epochs: 2
  learning_rate: 1e-3
  final_learning_rate: null
precision: "float32"
batch_size: 2
"""


def images() -> dict[str, bytes]:
    """{kind: image file} of every kind of file and of PNG's palettes."""
    picture = gradient(*_SIDES)[..., ::-1]
    found = {kind: cv2.imencode(f".{kind}", picture)[1].tobytes() for kind in ("png", "jpeg", "webp", "bmp")}
    found["progressive jpeg"] = cv2.imencode(".jpeg", picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    found |= {f"palette of {depth} bits": _palette(depth) for depth in (1, 2, 4, 8)}
    return found


def settings() -> bytes:
    """A configuration of a run."""
    return _SETTINGS


def checkpoint_state() -> dict[str, list[tf.Variable]]:
    """The variables of the checkpoint of `write_checkpoint`."""
    return {
        "networks": [tf.Variable(tf.ones([4, 3])), tf.Variable(tf.zeros([2]))],
        "position": [tf.Variable(1)],
    }


def write_checkpoint(folder: Path) -> dict[str, Path]:
    """Writes a checkpoint of a training stage."""
    CheckpointFolder(folder).write(1, checkpoint_state())
    data, index = sorted((folder / "step-1").iterdir())
    return {"checkpoint data": data, "checkpoint index": index}


def write_networks(folder: Path) -> dict[str, Path]:
    """Writes a small discriminator as a preset folder and a `.keras` file, and weights of features."""
    network = ResDiscriminator(1, width=2)
    network.save_to_preset(folder / "preset")
    network.save(folder / "model.keras")
    PartFeatures(1, 2).save_weights(folder / "features.weights.h5")
    return {
        "weights": folder / "preset" / "model.weights.h5",
        "arguments": folder / "preset" / "config.json",
        "keras": folder / "model.keras",
        "features": folder / "features.weights.h5",
    }


def write_pairs(path: Path, compressed: bool) -> Path:
    """Writes pairs of images as an HDF5 file: contiguous, or in chunks with every supported filter."""
    options = (
        {"chunks": True, "compression": "gzip", "shuffle": True, "fletcher32": True} if compressed else {}
    )
    image, points = np.stack([gradient(12, 8)] * 3), np.full((3, 18, 2), 5, np.float32)
    with h5py.File(path, "w") as file:
        for role in ("source", "target"):
            file.create_dataset(f"train/{role}_image", data=image, **options)
            file.create_dataset(f"train/{role}_keypoints", data=points, **options)
    return path


def rezipped(data: bytes, weights: bytes) -> bytes:
    """A `.keras` file with other bytes as its weights, and right checksums."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, weights if name.endswith(".h5") else old.read(name))
    return out.getvalue()


def _palette(depth: int) -> bytes:
    """A PNG with a palette of transparent colors."""
    height, width = _SIDES
    colors = np.random.default_rng(0).integers(0, 256, (2**depth, 3), np.uint8).tobytes()
    indices = np.random.default_rng(1).integers(0, 2**depth, (height, width), np.uint8)
    bits = np.unpackbits(indices[..., None], axis=-1)[..., 8 - depth :].reshape(height, -1)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), np.packbits(bits, axis=-1)], axis=1)
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, depth, 3, 0, 0, 0),
        b"PLTE": colors,
        b"tRNS": b"\xff\x80",
        b"IDAT": zlib.compress(rows.tobytes()),
        b"IEND": b"",
    }
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks.items()
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
