"""Shards: the folder's batches again, the same bytes from any number of workers, resuming, and damage."""

import hashlib
import json
import os
import shutil
import threading
import zlib

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.data import DeepFashion, Market1501
from gfla_tf.data.pipeline import data_errors
from gfla_tf.data.protocol import Protocol, read_protocol, write_protocol
from gfla_tf.data.shards.builder import build_shards
from gfla_tf.data.shards.reader import verify_shards
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_image
from tests.data.folders import write_folder
from tests.images.pictures import huge_png

FRAMES = {"fasion": (256, 176), "market": (128, 64)}


def _folder(root, prefix="fasion", people=4):
    size = (96, 66) if prefix == "fasion" else (128, 64)
    return write_folder(root, prefix, size, FRAMES[prefix], people=people)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(folder, shards) of a DeepFashion folder, several shards a split."""
    root = tmp_path_factory.mktemp("built")
    folder = _folder(root / "folder")
    protocol = Protocol("deepfashion", "img_highres", "pil-bilinear", 96, 66, "jpeg", 95)
    write_protocol(folder, protocol)
    build_shards(folder, root / "shards", workers=2, shard_bytes=4000)
    return folder, root / "shards"


@pytest.fixture
def copy(built, tmp_path):
    """A copy of the shards to damage."""
    return shutil.copytree(built[1], tmp_path / "copy")


def _batches(dataset):
    return [{name: value.numpy() for name, value in batch.items()} for batch in dataset]


def _contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _shard(folder, number=0, split="train"):
    return sorted(folder.glob(f"{split}-{number:05}-of-*.tfrecord"))[0]


@pytest.mark.parametrize("options", [{}, {"repeat": True, "scaled": False}, {"shuffle": False}])
def test_batches_equal_the_folders(built, options):
    folder, shards = (DeepFashion(root, (64, 48)) for root in built)
    for split in ("train", "test"):
        assert folder.num_pairs(split) == shards.num_pairs(split) == 8
        pairs = [source.as_dataset(split, 3, seed=5, **options) for source in (folder, shards)]
        for _ in range(1 if options.get("repeat") else 2):
            ours, theirs = ([*_batches(dataset.take(4))] for dataset in pairs)
            assert len(ours) == len(theirs) == (4 if options.get("repeat") else 3)
            for one, other in zip(ours, theirs, strict=True):
                assert one.keys() == other.keys()
                for name, value in one.items():
                    np.testing.assert_array_equal(value, other[name])


def test_augmentation_draws_the_same(tmp_path):
    folder = _folder(tmp_path / "folder", "market")
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


def test_records_are_tfrecords_of_the_files_as_they_are(built):
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


def test_any_number_of_workers_gives_the_same_bytes(built, tmp_path):
    for workers in (1, 5):
        out = tmp_path / f"shards{workers}"
        build_shards(built[0], out, workers=workers, shard_bytes=4000)
        assert _contents(out) == _contents(built[1])
    assert {path.name for path in tmp_path.iterdir()} == {"shards1", "shards5"}


def test_an_interrupted_build_goes_on(built, tmp_path):
    folder = shutil.copytree(built[0], tmp_path / "folder")
    out = tmp_path / "shards"

    def interrupt(done, total):
        if done == 11:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_shards(folder, out, shard_bytes=4000, progress=interrupt)
    assert not out.exists()
    beside = tmp_path / ".shards.building"
    finished = sorted(path.name for path in beside.glob("*.tfrecord"))
    assert len(finished) >= 3
    (beside / finished[0]).write_bytes(b"half a shard")
    (beside / "leftover").write_bytes(b"")
    seen = []
    report = build_shards(folder, out, shard_bytes=4000, workers=3, progress=lambda *now: seen.append(now))
    assert report.kept == len(finished) - 1
    assert seen == [(n, 16) for n in range(1, 17)]
    build_shards(folder, tmp_path / "whole", shard_bytes=4000)
    assert _contents(out) == _contents(tmp_path / "whole")
    assert not beside.exists()


def test_a_changed_image_is_packed_anew(built, tmp_path):
    folder = shutil.copytree(built[0], tmp_path / "folder")

    def interrupt(done, total):
        if done == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_shards(folder, tmp_path / "shards", shard_bytes=4000, progress=interrupt)
    image = folder / "train" / "train0_0.jpg"
    other = (folder / "train" / "train1_0.jpg").read_bytes()
    image.write_bytes(other)
    os.utime(image, ns=(1, 1))
    build_shards(folder, tmp_path / "shards", shard_bytes=4000)
    first = DeepFashion(tmp_path / "shards").load("train").images.read(0)
    np.testing.assert_array_equal(first, read_image(image))


def test_two_builds_do_not_meet(built, tmp_path):
    inside, leave = threading.Event(), threading.Event()

    def wait(done, total):
        inside.set()
        leave.wait(60)

    first = threading.Thread(
        target=build_shards, args=(built[0], tmp_path / "shards"), kwargs={"progress": wait}
    )
    first.start()
    inside.wait(60)
    with pytest.raises(InputError, match="another build is at work in"):
        build_shards(built[0], tmp_path / "shards")
    leave.set()
    first.join()
    assert verify_shards(tmp_path / "shards") == []


def test_what_is_there_stays_unless_forced(built, tmp_path):
    folder, out = built[0], tmp_path / "shards"
    out.mkdir()
    (out / "thesis.tex").write_text("mine")
    for force in (False, True):
        with pytest.raises(InputError, match="is not empty and holds no shards"):
            build_shards(folder, out, force=force)
    (out / "thesis.tex").unlink()
    build_shards(folder, out)
    with pytest.raises(InputError, match="are there already: name another folder, or replace"):
        build_shards(folder, out)
    build_shards(folder, out, shard_bytes=4000, force=True)
    assert _contents(out) == _contents(built[1])
    for place, message in (
        (folder, "would replace the data folder"),
        (folder.parent, "would replace the data folder"),
        (folder / "fasion-pairs-train.csv", "it is a file"),
        (folder / "fasion-pairs-train.csv" / "out", "cannot write the folder"),
    ):
        with pytest.raises(InputError, match=message):
            build_shards(folder, place, force=True)
    with pytest.raises(InputError, match="is a shards folder already"):
        build_shards(out, tmp_path / "again")
    assert [path.name for path in tmp_path.iterdir()] == ["shards"]


def test_a_damaged_image_stops_the_build_and_is_named(built, tmp_path):
    folder = shutil.copytree(built[0], tmp_path / "folder")
    image = folder / "test" / "test2_1.jpg"
    image.write_bytes(image.read_bytes()[:-2])
    with pytest.raises(InputError, match=r"the image '.*test2_1.jpg' is a truncated JPEG"):
        build_shards(folder, tmp_path / "shards", workers=2)
    assert not (tmp_path / "shards").exists()


def test_a_split_may_be_missing(tmp_path):
    folder = write_folder(tmp_path / "folder", "fashion", (40, 30), (256, 176), splits=("test",))
    build_shards(folder, tmp_path / "shards")
    data = DeepFashion(tmp_path / "shards", (32, 32))
    assert data.num_pairs("test") == 6
    with pytest.raises(InputError, match="have no split 'train'"):
        data.num_pairs("train")


def test_a_damaged_record_is_named_where_it_is_read(copy):
    shard = _shard(copy, 1)
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


def test_verification_finds_what_training_does_not_read(copy):
    assert verify_shards(copy) == []
    shard = _shard(copy, 2)
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
        ("shards.json", lambda path: path.write_bytes(b"[1]"), "holds no JSON object"),
        ("shards.json", lambda path: path.write_bytes(b"{}"), "is not the manifest of shards"),
        ("shards.json", _rewrite(lambda v: v.update(version=2)), "is of another version"),
        ("shards.json", _rewrite(lambda v: v.update(layout="market1501")), "its checksum is wrong"),
        ("train.json", lambda path: path.unlink(), "the shards lack their file"),
        (
            "train.json",
            lambda path: path.write_bytes(path.read_bytes()[:-1]),
            "where its manifest says",
        ),
        ("train.json", lambda path: path.write_bytes(path.read_bytes()[:-1] + b" "), "its checksum is wrong"),
        ("train-00000", lambda path: path.write_bytes(path.read_bytes()[:90]), "has 90 bytes where"),
        ("train-00000", lambda path: path.unlink(), "the shards lack their file"),
    ],
)
def test_damaged_files_are_one_sentence(copy, name, damage, message):
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


def _put(name, place, value):
    return lambda index, manifest: index[name].__setitem__(place, value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda index, manifest: index.pop("names"), "it lacks 'names'"),
        (_set("names", ["a"]), "'names' must be 8 names"),
        (_set("names", [1] * 8), "'names' must be 8 names"),
        (_set("names", "abcdefgh"), "'names' must be 8 names"),
        (_set("keypoints", [[0] * 35] * 8), "'keypoints' must be 8 x 36 numbers"),
        (_set("keypoints", [["0"] * 36] * 8), "'keypoints' must be 8 x 36 numbers"),
        (_set("keypoints", [[1e30] * 36] * 8), "a keypoint is no pixel position"),
        (_set("keypoints", [[float("nan")] * 36] * 8), "a keypoint is no pixel position"),
        (_set("pairs", [[0, 1]]), "'pairs' must be 8 x 2 whole numbers"),
        (_set("pairs", [[0, 8]] * 8), "a number of 'pairs' is out of its range"),
        (_set("pairs", [[0, -1]] * 8), "a number of 'pairs' is out of its range"),
        (_set("pairs", [[0, 0.5]] * 8), "'pairs' must be 8 x 2 whole numbers"),
        (_put("shard", 7, 99), "a number of 'shard' is out of its range"),
        (_put("shard", 0, 1), "not in the order of their shards"),
        (_put("offset", 0, 10**6), "a number of 'offset' is out of its range"),
        (_put("offset", 0, 10**30), "whole numbers|out of its range"),
        (_put("length", 0, 2**40), "a number of 'length' is out of its range"),
        (_put("length", 0, 5000), "an image ends behind its record's end"),
        (_put("size", 0, 10000), "a record ends behind its shard's end"),
        (_put("size", 0, 2**40), "a number of 'size' is out of its range"),
        (_put("length", 0, None), "'length' must be 8 whole numbers"),
        (_put("crc32", 0, True), "whole numbers|is damaged"),
        (_put("crc32", 0, [1]), "is not an index of shards"),
        (lambda index, manifest: manifest.update(layout="shapenet"), "its layout or its splits are wrong"),
        (lambda index, manifest: manifest.update(layout=["market1501"]), "is not the manifest of shards"),
        (lambda index, manifest: manifest.update(frame=[1, 1]), "in another frame than its layout's"),
        (lambda index, manifest: manifest.update(splits={}), "its layout or its splits are wrong"),
        (lambda index, manifest: manifest.update(splits=7), "is not the manifest of shards"),
        (lambda index, manifest: manifest["splits"]["train"].update(images=True), "'splits' is wrong"),
        (lambda index, manifest: manifest["splits"]["train"].update(images=10**15), "'splits' is wrong"),
        (
            lambda index, manifest: manifest["splits"]["train"].update(shards=[]),
            "a list of 'shards' is wrong",
        ),
        (
            lambda index, manifest: manifest["splits"]["train"].update(shards=["../x.tfrecord"]),
            "a file of a split is not among 'files'",
        ),
        (
            lambda index, manifest: manifest["files"].update({"/etc/passwd": {"bytes": 9, "sha256": ""}}),
            "an entry of 'files' is wrong",
        ),
    ],
)
def test_forged_indexes_are_one_sentence(copy, change, message):
    _forge(copy, change)
    with pytest.raises(InputError, match=message) as error, data_errors():
        list(DeepFashion(copy, (32, 32)).as_dataset("train", 8))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_a_forged_image_is_not_decoded(copy):
    def aim(index, manifest):
        """Lets the first image be a PNG of 20000 x 20000 pixels within the shard."""
        shard = _shard(copy)
        data = bytearray(shard.read_bytes())
        forged = huge_png()
        start = index["offset"][0]
        data[start : start + len(forged)] = forged
        shard.write_bytes(data)
        index["length"][0], index["crc32"][0] = len(forged), zlib.crc32(data[: index["size"][0]])

    _forge(copy, aim)
    with pytest.raises(InputError, match=r"record 0 of the shard .* declares 20000 x 20000 pixels"):
        DeepFashion(copy).load("train").images.read(0)


def test_pixels_are_those_of_an_accurate_decoder(built):
    """Who reads the records with TensorFlow gets the same pixels with this method of the inverse DCT."""
    data = DeepFashion(built[1]).load("train")
    for number in range(3):
        encoded = (built[0] / "train" / data.names[number]).read_bytes()
        decoded = tf.io.decode_jpeg(encoded, 3, dct_method="INTEGER_ACCURATE").numpy()
        np.testing.assert_array_equal(data.images.read(number), decoded)


def test_an_image_read_again_is_the_same(built):
    images = DeepFashion(built[1]).load("train").images
    first = images.read(3)
    for _ in range(2):
        out = np.zeros_like(first)
        assert images.read(3, out=out) is out
        np.testing.assert_array_equal(out, first)
    other = np.full((5, 4, 3), 7, np.uint8)
    np.testing.assert_array_equal(images.read(3, out=other), first)
    assert (other == 7).all()
