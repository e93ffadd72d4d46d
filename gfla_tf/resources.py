"""The paths of files distributed with the package: configurations and the shipped models."""

from __future__ import annotations

from pathlib import Path

from gfla_tf.errors import InputError


def resource(*parts: str) -> Path:
    """Returns the path of a shipped file or folder, in the installed package or in the checkout.

    Args:
      *parts: the parts of the relative path.

    Raises:
      InputError: the file or folder does not exist.
    """
    package = Path(__file__).resolve().parent
    for folder in (package, package.parent):
        path = folder.joinpath(*parts)
        if path.exists():
            return path
    raise InputError(
        f"{'/'.join(parts)} is missing from this installation; reinstall gfla_tf, or run from a checkout"
    )
