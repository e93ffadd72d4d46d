"""Tests of a training run: its files, invalid settings, and resuming."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import threading

import h5py
import keras
import numpy as np
import pytest
import yaml

from gfla_tf.cli.main import main
from gfla_tf.config import Config, load_config
from gfla_tf.errors import InputError
from gfla_tf.training import callbacks, run
from gfla_tf.training.run import train
from gfla_tf.training.run_folder import RunFolder
from gfla_tf.training.sources import open_source
from tests.training import small

TINY = {
    "model": {"preset": "synthetic", "overrides": {"image_size": [32, 32], **small.ARGUMENTS}},
    "data": {"identities": 4, "test_identities": 1, "workers": 0},
    "features": {"kind": "parts", "steps": 2, "width": 4},
    "stage1": {"epochs": 1, "steps_per_epoch": 2},
    "stage2": {"epochs": 2, "steps_per_epoch": 2},
    "batch_size": 2,
    "validation_batches": 1,
}


@pytest.fixture(scope="module")
def tiny_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY))
    return path


@pytest.fixture(scope="module")
def tiny(tiny_path):
    return lambda *overrides: load_config(tiny_path, overrides)


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """The folder of a run without interruption."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train(tiny(), folder)
    return folder


@pytest.fixture(scope="module")
def interrupted(tiny_path, tmp_path_factory):
    """A run folder after a SIGTERM while the first step of the second epoch of stage 2 was running."""
    folder = tmp_path_factory.mktemp("runs") / "run"

    class Terminated(callbacks.Progress):
        def on_train_batch_begin(self, batch, logs=None):
            if self.label.startswith("stage 2") and int(self.model.steps_done) == 2:
                threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGTERM)).start()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "Progress", Terminated)
        assert main(["train", str(tiny_path), "-o", str(folder)]) == 143
    return folder


@pytest.fixture
def started(interrupted, tmp_path):
    """A copy of the interrupted run."""
    return shutil.copytree(interrupted, tmp_path / "run")


def epochs(folder, stage):
    lines = (folder / stage / "log.csv").read_text().splitlines()
    return [int(line.split(",")[0]) for line in lines[1:]]


def weights(folder, name):
    return [np.array(variable) for variable in keras.models.load_model(folder / name).variables]


@pytest.mark.slow  # 40 to 60 s with its fixtures: every one of the four runs traces its stages again
def test_resume_and_more_epochs(tiny, whole, started, capsys):
    assert not (started / "model.keras").exists()
    assert epochs(started, "stage2") == [1]
    assert sorted(os.listdir(started / "stage2" / "checkpoints")) == ["step-2", "step-3"]
    resumed = train(tiny(), started, resume=True)
    printed = capsys.readouterr().out
    assert "stage 1 (F)  already trained (1 epochs)" in printed
    assert "epoch 2/2" in printed
    assert "epoch 1/2" not in printed
    paths = [path for path in started.rglob("*") if "tfevents" not in path.name]
    names = {str(path.relative_to(started)) for path in paths if "checkpoints" not in path.parent.parts}
    assert names == {
        "config.yaml", "run.json", "features.weights.h5", "model.keras", "discriminator.keras",
        "stage1", "stage1/log.csv", "stage1/checkpoints", "stage1/tensorboard",
        "stage1/samples", "stage1/samples/epoch_0001.png",
        "stage2", "stage2/log.csv", "stage2/checkpoints", "stage2/tensorboard",
        "stage2/samples", "stage2/samples/epoch_0001.png", "stage2/samples/epoch_0002.png",
    }  # fmt: skip
    assert load_config(started / "config.yaml") == tiny()
    record = json.loads((started / "run.json").read_text())
    assert {"began", "finished", "last_seconds"} <= set(record)
    assert record["images"] == "rendered by SyntheticPeople, seed 0"

    for name in ("stage1/log.csv", "stage2/log.csv", "stage2/samples/epoch_0002.png"):
        assert (started / name).read_bytes() == (whole / name).read_bytes()
    for name in ("model.keras", "discriminator.keras"):
        for ours, theirs in zip(weights(started, name), weights(whole, name), strict=True):
            np.testing.assert_array_equal(ours, theirs)

    batch = small.batch(heatmaps=True)
    loaded = keras.models.load_model(started / "model.keras")
    np.testing.assert_allclose(loaded(batch)["image"], resumed.model(batch)["image"], atol=1e-6)
    train(tiny("stage2.epochs=3", "checkpoint_every=1 step", "stall_minutes=60"), started, resume=True)
    assert epochs(started, "stage2") == [1, 2, 3]
    assert load_config(started / "config.yaml").stage2.epochs == 3
    assert sorted(os.listdir(started / "stage2" / "checkpoints")) == ["step-4", "step-5", "step-6"]
    again = keras.models.load_model(started / "model.keras")
    assert np.abs(again(batch)["image"] - loaded(batch)["image"]).max() > 0


