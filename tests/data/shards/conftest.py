"""A data folder and its shards, shared by the tests of shards."""

import shutil

import pytest

from gfla_tf.data.protocol import Protocol, write_protocol
from gfla_tf.data.shards.builder import build_shards
from tests.data.folders import write_folder

FRAMES = {"fasion": (256, 176), "market": (128, 64)}


def make_folder(root, prefix="fasion", people=4):
    size = (96, 66) if prefix == "fasion" else (128, 64)
    return write_folder(root, prefix, size, FRAMES[prefix], people=people)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(folder, shards) of a DeepFashion folder, several shards a split."""
    root = tmp_path_factory.mktemp("built")
    folder = make_folder(root / "folder")
    protocol = Protocol("deepfashion", "img_highres", "pil-bilinear", 96, 66, "jpeg", 95)
    write_protocol(folder, protocol)
    build_shards(folder, root / "shards", workers=2, shard_bytes=4000)
    return folder, root / "shards"


@pytest.fixture
def copy(built, tmp_path):
    """A copy of the shards to damage."""
    return shutil.copytree(built[1], tmp_path / "copy")


def read_batches(dataset):
    return [{name: value.numpy() for name, value in batch.items()} for batch in dataset]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def shard_path(folder, number=0, split="train"):
    return sorted(folder.glob(f"{split}-{number:05}-of-*.tfrecord"))[0]
