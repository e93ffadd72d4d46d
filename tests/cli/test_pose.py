"""`gfla pose`: estimation in photos, conversions, and the messages for invalid input."""

import hashlib
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from gfla_tf.cli.main import main
from gfla_tf.pose.formats import read_people, read_pose
from gfla_tf.pose.keypoints import read_annotations
from gfla_tf.pose.people import PosedImage
from tests.cli.pose_files import error_messages, posed_image, random_person, write_people, write_photo
from tests.pose import planted

NEAR = {"nose": (30, 60), "left_shoulder": (60, 80), "right_shoulder": (60, 40), "left_ankle": (180, 80)}
FAR = {"nose": (30, 120), "left_shoulder": (60, 130), "right_shoulder": (60, 110)}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    planted.require_onnxruntime()
    path = tmp_path_factory.mktemp("network") / "rtmo.onnx"
    path.write_bytes(planted.network())
    return str(path)


def test_a_photograph(place, network, capsys):
    write_photo(place / "a.png", FAR, NEAR)
    assert main(["pose", "a.png", "-o", "pose.json", "--pose-model", network]) == 0
    assert "wrote pose.json" in capsys.readouterr().out
    pose = read_pose("pose.json")
    assert pose.frame == (200, 150)
    expected = [(30, 60), (60, 60), (60, 40), (60, 80), (180, 80)]  # with the neck between the shoulders
    np.testing.assert_allclose(pose.keypoints[[0, 1, 2, 5, 13]], expected, atol=0.3)
    assert (pose.keypoints >= 0).all(-1).sum() == 5
    written = json.loads((place / "pose.json").read_text())
    assert (written["file_name"], len(written["people"])) == ("a.png", 1)


def test_which_person(place, network, capsys, caplog):
    write_photo(place / "a.png", FAR, NEAR)
    words = ["pose", "a.png", "--pose-model", network, "-o"]
    assert main([*words, "far.json", "--person", "1"]) == 0
    np.testing.assert_allclose(read_pose("far.json").keypoints[0], (30, 120), atol=0.3)
    assert main([*words, "all.json", "--all"]) == 0
    assert len(read_people("all.json")[0].people) == 2
    assert "people" not in caplog.text
    assert main([*words, "x.json", "--person", "2"]) == 1
    assert error_messages(capsys) == ["gfla: error: 'a.png' has no person 2: it contains 2, counted from 0"]
    assert not (place / "x.json").exists()


def test_several_photographs_go_on_after_a_bad_one(place, network, capsys):
    write_photo(place / "in" / "a.png", NEAR)
    write_photo(place / "in" / "b.png")
    write_photo(place / "in" / "c.png", FAR)
    (place / "in" / "broken.png").write_bytes((place / "in" / "a.png").read_bytes()[:200])
    words = ["pose", "--pose-model", network, "-o", "out"]
    assert main([*words, "in/a.png", "in/b.png", "in/c.png"]) == 1
    assert error_messages(capsys) == [
        "gfla: error: no person was found in the photograph 'in/b.png': use one that shows a whole person"
    ]
    assert sorted(path.name for path in (place / "out").iterdir()) == ["a.json", "c.json"]
    assert main([*words, "in/a.png", "in/broken.png", "in/c.png", "--force"]) == 2
    assert "in/broken.png" in error_messages(capsys)[0]


def test_resuming(place, network, capsys, monkeypatch):
    for name in "abc":
        write_photo(place / f"{name}.png", NEAR)
    words = ["pose", "a.png", "b.png", "c.png", "-o", "out"]

    def interrupted(estimator, photo, name):
        if name == "b.png":
            raise KeyboardInterrupt
        return PosedImage(name, photo.shape[:2], (random_person(),), name)

    with monkeypatch.context() as patch:
        patch.setattr("gfla_tf.pose.estimator.PoseEstimator.__call__", interrupted)
        assert main([*words, "--pose-model", network]) == 130
    before = (place / "out" / "a.json").read_bytes()
    assert [path.name for path in (place / "out").iterdir()] == ["a.json"]
    assert main([*words, "--pose-model", network]) == 2
    assert "--resume" in error_messages(capsys)[0]
    assert main([*words, "--pose-model", network, "--resume"]) == 0
    assert "skipped 1 image(s)" in capsys.readouterr().out
    assert (place / "out" / "a.json").read_bytes() == before
    assert len(list((place / "out").iterdir())) == 3
    (place / "out" / "b.json").write_text("damaged")
    assert main([*words, "--pose-model", network, "--force"]) == 0
    assert read_pose("out/b.json").frame == (200, 150)
    assert main([*words, "--resume"]) == 0  # nothing is left to do: no network is needed


