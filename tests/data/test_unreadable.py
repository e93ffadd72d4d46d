"""Images that cannot be read in the middle of training: replaced up to a limit, always by the same pairs."""

import shutil

import numpy as np
import pytest

from gfla_tf.data import DeepFashion, Market1501
from gfla_tf.data.pipeline import data_errors
from gfla_tf.data.shards.builder import build_shards
from gfla_tf.errors import InputError
from tests.data.folders import write_folder

DAMAGED = ("train1_0.jpg", "train3_1.jpg")


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("intact") / "data", "market", (32, 16), (128, 64), people=5)


@pytest.fixture
def damaged(intact, tmp_path):
    """A copy of the folder with two truncated images, each in two of the ten training pairs."""
    folder = shutil.copytree(intact, tmp_path / "data")
    for name in DAMAGED:
        path = folder / "train" / name
        path.write_bytes(path.read_bytes()[:200])
    return folder


def batches(root, count, start=0, limit=2, **options):
    data = Market1501(root, (32, 16), augment=False, max_unreadable=limit)
    options = {"seed": 1, "repeat": True, "heatmaps": False, "scaled": False, "start": start} | options
    with data_errors():
        return list(data.as_dataset("train", 4, **options).take(count).as_numpy_iterator())


def rows(every):
    """The rows of batches as bytes, from all their entries."""
    return [
        tuple(part[row].tobytes() for part in batch.values())
        for batch in every
        for row in range(len(batch["source_image"]))
    ]


def test_pairs_are_replaced_by_other_pairs(intact, damaged, caplog):
    good, found = rows(batches(intact, 5, limit=0)), rows(batches(damaged, 5))
    differ = [row for row, (one, other) in enumerate(zip(good, found, strict=True)) if one != other]
    assert len(differ) == 2 * 4  # in two epochs, two pairs for each of the two images
    assert set(found) < set(good)
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 2  # not one for each time
    for number, warning in enumerate(warnings, 1):
        assert "is a truncated JPEG file: its end is missing; its pairs are replaced by others" in warning
        assert f"(unreadable image {number} of at most 2)" in warning
    assert {name for name in DAMAGED for warning in warnings if f"/train/{name}'" in warning} == {*DAMAGED}


def test_replacement_is_the_same_from_any_start(damaged):
    every = rows(batches(damaged, 8))
    assert rows(batches(damaged, 3, start=5)) == every[20:]
    assert rows(batches(damaged, 8)) == every
    halves = [batches(damaged, 8, shard=(index, 2)) for index in range(2)]
    joined = [row for pair in zip(*halves, strict=True) for half in pair for row in rows([half])]
    assert joined == every


@pytest.mark.parametrize("limit", [0, 1])
def test_the_limit_stops_the_iteration(damaged, limit):
    with pytest.raises(InputError) as error:
        batches(damaged, 5, limit=limit)
    message = str(error.value)
    last = next(name for name in DAMAGED if name in message)
    image = f"the image {str(damaged / 'train' / last)!r} is a truncated JPEG file: its end is missing"
    assert (
        message
        == [
            image,
            f"more than 1 image cannot be read, the limit max_unreadable; the last one: {image}",
        ][limit]
    )


def test_shards(intact, tmp_path):
    build_shards(intact, tmp_path / "shards")
    (shard,) = (tmp_path / "shards").glob("train-*.tfrecord")
    content = bytearray(shard.read_bytes())
    content[200] ^= 1  # in the first record
    shard.write_bytes(content)
    good = rows(batches(intact, 5, limit=0))
    found = rows(batches(tmp_path / "shards", 5, limit=1))
    assert sum(one != other for one, other in zip(good, found, strict=True)) == 4
    assert set(found) <= set(good)
    with pytest.raises(InputError, match=r"record 0 of the shard .* is damaged"):
        batches(tmp_path / "shards", 5, limit=0)


def test_no_pair_is_readable(intact, tmp_path):
    folder = shutil.copytree(intact, tmp_path / "data")
    for path in (folder / "train").glob("*_1.jpg"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="no pair of the split has two images that can be read"):
        batches(folder, 1, limit=5)


def test_invalid_limit(intact):
    for limit in (-1, 1.5):
        with pytest.raises(InputError, match="max_unreadable must be an integer from 0"):
            DeepFashion(intact, max_unreadable=limit)
    np.testing.assert_equal(DeepFashion(intact, (8, 8), max_unreadable=3).image_size, (8, 8))
