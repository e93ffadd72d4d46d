"""`gfla convert`: conversion of released checkpoints, images of the converted models, exact round trips."""

import functools
import json

import cv2
import keras
import numpy as np
import pytest

from gfla_tf import models
from gfla_tf.cli.main import main
from gfla_tf.features import VGG19Features
from gfla_tf.generate import generate
from gfla_tf.interop import torch as torch_format
from gfla_tf.interop.recognize import STAGE1_PREFIX
from gfla_tf.interop.verify import same
from gfla_tf.models.loading import load_generator
from gfla_tf.weight_files import read_weights, write_npz
from tests.golden import recipe
from tests.interop.test_recognize import SMALL, released
from tests.weight_files.released import save, state_dict

PEOPLE = {**SMALL, "image_channels": 3, "pose_channels": 18, "image_size": (64, 64)}


def convert(capsys, *arguments):
    """Runs the command and returns (exit code, standard output, standard error)."""
    code = main(["convert", *map(str, arguments)])
    return code, *capsys.readouterr()


@pytest.fixture(scope="module")
def networks():
    """Returns the state dict of a small network of each kind, with the names of the released program."""
    g, d = models.PersonImageGenerator(**PEOPLE), models.ResDiscriminator(2, width=4)
    f = models.FlowFieldEstimator({2: 3}, width=4, max_width=16)
    return {"G": released(g), "D": released(d), "F": released(f, STAGE1_PREFIX)}


@pytest.fixture(scope="module")
def full(state_dict_shapes):
    """full("fashion") returns the state dict of the released network, built once."""
    return functools.cache(lambda name: state_dict(state_dict_shapes[f"{name}_generator"]))


def inputs(size, batch):
    poses = {
        f"{which}_pose": recipe.heatmaps(recipe.keypoints(f"pose_{which}", batch, 18, size), size)
        for which in ("source", "target")
    }
    return {"source_image": recipe.image("source", (batch, *size, 3)), **poses}


FORMATS = [(zipped, parallel) for zipped in (True, False) for parallel in (False, True)]
"""How a checkpoint may be saved: in PyTorch's zip format, and with the names of DataParallel."""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size", "batch"), [("fashion", (256, 256), 1), ("market", (128, 64), 2)])
def test_released_checkpoints(capsys, torch, tmp_path, golden, full, name, size, batch):
    """All formats have the same tensors, the images are within 1e-4, and the way back is bitwise equal."""
    weights = full(name)
    for zipped, parallel in reversed(FORMATS):
        file = read_weights(save(torch, tmp_path / "latest_net_G.pth", weights, zipped, parallel))
        assert (set(file.tensors), file.parallel) == (set(weights), parallel)
        for key, value in weights.items():
            assert same(file.tensors[key], value)
    code, out, err = convert(capsys, tmp_path / "latest_net_G.pth", "-o", tmp_path / "net.keras")
    assert (code, err) == (0, "")
    assert f"{name} person image generator (F and G)" in out
    model = load_generator(tmp_path / "net.keras")
    assert (model.image_size, model.heatmap_sigma) == (size, 6.0)
    outputs, case = model(inputs(size, batch)), golden(f"{name}_generator")
    np.testing.assert_allclose(outputs["image"], case["image"], atol=1e-4, rtol=0)
    for i, (flow, mask) in enumerate(zip(outputs["flows"], outputs["masks"], strict=True)):
        np.testing.assert_allclose(flow, case[f"flow_{i}"], atol=1e-4, rtol=0)
        np.testing.assert_allclose(mask, case[f"mask_{i}"], atol=1e-4, rtol=0)
    assert convert(capsys, tmp_path / "net.keras", "--to", "torch", "-o", tmp_path / "back.pth")[0] == 0
    back = torch.load(tmp_path / "back.pth", weights_only=True)
    assert set(back) == set(weights)
    for key, value in weights.items():
        assert back[key].dtype == torch.float32
        np.testing.assert_array_equal(back[key].numpy().view(np.int32), value.view(np.int32))


