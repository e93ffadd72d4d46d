"""Named configurations of the networks, and the paths of the trained weights that come with the project.

`fashion` and `market` are the networks of the paper. `synthetic` is a small network for 64 x 64 images that
trains on a laptop; docs/synthetic.md explains how it departs from the paper's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gfla_tf.errors import InputError
from gfla_tf.resources import resource

PRESETS: dict[str, dict[str, Any]] = {
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
"""The constructor arguments of `PersonImageGenerator` and, under "discriminator", of `ResDiscriminator`."""


def preset(name: str) -> dict[str, Any]:
    """Returns the arguments of `PersonImageGenerator` for a preset.

    Raises:
      ValueError: unknown name.
    """
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; the presets are {', '.join(PRESETS)}")
    return {key: value for key, value in PRESETS[name].items() if key != "discriminator"}


def discriminator_preset(name: str) -> dict[str, Any]:
    """Returns the arguments of `ResDiscriminator` for a preset.

    Raises:
      ValueError: unknown name.
    """
    preset(name)
    return PRESETS[name]["discriminator"]


def preset_weights(name: str) -> Path:
    """Returns the path of the `.keras` file with the trained weights of a `PersonImageGenerator` preset.

    Raises:
      InputError: no trained weights of this preset come with the project.
    """
    if name != "synthetic":
        raise InputError(
            f"no trained weights of the preset {name!r} come with gfla_tf: convert the released ones with "
            "`gfla convert`, or pass load_weights=False for a new network"
        )
    return shipped_model_path()


def shipped_model_path() -> Path:
    """Returns the path of the shipped `synthetic` model, a `.keras` file trained with configs/synthetic.yaml.

    Raises:
      InputError: this installation does not contain it.
    """
    try:
        return resource("savedmodels", "synthetic", "model.keras")
    except InputError as error:
        raise InputError(
            "the shipped model savedmodels/synthetic/model.keras is missing: install gfla_tf again, or give "
            "the path of another model"
        ) from error
