"""Proofs that a file holds what was to be written: it is read back and compared."""

import numpy as np

from gfla_tf import models
from gfla_tf.errors import InputError


def check_same_network(out, model, again):
    """Raises InputError unless two networks have equal weights, bit by bit, and make the same of an input."""
    pairs = zip(model.variables, again.variables, strict=True)
    if not all(same(np.asarray(a), np.asarray(b)) for a, b in pairs):
        raise InputError(f"{out} was not kept: read back, its weights differ from those that were written")
    for a, b in zip(_outputs(model), _outputs(again), strict=True):
        if not np.isfinite(a).all():
            raise InputError(f"{out} was not kept: what the network makes of a picture is not finite")
        if not np.allclose(a, b, rtol=0, atol=1e-5):
            raise InputError(f"{out} was not kept: read back, the network makes other pictures")


def check_same_tensors(out, tensors, again):
    """Raises InputError unless all tensors, {name: array}, are in `again`, equal bit by bit."""
    if not all(name in again and same(value, again[name]) for name, value in tensors.items()):
        raise InputError(f"{out} was not kept: read back, its tensors differ from those that were written")


def same(a, b):
    """Whether two arrays are equal bit by bit."""
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def _outputs(model):
    """All that a network makes of one small, fixed input, as arrays."""
    if isinstance(model, models.ResDiscriminator):
        return [np.asarray(model(_picture(2 ** (model.num_blocks + 1), model.image_channels)))]
    f = model if isinstance(model, models.FlowFieldEstimator) else model.flow_field_estimator
    layers = (
        f.encoder_layers if f is model else max(f.encoder_layers, model.target_image_generator.num_layers)
    )
    side = 2 ** (layers + 1)
    inputs = {
        "source_image": _picture(side, f.image_channels),
        "source_pose": _picture(side, f.pose_channels),
        "target_pose": _picture(side, f.pose_channels)[:, ::-1],
    }
    outputs = model(inputs)
    if f is model:
        return [np.asarray(value) for part in outputs for value in part]
    return [np.asarray(value) for value in (outputs["image"], *outputs["flows"], *outputs["masks"])]


def _picture(side, channels):
    """Waves in [-1, 1], another in each channel: [1, side, side, channels]."""
    y, x, c = np.ogrid[:side, :side, :channels]
    return np.sin(0.7 * y + 0.4 * x * (1 + c % 3) + c).astype(np.float32)[None]
