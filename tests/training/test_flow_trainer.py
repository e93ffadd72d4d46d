"""Tests of `FlowTrainer`: what a step changes, its logs, and that it learns."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import _compat, losses
from gfla_tf.training import FlowTrainer
from tests.training import small


def test_a_step_changes_only_the_flow_variables():
    trainer = small.flow_trainer(run_eagerly=False)
    f = trainer.flow_field_estimator
    masks = [variable for head in f.mask_heads for variable in head.variables]
    before = [small.values(group) for group in (f.flow_variables, masks, trainer.features.variables)]
    trainer.fit(small.pairs(), verbose=0)
    assert all(small.changed(before[0], f.flow_variables))
    assert not any(small.changed(before[1], masks))
    assert not any(small.changed(before[2], trainer.features.variables))
    assert len(f.flow_variables) + len(masks) == len(f.trainable_variables)


def test_logs():
    trainer = small.flow_trainer()
    logs = trainer.fit(small.pairs(), verbose=0).history
    assert set(logs) == {"loss", "correctness", "regularization"}
    (correctness,), (regularization,) = logs["correctness"], logs["regularization"]
    assert logs["loss"][0] == pytest.approx(20 * correctness + 0.01 * regularization)


def test_losses_equal_library_functions():
    trainer = small.flow_trainer()
    batch = small.batch(heatmaps=True)
    logs = trainer.evaluate(small.pairs(), verbose=0, return_dict=True)
    flows, _ = trainer.flow_field_estimator(batch)
    source, target = (trainer.features(batch[f"{which}_image"]) for which in ("source", "target"))
    correctness = sum(
        float(losses.sampling_correctness(source[name], target[name], flow))
        for name, flow in zip(("relu3_1", "relu2_1"), flows, strict=True)
    )
    regularization = sum(float(losses.affine_regularization(flow, 3)) for flow in flows)
    assert logs["correctness"] == pytest.approx(correctness, rel=1e-5)
    assert logs["regularization"] == pytest.approx(regularization, rel=1e-4)


def test_loss_weights():
    trainer = small.flow_trainer(loss_weights={"regularization": 3.0})
    assert trainer.loss_weights == {"correctness": 20.0, "regularization": 3.0}
    with pytest.raises(
        ValueError, match="unknown loss_weights smoothness; the losses are correctness, regular"
    ):
        small.flow_trainer(loss_weights={"smoothness": 1.0})


def test_keypoints_equal_pose_maps():
    trainer = small.flow_trainer()
    maps = trainer.evaluate(small.pairs(heatmaps=True), verbose=0, return_dict=True)
    points = trainer.evaluate(small.pairs(heatmaps=False), verbose=0, return_dict=True)
    assert maps == pytest.approx(points, rel=1e-6)


def test_background_weight():
    batch = small.batch(truth=True)
    trainer = small.flow_trainer(background=0.25)
    logs = trainer.evaluate(small.pairs(truth=True), verbose=0, return_dict=True)
    person = tf.nn.max_pool2d(tf.cast(batch["target_parts"] > 0, tf.float32)[..., None], 5, 1, "SAME")
    weight = tf.where(person > 0, 1.0, 0.25)
    flows, _ = trainer(batch)
    source, target = (trainer.features(batch[f"{which}_image"]) for which in ("source", "target"))
    expected = sum(
        float(losses.sampling_correctness(source[name], target[name], flow, weight))
        for name, flow in zip(("relu3_1", "relu2_1"), flows, strict=True)
    )
    assert logs["correctness"] == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="needs target_parts"):
        small.flow_trainer(background=0.25).train_on_batch(small.batch())


def test_flow_error():
    batch = small.batch(4, truth=True)
    truth = batch["flow"]

    def error(flow):
        return float(small.flow_trainer().report_flow_error(batch, flow)["flow_error"])

    assert error(tf.zeros_like(truth)) == pytest.approx(1.0)
    assert error(truth) == pytest.approx(0.0, abs=1e-6)
    assert error(truth[:, ::2, ::2] / 2) < 0.35
    assert error(2 * truth) == pytest.approx(1.0, rel=1e-5)


def test_flow_error_needs_the_true_flow():
    trainer = small.flow_trainer()
    logs = trainer.evaluate(small.pairs(truth=True), verbose=0, return_dict=True)
    assert logs["flow_error"] == pytest.approx(1.0, abs=1e-3)
    assert "flow_error" not in trainer.evaluate(small.pairs(), verbose=0, return_dict=True)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision(policy):
    with _compat.dtype_policy(policy):
        trainer = small.flow_trainer(run_eagerly=False)
    reference = small.flow_trainer()  # float32
    reference.flow_field_estimator.set_weights(trainer.flow_field_estimator.get_weights())
    expected = reference.evaluate(small.pairs(), verbose=0, return_dict=True)
    before = small.values(trainer.flow_field_estimator.flow_variables)
    steps = 8 if policy == "mixed_float16" else 2  # the loss scale starts too high and is halved
    logs = trainer.fit(small.pairs().repeat(), steps_per_epoch=steps, verbose=0).history
    for name in ("loss", "correctness"):  # means over a few steps with a small learning rate
        assert logs[name][0] == pytest.approx(expected[name], rel=0.1), name
    assert {variable.dtype for variable in before} == {np.dtype(np.float32)}
    assert np.mean(small.changed(before, trainer.flow_field_estimator.flow_variables)) > 0.9
    assert all(
        np.isfinite(variable).all() for variable in small.values(trainer.flow_field_estimator.variables)
    )


def test_saving_and_loading(tmp_path):
    trainer = small.flow_trainer(loss_weights={"correctness": 7.0}, background=0.5)
    trainer.fit(small.pairs(parts=True), verbose=0)
    logs = trainer.evaluate(small.pairs(parts=True), verbose=0, return_dict=True)
    trainer.save_weights(tmp_path / "trainer.weights.h5")
    other = small.flow_trainer(loss_weights={"correctness": 7.0}, background=0.5)
    other.load_weights(tmp_path / "trainer.weights.h5")
    trainer.save(tmp_path / "trainer.keras")
    loaded = keras.models.load_model(tmp_path / "trainer.keras", compile=False)
    assert isinstance(loaded, FlowTrainer)
    loaded.compile(small.adam(), run_eagerly=True)
    for again in (other, loaded):
        assert again.evaluate(small.pairs(parts=True), verbose=0, return_dict=True) == pytest.approx(logs)


def test_ordinary_callbacks_work(tmp_path):
    trainer = small.flow_trainer()
    callbacks = [
        keras.callbacks.ModelCheckpoint(
            tmp_path / "best.weights.h5", monitor="val_loss", save_best_only=True, save_weights_only=True
        ),
        keras.callbacks.EarlyStopping("val_loss", patience=1, min_delta=1e9),
    ]
    history = trainer.fit(
        small.pairs(), validation_data=small.pairs(), epochs=5, callbacks=callbacks, verbose=0
    ).history
    assert len(history["val_loss"]) == 2
    assert (tmp_path / "best.weights.h5").is_file()


@pytest.mark.parametrize(
    ("left_out", "message"),
    [
        ("target_image", "needs target_image; got only source_image"),
        ("source_keypoints", "needs source_pose or source_keypoints"),
    ],
)
def test_invalid_batches(left_out, message):
    batch = {name: value for name, value in small.batch(heatmaps=False).items() if name != left_out}
    with pytest.raises(ValueError, match=message):
        small.flow_trainer().train_on_batch(batch)


def test_learns_four_pairs():
    trainer = small.flow_trainer(small.adam(5e-3), run_eagerly=False)
    logs = trainer.fit(small.pairs(4).repeat(), epochs=4, steps_per_epoch=15, verbose=0).history
    assert logs["loss"][-1] < 0.85 * logs["loss"][0]


@pytest.mark.parametrize("make", [small.flow_trainer, small.gfla_trainer])
def test_steps_are_counted(make):
    trainer = make()
    assert int(trainer.steps_done) == 0
    for done in (1, 3):
        trainer.fit(small.pairs().repeat(), steps_per_epoch=1 + done // 3, verbose=0)
        assert int(trainer.steps_done) == done
    trainer.evaluate(small.pairs(), verbose=0)
    assert int(trainer.steps_done) == 3
    assert not any(variable is trainer.steps_done for variable in trainer.variables)


def test_an_uneven_last_batch_counts_by_its_examples():
    trainer = small.flow_trainer()
    expected = trainer.evaluate(small.pairs(4), verbose=0, return_dict=True)
    batches = small.people().as_dataset("train", 4, shuffle=False).take(1).unbatch().batch(3)
    logs = trainer.evaluate(batches, verbose=0, return_dict=True)
    assert logs == pytest.approx(expected, rel=1e-4)
    apart = [trainer.evaluate(batches.skip(i).take(1), verbose=0, return_dict=True)["loss"] for i in (0, 1)]
    assert abs(np.mean(apart) - expected["loss"]) > 1e-3 * expected["loss"]
