"""Tests of a training run: its folder, invalid settings, and ends before the last step."""

import dataclasses
import os
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest

from gfla_tf.config import Config, load_config
from gfla_tf.errors import InputError
from gfla_tf.training import run
from gfla_tf.training.run import train
from gfla_tf.training.run_folder import RunFolder
from gfla_tf.training.sources import open_source
from tests.training import small


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
        InputError,
        match=r"stage 1 \(F\) stopped at step 2: the loss .* is NaN .*failure_step_2\.npz",
    ):
        train(dataclasses.replace(config, stage1=stage1), tmp_path / "run")
    assert not (tmp_path / "run" / "stage1" / "checkpoints").exists()
    assert not (tmp_path / "run" / "stage2").exists()


def test_a_run_is_not_started_again(tiny, tmp_path):
    RunFolder(tmp_path / "run", tiny())
    with pytest.raises(InputError, match="contains a run; add --resume to continue it, or name another"):
        RunFolder(tmp_path / "run", tiny())


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
        (
            ["stage1.min_delta=0.1"],
            "stage1.min_delta needs stage1.patience, without which no stage ends early",
        ),
        (["stage1.min_epochs=2"], "stage1.min_epochs needs stage1.patience"),
        (["stage2.warmup_steps=4"], "stage2.warmup_steps must be less than the 4 steps of the stage"),
        (["stage1.min_epochs=2"], "stage1.min_epochs needs stage1.patience, without which no stage ends"),
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
        trained = train(tiny("precision=mixed_bfloat16", "ema=null"), tmp_path / "run")
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
