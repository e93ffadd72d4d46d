"""`gfla_tf.generate`: the model's inputs, the results, and the accepted arguments."""

import math
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import gfla_tf
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_image
from gfla_tf.models import PersonImageGenerator
from gfla_tf.models.repeated_calls import EAGER_CALLS
from gfla_tf.synthetic import SyntheticPeople
from tests.images.pictures import gradient
from tests.images.samples import exif, with_exif
from tests.pose.pose_files import upright


class Copy:
    """A model that returns the source, and keeps its inputs."""

    image_size = (64, 64)
    heatmap_sigma = 2.0
    value = 1.0

    def infer(self, method, *arguments, **options):
        return getattr(self, method)(*arguments, **options)

    def encode_source(self, source_image, source_pose):
        self.source_pose = source_pose
        return source_image * self.value

    def render(self, encoded, target_pose, return_attention):
        self.target_pose = target_pose
        return {
            "image": encoded,
            "flows": [tf.zeros([1, 32, 32, 2])],
            "masks": [tf.ones([1, 32, 32, 1])],
            "attentions": [tf.fill([1, 32, 32, 9], 1 / 9)],
        }


def _one_point(y, x):
    points = np.full((18, 2), -1.0)
    points[0] = y, x
    return points


def _peak(maps):
    return np.unravel_index(np.argmax(maps[0, ..., 0]), (64, 64))


@pytest.mark.parametrize(("fit", "expected"), [("letterbox", (16, 28)), ("resize", (16, 16))])
def test_the_poses_follow_the_photo(fit, expected):
    model, photo = Copy(), gradient(200, 100)
    target = _one_point(100, 25)
    result = gfla_tf.generate(photo, _one_point(100, 50), target, model, target_frame=(400, 100), fit=fit)
    assert _peak(model.source_pose) == (32, 32)
    assert _peak(model.target_pose) == expected
    assert result.image.shape == photo.shape
    assert np.abs(result.image.astype(int) - photo).max() < 8


@pytest.mark.parametrize("size", [(0, 64), (64,), (64, -32), (64.5, 64), ("64", "x"), 64, (math.nan, 64), []])
def test_model_sizes_are_whole_numbers(size):
    with pytest.raises(ValueError, match="model_size must be"):
        gfla_tf.generate(gradient(8, 8), _one_point(5, 5), _one_point(0, 0), Copy(), model_size=size)


def test_the_source_frame_is_the_whole_photo():
    model = Copy()
    gfla_tf.generate(gradient(200, 100), _one_point(5, 5), _one_point(0, 0), model, source_frame=(10, 10))
    assert _peak(model.source_pose) == (32, 32)


@pytest.mark.parametrize(
    ("format", "late"), [("PNG", False), ("PNG", True), ("JPEG", False), ("WEBP", False)]
)
def test_keypoints_refer_to_the_upright_photo(tmp_path, format, late):
    """An image of 100 x 200 pixels that is stored turned: its center is (100, 50)."""
    path = tmp_path / "photo"
    path.write_bytes(with_exif(format, gradient(100, 200), exif(6), late))
    for source in (path, Image.open(path)):
        model, target = Copy(), _one_point(199, 50)
        result = gfla_tf.generate(source, _one_point(100, 50), target, model)
        assert result.image.shape == (200, 100, 3)
        assert _peak(model.source_pose) == (32, 32)
        assert _peak(model.target_pose)[0] == 63


def test_images_and_sizes():
    points = _one_point(3, 3)
    for size, shape in (("model", (64, 64, 3)), ("source", (30, 50, 3))):
        result = gfla_tf.generate(gradient(30, 50), points, points, Copy(), size=size)
        for image in (result.image, result.flow, result.mask, result.attention):
            assert image.shape == shape
            assert image.dtype == np.uint8
        assert (result.mask == 255).all()
        assert (result.flow == 255).all()
        assert result.attention.std() > 5


@pytest.fixture(scope="module")
def model():
    return PersonImageGenerator.from_preset("synthetic")


