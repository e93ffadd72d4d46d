"""Tests of the guard against values that are not finite, of its file, and of `gfla train --replay`."""

import functools
import io
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import losses
from gfla_tf.cli.main import main
from gfla_tf.config import Config, DataConfig, FeaturesConfig, ModelConfig
from gfla_tf.errors import InputError
from gfla_tf.training.build import build_features, build_model, build_trainers
from gfla_tf.training.callbacks import FiniteGuard
from gfla_tf.training.failure_file import read_record
from gfla_tf.training.replay import replay, save_step
from gfla_tf.training.sources import open_source
from tests.training import small

CONFIG = Config(
    model=ModelConfig(overrides={"image_size": [32, 32], **small.ARGUMENTS}),
    data=DataConfig(identities=2, test_identities=1, workers=0),
    features=FeaturesConfig(weights="random", width_multiplier=1 / 16),
    batch_size=2,
)


@pytest.fixture(scope="module")
def built():
    """(source, trainer of stage 1, trainer of stage 2), not trained, and their weights."""
    source = open_source(CONFIG)
    source.prepare()
    model = build_model(CONFIG, source)
    trainers = build_trainers(CONFIG, build_features(CONFIG, source), model)
    for trainer in trainers:
        trainer.run_eagerly = True
    return source, trainers, [trainer.get_weights() for trainer in trainers]


@pytest.fixture
def failing(built, tmp_path):
    """Returns a function that trains a stage until it fails, and returns (message, file, trainer)."""
    source, trainers, weights = built

    def fit(stage, change=lambda trainer: None):
        trainer = trainers[stage - 1]
        trainer.set_weights(weights[stage - 1])
        trainer.failure.clear()
        trainer.steps_done.assign(3)
        change(trainer)
        folder = tmp_path / f"stage{stage}"
        folder.mkdir()
        guard = FiniteGuard(f"stage {stage}", functools.partial(save_step, trainer, CONFIG, source, folder))
        before = small.values(trainer.checkpoint_networks())
        batches = source.training_batches(2, CONFIG.seed, False, start=3)
        with pytest.raises(InputError) as caught:
            trainer.fit(batches, steps_per_epoch=2, verbose=0, callbacks=[guard])
        changed = small.changed(before, trainer.checkpoint_networks())
        return str(caught.value), next(folder.iterdir()), changed, trainer

    return fit


def patched(monkeypatch, name, change):
    """Replaces a loss by `change` of its value."""
    original = getattr(losses, name)
    monkeypatch.setattr(losses, name, lambda *args, **kwargs: change(original(*args, **kwargs)))


@tf.custom_gradient
def broken_gradient(x):
    return tf.identity(x), lambda upstream: upstream * np.nan


