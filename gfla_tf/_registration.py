"""Makes our classes known to Keras after `import gfla_tf`, without importing Keras or the classes.

Keras builds a saved object only of a class that is registered, and a class registers itself where it is
defined. So that a script need not import that place, its name is entered here with a stand-in, which imports
the class when Keras asks it for an object: at once where Keras is there already, else when it is imported.
"""

import importlib.abc
import importlib.util
import sys

PACKAGE = "gfla_tf"
CLASSES = {
    "gfla_tf.layers.blocks": (
        "EncoderBlock",
        "ResidualBlock",
        "ResidualDecoderBlock",
        "JumpBlock",
        "OutputBlock",
        "DiscriminatorBlock",
    ),
    "gfla_tf.layers.initializers": ("UnitNormal",),
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
    "gfla_tf.training.gfla_trainer": ("GFLATrainer",),
}
"""By the module that defines them."""


class _StandIn:
    """What Keras finds under a class's name until the class is imported and takes its place."""

    def __init__(self, module, name):
        self.module = module
        self.name = name

    def from_config(self, config):
        return getattr(importlib.import_module(self.module), self.name).from_config(config)


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Lets Keras be found as ever, and has the names entered once it has been imported."""

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module):
                execute(module)
                _enter(module)

            spec.loader.exec_module = exec_module
        return spec


def register_later():
    """Enters the names as soon as Keras is there."""
    keras = sys.modules.get("keras")
    if hasattr(keras, "saving"):
        _enter(keras)
    else:
        sys.meta_path.insert(0, _AfterKeras())


def _enter(keras):
    known = keras.saving.get_custom_objects()
    for module, names in CLASSES.items():
        for name in names:
            known.setdefault(f"{PACKAGE}>{name}", _StandIn(module, name))
