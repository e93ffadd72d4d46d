"""Argument checks that every operator shares."""

import tensorflow as tf


def image_and_flow(image, flow, name):
    """Converts and checks an image (or feature map) and the flow used on it.

    Returns both as tensors: image [B, H, W, C] and flow [B, H, W, 2], floating.

    Raises:
      ValueError: wrong rank or dtype, flow channels other than 2, or sizes that are known and differ.
    """
    image = tf.convert_to_tensor(image)
    flow = tf.convert_to_tensor(flow)
    for tensor, label in ((image, name), (flow, "flow")):
        if not tensor.dtype.is_floating:
            raise ValueError(f"{label} must be floating point, got {tensor.dtype.name}")
        if tensor.shape.rank != 4:
            raise ValueError(f"{label} must have rank 4, [B, H, W, C], got shape {tensor.shape}")
    if image.shape[-1] is None:
        raise ValueError(f"{name} needs a static channel count, got shape {image.shape}")
    if flow.shape[-1] != 2:
        raise ValueError(f"flow must have 2 channels (dx, dy), got shape {flow.shape}")
    if not image.shape[:3].is_compatible_with(flow.shape[:3]):
        raise ValueError(
            f"{name} and flow must agree in batch, height and width, got {image.shape} and {flow.shape}"
        )
    return image, flow


def positive_int(value, name):
    """Raises ValueError unless `value` is an int of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a positive int, got {value!r}")


def at_least_float32(tensor):
    """Positions need more precision than half types have: float16 and bfloat16 become float32."""
    return tf.cast(tensor, tf.float32) if tensor.dtype.size < 4 else tensor


def flow_dtype(image):
    """The type the compiled operators take flows in: float64 beside a float64 image, else float32."""
    return tf.float64 if image.dtype == tf.float64 else tf.float32
