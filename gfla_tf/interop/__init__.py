"""Weights from and to other programs."""

from gfla_tf.interop import torch

__all__ = ["torch"]
