"""A split of a dataset (images, keypoints and pairs), and reading it from a data folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gfla_tf.data.layout import Layout, check_inside, find_csv, read_pairs
from gfla_tf.errors import InputError
from gfla_tf.files.names import other_file, other_spelling
from gfla_tf.images.io import read_image
from gfla_tf.pose.keypoints import read_annotations


class Images(Protocol):
    """The images of a split in any storage; `read` is called from several threads at once."""

    def read(self, number: int, out: np.ndarray | None = None) -> np.ndarray:
        """Reads an image in its original size.

        Args:
          number: the index of the image.
          out: an optional uint8 array [H, W, 3] for the result; it is used if it has the size of the image.

        Returns:
          uint8 RGB [h, w, 3].

        Raises:
          InputError: the image cannot be read.
        """


@dataclass(frozen=True)
class Split:
    """The pairs of a split and their images, in the order of their first occurrence in the pairs.

    Attributes:
      names: names of the images, [N].
      keypoints: float32 [N, 18, 2] (y, x), (-1, -1) missing.
      pairs: int64 [P, 2], the indices of source and target.
      images: the images 0 .. N - 1.
    """

    names: list[str]
    keypoints: np.ndarray
    pairs: np.ndarray
    images: Images


class FolderImages:
    """Images in files.

    Args:
      paths: the paths, [N].
    """

    def __init__(self, paths: list[str]):
        self.paths = paths

    def read(self, number: int, out: np.ndarray | None = None) -> np.ndarray:
        """See `Images.read`."""
        return read_image(self.paths[number], out=out)


def read_folder_split(root: str, layout: Layout, split: str) -> Split:
    """Reads and checks the CSV files of a split; its keypoints are in pixels of `layout.frame`.

    Raises:
      InputError: a file is missing or malformed, a pair contains an image without annotation, or an image is
        missing or its name is a path outside the folder, with file and line in the message; or the keypoints
        are not in pixels of the layout's frame.
    """
    rows = read_annotations(find_csv(root, layout.prefixes, "annotation", split), layout.frame)
    pairs_path = find_csv(root, layout.prefixes, "pairs", split)
    indices: dict[str, int] = {}
    pairs = []
    for number, names in read_pairs(pairs_path):
        for name in names:
            if name not in indices:
                _check_name(root, split, name, rows, f"{pairs_path!r}, line {number}")
                indices[name] = len(indices)
        pairs.append([indices[name] for name in names])
    if not pairs:
        raise InputError(f"{pairs_path!r} contains no pair")
    keypoints = np.stack([rows[name] for name in indices])
    paths = [os.path.join(root, split, name) for name in indices]
    return Split(list(indices), keypoints, np.array(pairs, np.int64), FolderImages(paths))


def _check_name(root: str, split: str, name: str, rows: dict[str, np.ndarray], where: str) -> None:
    check_inside(name, where)
    if name not in rows:
        raise InputError(
            f"{where}: the image {name!r} has no row in the annotation file of {split!r}"
            f"{other_spelling(name, rows)}"
        )
    path = os.path.join(root, split, name)
    if not os.path.isfile(path):
        raise InputError(f"{where}: there is no image {path!r}{other_file(path)}")
