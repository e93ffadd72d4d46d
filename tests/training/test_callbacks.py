"""Tests of the callbacks of a run."""

import io
import re

import numpy as np
import pytest

from gfla_tf import viz
from gfla_tf.console import clock
from gfla_tf.images.io import read_image
from gfla_tf.report import read_log
from gfla_tf.training.callbacks import Checkpoint, Progress, SampleGrid, TensorBoardLog
from gfla_tf.training.epoch_log import EpochLog
from tests.training import small


def test_progress_prints_one_line_per_epoch(monkeypatch):
    now = iter([0.0, 30.0])
    monkeypatch.setattr("gfla_tf.training.callbacks.progress.time.monotonic", lambda: next(now))
    stream = io.StringIO()
    progress = Progress("stage 1 (F)", epochs=3, steps_per_epoch=10, steps_done=10, stream=stream)
    progress.on_train_begin()
    progress.on_epoch_begin(1)
    for batch in range(10):
        progress.on_train_batch_end(batch, {"loss": 9.0})
    assert stream.getvalue() == ""  # not a terminal
    progress.on_epoch_end(1, {"loss": 2.0, "style": 1.0, "val_flow_error": 0.5})
    assert stream.getvalue() == (
        "stage 1 (F)  epoch 2/3  loss 2.000  val_flow_error 0.500  0:30 elapsed, ETA 0:30\n"
    )
    progress.on_train_end()
    assert stream.getvalue().count("\n") == 1


def test_progress_continues_within_an_epoch(monkeypatch):
    now = iter([0.0, 20.0, 60.0])
    monkeypatch.setattr("gfla_tf.training.callbacks.progress.time.monotonic", lambda: next(now))
    stream = io.StringIO()
    progress = Progress("stage 2", epochs=3, steps_per_epoch=10, steps_done=8, stream=stream)
    for epoch, steps in ((0, 2), (1, 10)):  # the rest of epoch 1 and the other epochs: two calls of `fit`
        progress.on_train_begin()
        progress.on_epoch_begin(epoch)
        for batch in range(steps):
            progress.on_train_batch_end(batch, {})
        progress.on_epoch_end(epoch, {})
        progress.on_train_end()
    assert stream.getvalue() == (
        "stage 2  epoch 1/3  0:20 elapsed, ETA 3:20\nstage 2  epoch 2/3  1:00 elapsed, ETA 0:50\n"
    )


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
            Checkpoint(tmp_path / "checkpoints"),
            Progress("stage 1", 2, 1, stream=stream),
        ],
    )
    assert stream.getvalue().count("\n") == 2
    assert read_log(tmp_path / "log.csv")["epoch"] == [1, 2]
    assert [row.split(",")[0] for row in (tmp_path / "log.csv").read_text().split()] == ["epoch", "1", "2"]
    assert (tmp_path / "epoch_0002.png").is_file()
