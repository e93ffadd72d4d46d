"""Tests of what `compile` and `fit` of both trainers accept, as `keras.Model` does."""

import inspect
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.images.scaling import scale_images
from gfla_tf.training import FlowTrainer, GFLATrainer
from gfla_tf.training.batch import take_batch
from gfla_tf.training.gfla_trainer import STAGE2_WEIGHTS
from tests.training import small


def flow_trainer(trainable=True):
    estimator = small.generator().flow_field_estimator
    estimator.trainable = trainable
    return FlowTrainer(estimator, small.features(), heatmap_sigma=small.SIGMA)


def gfla_trainer(f=True, g=True, d=True):
    generator, discriminator = small.generator(), small.discriminator()
    generator.flow_field_estimator.trainable = f
    generator.target_image_generator.trainable = g
    discriminator.trainable = d
    return GFLATrainer(generator, discriminator, small.features(), heatmap_sigma=small.SIGMA)


def networks(trainer):
    if isinstance(trainer, FlowTrainer):
        return {"F": trainer.flow_field_estimator}
    return {
        "F": trainer.generator.flow_field_estimator,
        "G": trainer.generator.target_image_generator,
        "D": trainer.discriminator,
    }


def fit(trainer, **options):
    """Trains for one step and returns (logs, names of the changed networks)."""
    before = {name: small.values(network.variables) for name, network in networks(trainer).items()}
    history = trainer.fit(small.pairs(), verbose=0, **options).history
    changed = {
        name
        for name, network in networks(trainer).items()
        if any(small.changed(before[name], network.variables))
    }
    return {name: values[-1] for name, values in history.items()}, changed


def test_names_of_the_arguments():
    def positional(method):
        parameters = inspect.signature(method).parameters.values()
        return [p.name for p in parameters if p.kind == p.POSITIONAL_OR_KEYWORD]

    assert positional(FlowTrainer.compile) == [
        "self",
        "optimizer",
        "jit_compile",
        "clip_norm",
        "accumulation",
    ]
    assert positional(GFLATrainer.compile) == [
        *(
            "self",
            "optimizer",
            "discriminator_optimizer",
            "flow_optimizer",
            "jit_compile",
            "clip_norm",
            "accumulation",
        )
    ]
    flow_trainer().compile(optimizer="sgd", run_eagerly=True)
    gfla_trainer().compile(optimizer="sgd", discriminator_optimizer="sgd", flow_optimizer=None)


def forms():
    """The same optimizer as a name, a serialized configuration and an instance."""
    return ["sgd", keras.optimizers.serialize(keras.optimizers.SGD()), keras.optimizers.SGD()]


def step(trainer, start, *optimizers):
    """Compiles, fits one step from the weights `start`, and returns the changes of each network's weights."""
    trainer.set_weights(start)
    before = {name: network.get_weights() for name, network in networks(trainer).items()}
    trainer.compile(*optimizers, run_eagerly=True)
    trainer.fit(small.pairs(), verbose=0)
    return {
        name: [new - old for new, old in zip(network.get_weights(), before[name], strict=True)]
        for name, network in networks(trainer).items()
    }


def check_changes(changes, expected, rate=1.0):
    """Checks that the changes of a network's weights are `rate` times the expected ones, and not all zero."""
    assert max(np.abs(change).max() for change in expected) > 1e-4
    for one, other in zip(changes, expected, strict=True):
        np.testing.assert_allclose(one, rate * other, rtol=1e-3, atol=1e-6)


def test_forms_of_the_optimizer_of_stage_1():
    """A name, a configuration and an instance of the same optimizer make the same step."""
    trainer = flow_trainer()
    start = trainer.get_weights()
    expected = step(trainer, start, keras.optimizers.SGD(0.02))["F"]
    for form in forms():  # SGD's default learning rate is 0.01
        check_changes(step(trainer, start, form)["F"], expected, 0.5)
        assert isinstance(trainer.optimizer, keras.optimizers.SGD)


