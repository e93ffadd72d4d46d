"""The structure of HDF5 files, read without the HDF5 library, which damaged files crash or stop forever."""

from gfla_tf.hdf5.structure import Dataset, read_structure

__all__ = ["Dataset", "read_structure"]
