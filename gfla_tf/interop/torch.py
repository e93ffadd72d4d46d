"""Loading and saving of weights with PyTorch's names and layouts. PyTorch is not needed."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.interop.torch_names import slots

_MODULE = "module."  # the prefix that PyTorch's DataParallel adds to every name


def load_state_dict(
    model: keras.Model | keras.layers.Layer, mapping: Mapping[str, np.ndarray], prefix: str = ""
) -> None:
    """Loads the weights of a released network.

    Args:
      model: A `PersonImageGenerator`, `FlowFieldEstimator`, `TargetImageGenerator`, `ResDiscriminator` or a
        built `LocalAttention` layer.
      mapping: {name: array} with PyTorch's names and layouts: Conv2d [out, in, kh, kw], ConvTranspose2d
        [in, out, kh, kw], spectral norm as weight_orig, weight_u, weight_v. A leading "module." is removed.
        The Output and Jump convolutions may have both of their names; `conv1` takes precedence.
      prefix: The prefix of the names, such as "flow_net." for F alone in the released files of stage 1.

    Raises:
      InputError: Tensors are missing, unexpected, misshapen, non-numeric or non-finite; the message lists all
        of them, and the model is unchanged.
      TypeError: No released network corresponds to the model.

    Example:

    ```python
    from gfla_tf.interop import torch as torch_format
    from gfla_tf.models import FlowFieldEstimator

    f = FlowFieldEstimator(attention_layers={2: 3})
    tensors = torch_format.state_dict(f, prefix="flow_net.")
    torch_format.load_state_dict(f, tensors, prefix="flow_net.")
    ```
    """
    values, problems = _match(model, mapping, prefix)
    if problems:
        raise InputError(
            f"the state dict does not fit {type(model).__name__} ({len(problems)} problems): "
            + "; ".join(problems)
        )
    for slot, value in values:
        slot.variable.assign(_from_torch(slot, value))


def problems(
    model: keras.Model | keras.layers.Layer, mapping: Mapping[str, np.ndarray], prefix: str = ""
) -> list[str]:
    """Returns the problems that `load_state_dict` would list, one per tensor."""
    return _match(model, mapping, prefix)[1]


def state_dict(model: keras.Model | keras.layers.Layer, prefix: str = "") -> dict[str, np.ndarray]:
    """Returns the weights of a model as {name: float32 array} with PyTorch's layouts and first names."""
    return {slot.name: _to_torch(slot, np.asarray(slot.variable)) for slot in slots(model, prefix)}


def shared_names(model: keras.Model | keras.layers.Layer, prefix: str = "") -> list[tuple[str, str]]:
    """Returns (second name, first name) of each tensor that the released program stores under two names."""
    return [(slot.alias, slot.name) for slot in slots(model, prefix) if slot.alias]


def _match(model, mapping, prefix):
    """Returns ([(slot, value)], [problem])."""
    tensors = _without_module(mapping)
    values, problems, used = [], [], set()
    for slot in slots(model, prefix):
        name = slot.name
        if name not in tensors and slot.alias in tensors:
            name = slot.alias
        used.update((slot.name, slot.alias))
        if name not in tensors:
            problems.append(f"missing {slot.name} {_torch_shape(slot)}")
            continue
        value, problem = _checked(slot, name, tensors[name])
        if problem:
            problems.append(problem)
        values.append((slot, value))
    problems += [f"unexpected {name}" for name in tensors if name not in used]
    return values, problems


def _without_module(mapping):
    tensors = dict(mapping)
    if tensors and all(name.startswith(_MODULE) for name in tensors):
        return {name[len(_MODULE) :]: value for name, value in tensors.items()}
    return tensors


def _checked(slot, name, value):
    value = np.asarray(value)
    expected = _torch_shape(slot)
    if value.shape != expected:
        return None, f"misshapen {name} {value.shape}, expected {expected}"
    if not np.issubdtype(value.dtype, np.floating):
        return None, f"{name} has dtype {value.dtype}, expected floating point"
    if not np.isfinite(value).all():
        return None, f"{name} contains NaN or infinity"
    return value, None


def _torch_shape(slot):
    shape = tuple(slot.variable.shape)
    return tuple(shape[axis] for axis in slot.axes) if slot.axes else shape


def _to_torch(slot, value):
    if slot.kernel_shape:
        return value.reshape(slot.kernel_shape).transpose(2, 0, 1).reshape(-1)  # (in, kh, kw)
    return np.ascontiguousarray(value.transpose(slot.axes)) if slot.axes else value


def _from_torch(slot, value):
    if slot.kernel_shape:
        kh, kw, channels = slot.kernel_shape
        return value.reshape(channels, kh, kw).transpose(1, 2, 0).reshape(-1)  # (kh, kw, in)
    return value.transpose(np.argsort(slot.axes)) if slot.axes else value
