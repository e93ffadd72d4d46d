"""What reads each kind of file, run on one damaged file: it gives a result, or refuses in one sentence."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import shutil
import zlib

import numpy as np
import tensorflow as tf

from gfla_tf.cli.main import main
from gfla_tf.config import load_config
from gfla_tf.data import DeepFashion, PairFile
from gfla_tf.data.pipeline import data_errors
from gfla_tf.data.protocol import read_protocol
from gfla_tf.errors import InputError
from gfla_tf.export.encoded_images import decode_png_or_jpeg
from gfla_tf.features import PartFeatures
from gfla_tf.images.io import read_image
from gfla_tf.models import ResDiscriminator
from gfla_tf.models.archive import load_network
from gfla_tf.pose.formats import FORMATS, read_people, read_pose
from gfla_tf.training.checkpoint_folder import CheckpointFolder
from gfla_tf.training.sources import open_source
from tests.fuzz.seeds import checkpoint_state
from tests.fuzz.workspace import CHECKPOINT, IMAGES, PAIRS, Workspace


def check(workspace: Workspace, kind: str, number: int) -> None:
    """Runs what reads a kind of file on one damaged file.

    Raises:
      Exception: whatever is not an `InputError`, or not one sentence.
    """
    with workspace.holding(kind, workspace.damaged(kind, number)) as path:
        if kind in ("manifest", "index", "tfrecord"):
            _shards(workspace, kind, fix=number % 2 == 1)
        elif kind in ("lst", "prepared csv", "source jpeg"):
            _prepare(workspace)
        elif kind in FORMATS or kind == "pose csv":
            _poses(workspace, path)
        elif kind in PAIRS:
            _library(lambda: _first_batches(PairFile(path), "train"))
        elif kind in ("weights", "arguments"):
            _library(lambda: ResDiscriminator.from_preset(path.parent))
            _library(lambda: ResDiscriminator.from_preset(path.parent, load_weights=False))
        elif kind == "keras":
            _library(lambda: load_network(path, [ResDiscriminator]))
        elif kind == "features":
            _library(lambda: PartFeatures(1, 2).load_weights(path), ValueError)
        elif kind in CHECKPOINT:
            _library(lambda: CheckpointFolder(path.parents[1]).restore(checkpoint_state(), ()))
        elif kind == "settings":
            _library(lambda: open_source(load_config(path)))
        else:
            _folder(workspace)
            if kind == "protocol":
                _library(lambda: read_protocol(workspace.folder))
            elif kind in IMAGES:
                _both_readers(path, exact="jpeg" not in kind)


def train(workspace: Workspace, kind: str, number: int) -> None:
    """Reads all training batches of a folder with one damaged file."""
    with workspace.holding(kind, workspace.damaged(kind, number)):
        root = workspace.shards if kind == "tfrecord" else workspace.folder
        _library(lambda: _first_batches(DeepFashion(root, (40, 24)), "train"))


def _both_readers(path, exact):
    """Reads an image by `read_image` and in a graph; their pixels are the same if both accept the file."""
    pixels = []
    _library(lambda: pixels.append(read_image(path)))
    with contextlib.suppress(tf.errors.InvalidArgumentError):
        pixels.append(_decode()(tf.constant(path.read_bytes())).numpy())
    if exact and len(pixels) == 2:
        np.testing.assert_array_equal(*pixels)


@functools.cache
def _decode():
    text = tf.TensorSpec([], tf.string)
    return tf.function(lambda data: decode_png_or_jpeg(data, 0, "image"), input_signature=[text])


def _first_batches(dataset, split):
    with data_errors():
        for _ in dataset.as_dataset(split, 2):
            pass


def _folder(workspace):
    _command("data", "check", workspace.folder, "--decode")
    _library(lambda: _read_all(DeepFashion(workspace.folder, (40, 24)), "train"))


def _prepare(workspace):
    out = workspace.root / "prepared"
    _command(
        "data", "prepare", "deepfashion", workspace.source, "-o", out, "--size", "32x32", "--workers", "0"
    )
    _command(
        "data",
        "prepare",
        "deepfashion",
        workspace.source,
        "-o",
        out,
        "--size",
        "32x32",
        "--workers",
        "0",
        "--subset",
    )
    shutil.rmtree(out, ignore_errors=True)


def _poses(workspace, path):
    out = workspace.root / "converted.json"
    _command("pose", path, "-o", out, "--to", "coco17", "--force")
    _library(lambda: read_people(path))
    _library(lambda: read_pose(path))


def _shards(workspace, kind, fix):
    """Every second case corrects the checksums after the damage, as an attacker would."""
    if fix:
        _fix_checksums(workspace, kind)
    _command("data", "build", workspace.shards, "--verify")
    _library(lambda: _read_all(DeepFashion(workspace.shards, (40, 24)), "train"))


def _fix_checksums(workspace, kind):
    with contextlib.suppress(ValueError, RecursionError, KeyError, TypeError, AttributeError):
        manifest = json.loads(workspace.files["manifest"].read_bytes())
        if kind == "tfrecord":
            shard = workspace.files[kind].read_bytes()
            index = json.loads(workspace.files["index"].read_bytes())
            images = zip(index["offset"], index["length"], strict=True)
            index["crc32"] = [zlib.crc32(shard[offset : offset + length]) for offset, length in images]
            workspace.files["index"].write_text(json.dumps(index))
        for path in {workspace.files[kind], workspace.files["index"]} if kind != "manifest" else ():
            data = path.read_bytes()
            checksum = hashlib.sha256(data).hexdigest()
            manifest["files"][path.name] = {"bytes": len(data), "sha256": checksum}
        manifest.pop("sha256", None)
        text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
        manifest["sha256"] = hashlib.sha256(text.encode()).hexdigest()
        workspace.files["manifest"].write_text(json.dumps(manifest))


def _read_all(dataset, split):
    data = dataset.load(split)
    for number in range(min(len(data.names), 8)):
        assert data.images.read(number).dtype == np.uint8


def _library(read, refused=InputError):
    text = "no message"
    try:
        read()
    except refused as error:
        text = str(error) if isinstance(error, InputError) else text
    assert text, "a message is empty"
    assert "\n" not in text, text[:3000]
    assert len(text) < 2000, text[:3000]


def _command(*arguments):
    """Runs a command; exit code 2 requires one error message."""
    printed, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
        code = main([str(argument) for argument in arguments])
    assert code in (0, 1, 2)
    if code == 2:
        lines = errors.getvalue().splitlines()
        assert lines
        assert lines[-1].startswith("gfla: error: ")
        assert len(lines[-1]) < 2000, lines[-1]
        assert "not enough memory" not in lines[-1], lines[-1]
    assert "Traceback" not in errors.getvalue() + printed.getvalue()
