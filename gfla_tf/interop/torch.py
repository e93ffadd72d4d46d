"""Weights by PyTorch's names and in PyTorch's layouts, into and out of our networks. Needs no PyTorch."""

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.interop.torch_names import slots

_MODULE = "module."  # what PyTorch's DataParallel puts before every name


def load_state_dict(model, mapping, prefix=""):
    """Loads the weights of a released network.

    Args:
      model: `PersonImageGenerator`, `FlowFieldEstimator`, `TargetImageGenerator`, `ResDiscriminator` or a
        `LocalAttention` layer that is built.
      mapping: {name: array}, PyTorch's names and layouts: Conv2d [out, in, kh, kw], ConvTranspose2d
        [in, out, kh, kw], spectral norm as weight_orig, weight_u, weight_v. A leading "module." is taken off.
        The Output and Jump convolutions may stand under both of their names; that of `conv1` counts.
      prefix: what the names begin with, such as "flow_net." for F alone in the released stage 1 files.

    Raises:
      InputError: lists every missing, unexpected, misshapen, non-numeric or non-finite tensor; the model is
        untouched.
      TypeError: a model that no released network corresponds to.
    """
    values, problems = _match(model, mapping, prefix)
    if problems:
        raise InputError(
            f"the state dict does not fit {type(model).__name__} ({len(problems)} problems): "
            + "; ".join(problems)
        )
    for slot, value in values:
        slot.variable.assign(_from_torch(slot, value))


def problems(model, mapping, prefix=""):
    """What `load_state_dict` would object to: a few words for each missing, unexpected or wrong tensor."""
    return _match(model, mapping, prefix)[1]


def state_dict(model, prefix=""):
    """The weights of a model as {name: float32 array} with PyTorch's names (each once) and layouts."""
    return {slot.name: _to_torch(slot, np.asarray(slot.variable)) for slot in slots(model, prefix)}


def shared_names(model, prefix=""):
    """(second name, first name) of each tensor that the released programs store under two names."""
    return [(slot.alias, slot.name) for slot in slots(model, prefix) if slot.alias]


def _match(model, mapping, prefix):
    """([(slot, value)], [problem])."""
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
        return None, f"{name} holds {value.dtype}, expected floating point"
    if not np.isfinite(value).all():
        return None, f"{name} holds NaN or infinity"
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