def test_photographs_into_training_annotations(place, network):
    write_photo(place / "a.png", NEAR)
    write_photo(place / "b.png", FAR, size=(256, 176))
    words = ["pose", "a.png", "b.png", "--pose-model", network, "-o"]
    assert main([*words, "fasion-annotation-train.csv"]) == 0
    rows = read_annotations("fasion-annotation-train.csv")
    np.testing.assert_array_equal(
        rows["a.png"][[0, 13]], [(38, 70), (230, 94)]
    )  # 256/200 and 176/150 of them
    np.testing.assert_array_equal(rows["b.png"][[0, 1]], [(30, 120), (60, 120)])
    assert main([*words, "mine.csv", "--scale-to", "400x300"]) == 0
    np.testing.assert_array_equal(read_annotations("mine.csv")["a.png"][0], (60, 120))


def test_folders(place, network, capsys):
    for name in "ba":
        write_photo(place / "in" / f"{name}.png", NEAR)
    (place / "in" / "notes.txt").write_text("mine")
    assert main(["pose", "in", "-o", "out", "--pose-model", network]) == 0
    assert sorted(path.name for path in (place / "out").iterdir()) == ["a.json", "b.json"]
    assert main(["pose", "out", "-o", "market-annotation-test.csv"]) == 0
    rows = read_annotations("market-annotation-test.csv")
    assert {name: rows[name][0].tolist() for name in rows} == {"a.png": [19, 26], "b.png": [19, 26]}
    (place / "empty").mkdir()
    assert main(["pose", "empty", "-o", "x.csv"]) == 2
    assert "'empty' contains no photograph and no .json file" in error_messages(capsys)[0]


