"""An exported model as a folder that appears whole or not at all, and replaces nothing but such a folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from gfla_tf.errors import InputError
from gfla_tf.files import move_folder

SAVED_MODEL, MODEL_CARD = "saved_model.pb", "model_card.json"
"""The files by which an export of ours is known."""


def check_folder(folder, force: bool = False) -> Path:
    """The folder's absolute path, once it is free to be written, or with `force` holds an export of ours.

    Raises:
      InputError: it is a file, holds something else, or an export and `force` is not set.
    """
    path = Path(os.path.abspath(folder))
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise InputError(f"the output {str(folder)!r} is there and is no folder: name another one")
    if not path.is_dir() or not any(path.iterdir()):
        return path
    if not all((path / name).is_file() for name in (SAVED_MODEL, MODEL_CARD)):
        raise InputError(
            f"the output {str(folder)!r} is a folder with something else in it, which is never replaced: "
            "name another one"
        )
    if not force:
        raise InputError(
            f"the output {str(folder)!r} is an exported model already: name another folder, or replace it "
            "with --force"
        )
    return path


@contextlib.contextmanager
def new_folder(folder, force: bool = False):
    """For `with new_folder(path) as beside:` around writing into `beside`, which becomes `folder` at the end.

    If the block raises, nothing is left, and what was there stays.

    Raises:
      InputError: as `check_folder`, or the folder cannot be made.
    """
    path = check_folder(folder, force)
    made = [parent for parent in path.parents if not parent.exists()]
    beside = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        yield beside
        beside.chmod(0o755)
        check_folder(path, force)
        move_folder(beside, path)
        made = []
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"the output {str(folder)!r} cannot be written: {reason}") from error
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)
        for parent in made:
            with contextlib.suppress(OSError):
                parent.rmdir()
