"""Checks of a request inside a graph: what is wrong ends in INVALID_ARGUMENT and names its field.

Clients other than Python's check no shapes, so the graph must, and must not believe the shapes that its own
signature declares: an optimiser would fold the checks away.
"""

from __future__ import annotations

import contextlib

import tensorflow as tf

NUM_KEYPOINTS = 18


def true_shape(value) -> tf.Tensor:
    """The shape that a value has when the graph runs, int32 [rank], which no optimiser knows beforehand.

    It comes through a branch that is always taken, and of which only the run can tell.
    """
    return tf.cond(tf.size(value) >= 0, lambda: tf.shape(value), lambda: tf.zeros([0], tf.int32))


@contextlib.contextmanager
def required(*conditions):
    """For `with required((holds, message, value, ...)):` around what may run only where every `holds` is
    true, a bool scalar; the texts and tensors after it are what the error says where it is false.
    """
    checks = [tf.debugging.Assert(holds, says, summarize=16) for holds, *says in conditions]
    with tf.control_dependencies([check for check in checks if check is not None]):
        yield


def shaped(value, name: str, sides: tuple) -> tf.Tensor:
    """The value, once it has the rank and sides of `sides` (None: any): "[N, 18, 2]".

    The batch must not be empty. The shape is static from here on.
    """
    shape = true_shape(value)
    wanted = f"[{', '.join('N' if side is None else str(side) for side in sides)}]"
    with required((tf.equal(tf.size(shape), len(sides)), f"{name} must be of shape {wanted}, got", shape)):
        shape = tf.identity(shape)
    fits = tf.reduce_all([shape[axis] == side for axis, side in enumerate(sides) if side is not None] or True)
    with required(
        (fits, f"{name} must be of shape {wanted}, got", shape),
        (shape[0] > 0, f"{name} is empty: at least one is needed"),
    ):
        return tf.ensure_shape(tf.identity(value), sides)


def same_rows(values: dict) -> dict:
    """The values, {field: value}, once all have as many rows as the first."""
    first, *others = values
    rows = {name: tf.shape(value)[0] for name, value in values.items()}
    says = f"must have as many rows as {first}, got"
    wrong = [(rows[name] == rows[first], f"{name} {says}", rows[name], "and", rows[first]) for name in others]
    with required(*wrong):
        return {name: tf.identity(value) for name, value in values.items()}


def one_or_each(values: dict, poses, name: str) -> dict:
    """The values, {field: value}, once they have one row or as many as `poses`, the field `name`."""
    have, count = tf.shape(next(iter(values.values())))[0], tf.shape(poses)[0]
    says = f"{name} must have as many rows as there are encoded sources, if these are several; got"
    with required(((have == 1) | (have == count), says, count, "and", have)):
        return {field: tf.identity(value) for field, value in values.items()}


def keypoints(value, name: str) -> tf.Tensor:
    """Keypoints as a request has them: float32 [N, 18, 2], all numbers."""
    value = shaped(value, name, (None, NUM_KEYPOINTS, 2))
    numbers = tf.reduce_all(tf.math.is_finite(value), axis=[1, 2])
    says = f"{name} must be numbers, got NaN or infinity in row"
    with required((tf.reduce_all(numbers), says, _where(~numbers))):
        return tf.identity(value)


def keypoints_inside(value, frames, name: str) -> tf.Tensor:
    """Keypoints [N, 18, 2] with those outside their frames, int32 [N, 2], missing, as `gfla generate` has it.

    A pose of which nothing is left is refused.
    """
    sides = tf.cast(frames, tf.float32)[:, None, :]
    inside = tf.reduce_all((value >= 0.0) & (value < sides), axis=-1, keepdims=True)
    some = tf.reduce_any(inside, axis=[1, 2])
    says = f"{name} must have a keypoint inside the frame, (y, x) from 0 up to its size; none is in row"
    with required((tf.reduce_all(some), says, _where(~some), "of a frame of size", _first(frames, ~some))):
        return tf.where(inside, value, -1.0)


def frame_sizes(value, name: str, largest: int) -> tf.Tensor:
    """Sizes (h, w) as a request has them: int32 [N, 2], in pixels."""
    value = shaped(value, name, (None, 2))
    fits = tf.reduce_all((value > 0) & (value <= largest), axis=1)
    says = f"{name} must be (height, width) of 1 to {largest} pixels, got"
    with required((tf.reduce_all(fits), says, _first(value, ~fits), "in row", _where(~fits))):
        return tf.identity(value)


def image_sizes(value, name: str, pixels: int) -> tf.Tensor:
    """Sizes (h, w) of pictures to be made: int32 [N, 2], each of at most `pixels` pixels."""
    sides = tf.cast(frame_sizes(value, name, pixels), tf.int64)
    fits = tf.reduce_prod(sides, axis=1) <= pixels
    says = f"{name} must be of pictures of at most {pixels} pixels, got"
    with required((tf.reduce_all(fits), says, _first(value, ~fits), "in row", _where(~fits))):
        return tf.identity(value)


def maps(value, name: str, channels: int, multiple: int) -> tf.Tensor:
    """Images or pose maps [N, H, W, channels], H and W divisible by `multiple`, all numbers."""
    value = finite(shaped(value, name, (None, None, None, channels)), name)
    sides = tf.shape(value)[1:3]
    fits = tf.reduce_all((sides % multiple == 0) & (sides > 0))
    with required((fits, f"{name} must have height and width divisible by {multiple}, got", sides)):
        return tf.identity(value)


def same_sides(values: dict) -> dict:
    """The maps, {field: value}, once all have the first one's rows, height and width."""
    values = same_rows(values)
    first, *others = values
    sides = {name: tf.shape(value)[1:3] for name, value in values.items()}
    says = f"must have the height and width of {first}, got"
    wrong = [
        (tf.reduce_all(sides[name] == sides[first]), f"{name} {says}", sides[name], "and", sides[first])
        for name in others
    ]
    with required(*wrong):
        return {name: tf.identity(value) for name, value in values.items()}


def finite(value, name: str) -> tf.Tensor:
    """The value, once every element is a number."""
    numbers = tf.reduce_all(tf.math.is_finite(value))
    with required((numbers, f"{name} must be numbers, got NaN or infinity")):
        return tf.identity(value)


def _where(wrong):
    """The number of the first row that is wrong."""
    return tf.argmax(tf.cast(wrong, tf.int32), output_type=tf.int32)


def _first(values, wrong):
    return tf.gather(values, _where(wrong))