def test_without_an_output_the_pose_is_printed(place, network, capsys):
    write_photo(place / "photo.png", NEAR)
    assert main(["pose", "photo.png", "--pose-model", network]) == 0
    printed = capsys.readouterr().out
    assert main(["pose", "photo.png", "--pose-model", network, "-o", "photo.json"]) == 0
    assert printed == (place / "photo.json").read_text()
    assert main(["pose", "photo.json", "--to", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2] == "name:keypoints_y:keypoints_x"
    assert lines[-1].startswith("photo.png:[30, ")
    assert sorted(path.name for path in place.iterdir() if path.is_file()) == ["photo.json", "photo.png"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name at least one photo"),
        (["a.json", "--resume"], "--resume needs an output folder"),
        (["a.json", "a.json"], "2 images cannot be written to one file of the format 'coco18'"),
        (["-o", "x.json"], "name at least one photo"),
        (["nowhere.json", "-o", "x.json"], "'nowhere.json' does not exist"),
        (["a.json", "-o", "a.json"], "exists already"),
        (["a.json", "-o", "nowhere/x.json"], "there is no folder 'nowhere'"),
        (["a.json", "-o", "x.csv", "--to", "coco17"], "does not match 'coco17'"),
        (["a.json", "-o", "x.json", "--to", "csv"], "does not match 'csv'"),
        (["a.json", "-o", "folder", "--to", "coco17"], "one file for all images: give a .json file"),
        (["a.json", "-o", "folder", "--to", "csv"], "one file for all images: give a .csv file"),
        (["a.json", "-o", "note.txt"], "cannot be created"),
        (["a.json", "a.json", "-o", "folder"], "two images would both be written to"),
        (["a.json", "a.json", "-o", "x.csv"], "images have the name 'a.jpg'"),
        (["a.json", "-o", "x.json", "--images", "nowhere"], "'nowhere' cannot be read"),
        (["photo.png", "-o", "x.json", "--frame", "10x10"], "the size of a photograph is known"),
        (["photo.png", "-o", "x.json"], "no pose model is installed"),
        (["photo.png", "-o", "x.json", "--pose-model", "nowhere.onnx"], "'nowhere.onnx' does not exist"),
        (["photo.png", "-o", "x.json", "--pose-model", "photo.png"], "'photo.png' is not an ONNX file"),
        (["bad.json", "-o", "x.json"], "'bad.json', person 0: .*contains nan at position 1"),
        (["out.json", "-o", "folder"], "not a valid file name"),
    ],
)
def test_mistakes_end_in_one_sentence(place, capsys, words, message):
    write_photo(place / "photo.png", NEAR)
    write_people(place / "a.json", posed_image("a.jpg", random_person()))
    write_people(place / "out.json", posed_image("../..", random_person()))
    (place / "note.txt").write_text("mine")
    person = {"pose_keypoints_2d": [1.0, float("nan"), 1.0] * 18}
    (place / "bad.json").write_text(json.dumps({"people": [person]}))
    before = {path.name for path in place.iterdir()}
    if "photo.png" in words:
        planted.require_onnxruntime()
    assert main(["pose", *words]) == 2
    (sentence,) = error_messages(capsys)
    assert re.search(message, sentence)
    assert {path.name for path in place.iterdir()} == before


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_that_nothing_came_into_is_not_left_behind(place, capsys, there):
    (place / "broken.json").write_text("{")
    write_people(place / "nobody.json", posed_image("a.jpg"))
    if there:
        (place / "deep").mkdir()
    assert main(["pose", "broken.json", "nobody.json", "-o", "deep/in/poses"]) == 2
    assert len(error_messages(capsys)) == 2
    assert (place / "deep").exists() == there
    assert not (place / "deep" / "in").exists()
    (place / "mine").mkdir()
    assert main(["pose", "nobody.json", "-o", "mine"]) == 1
    assert (place / "mine").is_dir()  # the user's own


def test_download(place, network, capsys, monkeypatch):
    def fetch(progress):
        progress(500_000, 2_500_000)
        progress(2_500_000, 2_500_000)
        with open(network, "rb") as file:
            return file.read()

    with open(network, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    monkeypatch.setattr("gfla_tf.pose.estimator_weights._fetch", fetch)
    monkeypatch.setattr("gfla_tf.pose.estimator_weights.MODEL_SHA256", digest)
    assert main(["pose", "--download"]) == 0
    assert str(place / ".cache" / "gfla_tf" / "rtmo-m.onnx") in capsys.readouterr().err
    write_photo(place / "a.png", NEAR)
    assert main(["pose", "a.png", "-o", "x.json"]) == 0
    np.testing.assert_allclose(read_pose("x.json").keypoints[0], (30, 60), atol=0.3)


def test_without_the_extra(place, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    write_photo(place / "a.png", NEAR)
    assert main(["pose", "a.png", "-o", "x.json"]) == 2
    assert "python -m pip install 'gfla-tf[pose]'" in error_messages(capsys)[0]
    write_people(place / "a.json", posed_image("a.jpg", random_person()))
    assert main(["pose", "a.json", "-o", "x.csv"]) == 0


@pytest.mark.parametrize(
    "words", [["--to", "mpii"], ["--min-confidence", "2"], ["--frame", "5"], ["--all", "--person", "1"]]
)
def test_wrong_usage(words):
    with pytest.raises(SystemExit) as stopped:
        main(["pose", "a.json", "-o", "b.json", *words])
    assert stopped.value.code == 2


def test_nothing_heavy_is_loaded_and_nothing_is_kept_or_told(place, network, monkeypatch):
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    write_photo(place / "a.png", NEAR)
    program = (
        "import sys; from gfla_tf.cli.main import main; "
        f"code = main(['pose', 'a.png', '-o', 'x.json', '--pose-model', {network!r}]); "
        "print(code, 'tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["wrote", "x.json", "0", "False", "False"]
    assert done.stderr == ""
    assert not (place / ".cache").exists()  # where onnxruntime would keep a device's number
