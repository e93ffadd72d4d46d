"""From a photograph and two poses to a picture: loading a trained generator and running it."""

from gfla_tf.inference.generate import Generated, generate
from gfla_tf.inference.load import load_generator

__all__ = ["Generated", "generate", "load_generator"]