def test_a_loss(failing, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patched(patch, "affine_regularization", lambda value: tf.math.log(value - 1e9))
        message, path, changed, trainer = failing(1)
        assert message.startswith(
            "stage 1 stopped at step 4: the loss regularization is NaN or infinite; try"
        )
        assert message.endswith(f"gfla train --replay {path}")
        assert path.name == "failure_step_4.npz"
        assert int(trainer.steps_done) == 3
        assert not any(changed)
        assert main(["train", "--replay", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "stage1, step 4: the loss regularization was not finite"
    assert lines[2].split() == ["loss", "regularization", "nan"]
    assert lines[3].split()[:4] == ["gradient", "norm", "of", "F"]
    assert lines[4].startswith("the first value that is not finite: operation Log in gfla_tf/training/")
    lines = replay(path)  # without the patch
    assert float(lines[2].split()[-1]) >= 0
    assert lines[-1].startswith("every value is finite here")


def test_gradients(failing, monkeypatch):
    patched(monkeypatch, "content_and_style", lambda pair: (broken_gradient(pair[0]), pair[1]))
    message, path, changed, trainer = failing(2)
    assert "the gradients of optimizer are NaN" in message
    variables = {id(variable): index for index, variable in enumerate(trainer.checkpoint_networks())}
    for name, network in trainer.networks.items():  # D was updated before
        indices = [variables[id(variable)] for variable in network.trainable_variables]
        assert any(changed[index] for index in indices) == (name == "D")
    record = read_record(path)
    assert (record.stage, record.step, record.config) == ("stage2", 4, CONFIG)
    lines = replay(path)
    assert lines[0] == "stage2, step 4: the gradients of optimizer were not finite"
    assert [line.split()[1] for line in lines[1:7]] == list(trainer.loss_weights)
    assert all(np.isfinite(float(line.split()[-1])) for line in lines[1:7])
    assert [line.split()[-2:] for line in lines[7:9]] == [["F", "nan"], ["G", "nan"]]
    assert "of a gradient" in lines[-1]


def test_a_weight(failing):
    def change(trainer):
        variable = trainer.flow_field_estimator.flow_variables[0]
        variable.assign(np.full(variable.shape, np.inf, np.float32))

    message, path, _, _ = failing(1, change)
    assert re.search("the weight .*, found in the loss .*, is NaN or infinite", message)
    found = replay(path)[-1]
    assert re.fullmatch("the first value that is not finite: weight .* of F", found)


def test_the_batch_is_that_of_the_step(failing, monkeypatch, built):
    patched(monkeypatch, "adversarial", lambda value: value * np.nan)
    message, path, changed, _ = failing(2)
    assert "the loss discriminator is NaN" in message
    assert not any(changed)  # neither D nor its power iteration
    batch = next(iter(built[0].training_batches(2, CONFIG.seed, False, start=3)))
    for name, value in read_record(path).group("batch").items():
        np.testing.assert_array_equal(value, batch[name])
    assert replay(path)[1].split() == ["loss", "discriminator", "nan"]


def test_the_next_fit_continues_from_the_weights_before_a_failure(built, monkeypatch, caplog):
    source, (trainer, _), (weights, _) = built
    trainer.set_weights(weights)
    trainer.steps_done.assign(0)
    before = small.values(trainer.checkpoint_networks())

    def fit():
        trainer.fit(source.training_batches(2, 0, False), steps_per_epoch=2, verbose=0)

    with monkeypatch.context() as patch:
        patched(patch, "affine_regularization", lambda value: value * np.nan)
        fit()
    assert not any(small.changed(before, trainer.checkpoint_networks()))
    message = (
        "the loss regularization was NaN or infinite in step 1: this step and those after it changed nothing"
    )
    assert caplog.messages[-1] == message
    fit()
    assert any(small.changed(before, trainer.checkpoint_networks()))
    assert caplog.messages.count(message) == 1
    assert int(trainer.steps_done) == 2


def test_steps_that_cannot_be_saved(built, tmp_path):
    trainer = built[1][0]

    def write(steps, term):
        raise InputError("the disk is full")

    guard = FiniteGuard(write=write)
    guard.set_model(trainer)
    trainer.failure.clear()
    trainer.failure.record({"loss correctness": tf.constant(True)})
    message = r"step .*: the loss correctness is NaN .*clip_norm; the step cannot be saved: the disk is full$"
    with pytest.raises(InputError, match=message):
        guard.on_train_batch_end(0)
    trainer.failure.clear()
    served = SimpleNamespace(service="localhost:1")
    sentence = save_step(trainer, CONFIG, served, tmp_path / "stage1", 0, "loss correctness")
    assert "its batch came from data.service" in sentence


def test_weights_are_checked_after_an_epoch(built):
    trainer = built[1][0]
    trainer.set_weights(built[2][0])
    guard = FiniteGuard()
    guard.set_model(trainer)
    trainer.failure.clear()
    variable = trainer.flow_field_estimator.variables[-1]
    kept = np.array(variable)
    guard.on_epoch_end(0)
    variable.assign(np.full_like(kept, np.nan))
    with pytest.raises(InputError, match=r"training stopped at step .*: the weight .* is NaN or infinite"):
        guard.on_epoch_end(0)
    variable.assign(kept)


def test_files_that_are_not_of_a_step(failing, monkeypatch, tmp_path, capsys):
    patched(monkeypatch, "affine_regularization", lambda value: value * np.nan)
    _, path, _, _ = failing(1)
    with np.load(path) as file:
        arrays = dict(file)
    info = json.loads(arrays["info"].tobytes())

    def written(**changes):
        other = {**arrays, **{name: value for name, value in changes.items() if name != "info"}}
        if "info" in changes:
            other["info"] = np.frombuffer(json.dumps({**info, **changes["info"]}).encode(), np.uint8)
        data = io.BytesIO()
        np.savez(data, **other)
        (tmp_path / "other.npz").write_bytes(data.getvalue())
        return tmp_path / "other.npz"

    assert replay(written(info={"loss_scale": 2.0**100}))  # zero gradients let it grow
    pickled = np.array([{}], object)
    for changes, message in [
        ({"info": {"stage": "stage3"}}, "is not the file of a failed step"),
        ({"info": {"step": -1}}, "its step is invalid"),
        ({"info": {"loss_scale": 0}}, "its loss_scale is invalid"),
        ({"info": {"extra": 1}}, "is not the file of a failed step"),
        ({"info": {"config": "batch_size: 0"}}, "config: batch_size must be at least 1"),
        ({"info": {"config": "["}}, "is not the file of a failed step"),
        ({"info": {"config": [1]}}, "is not the file of a failed step"),
        ({"weights/0": np.zeros(3)}, "weights/0 has shape"),
        ({"batch/source_image": np.zeros((2, 8, 8, 3), np.uint8)}, "is not 2 images of 32 x 32"),
        ({"batch/source_keypoints": np.zeros((2, 3))}, "the batch does not fit"),
        ({"batch/source_image": pickled}, "other.npz"),
    ]:
        with pytest.raises(InputError, match=message):
            replay(written(**changes))
    (tmp_path / "other.npz").write_bytes(path.read_bytes()[:1000])
    assert main(["train", "--replay", str(tmp_path / "other.npz")]) == 2
    assert main(["train", "--replay", str(path), "--resume"]) == 2
    assert "--replay FILE is used alone" in capsys.readouterr().err
