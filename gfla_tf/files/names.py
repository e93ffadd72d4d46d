"""File names: known endings, files that operating systems add to folders, and names in another spelling."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable

ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".jfif", ".avif", ".heic"),
    *(".json", ".csv", ".lst", ".txt", ".yaml", ".yml", ".npz", ".npy", ".h5", ".hdf5", ".tfrecord"),
    *(".keras", ".pth", ".pt", ".tflite", ".onnx", ".zip"),
    *(".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg"),
)
"""The extensions of images, pose files, lists, models and videos."""

_SYSTEM_NAMES = ("__macosx", ".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", ".localized")
_SYSTEM_FOLDERS = (".spotlight-v100", ".trashes", ".fseventsd", ".apdisk", "@eadir", "$recycle.bin")


def is_utf8(name: str) -> bool:
    """Whether a file name or path is valid UTF-8. Python represents other bytes as surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def escape_surrogates(text: str) -> str:
    """Returns text with its surrogates as `\\udc..`, which JSON reads as the same file name."""
    return text.encode(errors="backslashreplace").decode()


def without_ending(name: str) -> str:
    """Returns a name or path without its ending, if it is one of `ENDINGS` in any case.

    Any other text after the last dot is part of the name: `2024.05.01_keypoints.json` becomes
    `2024.05.01_keypoints`, and `take.2` is unchanged.
    """
    start, ending = os.path.splitext(name)
    return start if ending.lower() in ENDINGS else name


def stem(path: str | os.PathLike) -> str:
    """Returns the file name of a path without folders and without a known ending."""
    return without_ending(os.path.basename(os.fspath(path)))


def is_system_file(name: str) -> bool:
    """Whether an entry of a folder or archive was added by an operating system, such as `._a.jpg`.

    These are AppleDouble files (`._*`), `__MACOSX`, `.DS_Store`, `Thumbs.db` and similar; for a path, those
    and all files below them.
    """
    return any(_is_system_name(part) for part in re.split(r"[/\\]", name))


def names_in(folder: str | os.PathLike) -> list[str]:
    """Returns the names in a folder, sorted, without those of `is_system_file`.

    Raises:
      OSError: the folder does not exist or cannot be read.
    """
    return sorted(name for name in os.listdir(folder) if not is_system_file(name))


class Spellings:
    """Explains names that do not exist by existing names that look the same.

    Args:
      names: the existing names. They are read when `explain` is first called.
    """

    def __init__(self, names: Iterable[str]):
        self._names = names
        self._by_look: dict[str, list[str]] | None = None

    def explain(self, name: str) -> str:
        """Returns an addition to an error message, " (there is ...)", or "" if no name looks the same."""
        if self._by_look is None:
            self._by_look = {}
            for other in sorted(self._names):
                self._by_look.setdefault(_look(other), []).append(other)
        composed = unicodedata.normalize("NFC", name)
        similar = [other for other in self._by_look.get(_look(name), []) if other != name]
        for other in similar:
            if unicodedata.normalize("NFC", other) == composed:
                return (
                    f" (there is {other!a}, the same name in another Unicode normalization: it is in "
                    f"{_form(other)}, {name!a} in {_form(name)}; rename one of them)"
                )
        if similar:
            return f" (there is {similar[0]!a}, which differs only in spaces or invisible characters)"
        return ""


def other_spelling(name: str, names: Iterable[str]) -> str:
    """Explains one name that does not exist; see `Spellings`."""
    return Spellings(names).explain(name)


def other_file(path: str) -> str:
    """Explains a file that does not exist by one in the same folder, as `other_spelling` does."""
    folder, name = os.path.split(path)
    try:
        return other_spelling(name, names_in(folder or "."))
    except (OSError, ValueError):
        return ""


def _is_system_name(name: str) -> bool:
    return name.startswith("._") or name.lower() in _SYSTEM_NAMES + _SYSTEM_FOLDERS


def _look(name: str) -> str:
    """A name in NFC with ordinary spaces, and without characters that are not displayed."""
    visible = (char for char in unicodedata.normalize("NFC", name) if unicodedata.category(char) != "Cf")
    return "".join(" " if char.isspace() else char for char in visible).strip()


def _form(name: str) -> str:
    forms = [form for form in ("NFC", "NFD") if unicodedata.is_normalized(form, name)]
    return forms[0] if forms else "neither NFC nor NFD"
