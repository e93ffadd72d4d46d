"""Writes a SyntheticPeople dataset as a folder in the layout of DeepFashion or Market-1501."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import cv2
import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.files import move_folder

_BLOCK_PIXELS = 2**26  # of the images drawn at a time: 0.25 GiB with their part labels
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
    """DeepFashion; its keypoints are given in a frame narrower than the images."""

    prefix = "fasion"
    frame = (256, 176)
    quality = 98

    @staticmethod
    def name(split, identity, image):
        """The flattened path that the released lists use."""
        number = identity + (0 if split == "train" else 50000)
        garment = _GARMENTS[identity % len(_GARMENTS)]
        view = _VIEWS[image % len(_VIEWS)]
        return f"fashion{garment}id{number:08d}{image // len(_VIEWS) + 1:02d}_{view}.jpg"


class _Market:
    """Market-1501: person, camera and sequence, frame, box."""

    prefix = "market"
    frame = (128, 64)
    quality = 95

    @staticmethod
    def name(split, identity, image):
        """Training people have even numbers and test people odd ones, as no number may be in both."""
        number = 2 * identity + (2 if split == "train" else 1)
        return f"{number:04d}_c{image % 6 + 1}s1_{identity * 25 + image:06d}_{image // 6 + 1:02d}.jpg"


_LAYOUTS = {"deepfashion": _Fashion, "market1501": _Market}


def write_folder(path, dataset, layout="deepfashion", *, force=False, workers=0, progress=None):
    """Draws every split of `dataset` and writes it as image folders and CSV files.

    `path`/train and /test hold the images, `fasion-pairs-{train,test}.csv` (`from,to`) the pairs and
    `fasion-annotation-{train,test}.csv` (`name:keypoints_y:keypoints_x`, JSON lists of 18 integers, -1
    missing) the keypoints; "market" instead of "fasion" for that layout. Keypoints are scaled from the
    images to the layout's own frame, 256 x 176 (h x w) for DeepFashion and 128 x 64 for Market-1501. Images
    are JPEG. The folder is written beside `path` and moved there when it is whole.

    Args:
      path: the folder to make. dataset: a `SyntheticPeople`. layout: "deepfashion" or "market1501".
      force: replaces what an existing folder holds. workers, progress: as in `SyntheticPeople.as_arrays`.

    Raises:
      InputError: `path` is a file, or a folder with something in it and `force` is not set.
      ValueError: an unknown layout.
    """
    if layout not in _LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(_LAYOUTS)}, got {layout!r}")
    path = Path(path).resolve()
    if path.is_file():
        raise InputError(f"cannot write a dataset to {path}: it is a file; give the name of a new folder")
    if path.is_dir() and any(path.iterdir()) and not force:
        raise InputError(
            f"the folder {path} is not empty: choose another, or replace its contents with force (--force)"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        for split in dataset.identities:
            if dataset.identities[split]:
                _write_split(beside, dataset, split, _LAYOUTS[layout], workers, progress)
        beside.chmod(0o755)
        move_folder(beside, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


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
            _write_image(folder / split / name, image, layout.quality)
            y, x = _in_frame(keypoints, dataset.image_size, layout.frame)
            rows.append(f"{name}:{json.dumps(y)}:{json.dumps(x)}")
        pairs += [f"{names[source]},{names[target]}" for source, target in arrays["pairs"]]
    (folder / f"{layout.prefix}-pairs-{split}.csv").write_text("\n".join(pairs) + "\n")
    (folder / f"{layout.prefix}-annotation-{split}.csv").write_text("\n".join(rows) + "\n")


def _write_image(path, image, quality):
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise RuntimeError(f"OpenCV could not encode the image {path.name}")
    path.write_bytes(data.tobytes())


def _in_frame(keypoints, image_size, frame):
    """The lists (y, x) of whole numbers in the layout's frame (H, W); missing ones stay -1."""
    scaled = np.rint(keypoints * (np.array(frame) / np.array(image_size)))
    whole = np.where(keypoints < 0, -1, np.minimum(scaled, np.array(frame) - 1)).astype(int)
    return whole[:, 0].tolist(), whole[:, 1].tolist()
