"""SavedModels contain no compiled operators."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import layers, ops
from gfla_tf.models.network import Network
from tests.native.helpers import (
    arguments,
    attention_model,
    compiled_nodes,
    features,
    needs_library,
    run_python,
)


def _saved_nodes(folder):
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return set().union(*(compiled_nodes(graph.graph_def) for graph in saved.meta_graphs))


class Warper(Network):
    def __init__(self):
        super().__init__()
        self.attention = layers.LocalAttention(3, hidden=4)
        self.build()

    def _build_layers(self):
        self.attention.build([None, None, None, 4])

    def call(self, inputs):
        return self.attention(inputs["source"], inputs["target"], inputs["flow"])


def _write(model, how, inputs, folder):
    """Writes a SavedModel with Keras's export or with `tf.saved_model.save`."""
    signature = [{name: tf.TensorSpec(value.shape, tf.float32, name) for name, value in inputs.items()}]
    if how == "export":
        model.export(folder, input_signature=signature)
    else:
        module = tf.Module()
        module.model = model
        module.serve = tf.function(model, input_signature=signature)
        tf.saved_model.save(module, str(folder))


@needs_library
@pytest.mark.parametrize("how", ["export", "saved_model"])
def test_a_saved_model_runs_without_the_library(tmp_path, how):
    model = Warper()
    inputs = dict(zip(["source", "flow", "target"], arguments(n=2), strict=True))
    expected = model(inputs)
    traced = tf.function(model).get_concrete_function(inputs).graph.as_graph_def()
    assert "GflaLocalAttention" in compiled_nodes(traced)
    _write(model, how, inputs, tmp_path / "saved")
    assert _saved_nodes(tmp_path / "saved") == set()
    np.savez(tmp_path / "inputs.npz", **inputs)
    out, _ = run_python(f"""
import sys, numpy as np, tensorflow as tf
loaded = tf.saved_model.load({str(tmp_path / "saved")!r})
inputs = {{name: tf.constant(value) for name, value in np.load({str(tmp_path / "inputs.npz")!r}).items()}}
np.save({str(tmp_path / "out.npy")!r}, loaded.serve(inputs))
print("gfla_tf" in sys.modules)
""")
    assert out.strip() == "False"
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), expected, rtol=1e-4, atol=1e-5)


@needs_library
def test_a_custom_model_is_exported_under_portable(tmp_path):
    model = attention_model()
    model.predict(features(), verbose=0)
    with ops.portable():
        model.export(tmp_path / "saved")
    assert _saved_nodes(tmp_path / "saved") == set()
