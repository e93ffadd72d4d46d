"""Finds the images in what the owners of DeepFashion and Market-1501 hand out, under the lists' names."""

from __future__ import annotations

import os
from dataclasses import dataclass

from gfla_tf.data.layout import SPLITS
from gfla_tf.errors import InputError
from gfla_tf.images.header import HeaderError, read_header
from gfla_tf.images.io import FORMATS, MAX_BYTES, read_file

_GENDERS = ("MEN", "WOMEN")
_BOXES = {split: f"bounding_box_{split}" for split in SPLITS}
_LOW_RES = 256  # pixels, the longest side of the images of DeepFashion's low-resolution tree
_PROBED = 8
_DEEPEST, _MOST_FOLDERS = 3, 20_000


@dataclass(frozen=True)
class Source:
    """The images of a dataset as its owners hand them out.

    Attributes:
      kind: "img_highres", "img" or "bounding_box" (`gfla_tf.data.protocol.SOURCES`).
      tree: the folder that holds them.
      images: by split, {name in the lists: path}; DeepFashion's splits share one dict.
    """

    kind: str
    tree: str
    images: dict[str, dict[str, str]]


def find_source(layout: str, folder) -> Source:
    """Finds the images of `layout` ("deepfashion" or "market1501") in `folder` or up to three folders below.

    Links are followed only where they stay inside the tree.

    Raises:
      InputError: there is no such folder, it holds no such tree, or two images of the tree have one name.
    """
    folder = os.fspath(folder)
    if not os.path.isdir(folder):
        raise InputError(f"the source {folder!r} does not exist or is not a folder")
    return _deepfashion(folder) if layout == "deepfashion" else _market1501(folder)


def folders_below(root: str, passed_over: tuple[str, ...] = ()):
    """Yields `root` and the folders up to three below it, the nearest first, in the order of their names.

    Those named in `passed_over` are not entered, nor are links.

    Raises:
      InputError: there are more than 20,000, or one cannot be listed.
    """
    level, seen = [root], 0
    for _ in range(_DEEPEST + 1):
        following = []
        for folder in level:
            yield folder
            for entry in _entries(folder):
                if entry.is_dir(follow_symlinks=False) and entry.name not in passed_over:
                    following.append(entry.path)
            seen += 1
            if seen + len(following) > _MOST_FOLDERS:
                raise InputError(f"the folder {root!r} holds too many folders: name the one with the images")
        level = following


def image_name(gender: str, category: str, identity: str, file: str) -> str:
    """The lists' name of img_highres/<gender>/<category>/<identity>/<file>.

    The slashes, the identity's underscore, and all but the first of the file's go:
    WOMEN, Dresses, id_00002629, 02_1_front.jpg is fashionWOMENDressesid0000262902_1front.jpg.
    """
    number, *rest = file.split("_")
    return f"fashion{gender}{category}{identity.replace('_', '')}{number}_{''.join(rest)}"


def _deepfashion(folder: str) -> Source:
    trees = [
        path
        for path in folders_below(folder, passed_over=_GENDERS)
        if any(os.path.isdir(os.path.join(path, gender)) for gender in _GENDERS)
    ]
    if not trees:
        zipped = " (unzip img_highres.zip first)" if _has_zip(folder) else ""
        raise InputError(
            f"{folder!r} holds no tree img_highres with the folders MEN and WOMEN{zipped}: name the folder "
            "into which img_highres.zip of DeepFashion's In-shop Clothes Retrieval Benchmark was unzipped"
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
                            f"the images {images[name]!r} and {file.path!r} have one name in the lists, "
                            f"{name!r}: remove one of them"
                        )
                    images[name] = file.path
    if not images:
        raise InputError(f"the tree {tree!r} holds no image such as WOMEN/Dresses/id_00002629/02_1_front.jpg")
    kind = "img" if _is_low_res(list(images.values())) else "img_highres"
    return Source(kind, tree, dict.fromkeys(SPLITS, images))


def _market1501(folder: str) -> Source:
    for tree in folders_below(folder, passed_over=tuple(_BOXES.values())):
        places = {split: os.path.join(tree, name) for split, name in _BOXES.items()}
        if all(os.path.isdir(place) for place in places.values()):
            images = {
                split: {file.name: file.path for file in _images(place, tree)}
                for split, place in places.items()
            }
            return Source("bounding_box", tree, images)
    raise InputError(
        f"{folder!r} does not hold the folders {' and '.join(_BOXES.values())}: name the folder into which "
        "Market-1501 was unzipped"
    )


def _has_zip(folder: str) -> bool:
    return any(entry.name.startswith("img") and entry.name.endswith(".zip") for entry in _entries(folder))


def _is_low_res(paths: list[str]) -> bool:
    """Whether none of the first readable images is larger than the low-resolution tree's."""
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


def _folders(path: str, tree: str):
    return [entry for entry in _entries(path) if entry.is_dir() and _stays_inside(entry, tree)]


def _images(path: str, tree: str):
    return [
        entry
        for entry in _entries(path)
        if entry.name.lower().endswith(FORMATS) and entry.is_file() and _stays_inside(entry, tree)
    ]


def _stays_inside(entry: os.DirEntry, tree: str) -> bool:
    """Whether an entry is no link, or one that ends inside the tree."""
    if not entry.is_symlink():
        return True
    real = os.path.realpath(tree)
    return os.path.commonpath([real, os.path.realpath(entry.path)]) == real


def _entries(path: str) -> list[os.DirEntry]:
    """A folder's entries in the order of their names; none where it is missing."""
    try:
        with os.scandir(path) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"the folder {path!r} cannot be read: {error.strerror or error}") from error
