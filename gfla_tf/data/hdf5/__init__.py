"""Pairs as arrays in one HDF5 file."""
