"""Files of named tensors from other programs, read as untrusted input and written whole.

A state dict is {name: array}: PyTorch's `.pth` (zip and pre-1.6), or an `.npz` of the same names and layouts.
"""

from gfla_tf.weight_files.kinds import kind_of
from gfla_tf.weight_files.read import WeightFile, read_weights
from gfla_tf.weight_files.write import write_npz, write_torch

__all__ = ["WeightFile", "kind_of", "read_weights", "write_npz", "write_torch"]
