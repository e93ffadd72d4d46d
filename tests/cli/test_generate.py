"""`gfla generate`: all kinds of input files, and the messages for invalid ones."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gfla_tf.cli.main import main
from gfla_tf.generate import generate, read_inputs
from gfla_tf.images.io import encode_image, read_image
from tests.data.folders import write_folder
from tests.images import pictures
from tests.pose import planted

HEIGHT, WIDTH = 120, 90


@pytest.fixture(scope="module")
def model_path(tmp_path_factory):
    from gfla_tf.models import PersonImageGenerator

    path = tmp_path_factory.mktemp("run") / "model.keras"
    PersonImageGenerator.from_preset("synthetic", load_weights=False).save(path)
    return path


def _document(count=18, scale=1.0, value=None):
    rng = np.random.default_rng(count)
    points = rng.uniform([10, 10, 0.5], [WIDTH - 10, HEIGHT - 10, 1.0], (count, 3)) * [scale, scale, 1.0]
    numbers = points.ravel().tolist() if value is None else [value] * (3 * count)
    return {"version": 1.3, "people": [{"pose_keypoints_2d": numbers}]}


@pytest.fixture
def place(tmp_path):
    """A folder with a photo, two poses and a place for the results."""
    (tmp_path / "photo.jpg").write_bytes(pictures.jpeg(pictures.gradient(HEIGHT, WIDTH)))
    (tmp_path / "a.json").write_text(json.dumps(_document(18)))
    (tmp_path / "b.json").write_text(json.dumps(_document(25)))
    (tmp_path / "out").mkdir()
    return tmp_path


def _run(place, model_path, *extra, **changes):
    arguments = {
        "--source": place / "photo.jpg",
        "--source-pose": place / "a.json",
        "--target-pose": place / "b.json",
        "--model": model_path,
        "--output": place / "out" / "x.png",
        **{f"--{name.replace('_', '-')}": value for name, value in changes.items()},
    }
    words = [str(word) for pair in arguments.items() if pair[1] is not None for word in pair]
    return main(["generate", *words, *extra])


def _refused(capsys, place, code):
    """Exit code 2, one sentence on stderr, and nothing written; returns the sentence."""
    assert code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("gfla: error:")]
    assert len(lines) == 1
    assert not list((place / "out").iterdir())
    return lines[0]


def test_all_pictures(place, model_path, capsys):
    outputs = {name: place / "out" / f"{name}.png" for name in ("flow", "mask", "attention")}
    assert _run(place, model_path.parent, **outputs) == 0
    arguments = place / "photo.jpg", place / "a.json", place / "b.json", model_path
    expected = generate(*arguments)
    for name, path in {"image": place / "out" / "x.png", **outputs}.items():
        image = read_image(path)
        assert image.shape == (HEIGHT, WIDTH, 3)
        np.testing.assert_array_equal(image, getattr(expected, name), err_msg=name)
    assert len(list((place / "out").iterdir())) == 4
    assert "wrote" in capsys.readouterr().out
    assert _run(place, model_path, "--force", size="model", fit="resize", output=outputs["flow"]) == 0
    expected = generate(*arguments, size="model", fit="resize").image
    np.testing.assert_array_equal(read_image(outputs["flow"]), expected)


def test_kinds_of_photographs(place, model_path, monkeypatch):
    from gfla_tf.models.loading import load_generator

    model = load_generator(model_path)
    monkeypatch.setattr("gfla_tf.models.loading.load_generator", lambda path: model)
    rows = [bytes(range(40)) * 2] * 30
    files = {
        "cmyk.jpg": Path(__file__).parents[1].joinpath("images", "cmyk.jpg").read_bytes(),
        "gray.png": pictures.png(0, 8, [row[:40] for row in rows], (30, 40)),
        "clear.png": pictures.png(6, 8, [row * 2 for row in rows], (30, 40)),
        "deep.png": pictures.png(0, 16, rows, (30, 40)),
        "wide.webp": encode_image("a.webp", pictures.gradient(13, 301)),
    }
    for name, data in files.items():
        (place / name).write_bytes(data)
        frame = f"{HEIGHT}x{WIDTH}"
        result = place / "out" / f"{name}.jpg"
        done = _run(
            place, model_path, source=place / name, output=result, source_frame=frame, target_frame=frame
        )
        assert done == 0
        assert read_image(result).shape == read_image(place / name).shape


def test_annotation_rows(place, model_path):
    write_folder(place / "data", "fasion", (HEIGHT, WIDTH), (256, 176), splits=("test",))
    table = place / "data" / "fasion-annotation-test.csv"
    poses = {"source_pose": f"{table}#test0_0.jpg", "target_pose": f"{table}#test1_1.jpg"}
    assert _run(place, model_path, **poses) == 0
    expected = generate(place / "photo.jpg", *poses.values(), model_path).image
    np.testing.assert_array_equal(read_image(place / "out" / "x.png"), expected)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    planted.require_onnxruntime()
    path = tmp_path_factory.mktemp("network") / "rtmo.onnx"
    path.write_bytes(planted.network())
    return path


def _dots(place, name, people, size):
    (place / name).write_bytes(encode_image(name, planted.photograph(size, people, 4)))
    return place / name


def test_photographs_in_place_of_poses(place, model_path, network, monkeypatch):
    seen = {}

    def spy(inputs, *arguments, **options):
        seen["source"], seen["source_frame"] = inputs.source
        ((seen["target"], seen["target_frame"]),) = inputs.targets
        return generate_from(inputs, *arguments, **options)

    module = importlib.import_module("gfla_tf.generate")
    generate_from = module.generate_from
    monkeypatch.setattr(module, "generate_from", spy)
    here = _dots(place, "here.png", [{"nose": (30, 60)}, {"nose": (60, 20), "left_hip": (90, 40)}], (120, 90))
    other = _dots(place, "other.png", [{"nose": (40, 20), "left_hip": (60, 60)}], (80, 100))
    photos = {"source": here, "source_pose": here, "target_pose": other}
    assert _run(place, model_path, pose_model=network, **photos) == 0
    assert (seen["source_frame"], seen["target_frame"]) == ((120, 90), (80, 100))
    for which, nose, hip in (("source", (60, 20), (90, 40)), ("target", (40, 20), (60, 60))):
        assert np.flatnonzero(seen[which][:, 0] >= 0).tolist() == [0, 11]
        np.testing.assert_allclose(seen[which][[0, 11]], [nose, hip], atol=0.3)
    assert _run(place, model_path, "--force", "--person", "0", pose_model=network, **photos) == 0
    np.testing.assert_allclose(seen["source"][0], (60, 20), atol=0.3)  # 0 is the largest


def test_a_photograph_as_the_target_pose_alone(place, model_path, network):
    other = _dots(place, "other.png", [{"nose": (40, 20), "left_hip": (60, 60)}], (80, 100))
    assert _run(place, model_path, target_pose=other, pose_model=network) == 0
    assert read_image(place / "out" / "x.png").shape == (HEIGHT, WIDTH, 3)


def test_photographs_that_give_no_pose(place, model_path, network, capsys, monkeypatch):
    empty = _dots(place, "empty.png", [], (80, 100))
    run = {"target_pose": empty, "pose_model": network}
    assert "no person was found in" in _refused(capsys, place, _run(place, model_path, **run))
    sentence = _refused(capsys, place, _run(place, model_path, "--target-frame", "80x100", **run))
    assert "the size of a photograph is known" in sentence
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))
    monkeypatch.delenv("TORCH_HOME", raising=False)
    assert "gfla pose --download" in _refused(capsys, place, _run(place, model_path, target_pose=empty))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "gfla-tf[pose]" in _refused(capsys, place, _run(place, model_path, target_pose=empty))


def test_keypoints_outside_are_left_out_with_a_warning(place, model_path, caplog):
    document = _document(18)
    document["people"][0]["pose_keypoints_2d"][:3] = [-30.0, 5.0, 1.0]
    (place / "a.json").write_text(json.dumps(document))
    assert _run(place, model_path) == 0
    assert "1 keypoint(s)" in caplog.text


def test_fractions_of_the_photo(place, model_path, capsys):
    document = _document(18)
    numbers = np.array(document["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)
    document["people"][0]["pose_keypoints_2d"] = (numbers / (WIDTH, HEIGHT, 1)).ravel().tolist()
    (place / "fractions.json").write_text(json.dumps(document))
    photo, fractions = place / "photo.jpg", place / "fractions.json"
    poses = {"source_pose": fractions, "target_pose": fractions}
    assert "whose size is unknown" in _refused(capsys, place, _run(place, model_path, **poses))
    inputs = read_inputs(photo, fractions, [fractions], target_frame=(HEIGHT, WIDTH))
    expected = read_inputs(photo, place / "a.json", [place / "a.json"])
    for found, wanted in ((inputs.source, expected.source), (inputs.targets[0], expected.targets[0])):
        np.testing.assert_allclose(found[0], wanted[0], atol=1e-3)
        assert found[1] == wanted[1] == (HEIGHT, WIDTH)


@pytest.mark.parametrize("option", ["source_frame", "target_frame"])
def test_swapped_frames(place, model_path, capsys, option):
    changes = {"target_pose": place / "a.json", option: f"{WIDTH}x{HEIGHT}"}
    sentence = _refused(capsys, place, _run(place, model_path, **changes))
    assert f"they fit {HEIGHT} x {WIDTH}, so height and width may be swapped" in sentence


_WHOLE = pictures.jpeg(pictures.gradient(64, 64))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "does not exist"),
        (b"dear diary", "is not a PNG, JPEG, WebP or BMP image"),
        (_WHOLE[: len(_WHOLE) // 2], "is a truncated JPEG file"),
        (pictures.huge_png(), "declares 20000 x 20000 pixels"),
        (encode_image("a.png", pictures.gradient(1, 1)), "is entirely outside its frame of 1 x 1"),
    ],
)
def test_bad_photographs(place, model_path, capsys, data, message):
    path = place / "odd.jpg"
    if data is not None:
        path.write_bytes(data)
    sentence = _refused(capsys, place, _run(place, model_path, source=path))
    assert message in sentence
    assert "odd.jpg" in sentence or "a.json" in sentence


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"people": []}, "contains no person"),
        (_document(17), "has 17 keypoints"),
        (_document(18, value=float("nan")), "contains nan"),
        (_document(18, scale=100.0), "is entirely outside its frame of 120 x 90 pixels"),
        ("not JSON", "is not a JSON file"),
    ],
)
@pytest.mark.parametrize("which", ["source_pose", "target_pose"])
def test_bad_poses(place, model_path, capsys, which, document, message):
    path = place / "odd.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    sentence = _refused(capsys, place, _run(place, model_path, **{which: path}))
    assert message in sentence
    assert "odd.json" in sentence


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("nowhere/x.png", "there is no folder"),
        ("a.json/x.png", "there is no folder"),
        ("out", "must end in one of|is a folder"),
        ("out/x.gif", "must end in one of"),
        ("photo.jpg", "is an input of this command"),
    ],
)
def test_bad_outputs(place, model_path, capsys, output, message):
    before = (place / "photo.jpg").read_bytes()
    sentence = _refused(capsys, place, _run(place, model_path, output=place / output))
    assert any(part in sentence for part in message.split("|"))
    assert (place / "photo.jpg").read_bytes() == before


def test_a_bad_second_output_leaves_no_first(place, model_path, capsys):
    _refused(capsys, place, _run(place, model_path, mask=place / "nowhere" / "m.png"))
    sentence = _refused(capsys, place, _run(place, model_path, mask=place / "out" / "x.png"))
    assert "two outputs" in sentence


def test_nothing_is_overwritten(place, model_path, capsys):
    mine = place / "mine.png"
    mine.write_bytes(b"precious")
    assert "exists already" in _refused(capsys, place, _run(place, model_path, output=mine))
    assert mine.read_bytes() == b"precious"


@pytest.mark.skipif(not os.path.exists("/proc/version"), reason="needs a folder that nobody can write to")
def test_an_unwritable_folder(place, model_path, capsys):
    sentence = _refused(capsys, place, _run(place, model_path, output="/proc/x.png"))
    assert "cannot be written" in sentence


@pytest.mark.parametrize("words", [["--fit", "crop"], ["--target-frame", "12"], ["--target-frame", "0x5"]])
def test_wrong_usage(place, model_path, words):
    with pytest.raises(SystemExit) as error:
        _run(place, model_path, *words)
    assert error.value.code == 2


def test_a_bad_photograph_is_refused_before_tensorflow_loads(place):
    program = (
        "import sys; from gfla_tf.cli.main import main; "
        f"code = main(['generate', '--source', 'none.jpg', '--source-pose', 'a', '--target-pose', 'b', "
        f"'-o', {str(place / 'x.png')!r}]); print(code, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"]
    assert done.stderr == "gfla: error: the image 'none.jpg' does not exist\n"