@pytest.mark.slow
def test_damaged_checkpoints(tiny, started):
    for step in (2, 3):
        (started / "stage2" / "checkpoints" / f"step-{step}" / "state.index").write_bytes(b"PK")
    with pytest.raises(
        InputError, match=r"no checkpoint can be read: .*step-3.*step-2.*to restart its stage"
    ):
        train(tiny(), started, resume=True)
    assert load_config(started / "config.yaml") == tiny()


def test_stall_minutes(tiny_path, tmp_path):
    folder = tmp_path / "run"
    words = ["train", str(tiny_path), "stall_minutes=0.001", "-o", str(folder)]  # the first step takes longer
    done = subprocess.run([sys.executable, "-m", "gfla_tf", *words], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1] == (
        "gfla: error: no training step was finished in 0.001 minutes; "
        f"to resume: gfla train --resume -o {folder}"
    )
    assert "in train_step" in done.stderr or "in fit" in done.stderr
    RunFolder(folder, load_config(folder / "config.yaml"), resume=True).release()


def test_divergence(tiny, tmp_path):
    config = tiny()
    stage1 = dataclasses.replace(config.stage1, learning_rate=1e30)  # above the limit of a configuration file
    with pytest.raises(
        InputError, match=r"stage 1 \(F\) diverged: .* lower learning rate, because a resumed run"
    ):
        train(dataclasses.replace(config, stage1=stage1), tmp_path / "run")
    assert not (tmp_path / "run" / "stage1" / "checkpoints").exists()
    assert not (tmp_path / "run" / "stage2").exists()


def test_a_run_is_not_started_again(tiny, tmp_path):
    RunFolder(tmp_path / "run", tiny())
    with pytest.raises(InputError, match="contains a run; add --resume to continue it, or name another"):
        RunFolder(tmp_path / "run", tiny())


def test_resuming_removes_temporary_files(tiny, tmp_path):
    with RunFolder(tmp_path, tiny()) as run:
        paths = [tmp_path / f".{'0' * 16}.part.keras", run.stage("stage1") / f".{'1' * 16}.part.npz"]
    for path in paths:
        path.write_bytes(b"")
    RunFolder(tmp_path, tiny(), resume=True).stage("stage1")
    assert not any(path.exists() for path in paths)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), MemoryError(), KeyboardInterrupt(), ZeroDivisionError()]
)
def test_a_run_that_cannot_begin_gives_its_folder_back(tiny, tmp_path, monkeypatch, error):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(run, "check_settings", fail)
    with pytest.raises(type(error)):
        train(tiny(), tmp_path / "runs" / "run")
    assert not os.listdir(tmp_path)
    with RunFolder(tmp_path / "run", tiny()):
        pass
    with pytest.raises(type(error)):
        train(tiny(), tmp_path / "run", resume=True)
    assert sorted(os.listdir(tmp_path / "run")) == ["config.yaml", "run.json"]


