"""The correspondence between Keras variables and the tensors of the released PyTorch networks."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras

from gfla_tf.layers import EncoderBlock, LocalAttention, ResidualBlock
from gfla_tf.models import FlowFieldEstimator, PersonImageGenerator, ResDiscriminator, TargetImageGenerator

# Keras [kh, kw, in, out] -> PyTorch [out, in, kh, kw]; transposed convolutions [kh, kw, out, in] likewise.
_CONV = (3, 2, 0, 1)


@dataclasses.dataclass(frozen=True)
class Slot:
    """One tensor in both programs.

    Attributes:
      name: Its name in the released state dict.
      variable: The Keras variable.
      axes: The transposition from Keras's layout to PyTorch's, or `None` if the layouts are equal.
      alias: The second name in the released state dict, if any (Output and Jump convolutions).
      kernel_shape: [kh, kw, in], for the vector v of a spectral norm, which PyTorch orders as (in, kh, kw).
    """

    name: str
    variable: Any
    axes: tuple[int, ...] | None = None
    alias: str | None = None
    kernel_shape: tuple[int, ...] | None = None


def slots(model: keras.Model | keras.layers.Layer, prefix: str = "") -> list[Slot]:
    """Returns all slots of a model in the order of its forward pass, with `prefix` added to the names.

    Raises:
      TypeError: No released network corresponds to the model.
    """
    found = _slots(model)
    if not prefix:
        return found
    return [
        dataclasses.replace(slot, name=prefix + slot.name, alias=slot.alias and prefix + slot.alias)
        for slot in found
    ]


def _slots(model):
    if isinstance(model, PersonImageGenerator):
        return [
            *_target_image_generator(model.target_image_generator),
            *_flow_field_estimator(model.flow_field_estimator, "flow_net."),
        ]
    if isinstance(model, FlowFieldEstimator):
        return _flow_field_estimator(model, "")
    if isinstance(model, TargetImageGenerator):
        return _target_image_generator(model)
    if isinstance(model, ResDiscriminator):
        return _discriminator(model)
    if isinstance(model, LocalAttention):
        return _attention(model, "")
    raise TypeError(f"no released network corresponds to a {type(model).__name__}")


def _flow_field_estimator(f, prefix):
    out = _encoder(f.encoder, prefix)
    for i, level in enumerate(f.levels):
        out += _decoder(level.decoder, f"{prefix}decoder{i}.")
        out += _output(level.jump, f"{prefix}jump{i}.")
        if level.layer in f.attention_layers:
            out += _conv(level.flow_head, f"{prefix}output{i}.")
            out += _conv(level.mask_head, f"{prefix}mask{i}.0.")
    return out


def _target_image_generator(g):
    out = _encoder(g.source_encoder, "source.") + _encoder(g.target_encoder, "target.")
    for i, level in enumerate(g.levels):
        if level.attention is not None:
            out += _attention(level.attention, f"target.attn{i}.")
        out += _two_convolutions(level.residual, f"target.decoder{i}.0.model.0.")
        out += _decoder(level.decoder, f"target.decoder{i}.1.")
    return out + _output(g.output_block, "target.outconv.")


def _discriminator(d):
    out = []
    for i, block in enumerate(d.blocks):
        prefix = _stage(i)
        out += _spectral(block.conv0, f"{prefix}.model.1.")
        out += _spectral(block.conv1, f"{prefix}.model.3.")
        out += _spectral(block.shortcut, f"{prefix}.shortcut.1.")
    return out + _spectral(d.head, "conv.")


def _stage(i):
    return "block0" if i == 0 else f"encoder{i - 1}"


def _encoder(blocks, prefix):
    out = []
    for i, block in enumerate(blocks):
        out += _two_convolutions(block, f"{prefix}{_stage(i)}.")
    return out


def _two_convolutions(block: EncoderBlock | ResidualBlock, prefix):
    if block.norm0 is None:
        raise TypeError("a network without its first normalization has no released counterpart")
    return [
        *_norm(block.norm0, f"{prefix}model.0."),
        *_conv(block.conv0, f"{prefix}model.2."),
        *_norm(block.norm1, f"{prefix}model.3."),
        *_conv(block.conv1, f"{prefix}model.5."),
    ]


def _decoder(block, prefix):
    return [
        *_norm(block.norm0, f"{prefix}model.0."),
        *_conv(block.conv0, f"{prefix}model.2."),
        *_norm(block.norm1, f"{prefix}model.3."),
        *_conv(block.up, f"{prefix}model.5."),
        *_conv(block.shortcut, f"{prefix}shortcut.0."),
    ]


def _output(block, prefix):
    return _conv(block.conv, f"{prefix}conv1.", alias=f"{prefix}model.2.")


def _attention(layer, prefix):
    names = (f"{prefix}fully_connect_layer.0.", f"{prefix}fully_connect_layer.2.")
    return [
        Slot(names[0] + "weight", layer.hidden_kernel, _CONV),
        Slot(names[0] + "bias", layer.hidden_bias),
        Slot(names[1] + "weight", layer.tap_kernel, _CONV),
        Slot(names[1] + "bias", layer.tap_bias),
    ]


def _norm(layer, prefix):
    return [Slot(prefix + "weight", layer.gamma), Slot(prefix + "bias", layer.beta)]


def _conv(layer, prefix, alias=None):
    return [
        Slot(prefix + "weight", layer.kernel, _CONV, alias and alias + "weight"),
        Slot(prefix + "bias", layer.bias, None, alias and alias + "bias"),
    ]


def _spectral(layer, prefix):
    return [
        Slot(prefix + "weight_orig", layer.kernel, _CONV),
        Slot(prefix + "bias", layer.bias),
        Slot(prefix + "weight_u", layer.u),
        Slot(prefix + "weight_v", layer.v, kernel_shape=tuple(layer.kernel.shape[:3])),
    ]
