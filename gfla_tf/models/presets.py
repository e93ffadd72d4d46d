"""The named configurations of the person image generator.

`fashion` and `market` are the paper's networks. `synthetic` is a small one for 64 x 64 images that trains on a laptop;
its two departures from the released network are reasoned in docs/synthetic.md.
"""

PRESETS = {
    "fashion": {
        "image_size": (256, 256),
        "attention_layers": {3: 3, 2: 5},
        "discriminator_blocks": 4,
    },
    "market": {
        "image_size": (128, 64),
        "attention_layers": {2: 3},
        "discriminator_blocks": 3,
    },
    "synthetic": {
        "image_size": (64, 64),
        "attention_layers": {2: 3, 1: 3},
        "discriminator_blocks": 3,
        "width": 32,
        "max_width": 64,
        "num_layers": 2,
        "attention_hidden": 48,
        "flow_width": 16,
        "flow_max_width": 80,
        "flow_encoder_layers": 4,
        "average_attention": False,
        "normalize_source": False,
    },
}


def preset(name):
    """The constructor arguments of a preset.

    Raises:
      ValueError: an unknown name.
    """
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; the presets are {', '.join(PRESETS)}")
    arguments = dict(PRESETS[name])
    del arguments["discriminator_blocks"]
    return arguments


def discriminator_blocks(name):
    """How many blocks the discriminator of a preset has."""
    preset(name)
    return PRESETS[name]["discriminator_blocks"]
