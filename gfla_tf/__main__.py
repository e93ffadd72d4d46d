"""`python -m gfla_tf`, the same as `gfla`."""

from gfla_tf.cli.main import entry_point

entry_point()
