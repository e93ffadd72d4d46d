"""Which network a state dict is of, told by its tensors' names and shapes."""

import dataclasses
import functools
import inspect
from collections.abc import Callable

from gfla_tf import models
from gfla_tf.errors import InputError
from gfla_tf.interop import torch as torch_format
from gfla_tf.interop.infer_arguments import discriminator_arguments, flow_arguments, person_arguments

STAGE1_PREFIX = "flow_net."
"""What the released program puts before the names of F, also where F is alone, after stage 1."""

_NO_MODEL = (  # (a part of a name that no other network has, its name)
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
    """A network that a state dict may be of: how to build it, and what its names begin with there."""

    build: Callable
    prefix: str = ""


def is_vgg19(tensors):
    """Whether the tensors are those of torchvision's VGG19, the classifier or not."""
    kernels = {name for name in tensors if name.startswith("features.") and name.endswith(".weight")}
    return any(name.startswith(_VGG_FIRST) for name in kernels) and (
        any(name.startswith(_VGG19_LAST) for name in kernels) or len(kernels) == _VGG19_ONLY
    )


def load_recognized(path, tensors, image_size=None):
    """Builds the network that a state dict is of and loads it.

    Args:
      path: where it came from, for the error.
      tensors: {name: array}, PyTorch's names and layouts.
      image_size: (h, w) of the images that a person image generator was trained on, which its tensors do not
        tell; None: that of the paper's configuration with the same attention layers, else 256 x 256.

    Returns:
      `PersonImageGenerator`, `FlowFieldEstimator` or `ResDiscriminator`.

    Raises:
      InputError: no network known here, one that there is no model of, an image size that the network cannot
        halve as often as it does, or every tensor that is missing, unexpected or misshapen for the closest
        network.
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


def title(model):
    """What a network is called: the configuration whose network it is, and its part in it."""
    kind = {
        models.PersonImageGenerator: "person image generator (F and G)",
        models.FlowFieldEstimator: "flow field estimator (F alone)",
        models.ResDiscriminator: "discriminator",
    }[type(model)]
    names = [name for name in _RELEASED if _arguments(model, {}) == _arguments(model, _preset(model, name))]
    return f"{names[0] if names else 'non-standard'} {kind}"


def _preset(model, name):
    preset = models.PRESETS[name]
    return preset["discriminator"] if isinstance(model, models.ResDiscriminator) else preset


def _arguments(model, preset):
    """What the network's tensors follow from: its own arguments, or with `preset` that configuration's."""
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
    """The networks worth trying, the likeliest first."""
    for part, name in _NO_MODEL:
        if any(key.startswith(part) for key in shapes):
            raise InputError(
                f"{path} is the {name} network ({len(shapes)} tensors): there is no model of it in this "
                "release, so it cannot be converted"
            )
    if any(name.startswith(("source.", "target.")) for name in shapes):
        return _person_candidates(shapes, image_size)
    if any(name.startswith(STAGE1_PREFIX) for name in shapes):
        return _flow_candidates(shapes, STAGE1_PREFIX)
    if any(name.endswith("weight_orig") for name in shapes):
        if any(len(shape) == 5 for shape in shapes.values()):
            raise InputError(
                f"{path} is a temporal discriminator ({len(shapes)} tensors): there is no model of it in "
                "this release, so it cannot be converted"
            )
        return _discriminator_candidates(shapes)
    if any(name.startswith(("jump", "output", "mask")) for name in shapes):
        return _flow_candidates(shapes, "")
    listed = ", ".join(list(shapes)[:_LISTED])
    raise InputError(
        f"{path} is no network that is known here: its {len(shapes)} tensors begin with {listed}; known are "
        "the person image generator, its flow field estimator, its discriminator and VGG19"
    )


def _person_candidates(shapes, image_size):
    found = []
    arguments = person_arguments(shapes)
    if arguments:
        size = image_size or _usual_size(arguments["attention_layers"])
        multiple = 2 ** max(arguments["num_layers"], arguments["flow_encoder_layers"])
        if any(side % multiple for side in size):
            raise InputError(
                f"images of {size[0]}x{size[1]} are none of this network's: both sides must be multiples of "
                f"{multiple}; give it another size"
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


def _usual_size(attention_layers):
    for name in _RELEASED:
        if models.PRESETS[name]["attention_layers"] == attention_layers:
            return models.PRESETS[name]["image_size"]
    return models.PRESETS["fashion"]["image_size"]
