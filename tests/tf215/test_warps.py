"""`bilinear_warp` compared with the two bilinear samplers of TensorFlow Addons.

Their conventions, which the tests convert: `dense_image_warp` takes (dy, dx) and reads at the position
*minus* the flow; `resampler` takes absolute positions (x, y).
"""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import ops
from tests.tf215 import stack

addons = stack.addons()

SHAPE = (2, 9, 11, 5)  # odd, not square
HEIGHT, WIDTH = SHAPE[1:3]

# A sample is a sum of four products of numbers of order 1, so its float32 rounding error is at most about
# 1e-6. The weights have an additional error: both round position + flow, up to 20 pixels, by up to 1e-6.
VALUE = {"rtol": 0, "atol": 4e-6}
# The gradient of a flow sums differences of 5 channels; that of an image sums up to a few dozen samples at
# the border.
GRADIENT = {"rtol": 1e-5, "atol": 2e-5}


def by_dense_image_warp(image, flow):
    return addons.image.dense_image_warp(image, -flow[..., ::-1])


def by_resampler(image, flow):
    return addons.image.resampler(image, positions(flow))


def positions(flow):
    """[B, H, W, 2] absolute (x, y)."""
    x, y = tf.meshgrid(tf.range(WIDTH, dtype=flow.dtype), tf.range(HEIGHT, dtype=flow.dtype))
    return tf.stack([x, y], axis=-1) + flow


PEERS = {"dense_image_warp": by_dense_image_warp, "resampler": by_resampler}


def case(reach=None, seed=0):
    """(image, flow, upstream gradient).

    The flow is random with up to `reach` pixels. By default it stays inside the image and at fractional
    positions.
    """
    rng = np.random.default_rng(seed)
    image, upstream = (rng.standard_normal(SHAPE).astype(np.float32) for _ in range(2))
    if reach is not None:
        flow = rng.uniform(-reach, reach, (*SHAPE[:3], 2))
    else:
        cell = rng.integers(0, [WIDTH - 1, HEIGHT - 1], (*SHAPE[:3], 2))
        inside = cell + rng.uniform(0.02, 0.98, cell.shape)
        flow = inside - np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), axis=-1)
    return tuple(tf.constant(value, tf.float32) for value in (image, flow, upstream))


def value_and_gradients(warp, image, flow, upstream):
    with tf.GradientTape() as tape:
        tape.watch([image, flow])
        value = warp(image, flow)
    return value.numpy(), *(g.numpy() for g in tape.gradient(value, [image, flow], upstream))


@pytest.mark.parametrize("peer", PEERS)
def test_values_and_gradients_are_the_same_inside_the_image(peer, implementation):
    ours = value_and_gradients(ops.bilinear_warp, *case())
    theirs = value_and_gradients(PEERS[peer], *case())
    np.testing.assert_allclose(ours[0], theirs[0], **VALUE)
    for one, other in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_allclose(one, other, **GRADIENT)


def test_dense_image_warp_also_repeats_the_edge(implementation):
    """Values and gradients agree at positions up to 20 pixels outside the image.

    Addons clamps the interpolation weight, this package clamps the index; they agree at fractional positions.
    """
    arguments = case(reach=20.0)
    ours = value_and_gradients(ops.bilinear_warp, *arguments)
    theirs = value_and_gradients(by_dense_image_warp, *arguments)
    x, y = np.moveaxis(positions(arguments[1]).numpy(), -1, 0)
    outside = (x < 0) | (y < 0) | (x > WIDTH - 1) | (y > HEIGHT - 1)
    assert 0.3 < outside.mean() < 0.95  # positions inside and outside
    np.testing.assert_allclose(ours[0], theirs[0], **VALUE)
    for one, other in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_allclose(one, other, **GRADIENT)


def test_dense_image_warp_has_no_flow_gradient_at_integer_positions(implementation):
    """The interpolation is not differentiable at integer positions.

    This package uses the slope to the right and below. In Addons the clamped weight has no gradient there, so
    a flow that starts at 0 is never trained.
    """
    image, _, upstream = case()
    still = tf.zeros((*SHAPE[:3], 2))
    value, image_gradient, flow_gradient = value_and_gradients(ops.bilinear_warp, image, still, upstream)
    theirs = value_and_gradients(by_dense_image_warp, image, still, upstream)
    np.testing.assert_array_equal(value, image)
    np.testing.assert_allclose(theirs[0], image, **VALUE)
    np.testing.assert_allclose(image_gradient, theirs[1], **GRADIENT)
    right = np.diff(image.numpy(), axis=2, append=image.numpy()[:, :, -1:])
    below = np.diff(image.numpy(), axis=1, append=image.numpy()[:, -1:])
    slopes = np.stack([(slope * upstream.numpy()).sum(-1) for slope in (right, below)], axis=-1)
    np.testing.assert_allclose(flow_gradient, slopes, **GRADIENT)
    inner = theirs[2][:, : HEIGHT - 1, : WIDTH - 1]
    np.testing.assert_array_equal(inner, np.zeros_like(inner))


def test_resampler_fades_to_zero_within_a_pixel_of_the_border(implementation):
    image = tf.ones((1, HEIGHT, WIDTH, 1))
    steps = np.zeros((1, HEIGHT, WIDTH, 2), np.float32)
    steps[0, :, 0, 0] = [0.0, -0.25, -0.5, -0.75, -1.0, -3.0, -0.25, -0.5, 0.0]  # from column 0 to the left
    flow = tf.constant(steps)
    np.testing.assert_array_equal(ops.bilinear_warp(image, flow), image)
    faded = by_resampler(image, flow).numpy()[0, :, 0, 0]
    np.testing.assert_allclose(faded, np.maximum(0, 1 + steps[0, :, 0, 0]), rtol=0, atol=1e-6)


def test_resampler_agrees_on_an_image_with_repeated_edges(implementation):
    """With a padding that repeats the edge, both also agree outside the image, including the gradients."""
    reach = 4
    arguments = case(reach=3.5, seed=1)

    def widened(image, flow):
        for _ in range(reach):  # a SYMMETRIC pad of 1 repeats the edge
            image = tf.pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
        return addons.image.resampler(image, positions(flow) + reach)

    ours = value_and_gradients(ops.bilinear_warp, *arguments)
    theirs = value_and_gradients(widened, *arguments)
    np.testing.assert_allclose(ours[0], theirs[0], **VALUE)
    for one, other in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_allclose(one, other, **GRADIENT)


@pytest.mark.parametrize("flips", ["order", "sign"])
def test_another_flow_convention_gives_another_result(flips):
    """The agreement above depends on (dx, dy) and on position + flow; the data is not symmetric."""
    image, flow, _ = case()
    other = flow[..., ::-1] if flips == "order" else -flow
    assert (
        np.abs(ops.bilinear_warp(image, other).numpy() - by_dense_image_warp(image, flow).numpy()).max() > 1
    )
