"""Search for the images of the original datasets, by their names in the authors' lists."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from gfla_tf.data.layout import SPLITS
from gfla_tf.errors import InputError
from gfla_tf.files import PathLike
from gfla_tf.files.names import is_system_file, other_file
from gfla_tf.images.header import HeaderError, read_header
from gfla_tf.images.io import FORMATS, MAX_BYTES, read_file

_GENDERS = ("MEN", "WOMEN")
_BOXES = {split: f"bounding_box_{split}" for split in SPLITS}
_LOW_RES = 256  # pixels, the longest side of the images of DeepFashion's low-resolution tree
_PROBED = 8
_DEEPEST, _MOST_FOLDERS = 3, 20_000


@dataclass(frozen=True)
class Source:
    """The images of an original dataset.

    Attributes:
      kind: "img_highres", "img" or "bounding_box" (`gfla_tf.data.protocol.SOURCES`).
      tree: the folder that contains them.
      images: by split, {name in the lists: path}; both splits of DeepFashion share one dict.
    """

    kind: str
    tree: str
    images: dict[str, dict[str, str]]


def find_source(layout: str, folder: PathLike) -> Source:
    """Finds the images of `layout` ("deepfashion" or "market1501") in `folder`, up to three levels below.

    Symbolic links are followed only if they stay inside the tree.

    Raises:
      InputError: the folder does not exist, contains no such images, or two images have the same name.
    """
    folder = os.fspath(folder)
    if not os.path.isdir(folder):
        raise InputError(f"the source {folder!r} does not exist or is not a folder{other_file(folder)}")
    return _deepfashion(folder) if layout == "deepfashion" else _market1501(folder)


def folders_below(root: str, skip: tuple[str, ...] = ()) -> Iterator[str]:
    """Yields `root` and the folders up to three levels below, breadth first, in the order of their names.

    Symbolic links, and folders with the names `skip`, are not entered.

    Raises:
      InputError: there are more than 20,000 folders, or one cannot be listed.
    """
    level, seen = [root], 0
    for _ in range(_DEEPEST + 1):
        following = []
        for folder in level:
            yield folder
            for entry in _entries(folder):
                if entry.is_dir(follow_symlinks=False) and entry.name not in skip:
                    following.append(entry.path)
            seen += 1
            if seen + len(following) > _MOST_FOLDERS:
                raise InputError(
                    f"the folder {root!r} contains too many folders: give the one with the images"
                )
        level = following


def image_name(gender: str, category: str, identity: str, file: str) -> str:
    """Returns the name in the lists of img_highres/<gender>/<category>/<identity>/<file>.

    Slashes, the identity's underscore, and all but the first underscore of the file name are removed: WOMEN,
    Dresses, id_00002629, 02_1_front.jpg becomes fashionWOMENDressesid0000262902_1front.jpg.
    """
    number, *rest = file.split("_")
    return f"fashion{gender}{category}{identity.replace('_', '')}{number}_{''.join(rest)}"


def _deepfashion(folder: str) -> Source:
    trees = [
        path
        for path in folders_below(folder, skip=_GENDERS)
        if any(os.path.isdir(os.path.join(path, gender)) for gender in _GENDERS)
    ]
    if not trees:
        zipped = " (unzip img_highres.zip first)" if _has_zip(folder) else ""
        raise InputError(
            f"{folder!r} contains no folder img_highres with the folders MEN and WOMEN{zipped}: give the "
            "folder into which img_highres.zip of DeepFashion's In-shop Clothes Retrieval Benchmark was "
            "unzipped"
        )
    tree = next((path for path in trees if os.path.basename(path) == "img_highres"), trees[0])
    images: dict[str, str] = {}
    for gender in _GENDERS:
        for category in _folders(os.path.join(tree, gender), tree):
            for identity in _folders(category.path, tree):
                for file in _images(identity.path, tree):
                    name = image_name(gender, category.name, identity.name, file.name)
                    if name in images:
                        raise InputError(
                            f"the images {images[name]!r} and {file.path!r} have the same name in the lists, "
                            f"{name!r}: remove one of them"
                        )
                    images[name] = file.path
    if not images:
        raise InputError(
            f"the folder {tree!r} contains no image such as WOMEN/Dresses/id_00002629/02_1_front.jpg"
        )
    kind = "img" if _is_low_res(list(images.values())) else "img_highres"
    return Source(kind, tree, dict.fromkeys(SPLITS, images))


def _market1501(folder: str) -> Source:
    for tree in folders_below(folder, skip=tuple(_BOXES.values())):
        paths = {split: os.path.join(tree, name) for split, name in _BOXES.items()}
        if all(os.path.isdir(path) for path in paths.values()):
            images = {
                split: {file.name: file.path for file in _images(path, tree)} for split, path in paths.items()
            }
            return Source("bounding_box", tree, images)
    raise InputError(
        f"{folder!r} does not contain the folders {' and '.join(_BOXES.values())}: give the folder into "
        "which Market-1501 was unzipped"
    )


def _has_zip(folder: str) -> bool:
    return any(entry.name.startswith("img") and entry.name.endswith(".zip") for entry in _entries(folder))


def _is_low_res(paths: list[str]) -> bool:
    """Whether the first readable images are all of DeepFashion's low-resolution tree, by their size."""
    longest = []
    for path in paths:
        try:
            header = read_header(read_file(path, MAX_BYTES, "image"))
        except (HeaderError, InputError):
            continue
        longest.append(max(header.width, header.height))
        if len(longest) == _PROBED:
            break
    return bool(longest) and max(longest) <= _LOW_RES


def _folders(path: str, tree: str) -> list[os.DirEntry]:
    return [entry for entry in _entries(path) if entry.is_dir() and _stays_inside(entry, tree)]


def _images(path: str, tree: str) -> list[os.DirEntry]:
    return [
        entry
        for entry in _entries(path)
        if entry.name.lower().endswith(FORMATS) and entry.is_file() and _stays_inside(entry, tree)
    ]


def _stays_inside(entry: os.DirEntry, tree: str) -> bool:
    """Whether an entry is not a symbolic link, or one to a path inside the tree."""
    if not entry.is_symlink():
        return True
    real = os.path.realpath(tree)
    return os.path.commonpath([real, os.path.realpath(entry.path)]) == real


def _entries(path: str) -> list[os.DirEntry]:
    """Returns a folder's entries in the order of their names; an empty list if it does not exist.

    Files that operating systems add, such as `__MACOSX`, are left out.
    """
    try:
        with os.scandir(path) as entries:
            found = [entry for entry in entries if not is_system_file(entry.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"the folder {path!r} cannot be read: {error.strerror or error}") from error
    return sorted(found, key=lambda entry: entry.name)
