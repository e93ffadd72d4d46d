"""The output folder of a SavedModel export: written atomically, and only another export is overwritten."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from gfla_tf.errors import InputError
from gfla_tf.files import check_name, new_folder
from gfla_tf.files.names import is_utf8, names_in

SAVED_MODEL, MODEL_CARD = "saved_model.pb", "model_card.json"
"""The files that identify an export."""


def check_folder(folder: str | os.PathLike, force: bool = False) -> Path:
    """Returns the absolute path of an output folder after checking that it may be written.

    Raises:
      InputError: The path is not a folder, is not valid UTF-8 or is too long; or the folder contains other
        files, or is an export and `force` is `False`.
    """
    check_name(folder)
    path = Path(os.path.abspath(folder))
    if not is_utf8(os.fspath(path)):
        raise InputError(
            f"the output {str(path)!r} is not valid UTF-8, which a SavedModel needs: choose another folder"
        )
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(f"the output {str(folder)!r} exists and is not a folder: choose another name")
    if not path.is_dir() or not names_in(path):
        return path
    if not all((path / name).is_file() for name in (SAVED_MODEL, MODEL_CARD)):
        raise InputError(
            f"the output {str(folder)!r} is a folder with other files, which is never overwritten: choose "
            "another name"
        )
    if not force:
        raise InputError(
            f"the output {str(folder)!r} is an exported model already: choose another name, or overwrite it "
            "with --force"
        )
    return path


@contextlib.contextmanager
def new_export(folder: str | os.PathLike, force: bool = False) -> Iterator[Path]:
    """Context manager for an export's folder.

    Yields a temporary folder, which is renamed to `folder` if the block succeeds. If the block raises, the
    temporary folder is removed and an existing export is unchanged.

    Raises:
      InputError: As for `check_folder`, or the folder cannot be created.
    """
    path = check_folder(folder, force)
    with new_folder(path) as temporary:
        yield temporary
        check_folder(path, force)
