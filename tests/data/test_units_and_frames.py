"""Keypoints of a dataset that are not in pixels of its frame are refused by everything that reads it."""

import numpy as np
import pytest

from gfla_tf.data import DeepFashion
from gfla_tf.data.doctor import check_folder
from gfla_tf.data.hdf5.writer import write_pair_file
from gfla_tf.data.layout import DEEPFASHION
from gfla_tf.data.prepare.lists import read_lists
from gfla_tf.data.shards import builder
from gfla_tf.errors import InputError
from tests.data.doctor.faulty_folder import Folder
from tests.data.folders import write_folder

FRAME = np.array((256, 176))


def _changed(change):
    """A change of all found keypoints."""
    return lambda points: np.where(points < 0, -1.0, change(points))


def _fractions(points):
    points = points / FRAME
    points[3] = 1.03, 0.4
    return points


def _centered(points):
    return points / (FRAME / 2) - 1


CHANGES = {
    "fractions": (_changed(_fractions), "in fractions of the image from 0 to 1"),
    "from -1": (_changed(_centered), "in fractions of the image from -1 to 1"),
    "rounded": (
        _changed(lambda points: np.rint(points / FRAME)),
        "whole numbers within the first two pixels",
    ),
    "large": (
        _changed(lambda points: points * 4 + 180),
        "outside its frame of 256 x 176 pixels .*: scale the keypoints to this frame",
    ),
}


@pytest.fixture
def folder(tmp_path):
    return Folder(write_folder(tmp_path / "photos", "fasion", (96, 66), (256, 176), people=2))


@pytest.mark.parametrize("case", CHANGES)
def test_everything_refuses(folder, tmp_path, case):
    change, message = CHANGES[case]
    folder.points("train", change)
    for read in (
        lambda: DeepFashion(folder.path).num_pairs("train"),
        lambda: builder.build_shards(folder.path, tmp_path / "shards"),
        lambda: write_pair_file(folder.path, tmp_path / "pairs.h5"),
        lambda: read_lists(DEEPFASHION, str(folder.path), "train"),
    ):
        with pytest.raises(InputError, match=rf"^'.*fasion-annotation-train\.csv'.* {message}"):
            read()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]
    found = [fault for fault in check_folder(folder.path).faults if fault.check == "wrong-frame"]
    assert [(fault.severity, fault.split) for fault in found] == [("error", "train")]
    assert DeepFashion(folder.path).num_pairs("test") == 4


def test_one_row_in_fractions(folder):
    folder.row("train", 2, _changed(_fractions))
    with pytest.raises(InputError, match=r"the row 'train1_0\.jpg' and the others are in different units"):
        DeepFashion(folder.path).num_pairs("train")
    (fault,) = [fault for fault in check_folder(folder.path).faults if fault.check == "wrong-frame"]
    assert "'train1_0.jpg' and the others are in different units" in fault.sentence


def test_shards_of_fractions(folder, tmp_path, monkeypatch):
    """Shards that an earlier version built from fractions."""
    with monkeypatch.context() as patch:
        patch.setattr("gfla_tf.pose.keypoints.check_keypoints", lambda *arguments: None)
        folder.points("train", _changed(_fractions))
        builder.build_shards(folder.path, tmp_path / "shards")
    with pytest.raises(
        InputError, match=r"the split 'train' of the shards .* in fractions of the image from 0"
    ):
        DeepFashion(tmp_path / "shards").num_pairs("train")