@pytest.fixture(scope="module")
def pair():
    return SyntheticPeople().sample("test", 13)


def _person_error(image, pair):
    person = pair["target_parts"] > 0
    return np.abs(image.astype(float) - pair["target_image"])[person].mean()


def test_many_poses_run_as_a_graph(pair, monkeypatch):
    """The results of the graph, which is traced after some poses, are those of the eager calls."""
    source, target = pair["source_keypoints"], pair["target_keypoints"]
    model = PersonImageGenerator.from_preset("synthetic")
    render, executed, count = model.render, [], EAGER_CALLS + 3

    def counted(*arguments, **options):
        executed.append(tf.executing_eagerly())
        return render(*arguments, **options)

    monkeypatch.setattr(model, "render", counted)
    results = gfla_tf.generate(pair["source_image"], source, [target] * count, model)
    assert len(results) == count
    assert executed == [True] * EAGER_CALLS + [False]
    for name in ("image", "flow_field", "occlusion_mask", "attention_weights"):
        first, *_, last = (getattr(result, name) for result in results)
        np.testing.assert_allclose(last.astype(float), first, atol=1 if name == "image" else 1e-4)


def test_the_shipped_model_is_the_default(model, pair):
    arguments = pair["source_image"], pair["source_keypoints"], pair["target_keypoints"]
    result = gfla_tf.generate(*arguments)
    np.testing.assert_array_equal(result.image, gfla_tf.generate(*arguments, model).image)
    assert _person_error(result.image, pair) < 0.6 * _person_error(pair["source_image"], pair)
    outputs = model(
        {
            "source_image": pair["source_image"][None],
            "source_pose": gfla_tf.pose.pose_heatmaps(pair["source_keypoints"][None], (64, 64), 2.0),
            "target_pose": gfla_tf.pose.pose_heatmaps(pair["target_keypoints"][None], (64, 64), 2.0),
        }
    )
    np.testing.assert_allclose(result.image, (outputs["image"][0] + 1) * 127.5, atol=0.51)
    np.testing.assert_allclose(result.flow_field, outputs["flows"][-1][0], atol=1e-4)


def test_a_list_of_poses_encodes_the_source_once(model, pair, monkeypatch):
    calls = []
    encode = model.encode_source
    monkeypatch.setattr(model, "encode_source", lambda *inputs: calls.append(1) or encode(*inputs))
    poses = [pair["target_keypoints"], pair["source_keypoints"]]
    results = gfla_tf.generate(pair["source_image"], pair["source_keypoints"], poses, model)
    assert len(calls) == 1
    for pose, result in zip(poses, results, strict=True):
        alone = gfla_tf.generate(pair["source_image"], pair["source_keypoints"], pose, model)
        np.testing.assert_array_equal(alone.image, result.image)
    assert gfla_tf.generate(pair["source_image"], pair["source_keypoints"], [], model) == []


def test_files_pil_images_and_arrays_are_the_same(model, pair, tmp_path):
    photo = Image.fromarray(pair["source_image"])
    photo.save(tmp_path / "photo.png")
    rows = [np.rint(pair["source_keypoints"][:, axis]).astype(int).tolist() for axis in (0, 1)]
    table = tmp_path / "poses.csv"
    table.write_text(f"name:keypoints_y:keypoints_x\nphoto.png:{rows[0]}:{rows[1]}\n")
    pose = np.rint(pair["source_keypoints"])
    expected = gfla_tf.generate(pair["source_image"], pose, pose, model).image
    for source in (tmp_path / "photo.png", str(tmp_path / "photo.png"), photo, photo.convert("RGBA")):
        result = gfla_tf.generate(source, f"{table}#photo.png", pose, model)
        np.testing.assert_array_equal(result.image, expected)


def test_pil_images_are_turned_upright(model, pair):
    photo = Image.fromarray(np.rot90(pair["source_image"]))
    photo.getexif()[0x0112] = 6  # to be turned by 90 degrees clockwise
    pose = pair["source_keypoints"]
    expected = gfla_tf.generate(pair["source_image"], pose, pose, model).image
    np.testing.assert_array_equal(gfla_tf.generate(photo, pose, pose, model).image, expected)


