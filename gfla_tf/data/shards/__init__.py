"""Shards: a data folder packed into a few checksummed TFRecord files."""
