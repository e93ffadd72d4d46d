"""Checks for missing and unlisted image files of a split."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from gfla_tf.data.doctor.checks import FaultList
from gfla_tf.data.doctor.tables import Tables
from gfla_tf.data.layout import check_inside
from gfla_tf.errors import InputError
from gfla_tf.files.names import Spellings, is_system_file, without_ending


def listed_images(root: str, tables: Tables, faults: FaultList) -> list[str]:
    """Returns the annotated images whose files exist; reports missing files and files without a row."""
    folder = os.path.join(root, tables.split)
    if not os.path.isdir(folder):
        sentence = f"there is no folder {folder!r} for the images of the {tables.split} split"
        faults.error("missing-file", sentence, split=tables.split, file=folder)
        return []
    try:
        files = _files(folder)
    except OSError as error:
        sentence = f"the folder {folder!r} cannot be read: {error.strerror}"
        faults.error("missing-file", sentence, split=tables.split, file=folder)
        return []
    alike, spellings = None, Spellings(files)
    existing = []
    for name, row in tables.rows.items():
        path = os.path.join(folder, name)
        position = f"{tables.annotation_path!r}, line {row.line}"
        where = {"split": tables.split, "file": tables.annotation_path, "line": row.line, "image": name}
        try:
            check_inside(name, position)
        except InputError as error:
            of_image(name, tables, faults)("outside-folder", str(error), **where)
            continue
        if name in files or os.path.isfile(path):
            existing.append(name)
            continue
        if alike is None:
            alike = {_letters(file): file for file in sorted(files)}
        like = alike.get(_letters(name))
        hint = spellings.explain(name) or (f" (there is {like!r})" if like else "")
        of_image(name, tables, faults)(
            "missing-image", f"{position}: there is no image {path!r}{hint}", **where
        )
    _report_unlisted(folder, files, tables, faults)
    return existing


def of_image(name: str, tables: Tables, faults: FaultList) -> Callable[..., None]:
    """Returns the method to report a fault of an image: an error only if the image occurs in a pair."""
    return faults.error if name in tables.used else faults.warning


def _files(folder: str) -> set[str]:
    """Returns the names of the regular files of a folder, without those that operating systems add."""
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.is_file() and not is_system_file(entry.name)}


def _letters(name: str) -> str:
    """Normalizes a name for comparison: without case, extension, slashes, underscores and known prefixes.

    The prefixes are those of the lists and of the original dataset (`fashion`, `img_highres/`).
    """
    return re.sub(r"^(fashion|img(highres)?)", "", re.sub(r"[^a-z0-9]", "", without_ending(name).lower()))


def _report_unlisted(folder: str, files: set[str], tables: Tables, faults: FaultList) -> None:
    if tables.annotation_path is None:
        return
    unlisted = sorted(
        name for name in files - tables.rows.keys() - tables.malformed.keys() if not name.startswith(".")
    )
    if unlisted:
        some = ", ".join(map(repr, unlisted[:3])) + (", ..." if len(unlisted) > 3 else "")
        sentence = f"{folder!r} contains {len(unlisted)} files that {tables.annotation_path!r} does not list"
        where = {"split": tables.split, "file": tables.annotation_path}
        faults.warning("unlisted-image", f"{sentence}: {some}", **where)
