"""Checks of the networks' arguments: types, ranges, and the number of parameters that they imply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gfla_tf import arguments
from gfla_tf.errors import InputError

MAX_SIDE = 4096
"""The largest height and width in pixels of the images that a network is trained for."""
MAX_LAYERS = 10
"""The largest number of downsampling blocks."""

DTYPES = ("float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16")
"""The dtypes and dtype policies of networks."""

_POLICIES = ("DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "Policy")
_MAX_CHANNELS = 4096
_MAX_PATCH = 31
_MAX_PARAMETERS = 2**30


def check_base_arguments(values: Mapping[str, Any]) -> None:
    """Checks the arguments of `keras.Model` among the arguments of a network.

    Raises:
      InputError: `name`, `dtype` or `trainable` is of another type, or not a dtype of a network.
    """
    name, dtype = values.get("name"), values.get("dtype")
    if name is not None and not (isinstance(name, str) and 0 < len(name) <= 200 and "/" not in name):
        raise InputError(f"name must be text of 1 to 200 characters without '/', got {arguments.short(name)}")
    if "trainable" in values:
        arguments.boolean("trainable", values["trainable"])
    if isinstance(dtype, dict):  # a policy object of Keras in a file
        known = dtype.get("class_name") in _POLICIES and dtype.get("registered_name") in (None, *_POLICIES)
    else:
        known = (
            dtype in DTYPES if isinstance(dtype, str) else not isinstance(dtype, int | float | list | tuple)
        )
    if not known:
        raise InputError(f"dtype must be one of {', '.join(DTYPES)}, got {arguments.short(dtype)}")


def check_attention_layers(value: Any) -> tuple[tuple[int, int], ...]:
    """Checks attention layers and sorts them from coarse to fine: {layer: n} -> ((layer, n), ...).

    Args:
      value: {layer: patch size}; the layers may be strings of digits, as in JSON.

    Raises:
      InputError: not a mapping of layers from 1 to `MAX_LAYERS` to positive odd integers, or a layer occurs
        twice.
    """
    if isinstance(value, Mapping) and len(value) <= MAX_LAYERS:
        pairs = [(int(layer) if _is_digits(layer) else layer, n) for layer, n in value.items()]
        layers = {layer for layer, _ in pairs if _is_int(layer, MAX_LAYERS)}
        if len(layers) == len(pairs) and all(_is_int(n, _MAX_PATCH) and n % 2 for _, n in pairs):
            return tuple(sorted(((int(layer), int(n)) for layer, n in pairs), reverse=True))
    raise InputError(
        f"attention_layers must map layers from 1 to {MAX_LAYERS}, each given once, to patch sizes up to "
        f"{_MAX_PATCH}, all odd, got {arguments.short(value)}"
    )


def width_at(layer: int, width: int, max_width: int) -> int:
    """Returns the channels after block `layer`: `width`, doubled per block up to `max_width`."""
    return min(width * 2 ** (layer - 1), max_width)


def check_channels(**channels: Any) -> None:
    """Checks numbers of channels, by name.

    Raises:
      InputError: not an integer from 1 to 4096.
    """
    for name, value in channels.items():
        arguments.integer(name, value, 1, _MAX_CHANNELS)


def check_widths(depth: str, layers: Any, width: Any, max_width: Any) -> None:
    """Checks the width and the depth of a network.

    Args:
      depth: name of the argument `layers`.
      layers: number of blocks.
      width: channels of the first block.
      max_width: maximum number of channels.

    Raises:
      InputError: an argument is not an integer in its range, or the network would have more than 2^30
        parameters.
    """
    arguments.integer(depth, layers, 1, MAX_LAYERS)
    check_channels(width=width, max_width=max_width)
    parameters = sum(25 * width_at(layer, width, max_width) ** 2 for layer in range(1, layers + 1))
    if parameters > _MAX_PARAMETERS:
        raise InputError(
            f"{depth}={layers}, width={width} and max_width={max_width} make a network of about {parameters} "
            f"parameters; at most {_MAX_PARAMETERS} are supported"
        )


def _is_digits(value):
    return isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 4


def _is_int(value, high):
    return arguments.is_integer(value) and 1 <= value <= high
