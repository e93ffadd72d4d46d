"""Registers the Keras classes of the package by name, without importing Keras or the classes.

Keras deserializes an object only if its class is registered, and a class registers itself when its module is
imported. So that `import gfla_tf` is enough to load saved models, this module registers a stand-in for each
class, which imports the class when Keras deserializes an object of it. The stand-ins are registered at once
if Keras has been imported, and otherwise when it is imported.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import sys

from gfla_tf.errors import InputError

PACKAGE = "gfla_tf"
CLASSES = {
    "gfla_tf.layers.blocks": (
        "EncoderBlock",
        "ResidualBlock",
        "ResidualDecoderBlock",
        "JumpBlock",
        "OutputBlock",
    ),
    "gfla_tf.layers.discriminator_block": ("DiscriminatorBlock",),
    "gfla_tf.layers.initializers": ("PreciseOrthogonal", "UnitNormal"),
    "gfla_tf.layers.local_attention": ("LocalAttention",),
    "gfla_tf.layers.normalization": ("InstanceNormalization",),
    "gfla_tf.layers.spectral_norm": ("SpectralNormConv2D",),
    "gfla_tf.layers.up_conv": ("UpConv2D",),
    "gfla_tf.features.part_features": ("PartFeatures",),
    "gfla_tf.features.vgg19": ("VGG19Features",),
    "gfla_tf.models.discriminator": ("ResDiscriminator",),
    "gfla_tf.models.flow_field_estimator": ("FlowFieldEstimator",),
    "gfla_tf.models.person": ("PersonImageGenerator",),
    "gfla_tf.models.target_image_generator": ("TargetImageGenerator",),
    "gfla_tf.training.flow_trainer": ("FlowTrainer",),
    "gfla_tf.training.fused_adam": ("FusedAdam",),
    "gfla_tf.training.gfla_trainer": ("GFLATrainer",),
    "gfla_tf.training.schedules": ("WarmupDecay",),
}
"""The names of the classes, by the module that defines them."""


class _StandIn:
    """The object registered under the name of a class until the class is imported and registers itself."""

    def __init__(self, module, name):
        self.module = module
        self.name = name

    def from_config(self, config):
        return getattr(importlib.import_module(self.module), self.name).from_config(config)


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Registers the stand-ins after Keras has been imported in the usual way."""

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                try:
                    execute(module)
                except Exception as error:
                    raise InputError(_explain(error)) from error
                _register(module)

            spec.loader.exec_module = exec_module
        return spec


def register_later() -> None:
    """Registers the stand-ins now, or when Keras is imported."""
    keras = sys.modules.get("keras")
    if hasattr(keras, "saving"):
        _register(keras)
    else:
        sys.meta_path.insert(0, _AfterKeras())


def _explain(error):
    """The sentence on a failed import of Keras: its settings are read, and checked, while it is imported."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    folder = os.environ.get("KERAS_HOME", os.path.join(os.path.expanduser("~"), ".keras"))
    return (
        f"Keras cannot be imported ({reason}): correct backend, floatx, epsilon and image_data_format in "
        f"{os.path.join(folder, 'keras.json')}, and the environment variable KERAS_BACKEND"
    )


def _register(keras):
    known = keras.saving.get_custom_objects()
    for module, names in CLASSES.items():
        for name in names:
            known.setdefault(f"{PACKAGE}>{name}", _StandIn(module, name))
