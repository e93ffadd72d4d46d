"""`bilinear_warp` against TensorFlow Addons' two bilinear samplers, where they agree and where they differ.

Addons' conventions, turned into ours here: `dense_image_warp` takes (dy, dx) and reads at the location
*minus* it; `resampler` takes absolute positions (x, y).
"""

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf import ops
from tests.tf215 import stack

addons = stack.addons()

SHAPE = (2, 9, 11, 5)  # odd, not square
HEIGHT, WIDTH = SHAPE[1:3]

# A sample is a sum of four products of numbers of order 1, so float32 (epsilon 1.2e-7) rounds it by at most
# some 1e-6. The weights' own error comes on top: both round location + flow, up to 20 pixels away, by up to
# 1e-6.
VALUE = {"rtol": 0, "atol": 4e-6}
# A flow's gradient sums 5 channels of differences; an image's gathers up to a few dozen samples at the
# border.
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
    """image, flow, upstream: with reach pixels of random flow, or with one that stays inside and off the
    grid."""
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
def test_the_same_inside_the_image(peer, implementation):
    ours = value_and_gradients(ops.bilinear_warp, *case())
    theirs = value_and_gradients(PEERS[peer], *case())
    np.testing.assert_allclose(ours[0], theirs[0], **VALUE)
    for one, other in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_allclose(one, other, **GRADIENT)


def test_dense_image_warp_repeats_the_edge_as_we_do(implementation):
    """Values and gradients agree with positions up to 20 pixels outside: it clamps the interpolation weight,
    ours the index, which comes to the same off the grid's lines."""
    arguments = case(reach=20.0)
    ours = value_and_gradients(ops.bilinear_warp, *arguments)
    theirs = value_and_gradients(by_dense_image_warp, *arguments)
    x, y = np.moveaxis(positions(arguments[1]).numpy(), -1, 0)
    outside = (x < 0) | (y < 0) | (x > WIDTH - 1) | (y > HEIGHT - 1)
    assert 0.3 < outside.mean() < 0.95  # the case has both kinds
    np.testing.assert_allclose(ours[0], theirs[0], **VALUE)
    for one, other in zip(ours[1:], theirs[1:], strict=True):
        np.testing.assert_allclose(one, other, **GRADIENT)


def test_on_the_grid_dense_image_warp_has_no_gradient_of_the_flow(implementation):
    """At whole positions the interpolation has a kink. Ours takes the slope to the right and below; Addons'
    clamp of the weight passes nothing on at 0, so that a flow that starts at 0 never moves."""
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
    steps[0, :, 0, 0] = [0.0, -0.25, -0.5, -0.75, -1.0, -3.0, -0.25, -0.5, 0.0]  # leftwards, out of column 0
    flow = tf.constant(steps)
    np.testing.assert_array_equal(ops.bilinear_warp(image, flow), image)
    faded = by_resampler(image, flow).numpy()[0, :, 0, 0]
    np.testing.assert_allclose(faded, np.maximum(0, 1 + steps[0, :, 0, 0]), rtol=0, atol=1e-6)


def test_resampler_of_a_wider_image_with_repeated_edges_is_ours(implementation):
    """That is all the difference: with enough of the edge around the image both agree outside, too, and the
    gradient of the edge sums what it was repeated to."""
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
def test_another_reading_of_the_convention_is_not_ours(flips):
    """So that the agreement above rests on (dx, dy) and on location + flow, not on symmetric data."""
    image, flow, _ = case()
    other = flow[..., ::-1] if flips == "order" else -flow
    assert (
        np.abs(ops.bilinear_warp(image, other).numpy() - by_dense_image_warp(image, flow).numpy()).max() > 1
    )
