"""Trained models in forms that run without this package."""

from gfla_tf.export.model_card import model_card

__all__ = ["model_card"]