@pytest.mark.parametrize(("zipped", "parallel"), FORMATS)
def test_formats_of_checkpoints(capsys, torch, tmp_path, networks, zipped, parallel):
    save(torch, tmp_path / "latest_net_G.pth", networks["G"], zipped, parallel)
    code, out, err = convert(capsys, tmp_path / "latest_net_G.pth", "-o", tmp_path / "net.keras")
    assert (code, err) == (0, "")
    assert ('the prefix "module." was removed' in out) == parallel
    tensors = torch_format.state_dict(load_generator(tmp_path / "net.keras"))
    assert list(tensors) == list(networks["G"])
    for name, value in networks["G"].items():
        assert same(tensors[name], value)


@pytest.mark.parametrize("part", ["G", "D", "F"])
def test_round_trip_without_pytorch(capsys, tmp_path, networks, part):
    write_npz(tmp_path / "net.npz", networks[part])
    code, out, err = convert(capsys, tmp_path / "net.npz", "-o", tmp_path / "net.keras")
    assert (code, err) == (0, "")
    assert "read back: every tensor is equal" in out
    assert f"use it: gfla {'generate --model' if part == 'G' else 'train CONFIG'}" in out
    assert convert(capsys, tmp_path / "net.keras", "-o", tmp_path / "back.npz")[0] == 0
    back = read_weights(tmp_path / "back.npz").tensors
    assert list(back) == list(networks[part])
    for name, value in networks[part].items():
        np.testing.assert_array_equal(back[name].view(np.int32), value.view(np.int32))


def test_both_names_of_a_shared_convolution_are_written(capsys, torch, tmp_path, networks):
    write_npz(tmp_path / "net.npz", networks["F"])
    assert convert(capsys, tmp_path / "net.npz", "-o", tmp_path / "net.pth")[0] == 0
    state = torch.load(tmp_path / "net.pth", weights_only=True)
    twins = [name for name in state if ".model.2." in name and name not in networks["F"]]
    assert len(twins) == 6
    for name in twins:
        assert state[name].data_ptr() == state[name.replace("model.2", "conv1")].data_ptr()
    again = convert(capsys, tmp_path / "net.pth", "-o", tmp_path / "net.keras")
    assert "6 tensors are stored under two names" in again[1]


def test_different_values_under_two_names_are_reported(capsys, tmp_path, networks):
    second = {"flow_net.jump0.model.2.bias": networks["F"]["flow_net.jump0.conv1.bias"] + 1}
    write_npz(tmp_path / "net.npz", {**networks["F"], **second})
    code, out, _ = convert(capsys, tmp_path / "net.npz", "-o", tmp_path / "net.keras")
    assert code == 0
    assert "the two differ for flow_net.jump0.conv1.bias: the value of that name was used" in out
    model = keras.saving.load_model(tmp_path / "net.keras")
    np.testing.assert_array_equal(
        torch_format.state_dict(model)["jump0.conv1.bias"], networks["F"]["flow_net.jump0.conv1.bias"]
    )


def test_a_converted_model_generates(capsys, tmp_path, networks):
    write_npz(tmp_path / "net.npz", networks["G"])
    code = convert(capsys, tmp_path / "net.npz", "-o", tmp_path / "net.keras", "--size", "64x48")[0]
    assert code == 0
    assert load_generator(tmp_path / "net.keras").image_size == (64, 48)
    cv2.imwrite(str(tmp_path / "photo.png"), np.full((40, 30, 3), 90, np.uint8))
    people = {"people": [{"pose_keypoints_2d": [15.0, 20.0, 0.9] * 18}]}
    (tmp_path / "pose.json").write_text(json.dumps(people))
    poses = ["--source-pose", str(tmp_path / "pose.json"), "--target-pose", str(tmp_path / "pose.json")]
    photo = ["--source", str(tmp_path / "photo.png"), "--model", str(tmp_path / "net.keras")]
    assert main(["generate", *photo, *poses, "-o", str(tmp_path / "out.png")]) == 0
    pose = tmp_path / "pose.json"
    expected = generate(tmp_path / "photo.png", pose, pose, tmp_path / "net.keras").image
    assert expected.shape == (40, 30, 3)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "out.png"))[..., ::-1], expected)


