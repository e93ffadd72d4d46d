"""Verification of a converted file: its content is read back and compared with the original."""

from __future__ import annotations

import os
from collections.abc import Mapping

import keras
import numpy as np

from gfla_tf import models
from gfla_tf.errors import InputError


def check_same_network(out: str | os.PathLike, model: keras.Model, loaded: keras.Model) -> None:
    """Checks that two networks have bitwise equal weights and equal outputs for one input.

    Args:
      out: The output file, for error messages.
      model: The original network.
      loaded: The network read from the output file.

    Raises:
      InputError: The networks differ, or the outputs are not finite.
    """
    pairs = zip(model.variables, loaded.variables, strict=True)
    if not all(same(np.asarray(a), np.asarray(b)) for a, b in pairs):
        raise InputError(f"{out} was not written: the weights read back from it differ from the original's")
    for a, b in zip(_outputs(model), _outputs(loaded), strict=True):
        if not np.isfinite(a).all():
            raise InputError(f"{out} was not written: the network's output is not finite")
        if not np.allclose(a, b, rtol=0, atol=1e-5):
            raise InputError(f"{out} was not written: the output of the network read back from it differs")


def check_same_tensors(
    out: str | os.PathLike, tensors: Mapping[str, np.ndarray], loaded: Mapping[str, np.ndarray]
) -> None:
    """Checks that `loaded` contains all of `tensors`, {name: array}, bitwise equal.

    Raises:
      InputError: A tensor is missing or differs.
    """
    if not all(name in loaded and same(value, loaded[name]) for name, value in tensors.items()):
        raise InputError(f"{out} was not written: the tensors read back from it differ from the original's")


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Returns whether two arrays are bitwise equal."""
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def _outputs(model):
    """Returns all outputs of a network for one small, fixed input."""
    if isinstance(model, models.ResDiscriminator):
        return [np.asarray(model(_waves(2 ** (model.num_blocks + 1), model.image_channels)))]
    f = model if isinstance(model, models.FlowFieldEstimator) else model.flow_field_estimator
    layers = (
        f.encoder_layers if f is model else max(f.encoder_layers, model.target_image_generator.num_layers)
    )
    side = 2 ** (layers + 1)
    inputs = {
        "source_image": _waves(side, f.image_channels),
        "source_pose": _waves(side, f.pose_channels) ** 2,
        "target_pose": _waves(side, f.pose_channels)[:, ::-1] ** 2,
    }
    outputs = model(inputs)
    if f is model:
        return [np.asarray(value) for part in outputs for value in part]
    return [np.asarray(value) for value in (outputs["image"], *outputs["flows"], *outputs["masks"])]


def _waves(side, channels):
    """Returns an input [1, side, side, channels] in [-1, 1]: different waves in each channel."""
    y, x, c = np.ogrid[:side, :side, :channels]
    return np.sin(0.7 * y + 0.4 * x * (1 + c % 3) + c).astype(np.float32)[None]
