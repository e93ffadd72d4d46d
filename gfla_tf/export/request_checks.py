"""Checks of a request inside a graph: an invalid one fails with INVALID_ARGUMENT and names the field.

Clients outside Python do not check shapes, so the graph does. Static shapes are ignored, since Grappler would
fold checks of them away.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from gfla_tf.images.limits import MAX_SIDE


def runtime_shape(value: tf.Tensor) -> tf.Tensor:
    """Returns the shape of a value at run time, int32 [rank], hidden from constant folding.

    The shape passes through a `tf.cond` that always takes its first branch, which only the run determines.
    """
    return tf.cond(tf.size(value) >= 0, lambda: tf.shape(value), lambda: tf.zeros([0], tf.int32))


@contextlib.contextmanager
def required(*conditions: tuple[Any, ...]) -> Iterator[None]:
    """Context manager for operations that may run only if all conditions hold.

    Args:
      *conditions: Tuples (condition, message, value, ...): a bool scalar tensor, and the text and tensors of
        the error.
    """
    checks = [tf.debugging.Assert(condition, message, summarize=16) for condition, *message in conditions]
    with tf.control_dependencies([check for check in checks if check is not None]):
        yield


def check_shape(value: tf.Tensor, name: str, shape: tuple[int | None, ...]) -> tf.Tensor:
    """Checks the shape of a non-empty batch and makes it static.

    Args:
      value: The field's value.
      name: The field's name.
      shape: The expected shape; `None` matches any size.
    """
    actual = runtime_shape(value)
    expected = f"[{', '.join('N' if side is None else str(side) for side in shape)}]"
    with required(
        (tf.equal(tf.size(actual), len(shape)), f"{name} must be of shape {expected}, got", actual)
    ):
        actual = tf.identity(actual)
    valid = tf.reduce_all(
        [actual[axis] == side for axis, side in enumerate(shape) if side is not None] or True
    )
    with required(
        (valid, f"{name} must be of shape {expected}, got", actual),
        (actual[0] > 0, f"{name} is empty: at least one row is needed"),
    ):
        value = tf.identity(value)
    value.set_shape(shape)
    return value


def check_same_rows(values: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Checks that all fields, {name: value}, have as many rows as the first."""
    first, *others = values
    rows = {name: tf.shape(value)[0] for name, value in values.items()}
    message = f"must have as many rows as {first}, got"
    conditions = [
        (rows[name] == rows[first], f"{name} {message}", rows[name], "and", rows[first]) for name in others
    ]
    with required(*conditions):
        return {name: tf.identity(value) for name, value in values.items()}


def check_number_of_rows(values: dict[str, tf.Tensor], max_rows: int) -> dict[str, tf.Tensor]:
    """Checks that the first field, of {name: value}, has at most `max_rows` rows."""
    name = next(iter(values))
    rows = tf.shape(values[name])[0]
    message = f"{name} must have at most {max_rows} rows in a request, got"
    with required((rows <= max_rows, message, rows)):
        return {field: tf.identity(value) for field, value in values.items()}


def check_number_of_pixels(maps: dict[str, tf.Tensor], max_pixels: int) -> dict[str, tf.Tensor]:
    """Checks that the first of maps of one size, {name: [N, H, W, C]}, has at most `max_pixels` N H W."""
    name = next(iter(maps))
    shape = tf.shape(maps[name], tf.int64)[:3]
    message = f"{name} must have at most {max_pixels} pixels in a request, got rows, height and width"
    with required((tf.reduce_prod(shape) <= max_pixels, message, shape)):
        return {field: tf.identity(value) for field, value in maps.items()}


def check_total_pixels(value: tf.Tensor, pixels: tf.Tensor, name: str, max_pixels: int) -> tf.Tensor:
    """Checks the number of pixels of the photos of all rows together.

    Args:
      value: The value to be returned.
      pixels: int64 [N], the pixels of each photo.
      name: The name of the field that determines them.
      max_pixels: The largest accepted sum.
    """
    total = tf.reduce_sum(pixels)
    message = f"{name} must have at most {max_pixels} pixels over all rows of a request, got"
    with required((total <= max_pixels, message, total)):
        return tf.identity(value)


def check_one_or_same_rows(values: dict[str, tf.Tensor], poses: tf.Tensor, name: str) -> dict[str, tf.Tensor]:
    """Checks that encoded sources, {field: value}, have one row or as many as `poses`, the field `name`."""
    sources, targets = tf.shape(next(iter(values.values())))[0], tf.shape(poses)[0]
    message = f"{name} must have as many rows as there are encoded sources, unless there is only one; got"
    with required(((sources == 1) | (sources == targets), message, targets, "and", sources)):
        return {field: tf.identity(value) for field, value in values.items()}


def check_frame_sizes(value: tf.Tensor, name: str, max_side: int) -> tf.Tensor:
    """Checks that frame sizes are int32 [N, 2], (height, width) of 1 to `max_side` pixels."""
    value = check_shape(value, name, (None, 2))
    valid = tf.reduce_all((value > 0) & (value <= max_side), axis=1)
    message = f"{name} must be (height, width) of 1 to {max_side} pixels, got"
    row = _first_row(~valid)
    with required((tf.reduce_all(valid), message, tf.gather(value, row), "in row", row)):
        return tf.identity(value)


def check_image_sizes(value: tf.Tensor, name: str, max_pixels: int) -> tf.Tensor:
    """Checks that output image sizes are int32 [N, 2], (height, width), that a PNG encoder accepts.

    Args:
      value: The field's value.
      name: The field's name.
      max_pixels: The largest accepted product of height and width.
    """
    sides = tf.cast(check_frame_sizes(value, name, MAX_SIDE), tf.int64)
    valid = tf.reduce_prod(sides, axis=1) <= max_pixels
    message = f"{name} must be sizes of images of at most {max_pixels} pixels, got"
    row = _first_row(~valid)
    with required((tf.reduce_all(valid), message, tf.gather(value, row), "in row", row)):
        return tf.identity(value)


def check_maps(value: tf.Tensor, name: str, channels: int, multiple: int) -> tf.Tensor:
    """Checks that images or pose maps are finite, [N, H, W, channels], H and W divisible by `multiple`."""
    value = check_finite(check_shape(value, name, (None, None, None, channels)), name)
    sides = tf.shape(value)[1:3]
    valid = tf.reduce_all((sides % multiple == 0) & (sides > 0))
    with required((valid, f"{name} must have height and width divisible by {multiple}, got", sides)):
        return tf.identity(value)


def check_same_sizes(values: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Checks that all maps, {field: value}, have the rows, height and width of the first."""
    values = check_same_rows(values)
    first, *others = values
    sides = {name: tf.shape(value)[1:3] for name, value in values.items()}
    message = f"must have the height and width of {first}, got"
    conditions = [
        (tf.reduce_all(sides[name] == sides[first]), f"{name} {message}", sides[name], "and", sides[first])
        for name in others
    ]
    with required(*conditions):
        return {name: tf.identity(value) for name, value in values.items()}


def check_finite(value: tf.Tensor, name: str) -> tf.Tensor:
    """Checks that every element is finite."""
    valid = tf.reduce_all(tf.math.is_finite(value))
    with required((valid, f"{name} must be numbers, got NaN or infinity")):
        return tf.identity(value)


def _first_row(invalid):
    """Returns the index of the first invalid row."""
    return tf.argmax(tf.cast(invalid, tf.int32), output_type=tf.int32)
