"""The folder that a preparation writes to: apart from its source, and nobody else's."""

from __future__ import annotations

import os
import shutil

from gfla_tf.data.layout import SPLITS, Layout
from gfla_tf.data.protocol import FILE_NAME, Protocol, read_protocol, write_protocol
from gfla_tf.errors import InputError
from gfla_tf.files import remove_temporary_files

SUMMARY_NAME = "summary.json"


def check_apart(out: str, source: str, lists: str) -> None:
    """Checks, links resolved, that nothing of the source can change: the output lies not in the source, and
    neither around it nor around the folder of the lists.

    Raises:
      InputError: it does.
    """
    mine, theirs, listed = (os.path.realpath(path) for path in (out, source, lists))
    around = any(os.path.commonpath([mine, path]) == mine for path in (theirs, listed))
    if around or os.path.commonpath([mine, theirs]) == theirs:
        raise InputError(
            f"the output {out!r} and the source {source!r} with its lists must lie apart, so that the source "
            "stays as it is: name an output folder beside it"
        )


def open_place(out: str, protocol: Protocol, layout: Layout, force: bool) -> None:
    """Makes the folder with its protocol, or finds there what an earlier, stopped preparation began.

    Raises:
      InputError: it is a file, holds something else, or was prepared otherwise and `force` is not set.
      OSError: it cannot be written.
    """
    if os.path.lexists(out) and not os.path.isdir(out):
        raise InputError(f"the output {out!r} is a file: name a folder")
    begun = None
    if os.path.lexists(os.path.join(out, FILE_NAME)):
        begun = _begun(out, force)
        if force:
            _clear(out, layout)
        elif begun != protocol:
            raise InputError(
                f"the folder {out!r} was prepared otherwise ({begun.describe()}): name another one, or begin "
                "it anew with --force"
            )
    elif os.path.isdir(out) and os.listdir(out):
        raise InputError(
            f"the folder {out!r} is not empty and holds no {FILE_NAME}, so it was not made by gfla data "
            "prepare: name a new folder"
        )
    for split in SPLITS:
        os.makedirs(os.path.join(out, split), exist_ok=True)
    if begun is None or force:
        write_protocol(out, protocol)


def check_contents(out: str, targets: set[str]) -> None:
    """Removes half-written files of an earlier preparation, and checks that there is nothing but `targets`.

    Raises:
      InputError: an image folder holds a file that will not be made, which would count as training data.
    """
    for split in SPLITS:
        folder = os.path.join(out, split)
        remove_temporary_files(folder)
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if path not in targets:
                raise InputError(
                    f"the file {path!r} is not in the lists, or its image is not in the source: remove it, "
                    "or begin the folder anew with --force"
                )


def _begun(out: str, force: bool) -> Protocol | None:
    try:
        return read_protocol(out)
    except InputError:
        if force:
            return None
        raise


def _clear(out: str, layout: Layout) -> None:
    """Removes what a preparation makes, and nothing else."""
    for split in SPLITS:
        shutil.rmtree(os.path.join(out, split), ignore_errors=True)
    files = [
        f"{p}-{kind}-{s}.csv" for p in layout.prefixes for kind in ("pairs", "annotation") for s in SPLITS
    ]
    for name in (*files, SUMMARY_NAME, FILE_NAME):
        path = os.path.join(out, name)
        if os.path.lexists(path):
            os.unlink(path)