def test_folders(capsys, torch, tmp_path, networks):
    """A folder of checkpoints becomes a folder for --model, and a run folder becomes checkpoints."""
    (tmp_path / "released").mkdir()
    for part in "GD":
        save(torch, tmp_path / "released" / f"latest_net_{part}.pth", networks[part], parallel=True)
    code, _, err = convert(capsys, tmp_path / "released", "-o", f"{tmp_path / 'converted'}/")
    assert (code, err) == (0, "")
    assert sorted(path.name for path in (tmp_path / "converted").iterdir()) == [
        "discriminator.keras",
        "model.keras",
    ]
    assert load_generator(tmp_path / "converted").image_size == (256, 256)
    (tmp_path / "converted" / "model.keras").rename(tmp_path / "kept.keras")
    assert convert(capsys, tmp_path / "released", "-o", tmp_path / "converted")[0] == 2
    assert [path.name for path in (tmp_path / "converted").iterdir()] == ["discriminator.keras"]
    (tmp_path / "kept.keras").rename(tmp_path / "converted" / "model.keras")
    assert convert(capsys, tmp_path / "converted", "-o", tmp_path / "back")[0] == 0
    for part in "GD":
        back = read_weights(tmp_path / "back" / f"latest_net_{part}.pth").tensors
        for name, value in networks[part].items():
            np.testing.assert_array_equal(back[name], value)
    code, out, _ = convert(capsys, tmp_path / "released", "-o", tmp_path / "net.keras")
    assert (code, "latest_net_D.pth is not converted: give a folder" in out) == (0, True)
    (tmp_path / "released" / "latest_net_G.pth").rename(tmp_path / "released" / "10_net_G.pth")
    assert convert(capsys, tmp_path / "released", "-o", tmp_path / "net.npz", "--to", "keras")[0] == 2
    assert convert(capsys, tmp_path / "released", "-o", tmp_path / "net.npz")[0] == 0
    (tmp_path / "released" / "20_net_G.pth").write_bytes(b"")
    code, _, err = convert(capsys, tmp_path / "released", "-o", tmp_path / "other.keras")
    assert (code, "contains 10_net_G.pth, 20_net_G.pth: give the one to convert" in err) == (2, True)


def test_no_folder_is_created_for_a_failed_conversion(capsys, tmp_path):
    (tmp_path / "released").mkdir()
    (tmp_path / "released" / "latest_net_G.pth").write_bytes(b"")
    assert convert(capsys, tmp_path / "released", "-o", tmp_path / "new" / "converted")[0] == 2
    assert not (tmp_path / "new" / "converted").exists()
    (tmp_path / "file").write_text("")
    code, _, err = convert(capsys, tmp_path / "released", "-o", tmp_path / "file" / "converted")
    assert (code, "cannot be created" in err) == (2, True)


def test_vgg19(capsys, tmp_path):
    weights = recipe.vgg19_weights()
    write_npz(tmp_path / "vgg19.npz", {**weights, "classifier.0.bias": np.ones(3, np.float32)})
    code, out, err = convert(capsys, tmp_path / "vgg19.npz", "-o", tmp_path / "small.npz")
    assert (code, err) == (0, "")
    assert "VGG19 of torchvision, 20,024,384 parameters" in out
    assert "1 tensors of other layers skipped" in out
    back = read_weights(tmp_path / "small.npz").tensors
    assert list(back) == list(weights)
    for name, value in weights.items():
        np.testing.assert_array_equal(back[name], value)
    assert VGG19Features(tmp_path / "small.npz").kernels["relu5_4"].shape == (3, 3, 512, 512)
    code, _, err = convert(capsys, tmp_path / "vgg19.npz", "-o", tmp_path / "vgg19.keras")
    assert (code, "to .npz or .pth only" in err) == (2, True)


