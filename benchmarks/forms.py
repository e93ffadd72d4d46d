"""The compared implementations ("forms") of the warp, flowed patches, and local attention.

native: the compiled operators. TF fused: TensorFlow operators, without patches. TF patches: the textbook
implementation, with one bilinear read per tap of every patch. extract_patches: patches from
tf.image.extract_patches, as in the TensorFlow implementation of `flowed_patches`. The bilinear warp is also
compared with TensorFlow Addons.
"""

from __future__ import annotations

import functools
import importlib.util

import tensorflow as tf

from gfla_tf import ops
from gfla_tf.layers import LocalAttention
from gfla_tf.layers.convolutions import lrelu
from gfla_tf.ops.flow import sample_bilinear, sampling_positions
from gfla_tf.ops.flowed_patches import pad_edge

NATIVE, FUSED, READS, EXTRACTED = "native", "TF fused", "TF patches", "extract_patches"
CONVOLUTIONS = "convolutions alone"
TENSORFLOW, DENSE, RESAMPLER = "TF", "addons dense_image_warp", "addons resampler"


def warp_forms() -> dict:
    """{name: function (image, flow) -> [B, H, W, C]}, including TensorFlow Addons if it is installed."""
    forms = {
        NATIVE: lambda image, flow: ops.bilinear_warp(image, flow, impl="native"),
        TENSORFLOW: lambda image, flow: ops.bilinear_warp(image, flow, impl="tf"),
    }
    if importlib.util.find_spec("tensorflow_addons"):
        addons = importlib.import_module("tensorflow_addons")

        def resampler(image, flow):
            return addons.image.resampler(image, tf.stack(sampling_positions(flow), axis=-1))

        forms[DENSE] = lambda image, flow: addons.image.dense_image_warp(image, -flow[..., ::-1])
        forms[RESAMPLER] = resampler
    return _runnable(forms)


def patch_forms(n: int) -> dict:
    """{name: function (source, flow) -> patches [B, H, W, n*n, C]}."""
    forms = {
        NATIVE: lambda source, flow: ops.flowed_patches(source, flow, n, impl="native"),
        READS: lambda source, flow: _patches_by_reads(source, flow, n),
        EXTRACTED: lambda source, flow: ops.flowed_patches(source, flow, n, impl="tf"),
    }
    return _runnable(forms)


def attention_forms(n: int) -> dict:
    """{name: function (source, flow, kernels) -> the weighted sum [B, H, W, C]}."""
    patches = patch_forms(n)

    def of_patches(name):
        def weighted_sum(source, flow, kernels):
            return tf.reduce_sum(kernels[..., None] * patches[name](source, flow), axis=3)

        return weighted_sum

    forms = {
        NATIVE: lambda *inputs: ops.local_attention(*inputs, impl="native"),
        FUSED: lambda *inputs: ops.local_attention(*inputs, impl="tf"),
        READS: of_patches(READS),
        EXTRACTED: of_patches(EXTRACTED),
    }
    return _runnable(forms)


def layer_forms(block) -> dict:
    """{name: (function (source, target, flow) -> [B, H, W, C], its weights)}, all with the same values."""
    layers = {NATIVE: LocalAttention(block.n, impl="native"), FUSED: LocalAttention(block.n, impl="tf")}
    for layer in layers.values():
        layer.build(block.shape)
        layer.set_weights(layers[NATIVE].get_weights())
    forms = {name: (layer, layer.trainable_weights) for name, layer in layers.items()}
    for name in (READS, EXTRACTED):
        patches = patch_forms(block.n)[name]
        layer = layers[FUSED]
        forms[name] = (functools.partial(_layer_of_patches, layer, patches), layer.trainable_weights)
    return _runnable(forms)


def layer_convolutions(block) -> tuple:
    """(function, inputs) of the layer's three convolutions alone, with inputs that are already padded."""
    layer = LocalAttention(block.n)
    layer.build(block.shape)
    radius, channels = block.n // 2, block.channels
    kernels = tf.identity(layer.hidden_kernel)
    inputs = (
        pad_edge(block.maps(), 2 * radius, 2 * radius),
        kernels[:, :, channels:],
        pad_edge(block.maps(1), radius, radius),
        kernels[:, :, :channels],
        tf.random.stateless_normal((*block.shape[:3], layer.hidden), [0, 4]),
        tf.identity(layer.tap_kernel),
    )

    def convolve(*inputs):
        pairs = zip(inputs[::2], inputs[1::2], strict=True)
        return [tf.nn.conv2d(maps, kernel, strides=1, padding="VALID") for maps, kernel in pairs]

    return convolve, inputs


def _runnable(forms):
    """Removes the compiled form if it is not available."""
    return {name: form for name, form in forms.items() if name != NATIVE or ops.native_available()}


def _patches_by_reads(source, flow, n):
    batch, height, width, channels = source.shape
    x, y = sampling_positions(flow)
    taps = tf.range(n * n)  # row-major
    x = x[..., None] + tf.cast(taps % n - n // 2, flow.dtype)  # [B, H, W, n*n]
    y = y[..., None] + tf.cast(taps // n - n // 2, flow.dtype)
    rows = [batch, height, width * n * n]
    out = sample_bilinear(source, tf.reshape(x, rows), tf.reshape(y, rows))
    return tf.reshape(out, [batch, height, width, n * n, channels])


def _layer_of_patches(layer, patches, source, target, flow):
    """Eq. 8 and 9 literally: patches, concatenated as (target, source), M, the mean of the products."""
    n = layer.kernel_size
    source_patches = patches(source, flow)
    both = tf.concat([patches(target, tf.zeros_like(flow)), source_patches], axis=-1)  # [B, H, W, n*n, 2C]
    shape = tf.shape(both)
    rows = tf.reshape(both, [-1, n * n * both.shape[-1]])
    hidden = tf.matmul(rows, tf.reshape(layer.hidden_kernel, [-1, layer.hidden]))
    hidden = lrelu(tf.nn.bias_add(hidden, layer.hidden_bias))
    logits = tf.matmul(hidden, layer.tap_kernel[0, 0]) + layer.tap_bias
    kernels = tf.reshape(tf.nn.softmax(logits), tf.concat([shape[:4], [1]], axis=0))
    return tf.reduce_mean(kernels * source_patches, axis=3)
