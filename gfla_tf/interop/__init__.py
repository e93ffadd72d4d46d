"""Conversion of weights from and to the released PyTorch program."""

from gfla_tf.interop import torch

__all__ = ["torch"]
