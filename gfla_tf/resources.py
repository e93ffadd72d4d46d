"""Finds the files that come with the project: configurations and the shipped model."""

from pathlib import Path

from gfla_tf.errors import InputError


def resource(*parts):
    """The path of a shipped file or folder: inside the installed package, or beside it in a checkout.

    Raises:
      InputError: this installation lacks it.
    """
    package = Path(__file__).resolve().parent
    for folder in (package, package.parent):
        path = folder.joinpath(*parts)
        if path.exists():
            return path
    raise InputError(
        f"this installation lacks {'/'.join(parts)}; install gfla_tf again, or run from a checkout"
    )