def test_saving(model, pair, tmp_path):
    pose = pair["source_keypoints"]
    result = gfla_tf.generate(pair["source_image"], pose, pose, model)
    result.save(tmp_path / "a.png", flow=tmp_path / "flow.png", mask=tmp_path / "mask.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), result.image)
    np.testing.assert_array_equal(read_image(tmp_path / "flow.png"), result.flow)
    np.testing.assert_array_equal(read_image(tmp_path / "mask.png"), result.mask)
    (tmp_path / "b.png").write_bytes(b"mine")
    with pytest.raises(InputError, match="exists already"):
        result.save(tmp_path / "c.png", attention=tmp_path / "b.png")
    assert (tmp_path / "b.png").read_bytes() == b"mine"
    assert not (tmp_path / "c.png").exists()
    result.save(tmp_path / "b.png", overwrite=True)
    np.testing.assert_array_equal(read_image(tmp_path / "b.png"), result.image)


def test_errors(tmp_path):
    points, photo = _one_point(3, 3), gradient(30, 50)
    for change, message in (({"fit": "crop"}, "mode must be"), ({"size": "huge"}, "size must be")):
        with pytest.raises(ValueError, match=message):
            gfla_tf.generate(photo, points, points, Copy(), **change)
    with pytest.raises(ValueError, match="source must be a uint8 array"):
        gfla_tf.generate(photo / 255.0, points, points, Copy())
    with pytest.raises(ValueError, match="8 bits per channel, got mode F"):
        gfla_tf.generate(Image.new("F", (50, 30)), points, points, Copy())
    with pytest.raises(ValueError, match=r"target_pose must be a file or an array \[18, 2\]"):
        gfla_tf.generate(photo, points, points[:17], Copy())
    with pytest.raises(ValueError, match="source_pose must be finite"):
        gfla_tf.generate(photo, points * np.nan, points, Copy())
    with pytest.raises(InputError, match="'target_pose' is entirely outside its frame"):
        gfla_tf.generate(photo, points, _one_point(40, 3), Copy())
    with pytest.raises(ValueError, match="target_pose: the keypoints are in fractions of the image"):
        gfla_tf.generate(photo, points, upright() / (256, 176), Copy())
    for frame in (("30", "50"), (30.5, 50), (0, 50), (30,)):
        with pytest.raises(ValueError, match=r"^source_frame must be"):
            gfla_tf.generate(photo, points, points, Copy(), source_frame=frame)
        with pytest.raises(ValueError, match=r"^target_frame must be"):
            gfla_tf.generate(photo, points, points, Copy(), target_frame=frame)
    with pytest.raises(
        InputError, match=r"'source_pose' has 2 of 18 .*they fit 256 x 176, so height and width"
    ):
        gfla_tf.generate(gradient(256, 176), upright(), upright(), Copy(), source_frame=(176.0, 256.0))
    with pytest.raises(InputError, match="gfla convert"):
        gfla_tf.generate(photo, points, points, "fashion")
    with pytest.raises(InputError, match="does not exist"):
        gfla_tf.generate(tmp_path / "none.png", points, points, Copy())

    class Broken(Copy):
        value = np.nan

    with pytest.raises(InputError, match="not finite"):
        gfla_tf.generate(photo, points, points, Broken())


@pytest.mark.parametrize(
    "statements",
    [
        "from gfla_tf import generate; import gfla_tf",
        "import gfla_tf.generate",
        "from gfla_tf.generate import Generated; import gfla_tf",
        "import gfla_tf; gfla_tf.generate",
    ],
)
def test_the_name_is_the_function_and_loads_no_tensorflow(statements):
    code = f"{statements}\nimport sys; print(gfla_tf.generate.__name__, 'tensorflow' in sys.modules)\n"
    code += "print(gfla_tf.generate.__module__, type(sys.modules['gfla_tf.generate']).__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["generate", "False", "gfla_tf.generate", "module"]