def test_other_folders_are_not_changed(tiny, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="is not empty and contains no run of gfla"):
        train(tiny(), tmp_path)
    with pytest.raises(InputError, match="contains no run to resume"):
        train(tiny(), tmp_path, resume=True)
    with pytest.raises(InputError, match="cannot write to the run folder"):
        train(tiny(), tmp_path / "thesis.tex" / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_resuming_with_another_configuration(tiny, tmp_path):
    RunFolder(tmp_path, tiny())
    with pytest.raises(InputError, match=r"\(model.preset, stage1.learning_rate, seed differ\)"):
        RunFolder(tmp_path, tiny("seed=1", "stage1.learning_rate=1", "model.preset=market"), resume=True)
    with pytest.raises(InputError, match=r"\(stage2.epochs differ\)"):
        RunFolder(tmp_path, tiny("stage2.epochs=1"), resume=True)
    assert load_config(tmp_path / "config.yaml") == tiny()


def test_settings_that_do_not_change_the_result_may_change(tiny, tmp_path):
    other = tiny(
        *("checkpoint_every=9 minutes", "keep_checkpoints=7", "log_every=3", "histograms=true"),
        *("stall_minutes=2.5", "data.workers=1", "data.max_unreadable=4"),
    )
    RunFolder(tmp_path, tiny())
    RunFolder(tmp_path, other, resume=True)
    assert load_config(tmp_path / "config.yaml") == other


def test_a_run_of_an_earlier_version_is_not_started_again(tiny, tmp_path):
    with RunFolder(tmp_path, tiny()) as folder:
        (folder.stage("stage1") / "checkpoint.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"stage1/checkpoint\.npz was written by an earlier version"):
        RunFolder(tmp_path, tiny(), resume=True)


def test_epochs_may_increase_until_the_next_stage_has_started(tiny, tmp_path, caplog):
    decaying = ("stage1.learning_rate=0.01", "stage1.final_learning_rate=0.001")
    longer = tiny(*decaying, "stage1.epochs=3", "stage2.epochs=7")
    RunFolder(tmp_path, tiny(*decaying))
    with caplog.at_level("INFO", logger="gfla_tf"):
        RunFolder(tmp_path, longer, resume=True)
    assert caplog.messages == [
        "stage1.epochs increases from 1 to 3; its learning rate now follows the longer cosine decay",
        "stage2.epochs increases from 2 to 7",
    ]
    assert load_config(tmp_path / "config.yaml") == longer
    (tmp_path / "stage2" / "checkpoints" / "step-1").mkdir(parents=True)
    with pytest.raises(InputError, match=r"only stage2\.epochs may increase"):
        RunFolder(tmp_path, tiny(*decaying, "stage1.epochs=4", "stage2.epochs=7"), resume=True)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.source=market1501"], "data.root must name the market1501 folder"),
        (["data.source=deepfashion", "data.root=nowhere"], "'nowhere' does not exist"),
        (["data.root=."], "data.root is not used with data.source=synthetic"),
        (["data.source=hdf5"], "data.root must name the hdf5 file: gfla train CONFIG data.root=FILE"),
        (["data.source=hdf5", "data.root=nowhere.h5"], r"'nowhere\.h5' does not exist"),
        (
            ["data.reader=tensorflow-io"],
            "data.reader is only for data.source=hdf5, got data.source=synthetic",
        ),
        (["features.kind=vgg19"], "features.weights is required: .*, or imagenet for Keras's VGG19"),
        (["features.kind=vgg19", "features.weights=no.pth"], "no VGG19 weights at no.pth"),
        (["model.overrides.widht=3"], "invalid model.overrides: .*widht"),
        (["model.overrides.image_size=[36, 32]"], r"invalid model.overrides: .*multiples of 8 .*\[36, 32\]"),
        (["model.overrides.image_size=[8, 8]"], "of at least 32 pixels, got"),
        (["model.overrides.image_size=big"], r"must be \[height, width\] .* got 'big'"),
        (
            [
                "model.overrides.attention_layers={4: 3, 1: 3}",
                "model.overrides.num_layers=4",
                "model.overrides.flow_encoder_layers=5",
            ],
            "features.kind=parts does not fit the model: .*layers",
        ),
        (["batch_size=4", "accumulation=3"], r"batch_size must be a multiple of accumulation=3, got 4"),
        (["stage1.schedule=linear"], "stage1.schedule=linear needs stage1.final_learning_rate"),
        (["stage2.warmup_steps=4"], "stage2.warmup_steps must be less than the 4 steps of the stage"),
        (
            ["stage1.best_by=val_l1"],
            "stage1.best_by must be one of loss, correctness, regularization, val_loss, val_correctness, "
            "val_regularization, val_flow_error, got 'val_l1'",
        ),
    ],
)
def test_invalid_settings(tiny, tmp_path, overrides, message):
    with pytest.raises(InputError, match=message):
        train(tiny(*overrides), tmp_path / "runs" / "run")
    assert not (tmp_path / "runs").exists()


