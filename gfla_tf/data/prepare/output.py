"""Checks of the output folder of a preparation, and its creation."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

from gfla_tf.data.layout import SPLITS, Layout
from gfla_tf.data.protocol import FILE_NAME, Protocol, read_protocol, write_protocol
from gfla_tf.errors import InputError
from gfla_tf.files.locks import FolderLock
from gfla_tf.files.names import names_in
from gfla_tf.files.temporary import remove_temporary_files

SUMMARY_NAME = "summary.json"
LOCK_NAME = "prepare.lock"


def check_apart(out: str, source: str, lists: str) -> None:
    """Checks that the output folder neither contains, nor is inside, the source folder.

    The output folder must not contain the folder of the lists either. Symbolic links are resolved.

    Raises:
      InputError: the folders overlap.
    """
    output, original, listed = (os.path.realpath(path) for path in (out, source, lists))
    contains = any(os.path.commonpath([output, path]) == output for path in (original, listed))
    if contains or os.path.commonpath([output, original]) == original:
        raise InputError(
            f"the output {out!r} and the source {source!r} with its lists must not contain each other: "
            "choose another output folder, so that the source is not changed"
        )


@contextlib.contextmanager
def reserved_output(out: str, protocol: Protocol, layout: Layout, force: bool) -> Iterator[None]:
    """Context manager for `open_output` that keeps other processes from preparing the folder.

    Raises:
      InputError: as for `open_output`, or another process prepares the folder.
      OSError: it cannot be written.
    """
    with contextlib.ExitStack() as stack:
        exists = os.path.lexists(os.path.join(out, FILE_NAME))
        if exists:
            stack.enter_context(FolderLock(out, LOCK_NAME))
        open_output(out, protocol, layout, force)
        if not exists:
            stack.enter_context(FolderLock(out, LOCK_NAME))
        yield


def open_output(out: str, protocol: Protocol, layout: Layout, force: bool) -> None:
    """Creates the output folder with its protocol, or opens that of an interrupted preparation.

    Args:
      out: the output folder.
      protocol: the protocol of the preparation.
      layout: the layout of the dataset.
      force: delete the outputs of a preparation with another protocol.

    Raises:
      InputError: `out` is a file, contains other files, or was prepared with another protocol and `force` is
        False.
      OSError: it cannot be written.
    """
    if os.path.lexists(out) and not os.path.isdir(out):
        raise InputError(f"the output {out!r} is a file: give a folder")
    existing = None
    if os.path.lexists(os.path.join(out, FILE_NAME)):
        existing = _existing_protocol(out, force)
        if force:
            _clear(out, layout)
        elif existing != protocol:
            raise InputError(
                f"the folder {out!r} was prepared with another protocol ({existing.describe()}): choose "
                "another one, or overwrite it with --force"
            )
    elif os.path.isdir(out) and names_in(out):
        raise InputError(
            f"the folder {out!r} is not empty and contains no {FILE_NAME}, so it was not written by gfla "
            "data prepare: choose a new folder"
        )
    for split in SPLITS:
        os.makedirs(os.path.join(out, split), exist_ok=True)
    if existing is None or force:
        write_protocol(out, protocol)


def check_contents(out: str, targets: set[str]) -> None:
    """Removes temporary files of an interrupted preparation, and checks that all other files are `targets`.

    Raises:
      InputError: an image folder contains another file, which would be used as training data.
    """
    for split in SPLITS:
        folder = os.path.join(out, split)
        remove_temporary_files(folder)
        for name in names_in(folder):
            path = os.path.join(folder, name)
            if path not in targets:
                raise InputError(
                    f"the file {path!r} is not in the lists, or its image is not in the source: remove it, "
                    "or overwrite the folder with --force"
                )


def _existing_protocol(out: str, force: bool) -> Protocol | None:
    try:
        return read_protocol(out)
    except InputError:
        if force:
            return None
        raise


def _clear(out: str, layout: Layout) -> None:
    """Removes only the files that a preparation writes."""
    for split in SPLITS:
        shutil.rmtree(os.path.join(out, split), ignore_errors=True)
    files = [
        f"{p}-{kind}-{s}.csv" for p in layout.prefixes for kind in ("pairs", "annotation") for s in SPLITS
    ]
    for name in (*files, SUMMARY_NAME, FILE_NAME):
        path = os.path.join(out, name)
        if os.path.lexists(path):
            os.unlink(path)
