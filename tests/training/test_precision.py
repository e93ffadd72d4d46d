"""Tests of mixed precision: what stays float32, and the loss scale that F and G share."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.training.batch import take_batch
from tests.training import small


@pytest.fixture(scope="module")
def reference():
    return small.gfla_trainer(flow_optimizer=small.adam())


def mixed(policy, reference):
    """A trainer of another precision with the weights of `reference`."""
    with _compat.dtype_policy(policy):
        trainer = small.gfla_trainer(flow_optimizer=small.adam())
    trainer.generator.set_weights(reference.generator.get_weights())
    trainer.discriminator.set_weights(reference.discriminator.get_weights())
    return trainer


def changed(trainer, networks, step):
    """Makes a step and returns the names of the changed networks."""
    before = {name: small.values(networks[name].trainable_variables) for name in networks}
    step()
    return {name for name in networks if any(small.changed(before[name], networks[name].trainable_variables))}


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_flows_kernels_and_losses_stay_float32(policy, reference):
    trainer, batch = mixed(policy, reference), take_batch(small.batch())
    outputs = trainer.pictures(batch)
    precise = [
        *outputs["flows"],
        *outputs["masks"],
        outputs["image"],
        *tf.nest.flatten(outputs["attentions"]),
    ]
    assert {tensor.dtype for tensor in precise} == {tf.float32}
    assert trainer.generator.compute_dtype == policy.removeprefix("mixed_")
    gradients, terms = trainer.half_step_gradients("loss", batch)
    assert {tensor.dtype for tensor in (*terms.values(), *tf.nest.flatten(gradients))} == {tf.float32}
    _, expected = reference.half_step_gradients("loss", batch)
    for name, term in terms.items():
        assert float(term) == pytest.approx(float(expected[name]), rel=0.1, abs=1e-5), name
    assert any(float(term) != float(expected[name]) for name, term in terms.items())


def test_an_overflow_skips_f_and_g_and_lowers_their_scale(reference):
    trainer = mixed("mixed_float16", reference)
    scale = trainer.half_step("loss").loss_scale
    scale.set(2.0**60)
    networks = trainer.networks
    assert changed(trainer, networks, lambda: trainer.train_on_batch(small.batch())) <= {"D"}
    assert float(scale.value()) == 2.0**59
    assert trainer.failure.term is None
    assert int(trainer.steps_done) == 1
    assert not np.isfinite(
        [float(trainer.gradient_norms[name]) for name in ("optimizer", "flow_optimizer")]
    ).all()
    scale.set(1.0)
    trainer.half_step("discriminator").loss_scale.set(1.0)
    assert changed(trainer, networks, lambda: trainer.train_on_batch(small.batch())) == {"F", "G", "D"}
    assert float(scale.value()) == 1.0