def test_forms_of_the_optimizers_of_stage_2():
    trainer = gfla_trainer()
    for order in itertools.permutations(range(3)):
        given = forms()
        trainer.compile(*(given[index] for index in order), run_eagerly=True)
        used = [trainer.optimizer, trainer.discriminator_optimizer, trainer.flow_optimizer]
        assert all(isinstance(optimizer, keras.optimizers.SGD) for optimizer in used)
        assert len({id(optimizer) for optimizer in used}) == 3
    start = trainer.get_weights()
    rates = {"G": 0.02, "D": 0.01, "F": 0.04}  # F and G are updated after D, with gradients through it
    expected = step(trainer, start, *(keras.optimizers.SGD(rate) for rate in rates.values()))
    changes = step(trainer, start, *forms())
    for name, rate in rates.items():
        check_changes(changes[name], expected[name], 0.01 / rate)


def test_unknown_optimizers():
    with pytest.raises(ValueError, match="sgdm"):
        flow_trainer().compile("sgdm")
    with pytest.raises(ValueError, match="sgdm"):
        gfla_trainer().compile("sgd", "sgdm")


def test_one_optimizer_for_two_networks():
    optimizer = small.adam()
    with pytest.raises(ValueError, match="one instance is given twice"):
        gfla_trainer().compile(optimizer, optimizer)


def averaging(momentum=0.5):
    return keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=momentum)


def by_hand(trainer, groups, steps, momentum=0.5):
    """Trains step by step and returns the moving averages of each group of variables."""
    averages = [small.values(group) for group in groups] if not _compat.KERAS_3 else None
    for _ in range(steps):
        trainer.train_on_batch(small.batch())
        values = [small.values(group) for group in groups]
        if averages is None:  # Keras 3 starts with the values after the first step
            averages = values
        averages = [
            [momentum * a + (1 - momentum) * v for a, v in zip(*pair, strict=True)]
            for pair in zip(averages, values, strict=True)
        ]
    return averages


def check_averages(groups, expected):
    for group, averages in zip(groups, expected, strict=True):
        for variable, average in zip(group, averages, strict=True):
            np.testing.assert_allclose(np.array(variable), average, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("policy", "epochs"), [("float32", 3), ("mixed_float16", 2), ("mixed_bfloat16", 2)])
def test_moving_averages_of_stage_1(policy, epochs):
    """At the end of `fit`, the variables that `use_ema` optimizers update have their moving averages."""
    with _compat.dtype_policy(policy):
        trainer, other = flow_trainer(), flow_trainer()
        other.flow_field_estimator.set_weights(trainer.flow_field_estimator.get_weights())
        trainer.compile(averaging(), run_eagerly=True)
        other.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    trainer.fit(small.pairs(), epochs=epochs, verbose=0)
    expected = by_hand(other, [other.flow_field_estimator.flow_variables], epochs)
    check_averages([trainer.flow_field_estimator.flow_variables], expected)
    assert any(small.changed(expected[0], other.flow_field_estimator.flow_variables))


def test_moving_averages_of_stage_2():
    trainers = gfla_trainer(), gfla_trainer()
    for name, network in networks(trainers[1]).items():
        network.set_weights(networks(trainers[0])[name].get_weights())
    for trainer, make in zip(trainers, (averaging, lambda: keras.optimizers.SGD(0.1)), strict=True):
        trainer.compile(make(), make(), make(), run_eagerly=True)
    trainers[0].fit(small.pairs(), epochs=2, verbose=0)
    groups = [[network.trainable_variables for network in networks(trainer).values()] for trainer in trainers]
    check_averages(groups[0], by_hand(trainers[1], groups[1], 2))


def test_fit_without_epochs_changes_nothing():
    trainer = flow_trainer()
    trainer.compile(averaging(), run_eagerly=True)
    _, changed = fit(trainer, epochs=0)
    assert not changed


