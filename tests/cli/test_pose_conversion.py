"""`gfla pose` on pose files: conversions between all formats."""

import json

import numpy as np
import pytest

from gfla_tf.cli.main import main
from gfla_tf.pose.formats import FORMATS, encode_people, read_people, read_pose
from gfla_tf.pose.keypoints import read_annotations
from gfla_tf.pose.skeletons import COCO_18, select
from tests.cli.pose_files import error_messages, posed_image, random_person, write_people, write_photo


@pytest.mark.parametrize("first", FORMATS)
@pytest.mark.parametrize("second", FORMATS)
def test_conversions(place, first, second):
    endings = {"csv": ".csv"}
    start, end = f"start{endings.get(first, '.json')}", f"end{endings.get(second, '.json')}"
    write_people(place / start, posed_image("a.jpg", random_person()), kind=first)
    assert main(["pose", start, "--to", second, "-o", end]) == 0
    (read,) = read_people(end)
    assert read.name == "a.jpg"
    kept = tuple(name for name in COCO_18 if name != "neck" or "coco17" not in first + second)
    np.testing.assert_array_equal(select(read.people[0], kept)[:, :2], select(random_person(), kept)[:, :2])


def test_many_images_in_one_file_and_out_of_it(place, capsys):
    images = [posed_image(f"{name}.jpg", random_person(seed)) for seed, name in enumerate("abc")]
    write_people(place / "all.json", *images, kind="coco17")
    assert main(["pose", "all.json", "-o", "each"]) == 0
    assert "wrote 3 files in each" in capsys.readouterr().out
    assert main(["pose", "each/a.json", "each/b.json", "each/c.json", "-o", "again.csv"]) == 0
    rows = read_annotations("again.csv")
    assert list(rows) == ["a.jpg", "b.jpg", "c.jpg"]
    np.testing.assert_array_equal(rows["c.jpg"][0], random_person(2)[0, :2])
    assert main(["pose", "again.csv#b.jpg", "-o", "b.json", "--to", "body25", "--frame", "200x150"]) == 0
    assert read_pose("b.json").frame == (200, 150)
    assert main(["pose", "all.json", "-o", "one.json"]) == 2
    assert "3 images cannot be written to one file" in error_messages(capsys)[0]


def test_names_and_sizes_from_the_photographs(place, capsys):
    write_photo(place / "photos" / "a.jpg", size=(120, 90))
    person = {"pose_keypoints_2d": [9.0, 30.0, 1.0] * 18}
    (place / "a_keypoints.json").write_text(json.dumps({"people": [person]}))
    words = ["pose", "a_keypoints.json", "-o", "fasion-annotation-test.csv"]
    assert main(words) == 2
    assert "contains no image size" in error_messages(capsys)[0]
    assert main([*words, "--images", "photos"]) == 0
    assert read_annotations("fasion-annotation-test.csv")["a.jpg"][0].tolist() == [64, 18]
    (place / "a_keypoints.json").write_text(
        json.dumps({"people": [person], "canvas_height": 60.0, "canvas_width": 45.0})
    )
    assert main([*words, "--images", "photos", "--force"]) == 0
    assert read_annotations("fasion-annotation-test.csv")["a.jpg"][0].tolist() == [128, 35]
    write_photo(place / "photos" / "a.png", size=(120, 90))
    assert main([*words, "--images", "photos", "--force"]) == 2
    assert "has 2 photographs" in error_messages(capsys)[0]


def test_a_list_of_frames(place, capsys):
    frames = [posed_image("", random_person(seed)) for seed in range(2)]
    documents = [json.loads(encode_people([frame], "coco18")) for frame in frames]
    (place / "clip.json").write_text(json.dumps([*documents, {"people": [], "canvas_height": 200.0}]))
    assert main(["pose", "clip.json", "-o", "each"]) == 2
    assert "frame 2' has 'canvas_height' but no 'canvas_width'" in error_messages(capsys)[0]
    (place / "clip.json").write_text(json.dumps([*documents, {"people": []}]))
    assert main(["pose", "clip.json", "-o", "each"]) == 1
    assert sorted(path.name for path in (place / "each").iterdir()) == ["clip_0000.json", "clip_0001.json"]
    expected = select(random_person(1), COCO_18)[:, :2]
    np.testing.assert_array_equal(read_pose("each/clip_0001.json").keypoints, expected)


def test_fractions_and_swapped_frames(place, capsys):
    person = random_person()
    person[:, :2] = np.where(person[:, 2:] > 0, person[:, :2] / (200, 150), -1)
    write_people(place / "a.json", posed_image("a.jpg", person, frame=None))
    assert main(["pose", "a.json", "-o", "b.json"]) == 2
    assert "in fractions of the image from 0 to 1, whose size is unknown" in error_messages(capsys)[0]
    assert main(["pose", "a.json", "-o", "b.json", "--frame", "200x150"]) == 0
    np.testing.assert_allclose(read_pose("b.json").keypoints[0], random_person()[0, :2], atol=0.02)
    assert main(["pose", "b.json", "-o", "c.json", "--frame", "150x200"]) == 2
    assert "they fit 200 x 150, so height and width may be swapped" in error_messages(capsys)[0]
