"""Tests of damaged and forged shards: each ends in one error message."""

import hashlib
import json
import zlib

import pytest

from gfla_tf.data import DeepFashion
from gfla_tf.data.pipeline import data_errors
from gfla_tf.data.shards.reader import verify_shards
from gfla_tf.errors import InputError
from tests.data.shards.conftest import shard_path
from tests.images.pictures import huge_png


def test_reading_a_damaged_record(copy):
    shard = shard_path(copy, 1)
    data = bytearray(shard.read_bytes())
    data[-400] ^= 1  # in the last record's image
    shard.write_bytes(data)
    records = sum(1 for number in json.loads((copy / "train.json").read_text())["shard"] if number == 1)
    dataset = DeepFashion(copy, (64, 64)).as_dataset("train", 2, shuffle=False)
    with pytest.raises(InputError) as error, data_errors():
        list(dataset)
    where = f"record {records - 1} of the shard {str(shard)!r} is damaged"
    assert str(error.value) == f"{where}: copy the shard again, or build the shards again"
    (fault,) = verify_shards(copy)
    assert fault.startswith(where)


def test_verification_checks_all_files(copy):
    assert verify_shards(copy) == []
    shard = shard_path(copy, 2)
    data = bytearray(shard.read_bytes())
    data[0] ^= 1  # the first record's length
    shard.write_bytes(data)
    text = (copy / "protocol.json").read_text()
    (copy / "protocol.json").write_text(text.replace("bilinear", "BILINEAR"))
    first, second = sorted(verify_shards(copy))
    assert "protocol.json' is not the file that shards.json describes" in first
    assert second.startswith(f"record 0 of the shard {str(shard)!r} is damaged (image 'train")


def _rewrite(change):
    """Damage to a JSON file's values, its own checksum left as it was."""

    def damage(path):
        values = json.loads(path.read_text())
        change(values)
        path.write_text(json.dumps(values))

    return damage


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("shards.json", lambda path: path.write_bytes(b"{"), "is not a JSON file"),
        ("shards.json", lambda path: path.write_bytes(b"[" * 10**6), "is not a JSON file"),
        ("shards.json", lambda path: path.write_bytes(b"[1]"), "contains no JSON object"),
        ("shards.json", lambda path: path.write_bytes(b"{}"), "is not the manifest of shards"),
        ("shards.json", _rewrite(lambda v: v.update(version=2)), "has another version"),
        ("shards.json", _rewrite(lambda v: v.update(layout="market1501")), "its checksum is wrong"),
        ("train.json", lambda path: path.unlink(), "the shards have no file"),
        (
            "train.json",
            lambda path: path.write_bytes(path.read_bytes()[:-1]),
            "in the manifest",
        ),
        ("train.json", lambda path: path.write_bytes(path.read_bytes()[:-1] + b" "), "its checksum is wrong"),
        ("train-00000", lambda path: path.write_bytes(path.read_bytes()[:90]), "has 90 bytes, but"),
        ("train-00000", lambda path: path.unlink(), "the shards have no file"),
    ],
)
def test_damaged_files(copy, name, damage, message):
    (path,) = copy.glob(f"{name}*")
    damage(path)
    with pytest.raises(InputError, match=message) as error:
        DeepFashion(copy).num_pairs("train")
    assert str(path.name) in str(error.value)
    assert "\n" not in str(error.value)


