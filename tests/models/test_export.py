"""`Network.export`: each network as a SavedModel, by Keras's own arguments."""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import models
from tests.training import small


def _map(channels, height=32, width=32, batch=2):
    shape = (batch, height, width, channels)
    return np.random.default_rng(channels).uniform(0, 1, shape).astype(np.float32)


def _f_inputs():
    return {"source_image": _map(3), "source_pose": _map(18), "target_pose": _map(18)}


def _g_inputs():
    flows, masks = ([_map(channels, side, side) for side in (8, 16)] for channels in (2, 1))
    return {"source_image": _map(3), "guidance": _map(18), "flows": flows, "masks": masks}


# name: (network, inputs of the call, outputs of the call by the names of the export)
CASES = {
    "F": (
        lambda: small.generator().flow_field_estimator,
        _f_inputs,
        lambda outputs: dict(
            zip(("flow_0", "flow_1", "mask_0", "mask_1"), [*outputs[0], *outputs[1]], strict=True)
        ),
    ),
    "G": (lambda: small.generator().target_image_generator, _g_inputs, lambda image: image),
    "D": (small.discriminator, lambda: _map(3), lambda logits: logits),
    "auto-encoder": (
        lambda: models.TargetImageGenerator({}, guidance_channels=39, width=4, num_layers=1),
        lambda: {"guidance": _map(39)},
        lambda image: image,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_network_is_exported_after_a_call(tmp_path, capfd, name):
    make, inputs, named = CASES[name]
    network, inputs = make(), inputs()
    expected = named(network(inputs))
    network.export(tmp_path / "exported", verbose=False)
    assert capfd.readouterr().out == ""
    loaded = tf.saved_model.load(str(tmp_path / "exported"))
    found = loaded.serve(tf.nest.map_structure(tf.constant, inputs))
    tf.nest.assert_same_structure(found, expected)
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_export_before_a_call_for_any_size(tmp_path, capfd):
    network = small.discriminator()
    network.export(str(tmp_path / "exported"), verbose=True)
    assert "serve" in capfd.readouterr().out
    loaded = tf.saved_model.load(str(tmp_path / "exported"))
    for size in ((16, 32), (48, 16)):
        images = _map(3, *size, batch=1)
        np.testing.assert_allclose(loaded.serve(images), network(images), rtol=1e-4, atol=1e-5)


def test_export_writes_saved_models_only(tmp_path):
    with pytest.raises(ValueError, match="export writes a tf_saved_model, got format='onnx'"):
        small.discriminator().export(tmp_path / "exported", format="onnx")
