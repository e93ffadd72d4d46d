"""Tests of the callbacks of a run."""

import io
import os
import re
import zipfile

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import viz
from gfla_tf.console import clock
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_image
from gfla_tf.report import read_log
from gfla_tf.training.callbacks import Checkpoint, Progress, SampleGrid, TensorBoardLog
from gfla_tf.training.epoch_log import EpochLog
from gfla_tf.weight_files import read_arrays
from tests.training import small


def checkpoint_of(trainer, path):
    checkpoint = Checkpoint(path)
    checkpoint.set_model(trainer)
    return checkpoint


def everything(trainer):
    optimizers = [
        variable
        for optimizer in trainer.checkpoint_optimizers()
        for variable in (optimizer.variables() if callable(optimizer.variables) else optimizer.variables)
    ]
    return [*trainer.checkpoint_networks(), *optimizers]


def test_checkpoint_restores_weights_optimizers_and_epochs(tmp_path):
    path = tmp_path / "checkpoint.npz"
    first = small.gfla_trainer()
    assert checkpoint_of(first, path).restore() == 0
    first.fit(small.pairs(), epochs=2, callbacks=[Checkpoint(path)], verbose=0)
    second = small.gfla_trainer()
    assert checkpoint_of(second, path).restore() == 2
    wanted, restored = everything(first), everything(second)
    assert len(wanted) > 2 * len(first.generator.trainable_variables)
    for ours, theirs in zip(restored, wanted, strict=True):
        np.testing.assert_array_equal(np.array(ours), np.array(theirs))
    logs = [trainer.fit(small.pairs(), verbose=0).history for trainer in (first, second)]
    for name, values in logs[0].items():
        assert values == pytest.approx(logs[1][name]), name
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.npz"]


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "zeros", "huge"])
def test_damaged_checkpoint(tmp_path, damage):
    path = tmp_path / "checkpoint.npz"
    trainer = small.flow_trainer()
    checkpoint_of(trainer, path).save(1)
    whole = path.read_bytes()
    packed, header = io.BytesIO(), b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        if damage == "zeros":
            archive.writestr("v0.npy", bytes(2**25))
        archive.writestr("v1.npy", b"\x93NUMPY\x01\x00v\x00" + header.ljust(117) + b"\n")
    hostile = dict.fromkeys(("zeros", "huge"), packed.getvalue())
    path.write_bytes({**hostile, "cut": whole[: len(whole) // 2], "text": b"text", "empty": b""}[damage])
    before = small.values(trainer.flow_field_estimator.variables)
    with pytest.raises(
        InputError, match=r"checkpoint\.npz cannot be read .*; delete it to restart its stage"
    ):
        checkpoint_of(trainer, path).restore()
    assert not any(small.changed(before, trainer.flow_field_estimator.variables))


@pytest.mark.parametrize(
    "pair", [(small.flow_trainer, small.gfla_trainer), (small.gfla_trainer, small.flow_trainer)]
)
def test_checkpoint_of_another_network(tmp_path, pair):
    saved, other = (make() for make in pair)
    path = tmp_path / "checkpoint.npz"
    checkpoint_of(saved, path).save(1)
    with pytest.raises(InputError, match=r"checkpoint\.npz (belongs to another network|cannot be read)"):
        checkpoint_of(other, path).restore()


def test_a_checkpoint_may_be_as_large_as_its_trainer(tmp_path, monkeypatch):
    path, trainer = tmp_path / "checkpoint.npz", small.flow_trainer()
    monkeypatch.setattr(
        "gfla_tf.training.callbacks.checkpoint._MAX_BYTES", 2**18
    )  # for the headers of the arrays
    trainer.extra = tf.Variable(tf.zeros([2**19]))
    monkeypatch.setattr(trainer, "checkpoint_networks", lambda: [trainer.extra])
    checkpoint_of(trainer, path).save(1)
    with pytest.raises(InputError, match=r"declare 2\d{6} bytes, more than possible"):
        read_arrays(path, 2**20)
    assert checkpoint_of(trainer, path).restore() == 1


def test_diverged_epoch_is_not_saved(tmp_path):
    checkpoint = checkpoint_of(small.flow_trainer(), tmp_path / "checkpoint.npz")
    checkpoint.on_epoch_end(0, {"loss": float("nan")})
    assert not any(tmp_path.iterdir())


def test_tensorboard_log(tmp_path):
    log = TensorBoardLog(tmp_path)
    log.on_epoch_end(0, {"loss": 2.5, "l1": 0.5})
    log.on_epoch_end(1, {"loss": 1.5})
    (path,) = tmp_path.iterdir()
    found = {}
    for record in tf.data.TFRecordDataset(str(path)):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            found[value.tag, event.step] = float(tf.make_ndarray(value.tensor))
            assert value.metadata.plugin_data.plugin_name == "scalars"
    assert found == {("loss", 1): 2.5, ("l1", 1): 0.5, ("loss", 2): 1.5}


def test_progress_prints_one_line_per_epoch(monkeypatch):
    now = iter([0.0, 30.0])
    monkeypatch.setattr("gfla_tf.training.callbacks.progress.time.monotonic", lambda: next(now))
    stream = io.StringIO()
    progress = Progress("stage 1 (F)", epochs=3, steps_per_epoch=10, initial_epoch=1, stream=stream)
    progress.on_train_begin()
    progress.on_epoch_begin(1)
    progress.on_train_batch_end(4, {"loss": 9.0})
    assert stream.getvalue() == ""  # not a terminal
    progress.on_epoch_end(1, {"loss": 2.0, "style": 1.0, "val_flow_error": 0.5})
    assert stream.getvalue() == (
        "stage 1 (F)  epoch 2/3  loss 2.000  val_flow_error 0.500  0:30 elapsed, ETA 0:30\n"
    )
    progress.on_train_end()
    assert stream.getvalue().count("\n") == 1


def test_progress_shows_a_bar_on_a_terminal(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    progress = Progress("stage 2", epochs=1, steps_per_epoch=2, stream=stream)
    progress.on_train_begin()
    progress.on_epoch_begin(0)
    progress.on_train_batch_end(0, {"loss": 1.0})
    progress.on_epoch_end(0, {"loss": 1.0})
    progress.on_train_batch_end(1, {"loss": 1.0})
    progress.on_train_end()
    bar, line = stream.getvalue().rsplit("stage 2  epoch 1/1  loss 1.000  ", 1)
    assert "0% |" in bar
    assert "elapsed, ETA" in bar
    assert line.startswith("0:00 elapsed, ETA 0:00\n")


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_no_line_is_longer_than_the_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    logs = dict.fromkeys(("loss", "l1", "correctness", "val_l1", "val_correctness", "val_flow_error"), 12.345)
    progress = Progress("stage 2 (F, G, D)", epochs=200, steps_per_epoch=2, stream=stream)
    progress.on_train_begin()
    progress.bar.mininterval = 0.0  # draw every update
    for epoch in range(99, 101):
        progress.on_epoch_begin(epoch)
        progress.on_train_batch_end(0, logs)
        progress.on_epoch_end(epoch, logs)
    progress.on_train_end()
    lines = re.split(r"[\r\n]", stream.getvalue())
    assert max(map(len, lines)) <= columns
    text = " ".join(" ".join(line.split()) for line in stream.getvalue().split("\n"))
    if columns > 20:  # nothing is omitted from the lines of the epochs
        assert text.count("val_flow_error 12.345") >= 2
        assert "epoch 101/200" in text
        assert "0:00 elapsed, ETA 0:00" in text


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (59.6, "1:00"), (754, "12:34"), (3600 + 65, "1:01:05")]
)
def test_clock(seconds, shown):
    assert clock(seconds) == shown


@pytest.mark.parametrize("make", [small.flow_trainer, small.gfla_trainer])
@pytest.mark.parametrize("truth", [True, False])
def test_sample_grid(tmp_path, make, truth):
    trainer = make()
    grid = SampleGrid(tmp_path, small.batch(truth=truth), trainer.pictures)
    grid.on_epoch_end(0)
    grid.on_epoch_end(11)
    assert {path.name for path in tmp_path.iterdir()} == {"epoch_0001.png", "epoch_0012.png"}
    expected = viz.sample_grid(small.batch(truth=truth), trainer.pictures(small.batch(truth=truth)))
    for name in ("epoch_0001.png", "epoch_0012.png"):
        np.testing.assert_array_equal(read_image(tmp_path / name), expected)


def test_callbacks_in_fit(tmp_path):
    trainer = small.flow_trainer()
    stream = io.StringIO()
    trainer.fit(
        small.pairs(),
        validation_data=small.pairs(truth=True),
        epochs=2,
        verbose=0,
        callbacks=[
            EpochLog(str(tmp_path / "log.csv")),
            TensorBoardLog(tmp_path / "tensorboard"),
            SampleGrid(tmp_path, small.batch(), trainer.pictures),
            Checkpoint(tmp_path / "checkpoint.npz"),
            Progress("stage 1", 2, 1, stream=stream),
        ],
    )
    assert stream.getvalue().count("\n") == 2
    assert read_log(tmp_path / "log.csv")["epoch"] == [1, 2]
    assert [row.split(",")[0] for row in (tmp_path / "log.csv").read_text().split()] == ["epoch", "1", "2"]
    assert (tmp_path / "epoch_0002.png").is_file()


def test_values_that_are_not_finite_do_not_replace_a_checkpoint(tmp_path):
    path = tmp_path / "checkpoint.npz"
    trainer = small.flow_trainer()
    trainer.fit(small.pairs(), callbacks=[Checkpoint(path)], verbose=0)
    before = path.read_bytes()
    checkpoint = checkpoint_of(trainer, path)
    variables = everything(trainer)
    for variable in (variables[0], variables[-1]):  # a weight, a moment of Adam
        kept = np.array(variable)
        for value in (np.nan, np.inf):
            variable.assign(np.full_like(kept, value))
            trainer.stop_training = False
            checkpoint.on_epoch_end(1, {"loss": 1.0})
            assert trainer.stop_training
            assert path.read_bytes() == before
        variable.assign(kept)
    trainer.stop_training = False
    checkpoint.on_epoch_end(1, {"loss": 1.0})
    assert not trainer.stop_training
    assert checkpoint.restore() == 2
    assert [one.name for one in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_a_checkpoint_with_values_that_are_not_finite_is_refused(tmp_path):
    path = tmp_path / "checkpoint.npz"
    trainer = small.flow_trainer()
    checkpoint = checkpoint_of(trainer, path)
    assert checkpoint.save(1)
    with np.load(path) as file:
        arrays = dict(file)
    arrays["v0"][...] = np.nan
    np.savez(path, **arrays)
    with pytest.raises(InputError, match="contains NaN or infinite values; delete it to restart its stage"):
        checkpoint.restore()


def test_logs_in_a_folder_whose_name_is_not_utf8(tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff")
    log = TensorBoardLog(folder)
    log.on_epoch_end(0, {"loss": 1.0})
    assert len(list(folder.glob("*tfevents*"))) == 1