def _forge(shards, change, split="train"):
    """Changes a split's index and makes all checksums right again, as somebody with bad intent would."""
    path = shards / f"{split}.json"
    index = json.loads(path.read_text())
    manifest = json.loads((shards / "shards.json").read_text())
    change(index, manifest)
    path.write_text(json.dumps(index))
    data = path.read_bytes()
    manifest["files"][path.name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    del manifest["sha256"]
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    manifest["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    (shards / "shards.json").write_text(json.dumps(manifest))


def _set(name, value):
    return lambda index, manifest: index.update({name: value})


def _set_item(name, number, value):
    return lambda index, manifest: index[name].__setitem__(number, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda index, manifest: index.pop("names"), "it has no 'names'"),
        (_set("names", ["a"]), "'names' must be 8 names"),
        (_set("names", [1] * 8), "'names' must be 8 names"),
        (_set("names", "abcdefgh"), "'names' must be 8 names"),
        (_set("keypoints", [[0] * 35] * 8), "'keypoints' must be 8 x 36 numbers"),
        (_set("keypoints", [["0"] * 36] * 8), "'keypoints' must be 8 x 36 numbers"),
        (_set("keypoints", [[1e30] * 36] * 8), "a keypoint is not a pixel position"),
        (_set("keypoints", [[float("nan")] * 36] * 8), "a keypoint is not a pixel position"),
        (_set("pairs", [[0, 1]]), "'pairs' must be 8 x 2 integers"),
        (_set("pairs", [[0, 8]] * 8), "a number of 'pairs' is out of its range"),
        (_set("pairs", [[0, -1]] * 8), "a number of 'pairs' is out of its range"),
        (_set("pairs", [[0, 0.5]] * 8), "'pairs' must be 8 x 2 integers"),
        (_set_item("shard", 7, 99), "a number of 'shard' is out of its range"),
        (_set_item("shard", 0, 1), "not in the order of their shards"),
        (_set_item("offset", 0, 10**6), "a number of 'offset' is out of its range"),
        (_set_item("offset", 0, 10**30), "integers|out of its range"),
        (_set_item("length", 0, 2**40), "a number of 'length' is out of its range"),
        (_set_item("length", 0, 5000), "an image exceeds its record"),
        (_set_item("size", 0, 10000), "a record exceeds its shard"),
        (_set_item("size", 0, 2**40), "a number of 'size' is out of its range"),
        (_set_item("length", 0, None), "'length' must be 8 integers"),
        (_set_item("crc32", 0, True), "integers|is damaged"),
        (_set_item("crc32", 0, [1]), "is not an index of shards"),
        (lambda index, manifest: manifest.update(layout="shapenet"), "its layout or its splits are invalid"),
        (lambda index, manifest: manifest.update(layout=["market1501"]), "is not the manifest of shards"),
        (lambda index, manifest: manifest.update(frame=[1, 1]), "in another frame than its layout's"),
        (lambda index, manifest: manifest.update(splits={}), "its layout or its splits are invalid"),
        (lambda index, manifest: manifest.update(splits=7), "is not the manifest of shards"),
        (lambda index, manifest: manifest["splits"]["train"].update(images=True), "'splits' is invalid"),
        (lambda index, manifest: manifest["splits"]["train"].update(images=10**15), "'splits' is invalid"),
        (
            lambda index, manifest: manifest["splits"]["train"].update(shards=[]),
            "a list of 'shards' is invalid",
        ),
        (
            lambda index, manifest: manifest["splits"]["train"].update(shards=["../x.tfrecord"]),
            "a file of a split is not among 'files'",
        ),
        (
            lambda index, manifest: manifest["files"].update({"/etc/passwd": {"bytes": 9, "sha256": ""}}),
            "an entry of 'files' is invalid",
        ),
    ],
)
def test_forged_indexes(copy, change, message):
    _forge(copy, change)
    with pytest.raises(InputError, match=message) as error, data_errors():
        list(DeepFashion(copy, (32, 32)).as_dataset("train", 8))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_a_forged_image_is_not_decoded(copy):
    def aim(index, manifest):
        """Lets the first image be a PNG of 20000 x 20000 pixels within the shard."""
        shard = shard_path(copy)
        data = bytearray(shard.read_bytes())
        forged = huge_png()
        start = index["offset"][0]
        data[start : start + len(forged)] = forged
        shard.write_bytes(data)
        index["length"][0], index["crc32"][0] = len(forged), zlib.crc32(data[: index["size"][0]])

    _forge(copy, aim)
    with pytest.raises(InputError, match=r"record 0 of the shard .* declares 20000 x 20000 pixels"):
        DeepFashion(copy).load("train").images.read(0)
