"""Reading and writing of state dicts, {name: array}; files are read as untrusted input.

Supported formats: PyTorch's `.pth` (zip, and before 1.6), and `.npz` with the same names and layouts.
"""

from gfla_tf.weight_files.kinds import kind_of
from gfla_tf.weight_files.read import WeightFile, read_arrays, read_weights
from gfla_tf.weight_files.write import write_npz, write_torch

__all__ = ["WeightFile", "kind_of", "read_arrays", "read_weights", "write_npz", "write_torch"]
