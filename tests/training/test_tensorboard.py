"""Tests of the TensorBoard logs, by reading the event files."""

import os

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import viz
from gfla_tf.errors import InputError
from gfla_tf.training.callbacks import TensorBoardLog
from gfla_tf.training.schedules import WarmupDecay
from tests.training import small

CLASSES = {"scalars": 1, "text": 2, "histograms": 2, "images": 3}


def events(folder):
    """The events of the only file of a folder, without the first, which has the version of the format."""
    (path,) = folder.iterdir()
    assert "tfevents" in path.name
    records = tf.data.TFRecordDataset(os.fsencode(path)).as_numpy_iterator()
    first, *others = map(tf.compat.v1.Event.FromString, records)
    assert first.file_version == "brain.Event:2"
    return others


def entries(folder):
    """{(tag, step): array} of a folder; the plugin and the class of each entry belong together."""
    found = {}
    for event in events(folder):
        for value in event.summary.value:
            assert (value.tag, event.step) not in found
            assert value.metadata.data_class == CLASSES[value.metadata.plugin_data.plugin_name]
            found[value.tag, event.step] = tf.make_ndarray(value.tensor)
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder, the history and the trainer of three epochs of two steps with a new value in each."""
    folder = tmp_path_factory.mktemp("run") / os.fsdecode(b"\xff")  # not UTF-8
    trainer = small.flow_trainer(small.adam(WarmupDecay(0.01, warmup_steps=8)))
    log = TensorBoardLog(folder, 2, small.batch(truth=True), texts={"code": "one\n`two`"}, histograms=True)
    losses = []

    original = trainer.report

    def recorded(batch, terms):
        values = {"loss": trainer.weighted(terms), **terms}
        losses.append({name: float(value) for name, value in values.items()})
        return original(batch, terms)

    trainer.report = recorded
    history = trainer.fit(
        small.pairs().repeat(), steps_per_epoch=3, epochs=2, callbacks=[log], shuffle=False, verbose=0
    ).history
    return entries(folder), history, trainer, losses


def test_steps(run):
    found, _, trainer, losses = run
    for name in ("loss", "correctness", "regularization"):
        values = {step: float(value) for (tag, step), value in found.items() if tag == f"step/{name}"}
        one = [loss[name] for loss in losses]
        # the mean over the steps since the previous entry of the same epoch of three steps
        assert values == pytest.approx(
            {2: (one[0] + one[1]) / 2, 4: one[3], 6: (one[4] + one[5]) / 2}, rel=1e-5
        )
    rates = {step: float(value) for (tag, step), value in found.items() if tag == "learning_rate/optimizer"}
    assert rates == pytest.approx({2: 0.01 * 2 / 8, 4: 0.01 * 4 / 8, 6: 0.01 * 6 / 8})
    norms = {step: float(value) for (tag, step), value in found.items() if tag == "gradient_norm/optimizer"}
    assert list(norms) == [2, 4, 6]
    assert norms[6] == float(trainer.gradient_norms["optimizer"].numpy()) > 0


def test_epochs(run):
    found, history, trainer, _ = run
    for name, values in history.items():
        assert [float(found[f"epoch/{name}", step]) for step in (3, 6)] == pytest.approx(values, rel=1e-6)
    assert found["code", 0].item() == b"one\n`two`"
    variables = trainer.optimizer_updates.by_name["optimizer"].variables
    histograms = {
        tag: value for (tag, step), value in found.items() if tag.startswith("weights/") and step == 6
    }
    assert len(histograms) == len(variables)
    for variable, table in zip(variables, histograms.values(), strict=True):
        values = np.array(variable)
        assert table[:, 2].sum() == values.size
        assert (table[0, 0], table[-1, 1]) == pytest.approx((values.min(), values.max()), abs=0.51)
        assert (table[1:, 0] == table[:-1, 1]).all()


def test_images(run):
    found, _, trainer, _ = run
    batch = small.batch(truth=True)
    outputs = trainer.pictures(batch)
    columns = viz.sample_columns(batch, outputs, 8, (32, 32))
    columns["warped source"] = viz.warped_source(batch["source_image"], outputs["flows"][-1])
    assert set(columns) >= {"source", "flow", "true flow", "mask", "warped source"}
    assert {tag for tag, step in found if tag.startswith("samples/")} == {
        f"samples/{name}" for name in columns
    }
    for name, column in columns.items():
        width, height, *pictures = found[f"samples/{name}", 6].tolist()
        assert (width, height) == (b"32", b"32")
        decoded = [tf.io.decode_png(one).numpy() for one in pictures]
        np.testing.assert_array_equal(decoded, np.stack(column))


def test_a_resumed_training_replaces_later_entries(tmp_path):
    trainer = small.flow_trainer()
    trainer.steps_done.assign(5)
    log = TensorBoardLog(tmp_path)
    log.set_model(trainer)
    log.on_train_begin()
    log.on_epoch_end(0, {"loss": 2.5, "val_l1": 0.5})
    start, *_ = events(tmp_path)
    assert (start.session_log.status, start.step) == (tf.compat.v1.SessionLog.START, 6)
    found = {key: float(value) for key, value in entries(tmp_path).items()}
    assert found == {("epoch/loss", 5): 2.5, ("epoch/val_l1", 5): 0.5}


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    log = TensorBoardLog(tmp_path / "file" / "logs")
    log.set_model(small.flow_trainer())
    with pytest.raises(InputError, match=r"the TensorBoard log in .*file/logs cannot be written: Not a dir"):
        log.on_train_begin()
