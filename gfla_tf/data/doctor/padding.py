"""Detection of padded images, whose keypoints are scaled as for stretched images.

DeepFashion's low-resolution images `img` have 256 x 256 pixels with white bars of 40 pixels left and right of
the keypoints' frame; `img_highres` has no bars. Poses scaled to a padded image do not match the person.
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
_MIN_IMAGES = 4
_MIN_PADDED = 0.9  # fraction of the sample
_MAX_DEVIATION, _MIN_STEP = 6.0, 8.0
"""In gray levels: deviation of a bar from its median (95 % of the pixels), and mean step at its edge."""


def check_padding(
    root: str, layout: Layout, tables: Tables, names: list[str], images: list[ImageFile], faults: FaultList
) -> None:
    """Decodes a sample of a split's images, and reports the split if nearly all have uniform side bars."""
    height, width = layout.frame
    wide = [
        name
        for name, image in zip(names, images, strict=True)
        if image.header and image.header.width * height > 1.1 * image.header.height * width
    ]
    if len(wide) < _MIN_IMAGES:
        return
    indices = np.unique(np.linspace(0, len(wide) - 1, _SAMPLE).round().astype(int))
    padded, seen = 0, 0
    for index in indices:
        try:
            rgb = read_image(os.path.join(root, tables.split, wide[index]))
        except InputError:
            continue
        seen += 1
        padded += has_side_bars(rgb, width / height)
    if seen >= _MIN_IMAGES and padded >= _MIN_PADDED * seen:
        line = tables.rows[wide[0]].line
        sentence = (
            f"{tables.annotation_path!r}, from line {line}: {padded} of {seen} sampled images have "
            f"uniform bars left and right of an image of aspect {height} x {width} (h x w): they were "
            "padded, but keypoints are scaled as for stretched images"
        )
        faults.error("padded-images", sentence, split=tables.split, file=tables.annotation_path, line=line)


def has_side_bars(rgb: np.ndarray, aspect: float) -> bool:
    """Whether uint8 [H, W, 3] has uniform bars left and right of an image of `aspect` = width / height."""
    bar = round((rgb.shape[1] - rgb.shape[0] * aspect) / 2)
    if bar < 4:
        return False
    levels = rgb.astype(np.float32)
    outer = bar - max(2, bar // 4)
    left, right = levels[:, :outer], levels[:, -outer:]
    spread = (np.abs(side - np.median(side, (0, 1))) for side in (left, right))
    even = all(np.percentile(side, 95) <= _MAX_DEVIATION for side in spread)
    edges = (levels[:, bar - 2] - levels[:, bar + 1], levels[:, 1 - bar] - levels[:, -bar - 2])
    return even and max(np.abs(edge).mean() for edge in edges) >= _MIN_STEP
