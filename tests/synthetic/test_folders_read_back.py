"""Folders of SyntheticPeople, read back as DeepFashion and Market-1501."""

import numpy as np
import pytest

from gfla_tf.data import DeepFashion, Market1501, SyntheticPeople
from gfla_tf.pose.formats import read_pose
from gfla_tf.synthetic.writer import write_folder

CASES = {"deepfashion": (DeepFashion, (64, 64)), "market1501": (Market1501, (128, 64))}


@pytest.mark.parametrize("layout", CASES)
def test_the_written_folder_is_read(tmp_path, layout):
    reader, size = CASES[layout]
    people = SyntheticPeople(size, identities={"train": 1, "test": 2})
    write_folder(tmp_path / "data", people, layout)
    data = reader(tmp_path / "data", size)
    assert data.num_pairs("train") == people.num_pairs("train")
    assert data.num_pairs("test") == people.num_pairs("test")
    (batch,) = data.as_dataset("test", people.num_pairs("test"), heatmaps=False)
    for index in (0, 5, 17):
        sample = people.sample("test", index)
        for which in ("source", "target"):
            image = (batch[f"{which}_image"][index].numpy() + 1) * 127.5
            assert np.abs(image - sample[f"{which}_image"]).mean() < 6
            points, expected = batch[f"{which}_keypoints"][index].numpy(), sample[f"{which}_keypoints"]
            np.testing.assert_array_equal(points < 0, expected < 0)
            np.testing.assert_allclose(points, expected, atol=1.01)
    (train,) = data.as_dataset("train", people.num_pairs("train"))
    assert train["source_pose"].shape == (12, *size, 18)
    path = next((tmp_path / "data").glob("*-annotation-test.csv"))
    name = path.read_text().splitlines()[1].split(":")[0]
    assert read_pose(f"{path}#{name}").frame == reader.layout.frame