def test_hdf5_file(tiny, tmp_path):
    count, rng = 5, np.random.default_rng(0)
    with h5py.File(tmp_path / "pairs.h5", "w") as file:
        for split in ("train", "test"):
            for side in ("source", "target"):
                file[f"{split}/{side}_image"] = rng.integers(0, 256, (count, 32, 32, 3), np.uint8)
                file[f"{split}/{side}_keypoints"] = rng.integers(0, 32, (count, 18, 2), np.int32)
    read = ("data.source=hdf5", f"data.root={tmp_path / 'pairs.h5'}")
    source = open_source(tiny(*read))
    source.prepare(None)
    batch = next(iter(source.training_batches(2, 0, parts=False)))
    assert (batch["source_image"].shape, batch["source_image"].dtype) == ((2, 32, 32, 3), "uint8")
    (batch,) = source.validation_batches(3, 1)
    with h5py.File(tmp_path / "pairs.h5") as file:
        expected = file["test/target_image"][:3] / 127.5 - 1
    np.testing.assert_allclose(batch["target_image"], expected, atol=1e-6)
    with pytest.raises(InputError, match="must be 64 x 64, and are 32 x 32"):
        train(tiny(*read, "model.overrides.image_size=[64, 64]"), tmp_path / "run")


def test_precision(tiny, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(run, "_fit", lambda *arguments: None)
    with caplog.at_level("INFO", logger="gfla_tf"):
        trained = train(tiny("precision=mixed_bfloat16"), tmp_path / "run")
    described = next(message for message in caplog.messages if message.startswith("training "))
    parameters = sum(int(np.prod(variable.shape)) for variable in trained.model.trainable_variables)
    assert described.startswith(
        f"training F and G of model.preset=synthetic with model.overrides ({parameters:,} parameters), "
        "32 x 32 pixels (h x w), on data.source=synthetic, with PartFeatures"
    )
    assert trained.model.target_image_generator.compute_dtype == "bfloat16"
    assert keras.layers.Dense(1).compute_dtype == "float32"


def test_paper_defaults():
    config = Config()
    assert (config.batch_size, config.stage1.learning_rate, config.stage2.learning_rate) == (8, 1e-4, 1e-4)
    assert config.stage2.discriminator_learning_rate == 1e-5
    assert config.stage1.final_learning_rate is config.stage2.final_learning_rate is None
    trainer = small.flow_trainer()
    assert {name: getattr(config.stage1, name) for name in trainer.loss_weights} == trainer.loss_weights
    trainer = small.gfla_trainer()
    assert {name: getattr(config.stage2, name) for name in trainer.loss_weights} == trainer.loss_weights
