"""The networks of the paper: F, G, D, and the person image generator made of F and G."""

from gfla_tf.models.discriminator import ResDiscriminator
from gfla_tf.models.flow_field_estimator import FlowFieldEstimator
from gfla_tf.models.person import PersonImageGenerator
from gfla_tf.models.presets import PRESETS, shipped_model_path
from gfla_tf.models.target_image_generator import TargetImageGenerator

__all__ = [
    "PRESETS",
    "FlowFieldEstimator",
    "PersonImageGenerator",
    "ResDiscriminator",
    "TargetImageGenerator",
    "shipped_model_path",
]
