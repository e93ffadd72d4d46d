"""Tests of resuming a run: exactness, damaged checkpoints, and settings that may change."""

import json
import os
import shutil
import signal
import threading

import keras
import numpy as np
import pytest

from gfla_tf.cli.main import main
from gfla_tf.config import load_config
from gfla_tf.errors import InputError
from gfla_tf.training import callbacks, run
from gfla_tf.training.run import train
from gfla_tf.training.run_folder import RunFolder
from tests.training import small

_MODELS = ("model.keras", "model_raw.keras", "discriminator.keras")


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
        "config.yaml", "run.json", "features.weights.h5",
        "model.keras", "model_raw.keras", "discriminator.keras",
        "stage1", "stage1/log.csv", "stage1/best.keras", "stage1/checkpoints", "stage1/tensorboard",
        "stage1/samples", "stage1/samples/epoch_0001.png",
        "stage2", "stage2/log.csv", "stage2/best.keras", "stage2/checkpoints", "stage2/tensorboard",
        "stage2/samples", "stage2/samples/epoch_0001.png", "stage2/samples/epoch_0002.png",
    }  # fmt: skip
    assert load_config(started / "config.yaml") == tiny()
    record = json.loads((started / "run.json").read_text())
    assert {"began", "finished", "last_seconds"} <= set(record)
    assert record["images"] == "rendered by SyntheticPeople, seed 0"

    for name in ("stage1/log.csv", "stage2/log.csv", "stage2/samples/epoch_0002.png"):
        assert (started / name).read_bytes() == (whole / name).read_bytes()
    for name in (*_MODELS, "stage1/best.keras", "stage2/best.keras"):
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


def test_a_stage_that_has_ended_is_not_continued(tiny, tmp_path, capsys):
    """Patience ends stage 1; `model.keras` has its averages, from which stage 2 would start."""
    config = tiny("stage1.epochs=4", "stage1.patience=1", "stage1.min_delta=1000", "stage2.epochs=0")
    train(config, tmp_path / "run")
    ended = "ended after epoch 2: val_correctness has not decreased by more than 1000 in the last 1 epoch,"
    assert ended in capsys.readouterr().out
    assert epochs(tmp_path / "run", "stage1") == [1, 2]
    before = {name: weights(tmp_path / "run", name) for name in _MODELS}
    pairs = zip(before["model.keras"], before["model_raw.keras"], strict=True)
    different = [not np.array_equal(averaged, raw) for averaged, raw in pairs]
    assert 0 < sum(different) < len(different)  # F has averages, G has not been trained
    train(config, tmp_path / "run", resume=True)
    assert "stage 1 (F)  already trained (2 epochs)" in capsys.readouterr().out
    for name in _MODELS:
        for new, old in zip(weights(tmp_path / "run", name), before[name], strict=True):
            np.testing.assert_array_equal(new, old)


@pytest.mark.slow
def test_damaged_checkpoints(tiny, started):
    for step in (2, 3):
        (started / "stage2" / "checkpoints" / f"step-{step}" / "state.index").write_bytes(b"PK")
    with pytest.raises(
        InputError, match=r"no checkpoint can be read: .*step-3.*step-2.*to restart its stage"
    ):
        train(tiny(), started, resume=True)
    assert load_config(started / "config.yaml") == tiny()


def test_resuming_removes_temporary_files(tiny, tmp_path):
    with RunFolder(tmp_path, tiny()) as run:
        paths = [tmp_path / f".{'0' * 16}.part.keras", run.stage("stage1") / f".{'1' * 16}.part.npz"]
    for path in paths:
        path.write_bytes(b"")
    RunFolder(tmp_path, tiny(), resume=True).stage("stage1")
    assert not any(path.exists() for path in paths)


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


def test_the_data_service_of_a_run_may_change(tiny, tmp_path):
    RunFolder(tmp_path / "one", tiny("data.service=data1:5050"))
    for other in (tiny("data.service=data2:5050"), tiny()):
        RunFolder(tmp_path / "one", other, resume=True)
        assert load_config(tmp_path / "one" / "config.yaml") == other
    with pytest.raises(InputError, match=r"\(data\.service differ\)"):
        RunFolder(tmp_path / "one", tiny("data.service=data1:5050"), resume=True)


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