@pytest.mark.skipif(not _compat.KERAS_3, reason="Keras 2 has no SwapEMAWeights")
@pytest.mark.parametrize("stage", [1, 2])
def test_swap_ema_weights(stage):
    """The callback validates with the moving averages, which the model has after `fit`."""
    trainer = flow_trainer() if stage == 1 else gfla_trainer()
    trainer.compile(averaging(), *(["sgd"] if stage == 2 else []), run_eagerly=True)
    history = trainer.fit(
        small.pairs(),
        validation_data=small.pairs(),
        epochs=2,
        callbacks=[keras.callbacks.SwapEMAWeights()],
        verbose=0,
    ).history
    logs = trainer.evaluate(small.pairs(), verbose=0, return_dict=True)
    assert history["val_correctness"][-1] == pytest.approx(logs["correctness"], rel=1e-5)


def test_frozen_f_in_stage_1():
    trainer = flow_trainer(trainable=False)
    trainer.compile("adam")
    logs, changed = fit(trainer)
    assert not changed
    assert logs == pytest.approx(trainer.evaluate(small.pairs(), verbose=0, return_dict=True), rel=1e-4)


@pytest.mark.parametrize(
    ("frozen", "flow_optimizer"), [("F", None), ("G", "sgd"), ("D", None), ("FGD", "sgd")]
)
def test_frozen_networks_in_stage_2(frozen, flow_optimizer):
    trainer = gfla_trainer(*(name not in frozen for name in "FGD"))
    trainer.compile("adam", averaging(), flow_optimizer, run_eagerly=True)
    logs, changed = fit(trainer)
    assert changed == set("FGD") - set(frozen)
    assert set(logs) == {"loss", "discriminator", *trainer.loss_weights}
    assert np.isfinite(list(logs.values())).all()


def test_a_frozen_discriminator_trains_the_generator():
    """With the adversarial loss alone, F and G are updated by its gradient through a frozen D."""
    discriminator = small.discriminator()
    discriminator.trainable = False
    weights = {name: float(name == "adversarial") for name in STAGE2_WEIGHTS}
    trainer = GFLATrainer(
        small.generator(), discriminator, small.features(), weights, heatmap_sigma=small.SIGMA
    )
    trainer.compile("sgd", "sgd", run_eagerly=True)
    logs, changed = fit(trainer)
    assert logs["loss"] == pytest.approx(logs["adversarial"])
    assert changed == {"F", "G"}


@pytest.mark.parametrize("make", [flow_trainer, gfla_trainer])
def test_uint8_images(make):
    """Batches of uint8 images give the losses of the same images as floats."""
    trainer = make()
    trainer.compile(*["sgd"] * (1 if isinstance(trainer, FlowTrainer) else 2), run_eagerly=True)

    def to_uint8(batch):
        images = {
            name: tf.cast(tf.round((batch[name] + 1.0) * 127.5), tf.uint8)
            for name in ("source_image", "target_image")
        }
        return {**batch, **images}

    def to_float(batch):
        return {
            name: scale_images(value) if name.endswith("image") else value for name, value in batch.items()
        }

    integers = small.pairs().map(to_uint8)
    floats = integers.map(to_float)
    logs = [trainer.evaluate(data, verbose=0, return_dict=True) for data in (integers, floats)]
    assert logs[0] == logs[1]
    start = trainer.get_weights()
    results = []
    for data in (integers, floats):
        trainer.set_weights(start)
        logs = trainer.fit(data, verbose=0).history
        results.append(({name: value for name, (value,) in logs.items()}, trainer.get_weights()))
    assert results[0][0] == pytest.approx(results[1][0])
    for a, b in zip(results[0][1], results[1][1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_floats_in_0_to_255_are_refused():
    """Also in a graph, where the range of floats is checked when it runs."""
    message = r"target_image must be uint8 in \[0, 255\] or floating-point in \[-1, 1\], got"
    trainer = flow_trainer()
    trainer.compile("sgd", run_eagerly=True)
    batch = small.batch()
    wrong = {**batch, "target_image": (batch["target_image"] + 1.0) * 127.5}
    with pytest.raises(ValueError, match=message):
        trainer.train_on_batch(wrong)
    graph = tf.function(take_batch)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        graph(wrong)
    np.testing.assert_array_equal(graph(batch)["target_image"], batch["target_image"])