def test_outputs_are_atomic_and_not_overwritten_without_force(capsys, tmp_path, networks):
    write_npz(tmp_path / "net.npz", networks["D"])
    out = tmp_path / "net.keras"
    out.write_text("mine")
    code, printed, err = convert(capsys, tmp_path / "net.npz", "-o", out)
    assert (code, printed, out.read_text()) == (2, "", "mine")
    assert "exists already: choose another name, or overwrite it with --force" in err
    broken = {**networks["D"], "conv.bias": np.float32([np.nan])}
    write_npz(tmp_path / "broken.npz", broken)
    assert convert(capsys, tmp_path / "broken.npz", "-o", out, "--force")[0] == 2
    assert out.read_text() == "mine"
    assert convert(capsys, tmp_path / "net.npz", "-o", out, "--force")[0] == 0
    assert isinstance(keras.saving.load_model(out), models.ResDiscriminator)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.npz", "net.keras", "net.npz"]


def test_a_file_that_differs_when_read_back_is_not_kept(capsys, tmp_path, networks, monkeypatch):
    def save_wrong(model, path, **_):
        model.head.bias.assign_add([1.0])
        keras.saving.save_model(model, path)
        model.head.bias.assign_sub([1.0])

    monkeypatch.setattr(models.ResDiscriminator, "save", save_wrong)
    write_npz(tmp_path / "net.npz", networks["D"])
    code, _, err = convert(capsys, tmp_path / "net.npz", "-o", tmp_path / "net.keras")
    assert (code, "was not written: the weights read back from it differ" in err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["net.npz"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.pth", "-o", "net.keras"], "absent.pth cannot be read"),
        (["empty", "-o", "net.keras"], "contains no latest_net_G.pth"),
        (["run", "-o", "net.pth"], "contains no model.keras (its run is not finished"),
        (["image.pth", "-o", "net.keras"], "is a JPEG image"),
        (["d.npz", "-o", "net"], "must end in .keras, .pth or .npz"),
        (["d.npz", "-o", "net.keras", "--to", "torch"], "--to torch writes .pth"),
        (["d.npz", "-o", "d.npz", "--force"], "is the input"),
        (["d.npz", "-o", "nowhere/d.keras"], "there is no folder"),
        (["synthetic.keras", "-o", "net.pth"], "has no counterpart in the released program"),
        (["summed.keras", "-o", "net.pth"], "average_attention=False"),
        (["d.keras", "-o", "net.keras"], "is a .keras model already"),
        (["dense.keras", "-o", "net.pth"], "is not a PersonImageGenerator or FlowFieldEstimator or ResDisc"),
    ],
)
def test_errors(capsys, tmp_path, monkeypatch, networks, arguments, message):
    monkeypatch.chdir(tmp_path)
    for name in ("empty", "run"):
        (tmp_path / name).mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    (tmp_path / "image.pth").write_bytes(b"\xff\xd8\xff\xe0")
    write_npz("d.npz", networks["D"])
    if arguments[0] == "synthetic.keras":
        models.PersonImageGenerator(**{**PEOPLE, "normalize_source": False}).save(arguments[0])
    elif arguments[0] == "summed.keras":
        models.PersonImageGenerator(**{**PEOPLE, "average_attention": False}).save(arguments[0])
    elif arguments[0] == "d.keras":
        models.ResDiscriminator(2, width=4).save(arguments[0])
    elif arguments[0] == "dense.keras":
        keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)]).save(arguments[0])
    before = sorted(tmp_path.iterdir())
    code, out, err = convert(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("gfla: error: ")
    assert err.count("\n") == 1
    assert message in err
    assert sorted(tmp_path.iterdir()) == before
