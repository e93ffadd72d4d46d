"""Every command that a command prints as the next one is run."""

import re
import shlex

import pytest

from gfla_tf import models
from gfla_tf.cli.main import main
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_image
from gfla_tf.interop.convert import _usage
from gfla_tf.interop.folders import plan_conversions
from gfla_tf.training import run as training
from gfla_tf.training.build import check_settings
from gfla_tf.training.sources import open_source
from tests.data import source_trees
from tests.data.folders import write_folder
from tests.images.videos import sample_frames, write_video
from tests.training import small

SMALL = (
    *("features.weights=random", "features.width_multiplier=0.0625", "model.overrides.width=4"),
    *("model.overrides.max_width=8", "model.overrides.flow_width=4", "model.overrides.flow_max_width=8"),
    *(
        "batch_size=1",
        "validation_batches=1",
        "stage1.epochs=1",
        "stage1.steps_per_epoch=1",
        "stage2.epochs=0",
    ),
)


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def printed(capsys, *words):
    """Runs a command and returns the only command that it prints."""
    assert main(["data", *words]) == 0
    return only_command(capsys.readouterr().out)


def only_command(text):
    (found,) = re.findall(r"gfla ((?:train|pose|demo|data|generate) .+)", text)
    return shlex.split(found)


DOORS = {
    "check": lambda folder: ("check", folder),
    "shards": lambda folder: ("build", folder, "-o", "my shards"),
    "hdf5": lambda folder: ("build", folder, "-o", "2024", "--format", "hdf5"),
}


@pytest.mark.parametrize("door", DOORS)
def test_training_commands_of_a_folder(tmp_path, capsys, monkeypatch, door):
    write_folder(tmp_path / "my photos", "market", (128, 64), (128, 64))
    check_training(printed(capsys, *DOORS[door]("my photos")), "market", monkeypatch)


@pytest.mark.parametrize("layout", ["deepfashion", "market1501"])
def test_training_commands_of_synthetic_people(capsys, monkeypatch, layout):
    few = ("--identities", "1", "--test-identities", "1", "--workers", "0", "--size", "64x32")
    words = printed(capsys, "synthetic", "-o", "yes", "--layout", layout, *few)
    check_training(words, "fashion" if layout == "deepfashion" else "market", monkeypatch)


def test_training_command_of_a_prepared_dataset(tmp_path, capsys, monkeypatch):
    source_trees.market1501(tmp_path / "source")
    words = printed(
        capsys, "prepare", "market1501", "source", "-o", "it's", "--workers", "0", "--size", "64x32"
    )
    check_training(words, "market", monkeypatch)


def check_training(words, preset, monkeypatch):
    """Runs a training command up to its first step."""
    calls = []
    with monkeypatch.context() as context:
        context.setattr(training, "train", lambda *given, **options: calls.append(given))
        assert main(words) == 0
    ((config, folder),) = calls
    assert (config.model.preset, str(folder)) == (preset, f"runs/{preset}")
    source = open_source(config)
    check_settings(config, source)
    source.prepare()
    (batch,) = source.training_batches(2, seed=0, parts=False).take(1)
    assert batch["source_image"].shape == (2, *models.presets.preset(preset)["image_size"], 3)


def test_a_training_command_trains(tmp_path, capsys):
    """And refuses to guess the weights of VGG19, which the printed command names."""
    write_folder(tmp_path / "my photos", "market", (128, 64), (128, 64))
    words = printed(capsys, "check", "my photos")
    assert main([*words, *SMALL]) == 0
    assert (tmp_path / "runs" / "market" / "model.keras").is_file()
    without = [word for word in words if not word.startswith("features.weights")]
    assert main([*without[:-1], "other"]) == 2
    assert "features.weights is required: the path of torchvision's" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
    again = printed(capsys, "check", "my photos")
    assert again[-1] == "runs/market-2"


def test_the_command_after_frames(tmp_path, capsys, monkeypatch):
    write_video(tmp_path / "clip.avi", "MJPG", sample_frames(2))
    words = printed(capsys, "frames", "clip.avi", "-o", "my frames")
    assert words == ["pose", "my frames", "-o", "poses"]
    calls = []
    monkeypatch.setattr("gfla_tf.pose.batch.write_poses", lambda *given: calls.append(given) or SUMMARY)
    assert main(words) == 0
    assert calls[0][:2] == (["my frames"], "poses")


class SUMMARY:
    """The summary of estimated poses."""

    failed = empty = written = ()
    skipped = text = None


def test_interrupted_training(tmp_path, capsys, monkeypatch):
    def interrupt(*given, **options):
        calls.append((given, options))
        raise KeyboardInterrupt

    calls = []
    monkeypatch.setattr(training, "train", interrupt)
    (tmp_path / "my run").mkdir()
    (tmp_path / "my run" / "config.yaml").write_text("seed: 3\n")
    (tmp_path / "my run" / "run.json").write_text("{}")
    assert main(["train", "--resume", "-o", "my run"]) == 130
    assert main(only_command(capsys.readouterr().out)) == 130
    assert [(given[0].seed, str(given[1]), options["resume"]) for given, options in calls] == [
        (3, "my run", True)
    ] * 2


@pytest.mark.parametrize("name", ["F", "D"])
def test_training_commands_after_a_conversion(tmp_path, monkeypatch, name):
    """`FOLDER` is replaced by a dataset."""
    network = models.FlowFieldEstimator({2: 3}) if name == "F" else models.ResDiscriminator(3)
    write_folder(tmp_path / "photos", "market", (128, 64), (128, 64))
    words = [word.replace("FOLDER", "photos") for word in shlex.split(_usage(network, "my net.keras"))]
    assert f"model.{'weights' if name == 'F' else 'discriminator_weights'}=my net.keras" in words
    check_training(words[1:], "market", monkeypatch)


def test_the_generating_command_after_a_conversion(tmp_path):
    """Its upper-case words are replaced by the user's files."""
    model = small.generator()
    model.save(tmp_path / "-my net.keras")
    write_folder(tmp_path / "photos", "market", (64, 32), (64, 32))
    pose = "photos/market-annotation-train.csv#train0_0.jpg"
    given = {"PHOTO": "photos/train/train0_0.jpg", "POSE": pose, "OUT": "out.png"}
    words = shlex.split(_usage(model, "-my net.keras"))
    assert main([given.get(word, word) for word in words[1:]]) == 0
    assert read_image("out.png").shape == (64, 32, 3)


def test_commands_in_messages(tmp_path, capsys):
    """A folder of another kind is named with the command for it."""
    (tmp_path / "my source" / "bounding_box_train").mkdir(parents=True)
    assert main(["data", "check", "my source"]) == 2
    words = only_command(capsys.readouterr().err.replace("`", "\n"))
    assert words == ["data", "prepare", "market1501", "my source", "-o", "FOLDER"]
    write_folder(tmp_path / "photos", "market", (128, 64), (128, 64))
    assert main(["data", "build", "photos", "-o", "my shards"]) == 0
    capsys.readouterr()
    assert main(["data", "check", "my shards"]) == 2
    assert main(only_command(capsys.readouterr().err.replace("`", "\n"))) == 0
    (tmp_path / "my run").mkdir()
    (tmp_path / "my run" / "run.json").touch()
    with pytest.raises(InputError, match=r"not finished: gfla train --resume -o 'my run'\)"):
        plan_conversions("my run", "out")
