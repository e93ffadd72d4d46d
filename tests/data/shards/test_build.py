"""Tests of building shards: workers, resumption, overwriting."""

import os
import shutil
import threading

import numpy as np
import pytest

from gfla_tf.data import DeepFashion
from gfla_tf.data.shards.builder import build_shards
from gfla_tf.data.shards.reader import verify_shards
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_image
from tests.data.shards.conftest import contents


def test_any_number_of_workers_gives_the_same_bytes(built, tmp_path):
    for workers in (1, 5):
        out = tmp_path / f"shards{workers}"
        build_shards(built[0], out, workers=workers, shard_bytes=4000)
        assert contents(out) == contents(built[1])
    assert {path.name for path in tmp_path.iterdir()} == {"shards1", "shards5"}


def test_an_interrupted_build_is_resumed(built, tmp_path):
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
    assert contents(out) == contents(tmp_path / "whole")
    assert not beside.exists()


def test_a_changed_image_is_packed_again(built, tmp_path):
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


def test_concurrent_builds_are_refused(built, tmp_path):
    inside, leave = threading.Event(), threading.Event()

    def wait(done, total):
        inside.set()
        leave.wait(60)

    first = threading.Thread(
        target=build_shards, args=(built[0], tmp_path / "shards"), kwargs={"progress": wait}
    )
    first.start()
    inside.wait(60)
    with pytest.raises(InputError, match="another build is running in"):
        build_shards(built[0], tmp_path / "shards")
    leave.set()
    first.join()
    assert verify_shards(tmp_path / "shards") == []


def test_existing_outputs_require_force(built, tmp_path):
    folder, out = built[0], tmp_path / "shards"
    out.mkdir()
    (out / "thesis.tex").write_text("mine")
    for force in (False, True):
        with pytest.raises(InputError, match="is not empty and contains no shards"):
            build_shards(folder, out, force=force)
    (out / "thesis.tex").unlink()
    build_shards(folder, out)
    with pytest.raises(InputError, match="exist already: choose another folder, or overwrite"):
        build_shards(folder, out)
    build_shards(folder, out, shard_bytes=4000, force=True)
    assert contents(out) == contents(built[1])
    for path, message in (
        (folder, "would overwrite the data folder"),
        (folder.parent, "would overwrite the data folder"),
        (folder / "fasion-pairs-train.csv", "it is a file"),
        (folder / "fasion-pairs-train.csv" / "out", "cannot write the folder"),
    ):
        with pytest.raises(InputError, match=message):
            build_shards(folder, path, force=True)
    with pytest.raises(InputError, match="is already a shards folder"):
        build_shards(out, tmp_path / "again")
    assert [path.name for path in tmp_path.iterdir()] == ["shards"]


def test_a_damaged_image_stops_the_build(built, tmp_path):
    folder = shutil.copytree(built[0], tmp_path / "folder")
    image = folder / "test" / "test2_1.jpg"
    image.write_bytes(image.read_bytes()[:-2])
    with pytest.raises(InputError, match=r"the image '.*test2_1.jpg' is a truncated JPEG"):
        build_shards(folder, tmp_path / "shards", workers=2)
    assert not (tmp_path / "shards").exists()


def test_a_folder_whose_name_is_not_utf8(built, tmp_path):
    out = tmp_path / os.fsdecode(b"shards-\xff")
    build_shards(built[0], out, workers=2, shard_bytes=4000)
    assert contents(out) == contents(built[1])
    assert verify_shards(out) == []
    np.testing.assert_array_equal(
        DeepFashion(out).load("test").images.read(0), DeepFashion(built[1]).load("test").images.read(0)
    )
