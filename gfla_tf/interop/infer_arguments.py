"""Inference of networks' constructor arguments from the tensor shapes of a released state dict.

`shapes` is {name: PyTorch shape}. Arguments that depend on a missing tensor are inferred from the others or
from the defaults, since the state dict is compared with the whole network later.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from typing import Any

Shapes = Mapping[str, tuple[int, ...]]

_MAX_BLOCKS = 10


def person_arguments(shapes: Shapes) -> dict[str, Any] | None:
    """Returns arguments of `PersonImageGenerator`, or `None` if the shapes are inconsistent."""
    source = _encoder(shapes, "source.")
    target = _encoder(shapes, "target.")
    f = flow_arguments(shapes, "flow_net.")
    if not source or not target or not f or source[1:] != target[1:]:
        return None
    image_channels, width, max_width, num_layers = source
    attention = _attention_layers(shapes, num_layers)
    hidden = [shape[0] for name, shape in shapes.items() if name.endswith("fully_connect_layer.0.weight")]
    if not attention or set(attention) != set(f["attention_layers"]):
        return None
    return {
        "attention_layers": attention,
        "image_channels": image_channels,
        "pose_channels": target[0],
        "width": width,
        "max_width": _at_most(max_width, width, num_layers, 512),
        "num_layers": num_layers,
        "attention_hidden": hidden[0] if hidden else 128,
        "flow_width": f["width"],
        "flow_max_width": f["max_width"],
        "flow_encoder_layers": f["encoder_layers"],
    }


def flow_arguments(shapes: Shapes, prefix: str) -> dict[str, Any] | None:
    """Returns arguments of `FlowFieldEstimator`, or `None` if the shapes are inconsistent.

    The tensors of F do not determine the patch sizes: those of the paper's configurations are used, or 3.
    """
    encoder = _encoder(shapes, prefix)
    if not encoder:
        return None
    channels, width, max_width, blocks = encoder
    pattern = re.compile(re.escape(prefix) + r"(?:output|mask)(\d{1,3})\.")
    heads = {int(found[1]) for found in map(pattern.match, shapes) if found}
    layers = sorted({blocks - 1 - head for head in heads}, reverse=True)
    image_channels = _length(shapes, "source.block0.model.0.weight", 3)
    if not layers or layers[-1] < 1 or channels < image_channels or (channels - image_channels) % 2:
        return None
    return {
        "attention_layers": {3: 3, 2: 5} if layers == [3, 2] else dict.fromkeys(layers, 3),
        "image_channels": image_channels,
        "pose_channels": (channels - image_channels) // 2,
        "width": width,
        "max_width": _at_most(max_width, width, blocks, 256),
        "encoder_layers": blocks,
    }


def discriminator_arguments(shapes: Shapes) -> dict[str, Any] | None:
    """Returns arguments of `ResDiscriminator`, or `None` if the shapes are inconsistent."""
    blocks = _blocks(shapes, "", "model.3.weight_orig")
    first = shapes.get("block0.model.1.weight_orig", ())
    if not blocks or len(first) != 4:
        return None
    _, width, max_width, count = blocks
    return {
        "num_blocks": count,
        "image_channels": first[1],
        "width": width,
        "max_width": _at_most(max_width, width, count, 128),
    }


def _encoder(shapes, prefix):
    return _blocks(shapes, prefix, "model.2.weight")


def _blocks(shapes, prefix, leaf):
    """Returns (input channels, width, largest width, count) of a chain of downsampling blocks, or `None`.

    The resulting network is never much larger than the tensors of the file.
    """
    pattern = re.compile(re.escape(prefix) + r"encoder(\d{1,3})\.")
    count = 2 + max((int(found[1]) for found in map(pattern.match, shapes) if found), default=-1)
    kernels = {
        i: shapes.get(f"{prefix}{'block0' if i == 0 else f'encoder{i - 1}'}.{leaf}")
        for i in range(min(count, _MAX_BLOCKS + 1))
    }
    found = {i: shape for i, shape in kernels.items() if shape and len(shape) == 4}
    if 0 not in found or count > _MAX_BLOCKS:
        return None
    width, largest = found[0][0], max(shape[0] for shape in found.values())
    widths = [min(width * 2**i, largest) for i in range(count)]
    wrong = [i for i, shape in found.items() if shape[0] != widths[i] or shape[2:] != (4, 4)]
    size = sum(25 * a * b for a, b in itertools.pairwise(widths))
    if wrong or not width or size > 4 * sum(map(math.prod, shapes.values())):
        return None
    return found[0][1], width, largest, count


def _at_most(largest, width, count, default):
    """Returns the maximum width; the released networks' if no width shows a lower one."""
    reached = largest < width * 2 ** (count - 1)
    return largest if reached else max(largest, default)


def _attention_layers(shapes, num_layers):
    """Returns {layer: patch size n} of the local attention blocks."""
    layers = {}
    for i in range(num_layers):
        name = f"target.attn{i}.fully_connect_layer"
        hidden, taps = shapes.get(f"{name}.0.weight", ()), shapes.get(f"{name}.2.weight", ())
        if len(hidden) == 4:
            layers[num_layers - i] = hidden[3]
        elif taps:
            layers[num_layers - i] = math.isqrt(taps[0])
    return layers


def _length(shapes, name, default):
    shape = shapes.get(name)
    return shape[0] if shape else default
