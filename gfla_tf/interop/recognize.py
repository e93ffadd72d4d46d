"""Recognition of a state dict's network by the names and shapes of its tensors."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping

import keras
import numpy as np

from gfla_tf import models
from gfla_tf.errors import InputError
from gfla_tf.interop import torch as torch_format
from gfla_tf.interop.infer_arguments import discriminator_arguments, flow_arguments, person_arguments

STAGE1_PREFIX = "flow_net."
"""The prefix of F's names in the released program, also in the files of its first stage."""

_UNSUPPORTED = (  # (prefix of a tensor name that only this network has, name of the network)
    ("flow_net_previous.", "person animation (dance)"),
    ("flow_net_reference.", "person animation (dance)"),
    ("source_previous.", "face animation"),
    ("source_reference.", "face animation"),
    ("flow_net.cat.", "view synthesis (ShapeNet)"),
    ("target.block1.", "view synthesis (ShapeNet)"),
    ("kp_input.", "motion extraction"),
)
_VGG_FIRST, _VGG19_LAST, _VGG19_ONLY = "features.0.", "features.34.", 16
_LISTED = 6
_RELEASED = ("fashion", "market")
_NOT_IN_TENSORS = ("image_size", "heatmap_sigma", "initial_gain")


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A network that a state dict may belong to.

    Attributes:
      build: Builds the network.
      prefix: The prefix of its tensors' names in the state dict.
    """

    build: Callable[[], keras.Model]
    prefix: str = ""


def is_vgg19(tensors: Iterable[str]) -> bool:
    """Returns whether the tensor names are those of torchvision's VGG19, with or without classifier."""
    kernels = {name for name in tensors if name.startswith("features.") and name.endswith(".weight")}
    return any(name.startswith(_VGG_FIRST) for name in kernels) and (
        any(name.startswith(_VGG19_LAST) for name in kernels) or len(kernels) == _VGG19_ONLY
    )


def load_recognized(
    path: str | os.PathLike,
    tensors: Mapping[str, np.ndarray],
    image_size: tuple[int, int] | None = None,
) -> keras.Model:
    """Builds the network of a state dict and loads the weights.

    Args:
      path: The state dict's file, for error messages.
      tensors: {name: array} with PyTorch's names and layouts.
      image_size: (h, w) of the training images of a person image generator, which its tensors do not
        determine. Defaults to that of the paper's configuration with the same attention layers, or else
        (256, 256).

    Returns:
      A `PersonImageGenerator`, `FlowFieldEstimator` or `ResDiscriminator`.

    Raises:
      InputError: The network is unknown or not supported, the image size is not divisible by its
        downsampling factor, or tensors are missing, unexpected or misshapen; the message lists all of these
        for the closest network.
    """
    shapes = {name: tuple(value.shape) for name, value in tensors.items()}
    closest = None
    for candidate in _candidates(path, shapes, image_size):
        try:
            model = candidate.build()
        except ValueError:
            continue
        problems = torch_format.problems(model, tensors, candidate.prefix)
        if not problems:
            torch_format.load_state_dict(model, tensors, candidate.prefix)
            return model
        if closest is None or len(problems) < len(closest[1]):
            closest = (model, problems)
    model, problems = closest
    raise InputError(
        f"{path} is closest to the {title(model)}, but does not fit it ({len(problems)} "
        f"problem{'s' if len(problems) > 1 else ''}): {'; '.join(problems)}"
    )


def title(model: keras.Model) -> str:
    """Returns a network's name: the paper's configuration that it belongs to, and its role there."""
    kind = {
        models.PersonImageGenerator: "person image generator (F and G)",
        models.FlowFieldEstimator: "flow field estimator (F alone)",
        models.ResDiscriminator: "discriminator",
    }[type(model)]
    return f"{released_name(model) or 'non-standard'} {kind}"


def released_name(model: keras.Model) -> str | None:
    """Returns the name of the paper's configuration that a network belongs to, None if it is another one."""
    names = [name for name in _RELEASED if _arguments(model, {}) == _arguments(model, _preset(model, name))]
    return names[0] if names else None


def _preset(model, name):
    preset = models.PRESETS[name]
    return preset["discriminator"] if isinstance(model, models.ResDiscriminator) else preset


def _arguments(model, preset):
    """Returns the arguments that determine a network's tensors: the model's own, or those of `preset`."""
    own = model.get_config()
    if "attention_layers" in own:
        own["attention_layers"] = model.attention_layers
    if not preset:
        return {name: own[name] for name in _defaults(model)}
    return {name: preset.get(name, default) for name, default in _defaults(model).items()}


def _defaults(model):
    signature = inspect.signature(type(model).__init__)
    return {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if parameter.default is not parameter.empty and name not in _NOT_IN_TENSORS
    }


def _candidates(path, shapes, image_size):
    """Returns the candidates for a state dict, the most likely first."""
    for prefix, name in _UNSUPPORTED:
        if any(key.startswith(prefix) for key in shapes):
            raise InputError(
                f"{path} is the {name} network ({len(shapes)} tensors), which this release does not support"
            )
    if any(name.startswith(("source.", "target.")) for name in shapes):
        return _person_candidates(shapes, image_size)
    if any(name.startswith(STAGE1_PREFIX) for name in shapes):
        return _flow_candidates(shapes, STAGE1_PREFIX)
    if any(name.endswith("weight_orig") for name in shapes):
        if any(len(shape) == 5 for shape in shapes.values()):
            raise InputError(
                f"{path} is a temporal discriminator ({len(shapes)} tensors), which this release does not "
                "support"
            )
        return _discriminator_candidates(shapes)
    if any(name.startswith(("jump", "output", "mask")) for name in shapes):
        return _flow_candidates(shapes, "")
    listed = ", ".join(list(shapes)[:_LISTED])
    raise InputError(
        f"{path} is not a known network: its {len(shapes)} tensors begin with {listed}; the person image "
        "generator, its flow field estimator, its discriminator and VGG19 are supported"
    )


def _person_candidates(shapes, image_size):
    found = []
    arguments = person_arguments(shapes)
    if arguments:
        size = image_size or _default_size(arguments["attention_layers"])
        multiple = 2 ** max(arguments["num_layers"], arguments["flow_encoder_layers"])
        if any(side % multiple for side in size):
            raise InputError(
                f"the image size {size[0]}x{size[1]} does not fit this network: both sides must be multiples "
                f"of {multiple}; choose another --size"
            )
        found.append(Candidate(lambda: models.PersonImageGenerator(image_size=size, **arguments)))
    for name in _RELEASED:
        build = functools.partial(models.PersonImageGenerator.from_preset, name, load_weights=False)
        found.append(Candidate(build))
    return found


def _flow_candidates(shapes, prefix):
    choices = [flow_arguments(shapes, prefix)]
    choices += [{"attention_layers": models.PRESETS[name]["attention_layers"]} for name in _RELEASED]
    return [
        Candidate(lambda arguments=arguments: models.FlowFieldEstimator(**arguments), prefix)
        for arguments in choices
        if arguments
    ]


def _discriminator_candidates(shapes):
    choices = [discriminator_arguments(shapes)]
    choices += [models.PRESETS[name]["discriminator"] for name in _RELEASED]
    return [
        Candidate(lambda arguments=arguments: models.ResDiscriminator(**arguments))
        for arguments in choices
        if arguments
    ]


def _default_size(attention_layers):
    for name in _RELEASED:
        if models.PRESETS[name]["attention_layers"] == attention_layers:
            return models.PRESETS[name]["image_size"]
    return models.PRESETS["fashion"]["image_size"]
