"""FusedAdam gives the results of Keras's Adam with one operator per variable."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.training import FusedAdam
from gfla_tf.training.updates import Update
from tests.training import small
from tests.training.test_updates import variables

SHAPES = ((3, 3, 2, 4), (4,), (5, 2))
OPTIONS = {
    "defaults": {},
    "beta_1 of GFLA": {"beta_1": 0.0, "beta_2": 0.999},
    "averages": {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
    "global clipping and decay": {"global_clipnorm": 0.5, "weight_decay": 0.1},
    "clipping": {"clipnorm": 0.1},
    "amsgrad": {"amsgrad": True},
}


def draw(seed, dtype=np.float32):
    generator = np.random.default_rng(seed)
    return [generator.normal(size=shape).astype(dtype) for shape in SHAPES]


def apply(update, gradients, loss_scale=1.0):
    """Applies gradients without clipping."""
    update.apply(gradients, tf.constant(1.0), loss_scale)


def train(optimizer, steps=5, initial=None, loss_scale=1.0, **function):
    """Returns the values of all variables after some updates in one graph, with the optimizer's."""
    update = Update("optimizer", optimizer, variables(*(initial or draw(0))))
    step = tf.function(lambda gradients: apply(update, gradients, loss_scale), autograph=False, **function)
    for seed in range(1, steps + 1):
        step(
            [
                tf.constant(value * loss_scale, variable.dtype)
                for value, variable in zip(draw(seed), update.variables, strict=True)
            ]
        )
    own = optimizer.variables() if callable(optimizer.variables) else optimizer.variables
    return small.values([*update.variables, *own])


def assert_close(ours, expected):
    """Compares variables after steps of 0.1; an update differs by up to 1e-5 of its size."""
    for one, other in zip(ours, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=5e-6)


def with_schedule(kind):
    return kind(keras.optimizers.schedules.CosineDecay(0.1, 10, alpha=0.1))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_results_are_those_of_keras(options):
    assert_close(
        train(FusedAdam(learning_rate=0.1, **options)),
        train(keras.optimizers.Adam(learning_rate=0.1, **options)),
    )


def test_results_follow_a_learning_rate_schedule():
    assert_close(train(with_schedule(FusedAdam)), train(with_schedule(keras.optimizers.Adam)))


def test_results_with_xla():
    assert_close(train(FusedAdam(0.1), jit_compile=True), train(keras.optimizers.Adam(0.1)))


def test_results_with_loss_scaling():
    wrapper = keras.mixed_precision.LossScaleOptimizer
    ours = train(wrapper(FusedAdam(0.1)), loss_scale=1024.0)
    assert_close(ours, train(wrapper(keras.optimizers.Adam(0.1)), loss_scale=1024.0))
    assert_close(ours[: len(SHAPES)], train(keras.optimizers.Adam(0.1))[: len(SHAPES)])


def test_half_precision_variables_are_updated_as_in_keras():
    """In bfloat16 beta_2 would be 1."""
    initial = [value.astype(np.float16) for value in draw(0)]
    ours, expected = (
        train(FusedAdam(0.1), initial=initial),
        train(keras.optimizers.Adam(0.1), initial=initial),
    )
    for one, other in zip(ours, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_sparse_gradients_are_applied_as_in_keras():
    values = []
    for kind in (FusedAdam, keras.optimizers.Adam):
        (table,) = variables(np.ones([4, 2], np.float32))
        sparse = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([2]), tf.constant([4, 2]))
        kind(0.1).apply_gradients([(sparse, table)])
        values.append(np.array(table))
    np.testing.assert_array_equal(*values)
    assert values[0][2, 0] < 1
    assert values[0][1, 0] == 1


def test_results_with_a_strategy():
    """The variables of a strategy are containers of the replicas' variables."""
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        update = Update("optimizer", FusedAdam(0.1), variables(*draw(0)))

    def replica(gradients):
        apply(update, [tf.identity(gradient) for gradient in gradients])

    step = tf.function(lambda gradients: strategy.run(replica, args=(gradients,)), autograph=False)
    for seed in (1, 2, 3):
        step([tf.constant(value) for value in draw(seed)])
    expected = train(keras.optimizers.Adam(0.1), steps=3)[: len(SHAPES)]
    assert_close(small.values(update.variables), expected)


def test_an_update_is_one_operator_per_variable():
    kinds = {}
    for kind in (FusedAdam, keras.optimizers.Adam):
        update = Update("optimizer", kind(0.1), variables(*draw(0)))
        graph = (
            tf.function(lambda gradients, update=update: apply(update, gradients), autograph=False)
            .get_concrete_function([tf.constant(value) for value in draw(1)])
            .graph
        )
        kinds[kind] = [one.type for one in graph.get_operations()]
    assert kinds[FusedAdam].count("ResourceApplyAdam") == len(SHAPES)
    assert len(kinds[FusedAdam]) < 0.5 * len(kinds[keras.optimizers.Adam])


def test_a_configuration_gives_the_same_optimizer():
    optimizer = FusedAdam(0.1, beta_1=0.25, epsilon=1e-5, weight_decay=0.125)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(copy) is FusedAdam
    assert copy.get_config() == optimizer.get_config()
    assert copy.beta_1 == 0.25


def test_the_learning_rate_can_be_changed_between_steps():
    """The rate and the step are read in every step, also within one graph."""
    (variable,) = variables(0.0)
    update = Update("optimizer", FusedAdam(1.0, beta_1=0.0, beta_2=0.0), [variable])

    @tf.function(autograph=False)
    def two_steps():
        apply(update, [tf.ones([])])
        update.optimizer.learning_rate.assign(0.5)
        apply(update, [tf.ones([])])

    two_steps()
    assert float(variable) == pytest.approx(-1.5, rel=1e-5)
    assert int(update.optimizer.iterations) == 2
    assert _compat.can_optimize(update.optimizer, [variable])
