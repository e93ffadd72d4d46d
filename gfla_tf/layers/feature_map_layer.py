"""The base class of the layers that map a feature map to another one."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from gfla_tf import _compat
from gfla_tf.ops import checks


class FeatureMapLayer(keras.layers.Layer):
    """A layer that maps a feature map [B, H, W, C] to another one.

    A subclass defines `_build(channels)`, which creates the weights, `_output_size(height, width)` if the
    size changes, and `call`, which begins with `feature_map(inputs)`. Keras does not cast the inputs, so a
    layer that computes in float32 under a half-precision policy also reads them in float32.

    Attributes:
      filters: output channels; None if they are those of the input.
      smallest: smallest height and width of the input.
    """

    filters: int | None = None
    smallest = 1

    def __init__(self, **kwargs: Any):
        super().__init__(autocast=False, **kwargs)
        self.channels = None

    def build(self, input_shape: Any) -> None:
        """Creates the weights for feature maps of shape [B, H, W, C]; only C matters."""
        self.compute_output_shape(input_shape)
        self.channels = int(input_shape[-1])
        self._build(self.channels)
        self.built = True

    def _build(self, channels: int) -> None:
        raise TypeError(f"{type(self).__name__} must define _build")

    def _output_size(self, height: int | None, width: int | None) -> tuple[int | None, int | None]:
        return height, width

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the output, None for unknown sizes: [B, H, W, C] -> [B, H', W', C'].

        Raises:
          ValueError: the layer does not take feature maps of this shape.
        """
        batch, height, width, channels = self._checked(input_shape)
        return _compat.static_shape([batch, *self._output_size(height, width), self.filters or channels])

    def _checked(self, shape):
        shape = tuple(tf.TensorShape(shape).as_list()) if tf.TensorShape(shape).rank is not None else ()
        name = type(self).__name__
        if len(shape) != 4:
            raise ValueError(f"{name} needs a feature map [B, H, W, C], got shape {shape or 'unknown'}")
        if not shape[-1]:
            raise ValueError(f"{name} needs a static, positive number of channels, got shape {shape}")
        if self.channels not in (None, shape[-1]):
            raise ValueError(f"{name} was built for {self.channels} channels, got shape {shape}")
        if any(size is not None and size < self.smallest for size in shape[1:3]):
            raise ValueError(
                f"{name} needs a height and width of at least {self.smallest}, got shape {shape}"
            )
        return shape

    def feature_map(self, inputs: Any) -> tf.Tensor:
        """Converts the inputs of `call` to a tensor and checks them; integers are cast to the compute dtype.

        Returns:
          A floating-point tensor [B, H, W, C].

        Raises:
          ValueError: wrong rank, size, number of channels or dtype.
        """
        inputs = checks.floating_point(inputs, f"inputs of {type(self).__name__}", self.compute_dtype)
        self.compute_output_shape(inputs.shape)
        return inputs

    def cast(self, x: tf.Tensor) -> tf.Tensor:
        """Casts to the compute dtype; values outside its range are clipped to it."""
        return checks.clipped_cast(x, self.compute_dtype)

    def add_weight_in_full(self, name: str, shape: tuple, initializer: Any, **kwargs: Any) -> keras.Variable:
        """Adds a weight that Keras does not cast to the compute dtype when the layer reads it."""
        return self.add_weight(
            name=name, shape=shape, initializer=initializer, **_compat.NO_AUTOCAST, **kwargs
        )
