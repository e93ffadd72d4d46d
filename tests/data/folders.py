"""Small data folders in the authors' layouts."""

import json

import numpy as np

from gfla_tf.images.io import encode_image
from tests.images.pictures import gradient

EXTENSION = {"fasion": ".jpg", "fashion": ".jpg", "market": ".jpg"}


def keypoints(index: int, frame) -> np.ndarray:
    """int [18, 2] (y, x) inside `frame`; the last one missing."""
    points = np.random.default_rng(index).integers(0, frame, (18, 2))
    points[17] = -1
    return points


def write_folder(root, prefix: str, size, frame, people: int = 3, splits=("train", "test")):
    """Writes people with two images each; the red channel of person n is 20 n + 40."""
    for split in splits:
        (root / split).mkdir(parents=True)
        rows, pairs = [], []
        for person in range(people):
            names = [f"{split}{person}_{view}{EXTENSION[prefix]}" for view in range(2)]
            for view, name in enumerate(names):
                rgb = gradient(*size)
                rgb[..., 0] = 20 * person + 40
                (root / split / name).write_bytes(encode_image(name, rgb))
                points = keypoints(2 * person + view, frame)
                rows.append(f"{name}:{json.dumps(points[:, 0].tolist())}:{json.dumps(points[:, 1].tolist())}")
            pairs += [",".join(names), ",".join(names[::-1])]
        text = "\n".join(["name:keypoints_y:keypoints_x", *rows]) + "\n"
        (root / f"{prefix}-annotation-{split}.csv").write_text(text)
        (root / f"{prefix}-pairs-{split}.csv").write_text("\n".join(["from,to", *pairs]) + "\n")
    return root
