"""The named configurations of the person image generator.

`fashion` and `market` are the paper's networks. `synthetic` is a small one for 64 x 64 images that trains on
a laptop; its departures from the released network are reasoned in docs/synthetic.md.
"""

from gfla_tf.errors import InputError
from gfla_tf.resources import resource

PRESETS = {
    "fashion": {
        "image_size": (256, 256),
        "attention_layers": {3: 3, 2: 5},
        "discriminator": {"num_blocks": 4},
    },
    "market": {
        "image_size": (128, 64),
        "attention_layers": {2: 3},
        "discriminator": {"num_blocks": 3},
    },
    "synthetic": {
        "image_size": (64, 64),
        "attention_layers": {2: 3, 1: 3},
        "discriminator": {"num_blocks": 3, "width": 16},
        "width": 32,
        "max_width": 64,
        "num_layers": 2,
        "attention_hidden": 48,
        "flow_width": 24,
        "flow_max_width": 96,
        "flow_encoder_layers": 4,
        "heatmap_sigma": 2.0,
        "initial_gain": 1.0,
        "average_attention": False,
        "normalize_source": False,
    },
}


def preset(name):
    """The arguments of `PersonImageGenerator` for a preset.

    Raises:
      ValueError: an unknown name.
    """
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; the presets are {', '.join(PRESETS)}")
    return {key: value for key, value in PRESETS[name].items() if key != "discriminator"}


def discriminator_preset(name):
    """The arguments of `ResDiscriminator` for a preset.

    Raises:
      ValueError: an unknown name.
    """
    preset(name)
    return PRESETS[name]["discriminator"]


def shipped_model_path():
    """The path of the shipped `synthetic` model, a `.keras` file trained by configs/synthetic.yaml.

    Raises:
      InputError: this installation lacks it.
    """
    try:
        return resource("savedmodels", "synthetic", "model.keras")
    except InputError as error:
        raise InputError(
            "the shipped model savedmodels/synthetic/model.keras is not there; name a model with --model"
        ) from error
