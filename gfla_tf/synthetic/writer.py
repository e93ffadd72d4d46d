"""Writing of SyntheticPeople as image folders in the layout of DeepFashion or Market-1501."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.files import PathLike, new_folder
from gfla_tf.files.names import names_in
from gfla_tf.images.io import encode_image

from .dataset import SyntheticPeople

_BLOCK_PIXELS = 2**26  # image pixels rendered at a time; 0.25 GiB with their part labels
_GARMENTS = (
    "MENTees_Tanks",
    "WOMENDresses",
    "WOMENBlouses_Shirts",
    "MENJackets_Vests",
    "WOMENSkirts",
    "MENShorts",
)
_VIEWS = ("1front", "2side", "3back", "4full", "7additional")


class _Fashion:
    """DeepFashion, whose keypoints refer to a frame narrower than the images."""

    prefix = "fasion"
    frame = (256, 176)
    quality = 98

    @staticmethod
    def name(split, identity, image):
        """A flattened path as in the released lists."""
        number = identity + (0 if split == "train" else 50000)
        garment = _GARMENTS[identity % len(_GARMENTS)]
        view = _VIEWS[image % len(_VIEWS)]
        return f"fashion{garment}id{number:08d}{image // len(_VIEWS) + 1:02d}_{view}.jpg"


class _Market:
    """Market-1501, whose names consist of person, camera and sequence, frame, and box."""

    prefix = "market"
    frame = (128, 64)
    quality = 95

    @staticmethod
    def name(split, identity, image):
        """Returns a name whose person number is even in the training split and odd in the test split."""
        number = 2 * identity + (2 if split == "train" else 1)
        return f"{number:04d}_c{image % 6 + 1}s1_{identity * 25 + image:06d}_{image // 6 + 1:02d}.jpg"


_LAYOUTS = {"deepfashion": _Fashion, "market1501": _Market}


def write_folder(
    path: PathLike,
    dataset: SyntheticPeople,
    layout: str = "deepfashion",
    *,
    force: bool = False,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Writes every split of a dataset as JPEG images and CSV files.

    The folder is written atomically. For DeepFashion it contains:
      train/, test/: the images.
      fasion-pairs-train.csv, fasion-pairs-test.csv: the pairs, `from,to`.
      fasion-annotation-train.csv, fasion-annotation-test.csv: the keypoints, `name:keypoints_y:keypoints_x`,
        two JSON lists of 18 integers, -1 where missing.

    "fasion" is the spelling of the released lists; for Market-1501 it is "market". Keypoints are scaled from
    the images to the layout's frame, 256 x 176 (height x width) for DeepFashion and 128 x 64 for Market-1501.

    Args:
      path: the folder to create.
      dataset: the dataset.
      layout: "deepfashion" or "market1501".
      force: whether the contents of an existing folder are overwritten.
      workers: number of worker processes, as in `SyntheticPeople.as_arrays`.
      progress: called as progress(done, total) after each identity of a split.

    Raises:
      InputError: `path` is a file, is a non-empty folder while `force` is False, or cannot be written.
      ValueError: the layout is unknown.
    """
    if layout not in _LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(_LAYOUTS)}, got {layout!r}")
    path = Path(path).resolve()
    if path.is_file():
        raise InputError(f"cannot write a dataset to {path}: it is a file; give the name of a new folder")
    if path.is_dir() and names_in(path) and not force:
        raise InputError(
            f"the folder {path} is not empty: choose another one, or overwrite its contents with --force"
        )
    with new_folder(path) as folder:
        for split in dataset.identities:
            if dataset.identities[split]:
                _write_split(folder, dataset, split, _LAYOUTS[layout], workers, progress)


def _write_split(folder, dataset, split, layout, workers, progress):
    (folder / split).mkdir()
    total = dataset.identities[split]
    pairs, rows = ["from,to"], ["name:keypoints_y:keypoints_x"]
    height, width = dataset.image_size
    block = max(1, _BLOCK_PIXELS // (height * width * dataset.images_per_identity))  # identities
    for start in range(0, total, block):
        stop = min(start + block, total)
        report = None if progress is None else lambda done, _, first=start: progress(first + done, total)
        arrays = dataset.as_arrays(split, start, stop, workers=workers, progress=report)
        per = dataset.images_per_identity
        names = [layout.name(split, start + n // per, n % per) for n in range(len(arrays["images"]))]
        for name, image, keypoints in zip(names, arrays["images"], arrays["keypoints"], strict=True):
            (folder / split / name).write_bytes(encode_image(name, image, layout.quality))
            y, x = _in_frame(keypoints, dataset.image_size, layout.frame)
            rows.append(f"{name}:{json.dumps(y)}:{json.dumps(x)}")
        pairs += [f"{names[source]},{names[target]}" for source, target in arrays["pairs"]]
    (folder / f"{layout.prefix}-pairs-{split}.csv").write_text("\n".join(pairs) + "\n")
    (folder / f"{layout.prefix}-annotation-{split}.csv").write_text("\n".join(rows) + "\n")


def _in_frame(keypoints, image_size, frame):
    """Converts keypoints to lists y, x of integers in the layout's frame (H, W); missing ones stay -1."""
    scaled = np.rint(keypoints * (np.array(frame) / np.array(image_size)))
    whole = np.where(keypoints < 0, -1, np.minimum(scaled, np.array(frame) - 1)).astype(int)
    return whole[:, 0].tolist(), whole[:, 1].tolist()
