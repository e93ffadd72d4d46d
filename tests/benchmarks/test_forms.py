"""The compared implementations compute the same results."""

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import bm_bilinear_warp, bm_flowed_patches, bm_local_attention, forms
from benchmarks.blocks import Block
from benchmarks.environment import environment
from benchmarks.studies import BOTH, FORWARD
from gfla_tf.layers import LocalAttention
from tests.benchmarks.flat import flat

BLOCK = Block("", 6, 5, 4, 3, batch=2)
CALLS = {
    "flowed_patches": (bm_flowed_patches.patch_calls, forms.EXTRACTED),
    "local_attention": (bm_local_attention.operator_calls, forms.FUSED),
    "LocalAttention": (bm_local_attention.layer_calls, forms.FUSED),
}


@pytest.mark.parametrize("kind", [FORWARD, BOTH])
@pytest.mark.parametrize("noun", CALLS)
def test_all_forms_give_the_same_results(noun, kind):
    calls, reference = CALLS[noun]
    results = {name: flat(call()) for (name, _), call in calls(BLOCK, [kind], None).items()}
    assert {forms.READS, forms.EXTRACTED} <= set(results)
    expected = results.pop(reference)
    assert (
        len(expected)
        == {FORWARD: 1, BOTH: 1 + {"flowed_patches": 2, "local_attention": 3}.get(noun, 7)}[kind]
    )
    for name, result in results.items():
        for one, other in zip(expected, result, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4 * max(1, np.abs(one).max()), err_msg=name)


@pytest.mark.parametrize("kind", [FORWARD, BOTH])
def test_all_warps_give_the_same_results_inside_the_image(kind, monkeypatch):
    """TensorFlow Addons' resampler fades out at the border, so the flows stay inside the image."""
    monkeypatch.setattr(Block, "flow", lambda block: tf.fill((*block.shape[:3], 2), -0.3) * _inner(block))
    results = {
        name: flat(call()) for (name, _), call in bm_bilinear_warp.warp_calls(BLOCK, [kind], None).items()
    }
    expected = results.pop(forms.TENSORFLOW)
    assert len(expected) == {FORWARD: 1, BOTH: 3}[kind]
    for name, result in results.items():
        for number, (one, other) in enumerate(zip(expected, result, strict=True)):
            if number == 2:  # dense_image_warp has no gradient with respect to the flow at integer positions
                one, other = (gradient * _inner(BLOCK).numpy() for gradient in (one, other))
            np.testing.assert_allclose(one, other, atol=1e-5, err_msg=name)


def _inner(block):
    """[1, H, W, 1]: 0 in the first row and column, else 1."""
    rows, columns = tf.range(block.height)[:, None], tf.range(block.width)[None]
    return tf.cast((rows > 0) & (columns > 0), tf.float32)[None, ..., None]


def test_tensorflow_addons_is_compared_if_it_is_installed():
    has = environment()["TensorFlow Addons"] != "not installed"
    assert (forms.DENSE in forms.warp_forms()) == (forms.RESAMPLER in forms.warp_forms()) == has


def test_only_the_requested_calls_are_made():
    calls = bm_local_attention.operator_calls(BLOCK, [FORWARD], [forms.FUSED])
    assert list(calls) == [(forms.FUSED, FORWARD)]


def test_the_convolutions_are_those_of_the_layer():
    """The first is the layer's projection of the source; the three give M at a flow of zero."""
    convolve, inputs = forms.layer_convolutions(BLOCK)
    source, target, taps = flat(convolve(*inputs))
    layer = LocalAttention(BLOCK.n)
    layer.build(BLOCK.shape)
    layer.hidden_kernel.assign(tf.concat([inputs[3], inputs[1]], 2))
    layer.tap_kernel.assign(inputs[5])
    np.testing.assert_allclose(source, layer.project_source(BLOCK.maps()), atol=1e-6)
    assert source.shape == (2, 8, 7, 128)
    hidden = tf.nn.leaky_relu(target + source[:, 1:-1, 1:-1], 0.1)
    logits = convolve(*inputs[:4], hidden, inputs[5])[2]
    _, kernels = layer(BLOCK.maps(), BLOCK.maps(1), tf.zeros([2, 6, 5, 2]), return_attention=True)
    np.testing.assert_allclose(tf.nn.softmax(logits), kernels, atol=1e-6)
    assert taps.shape == (2, 6, 5, 9)
    timed = flat(bm_local_attention._convolutions(BLOCK)[forms.CONVOLUTIONS, FORWARD]())
    assert [part.shape for part in timed] == [part.shape for part in (source, target, taps)]


def test_a_shrunk_block_is_at_least_as_large_as_a_patch():
    assert Block("", 64, 32, 4, 5).shrunk(16).shape == (1, 5, 5, 4)


def test_the_work_can_be_repeated_in_one_call():
    name = forms.EXTRACTED
    make = bm_local_attention.operator_calls
    once, thrice = (make(BLOCK, [FORWARD], [name], times)[name, FORWARD] for times in (1, 3))
    (result,) = flat(once())
    results = flat(thrice())
    assert len(results) == 3
    for one in results:
        np.testing.assert_array_equal(one, result)
