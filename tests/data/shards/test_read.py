"""Tests of reading shards: the same batches and pixels as from the folder."""

import json

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.data import DeepFashion, Market1501
from gfla_tf.data.layout import DEEPFASHION
from gfla_tf.data.protocol import read_protocol
from gfla_tf.data.shards.builder import build_shards
from gfla_tf.data.shards.reader import read_shards_split
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_image
from tests.data.folders import write_folder
from tests.data.shards.conftest import make_folder, read_batches
from tests.images.pictures import gradient
from tests.images.samples import exif, with_exif


@pytest.mark.parametrize("options", [{}, {"repeat": True, "scaled": False}, {"shuffle": False}])
def test_batches_equal_those_of_the_folder(built, options):
    folder, shards = (DeepFashion(root, (64, 48)) for root in built)
    for split in ("train", "test"):
        assert folder.num_pairs(split) == shards.num_pairs(split) == 8
        pairs = [source.as_dataset(split, 3, seed=5, **options) for source in (folder, shards)]
        for _ in range(1 if options.get("repeat") else 2):
            ours, theirs = ([*read_batches(dataset.take(4))] for dataset in pairs)
            assert len(ours) == len(theirs) == (4 if options.get("repeat") else 3)
            for one, other in zip(ours, theirs, strict=True):
                assert one.keys() == other.keys()
                for name, value in one.items():
                    np.testing.assert_array_equal(value, other[name])


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_images_are_turned_upright_at_every_read(tmp_path, format):
    folder = make_folder(tmp_path / "folder", people=1)
    image = folder / "train" / "train0_0.jpg"
    image.write_bytes(with_exif(format, gradient(66, 96), exif(6)))
    build_shards(folder, tmp_path / "shards")
    split = read_shards_split(str(tmp_path / "shards"), DEEPFASHION, "train")
    number = split.names.index(image.name)
    for out in (None, np.zeros((96, 66, 3), np.uint8), np.zeros((96, 66, 3), np.uint8)):
        np.testing.assert_array_equal(split.images.read(number, out), read_image(image))


def test_augmentation_equals_that_of_the_folder(tmp_path):
    folder = make_folder(tmp_path / "folder", "market")
    build_shards(folder, tmp_path / "shards")
    ours, theirs = (
        next(iter(Market1501(tmp_path / name).as_dataset("train", 8, seed=2)))
        for name in ("folder", "shards")
    )
    still = next(iter(Market1501(tmp_path / "shards", augment=False).as_dataset("train", 8, seed=2)))
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name])
    assert (theirs["source_keypoints"] != still["source_keypoints"]).numpy().any()
    with pytest.raises(InputError, match="are of the layout 'market1501', not of 'deepfashion'"):
        DeepFashion(tmp_path / "shards").num_pairs("train")


def test_records_contain_the_unchanged_files(built):
    folder, shards = built
    features = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/name": tf.io.FixedLenFeature([], tf.string),
        "keypoints/y": tf.io.FixedLenFeature([18], tf.float32),
        "keypoints/x": tf.io.FixedLenFeature([18], tf.float32),
        "keypoints/frame": tf.io.FixedLenFeature([2], tf.int64),
    }
    files = sorted(map(str, shards.glob("train-*.tfrecord")))
    assert len(files) > 2
    index = json.loads((shards / "train.json").read_text())
    records = [tf.io.parse_single_example(r, features) for r in tf.data.TFRecordDataset(files)]
    assert len(records) == 8
    for number, record in enumerate(records):
        name = record["image/name"].numpy().decode()
        data = (folder / "train" / name).read_bytes()
        assert record["image/encoded"].numpy() == data
        assert record["keypoints/frame"].numpy().tolist() == [256, 176]
        points = np.stack([record["keypoints/y"], record["keypoints/x"]], -1)
        np.testing.assert_array_equal(points.ravel(), index["keypoints"][number])
        with open(files[index["shard"][number]], "rb") as file:
            file.seek(index["record"][number])
            assert int.from_bytes(file.read(8), "little") == len(record_bytes(record, files, number, index))
            file.seek(index["record"][number] + index["offset"][number])
            assert file.read(index["length"][number]) == data
    assert read_protocol(shards) == read_protocol(folder)


def record_bytes(record, files, number, index):
    """The serialized record `number`, by TensorFlow's reader."""
    first = index["shard"].index(index["shard"][number])
    shard = list(tf.data.TFRecordDataset(files[index["shard"][number]]))
    return shard[number - first].numpy()


def test_a_split_may_be_missing(tmp_path):
    folder = write_folder(tmp_path / "folder", "fashion", (40, 30), (256, 176), splits=("test",))
    build_shards(folder, tmp_path / "shards")
    data = DeepFashion(tmp_path / "shards", (32, 32))
    assert data.num_pairs("test") == 6
    with pytest.raises(InputError, match="have no split 'train'"):
        data.num_pairs("train")


def test_pixels_equal_tensorflows_accurate_decoder(built):
    """Who reads the records with TensorFlow gets the same pixels with this method of the inverse DCT."""
    data = DeepFashion(built[1]).load("train")
    for number in range(3):
        encoded = (built[0] / "train" / data.names[number]).read_bytes()
        decoded = tf.io.decode_jpeg(encoded, 3, dct_method="INTEGER_ACCURATE").numpy()
        np.testing.assert_array_equal(data.images.read(number), decoded)


def test_reading_an_image_twice(built):
    images = DeepFashion(built[1]).load("train").images
    first = images.read(3)
    for _ in range(2):
        out = np.zeros_like(first)
        assert images.read(3, out=out) is out
        np.testing.assert_array_equal(out, first)
    other = np.full((5, 4, 3), 7, np.uint8)
    np.testing.assert_array_equal(images.read(3, out=other), first)
    assert (other == 7).all()
