"""Recognises images that were padded to the model's shape, while their keypoints are for stretched ones.

DeepFashion's low-resolution tree `img` holds pictures of 256 x 256 pixels with a white bar of 40 pixels on
either side of the 176 that the keypoints' frame covers; `img_highres` has none. Poses scaled to a padded
image lie wide of the person.
"""

from __future__ import annotations

import os

import numpy as np

from gfla_tf.data.doctor.checks import FaultList
from gfla_tf.data.doctor.images import ImageFile
from gfla_tf.data.doctor.tables import Tables
from gfla_tf.data.layout import Layout
from gfla_tf.errors import InputError
from gfla_tf.images.io import read_image

_SAMPLE = 32
_FEWEST = 4
_SHARE = 0.9  # of the sample that must show bars
_EVEN, _STEP = 6.0, 8.0
"""In levels: how far nearly all of a bar stays from its median (JPEG ripples), the mean step at its edge."""


def check_padding(
    root: str, layout: Layout, tables: Tables, names: list[str], images: list[ImageFile], faults: FaultList
) -> None:
    """Decodes a few images of a split, spread evenly, and reports it where nearly all have even side bars."""
    height, width = layout.frame
    squarer = [
        name
        for name, image in zip(names, images, strict=True)
        if image.header and image.header.width * height > 1.1 * image.header.height * width
    ]
    if len(squarer) < _FEWEST:
        return
    places = np.unique(np.linspace(0, len(squarer) - 1, _SAMPLE).round().astype(int))
    padded, seen = 0, 0
    for place in places:
        try:
            rgb = read_image(os.path.join(root, tables.split, squarer[place]))
        except InputError:
            continue
        seen += 1
        padded += has_side_bars(rgb, width / height)
    if seen >= _FEWEST and padded >= _SHARE * seen:
        line = tables.rows[squarer[0]].line
        sentence = (
            f"{tables.annotation_path!r}, from line {line}: {padded} of {seen} images looked at have even "
            f"bars left and right of a picture shaped like {height} x {width} (h x w): they were padded, and "
            "keypoints are scaled as for stretched ones"
        )
        faults.error("padded-images", sentence, split=tables.split, file=tables.annotation_path, line=line)


def has_side_bars(rgb: np.ndarray, aspect: float) -> bool:
    """Whether a picture uint8 [H, W, 3] of `aspect` = width / height stands between two even bars."""
    bar = round((rgb.shape[1] - rgb.shape[0] * aspect) / 2)
    if bar < 4:
        return False
    levels = rgb.astype(np.float32)
    outer = bar - max(2, bar // 4)
    left, right = levels[:, :outer], levels[:, -outer:]
    spread = (np.abs(side - np.median(side, (0, 1))) for side in (left, right))
    even = all(np.percentile(side, 95) <= _EVEN for side in spread)
    edges = (levels[:, bar - 2] - levels[:, bar + 1], levels[:, 1 - bar] - levels[:, -bar - 2])
    return even and max(np.abs(edge).mean() for edge in edges) >= _STEP
