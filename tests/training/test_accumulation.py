"""Tests of steps that compute a batch in parts: they equal the step with the whole batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.losses import mask_mean, sampling_correctness
from gfla_tf.training.parts import sum_of_parts
from tests.training import small

STEPS = 3


def sgd(rate):
    return keras.optimizers.SGD(rate)


def train(make, rates, accumulation, start=None, jit_compile=False):
    """Trains for a few steps and returns (trainer, first weights, logs of the last step)."""
    trainer = make(background=0.2)
    start = start or trainer.get_weights()
    trainer.set_weights(start)
    trainer.compile(*map(sgd, rates), accumulation=accumulation, jit_compile=jit_compile)
    logs = [trainer.train_on_batch(small.batch(4, parts=True), return_dict=True) for _ in range(STEPS)]
    return trainer, start, logs[-1]


@pytest.mark.parametrize(
    ("make", "rates"),
    [
        (small.flow_trainer, (0.01,)),
        pytest.param(small.gfla_trainer, (0.01, 0.05, 0.01), marks=pytest.mark.slow),
    ],
)
def test_parts_equal_the_whole_batch(make, rates):
    whole, start, expected = train(make, rates, 1)
    parts, _, logs = train(make, rates, 2, start)
    assert logs == pytest.approx(expected, rel=1e-4)
    moved = np.concatenate([np.ravel(a - b) for a, b in zip(whole.get_weights(), start, strict=True)])
    apart = [np.abs(a - b).max() for a, b in zip(parts.get_weights(), whole.get_weights(), strict=True)]
    assert np.abs(moved).max() > 1e-3
    assert max(apart) < 1e-5
    for name, norm in parts.gradient_norms.items():
        assert float(norm) == pytest.approx(float(whole.gradient_norms[name]), rel=1e-3)


@pytest.mark.slow
def test_xla_computes_the_same_parts_and_guards():
    expected, start, logs = train(small.flow_trainer, (0.01,), 1)
    compiled, _, compiled_logs = train(small.flow_trainer, (0.01,), 2, start, jit_compile=True)
    assert compiled_logs == pytest.approx(logs, rel=1e-4)
    networks = [small.values(trainer.checkpoint_networks()) for trainer in (compiled, expected)]
    for one, other in zip(*networks, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    variable = compiled.flow_field_estimator.flow_variables[0]
    variable.assign(np.full(variable.shape, np.nan, np.float32))
    before = small.values(compiled.checkpoint_networks())
    compiled.train_on_batch(small.batch(4, parts=True))
    assert compiled.failure.term.startswith("loss ")
    assert int(compiled.steps_done) == STEPS
    for one, other in zip(small.values(compiled.checkpoint_networks()), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_batches_that_cannot_be_divided():
    trainer = small.flow_trainer()
    trainer.compile("sgd", run_eagerly=True, accumulation=3)
    with pytest.raises(ValueError, match="a batch of 4 cannot be divided into accumulation=3 equal parts"):
        trainer.train_on_batch(small.batch(4))
    with pytest.raises(ValueError, match="accumulation must be an integer from 1 to"):
        trainer.compile("sgd", accumulation=0)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32)])
    def run(x):
        return sum_of_parts(lambda part: tf.reduce_sum(part["x"] ** 2), {"x": x}, 2, tf.constant(0.0))

    assert float(run(tf.ones([4, 3]))) == 12.0
    with pytest.raises(tf.errors.InvalidArgumentError, match="accumulation=2 equal parts"):
        run(tf.ones([3, 3]))


def test_the_mask_mean_of_the_whole_batch():
    rng = np.random.default_rng(0)
    source, target = rng.random((2, 4, 6, 6, 5), np.float32)
    flow = rng.standard_normal((4, 6, 6, 2)).astype(np.float32)
    mask = (rng.random((4, 12, 12, 1)) < [[[[0.1]]], [[[0.9]]], [[[0.5]]], [[[0.7]]]]).astype(np.float32)
    expected = float(sampling_correctness(source, target, flow, mask))
    mean = mask_mean(mask, (6, 6))
    assert float(mean) == pytest.approx(mask[:, ::2, ::2].mean())

    def mean_of_parts(**options):
        parts = [slice(0, 2), slice(2, 4)]
        return np.mean(
            [sampling_correctness(source[p], target[p], flow[p], mask[p], **options) for p in parts]
        )

    assert mean_of_parts(mask_mean=mean) == pytest.approx(expected, rel=1e-5)
    assert abs(mean_of_parts() - expected) > 3e-5  # each part would use its own mean
