"""One split of a data set: its images by number, their keypoints, and its pairs; and a folder's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gfla_tf.data.layout import Layout, check_inside, find_csv, read_pairs
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_image
from gfla_tf.pose.keypoints import read_annotations


class Images(Protocol):
    """The images of a split, from wherever they are kept; `read` is called from several threads at once."""

    def read(self, number: int, out: np.ndarray | None = None) -> np.ndarray:
        """Image `number` as uint8 RGB [h, w, 3], of its own size, or an `InputError` that names it.

        `out`, a uint8 array [H, W, 3], is the result where the image has that size.
        """


@dataclass(frozen=True)
class Split:
    """The images that a split's pairs use, numbered in the order in which the pairs first name them.

    Attributes:
      names: of the images, [N].
      keypoints: float32 [N, 18, 2] (y, x), (-1, -1) where missing.
      pairs: int64 [P, 2]: the numbers of source and target.
      images: reads image 0 .. N - 1.
    """

    names: list[str]
    keypoints: np.ndarray
    pairs: np.ndarray
    images: Images


class FolderImages:
    """Images that are files; `paths` [N]."""

    def __init__(self, paths: list[str]):
        self.paths = paths

    def read(self, number: int, out: np.ndarray | None = None) -> np.ndarray:
        """Image `number` as uint8 RGB [h, w, 3], or an `InputError` that names its file."""
        return read_image(self.paths[number], out=out)


def read_folder_split(root: str, layout: Layout, split: str) -> Split:
    """Reads and checks the CSV files of a split of a folder; its keypoints are in pixels of `layout.frame`.

    Raises:
      InputError: a file is missing or malformed, a pair names an image without annotation, or an image is not
        there or named so that it lies outside the folder; the sentence names file and line.
    """
    rows = read_annotations(find_csv(root, layout.prefixes, "annotation", split))
    pairs_path = find_csv(root, layout.prefixes, "pairs", split)
    places: dict[str, int] = {}
    pairs = []
    for number, names in read_pairs(pairs_path):
        for name in names:
            if name not in places:
                _check_name(root, split, name, rows, f"{pairs_path!r}, line {number}")
                places[name] = len(places)
        pairs.append([places[name] for name in names])
    if not pairs:
        raise InputError(f"{pairs_path!r} holds no pair")
    keypoints = np.stack([rows[name] for name in places])
    paths = [os.path.join(root, split, name) for name in places]
    return Split(list(places), keypoints, np.array(pairs, np.int64), FolderImages(paths))


def _check_name(root: str, split: str, name: str, rows: dict, where: str) -> None:
    check_inside(name, where)
    if name not in rows:
        raise InputError(f"{where}: the image {name!r} has no row in the annotation file of {split!r}")
    if not os.path.isfile(os.path.join(root, split, name)):
        raise InputError(f"{where}: there is no image {os.path.join(root, split, name)!r}")
