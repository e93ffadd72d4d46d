"""Folders written by SyntheticPeople."""

import csv
import json
import re

import cv2
import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.files import outputs
from gfla_tf.synthetic import SyntheticPeople, write_folder

LAYOUTS = {
    "deepfashion": ("fasion", (256, 176), r"fashion(WO)?MEN[A-Za-z_]+id\d{10}_\d[a-z]+\.jpg"),
    "market1501": ("market", (128, 64), r"\d{4,}_c\ds1_\d{6}_\d\d\.jpg"),
}


@pytest.fixture(scope="module")
def people():
    return SyntheticPeople((64, 64), identities={"train": 3, "test": 2}, images_per_identity=3)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_folder_contains_the_dataset(tmp_path, people, layout):
    prefix, frame, pattern = LAYOUTS[layout]
    calls = []
    write_folder(tmp_path / "data", people, layout, progress=lambda *call: calls.append(call))
    assert calls == [(1, 3), (2, 3), (3, 3), (1, 2), (2, 2)]
    everyone = {}
    for split in ("train", "test"):
        arrays = people.as_arrays(split)
        with open(tmp_path / "data" / f"{prefix}-annotation-{split}.csv", newline="") as file:
            rows = list(csv.DictReader(file, delimiter=":", quoting=csv.QUOTE_NONE))
        names = [row["name"] for row in rows]
        assert len(set(names)) == len(arrays["images"])
        assert all(re.fullmatch(pattern, name) for name in names)
        assert sorted(p.name for p in (tmp_path / "data" / split).iterdir()) == sorted(names)
        for row, image, keypoints in zip(rows, arrays["images"], arrays["keypoints"], strict=True):
            stored = cv2.imread(str(tmp_path / "data" / split / row["name"]))[..., ::-1]
            assert np.abs(stored.astype(int) - image).mean() < 6
            written = np.stack([json.loads(row["keypoints_y"]), json.loads(row["keypoints_x"])], axis=1)
            known = keypoints[:, 0] >= 0
            assert (written[~known] == -1).all()
            back = written[known] * np.array(people.image_size) / np.array(frame)
            assert np.abs(back - keypoints[known]).max() <= 1.0
        with open(tmp_path / "data" / f"{prefix}-pairs-{split}.csv", newline="") as file:
            pairs = [(row["from"], row["to"]) for row in csv.DictReader(file)]
        assert pairs == [(names[a], names[b]) for a, b in arrays["pairs"]]
        everyone[split] = names
    assert not set(everyone["train"]) & set(everyone["test"])


def test_existing_contents_are_overwritten_only_with_force(tmp_path, people, monkeypatch):
    small = SyntheticPeople((64, 64), identities={"train": 1, "test": 1}, images_per_identity=2)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty"):
        write_folder(tmp_path / "full", small)
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["mine.txt"]
    with pytest.raises(InputError, match="it is a file"):
        write_folder(tmp_path / "full" / "mine.txt", small)
    write_folder(tmp_path / "full", small, force=True)
    assert not (tmp_path / "full" / "mine.txt").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["full"]
    monkeypatch.chdir(tmp_path / "full")
    write_folder(".", small, force=True)
    assert (tmp_path / "full" / "train").is_dir()

    def fail(source, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(outputs, "exchange_names", fail)
    with pytest.raises(InputError, match="not permitted"):
        write_folder(tmp_path / "full", small, force=True)
    assert (tmp_path / "full" / "train").is_dir()
    assert [p.name for p in tmp_path.iterdir()] == ["full"]
    with pytest.raises(ValueError, match="layout must be one of"):
        write_folder(tmp_path / "other", small, layout="coco")
