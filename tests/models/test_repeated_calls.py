"""Repeated calls of a network run as graphs, with the results of eager calls."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import ops
from gfla_tf.models.repeated_calls import EAGER_CALLS, MOST_SIGNATURES, RepeatedCalls
from tests.training import small


class Recorder:
    """A function that records whether it is called eagerly."""

    def __init__(self):
        self.eager = []

    def __call__(self, x, factor=2):
        self.eager.append(tf.executing_eagerly())
        return {"y": x * factor}


def test_a_function_is_traced_once_after_some_eager_calls():
    calls, function = RepeatedCalls(), Recorder()
    for number in range(EAGER_CALLS + 3):
        assert calls("double", function, tf.fill([2], float(number)))["y"][0] == 2 * number
    assert function.eager == [True] * EAGER_CALLS + [False]


def test_each_signature_has_its_own_graph():
    """Shapes, dtypes, options, functions and the implementation of the operators."""
    calls, function = RepeatedCalls(), Recorder()
    x = np.ones(2, np.float32)

    def repeat(name="double", argument=x, **options):
        for _ in range(EAGER_CALLS + 2):
            result = calls(name, function, argument, **options)["y"]
        return result.numpy()

    np.testing.assert_array_equal(repeat(), [2, 2])
    np.testing.assert_array_equal(repeat(factor=3), [3, 3])
    np.testing.assert_array_equal(repeat(argument=np.ones(3, np.float32)), [2, 2, 2])
    assert repeat(argument=x.astype(np.float64)).dtype == np.float64
    repeat("other")
    traced = 5
    if ops.native_available():
        with ops.portable():
            repeat()
        traced = 6
    assert function.eager.count(False) == traced


def test_the_number_of_graphs_is_bounded():
    calls, function = RepeatedCalls(), Recorder()

    def repeat(size):
        for _ in range(EAGER_CALLS + 1):
            calls("double", function, tf.ones([size]))

    repeat(1)
    graph = weakref.ref(next(iter(calls._calls.values())))
    for size in range(2, MOST_SIGNATURES + 1):
        repeat(size)
    assert graph() is not None
    repeat(MOST_SIGNATURES + 1)
    gc.collect()
    assert graph() is None


def test_calls_inside_a_graph_belong_to_it():
    calls, function = RepeatedCalls(), Recorder()
    outer = tf.function(lambda x: calls("double", function, x)["y"], autograph=False)
    assert outer(tf.ones([])) == 2
    assert function.eager == [False]
    assert not calls._calls


@pytest.fixture(scope="module")
def model():
    return small.generator()


def test_a_graph_gives_the_results_of_the_call_and_follows_the_weights(model):
    batch = small.batch()
    inputs = {name: batch[name] for name in ("source_image", "source_pose", "target_pose")}
    for _ in range(EAGER_CALLS + 1):
        outputs = model.infer("__call__", inputs, training=False, return_attention=True)
    expected = model(inputs, training=False, return_attention=True)
    assert list(outputs) == ["image", "flows", "masks", "attentions"]
    tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), outputs, expected)
    for variable in model.trainable_variables:
        variable.assign(variable * 1.5)
    changed = model.infer("__call__", inputs, training=False, return_attention=True)
    expected = model(inputs, training=False, return_attention=True)
    np.testing.assert_allclose(changed["image"], expected["image"], atol=1e-5)
    assert np.abs(changed["image"] - outputs["image"]).max() > 1e-3


def test_a_network_with_graphs_is_saved_and_loaded(model, tmp_path):
    from gfla_tf.models.archive import load_network

    poses = small.batch()["target_pose"][:1]
    for _ in range(EAGER_CALLS + 1):
        model.flow_field_estimator.infer("__call__", (tf.zeros([1, 32, 32, 3]), poses, poses))
    model.flow_field_estimator.save(tmp_path / "f.keras")
    loaded = load_network(tmp_path / "f.keras", [type(model.flow_field_estimator)])
    for one, other in zip(loaded.get_weights(), model.flow_field_estimator.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
