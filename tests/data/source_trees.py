"""Synthetic people in the folders of the original DeepFashion and Market-1501, in the original sizes."""

import re

import cv2
import numpy as np

from gfla_tf.data import SyntheticPeople
from gfla_tf.synthetic import write_folder

HIGHRES, LOWRES = (1101, 750), (256, 176)
_NAME = re.compile(r"fashion(MEN|WOMEN)(\w+?)(id\d{8})(\d\d)_(\d)(\w+\.jpg)")
_BORDER = 40  # white pixels left and right of the low-resolution images


def deepfashion(root, tree="img_highres", train=2, test=1, size=None):
    """Writes `root`/img_highres (or /img) with people of four images each, the lists and the CSV files.

    `size`: (H, W) of the images, instead of the original size.
    """
    true = HIGHRES if tree == "img_highres" else LOWRES
    people = SyntheticPeople(LOWRES, identities={"train": train, "test": test})
    write_folder(root, people, "deepfashion")
    for split in ("train", "test"):
        names = sorted(path.name for path in (root / split).iterdir())
        (root / f"{split}.lst").write_text("".join(f"{name}\n" for name in names))
        for name in names:
            gender, category, identity, number, view, rest = _NAME.fullmatch(name).groups()
            folder = root / tree / gender / category / f"id_{identity[2:]}"
            folder.mkdir(parents=True, exist_ok=True)
            image = cv2.resize(
                cv2.imread(str(root / split / name)), (size or true)[::-1], interpolation=cv2.INTER_CUBIC
            )
            if tree == "img":
                image = cv2.copyMakeBorder(
                    image, 0, 0, _BORDER, _BORDER, cv2.BORDER_CONSTANT, value=(255,) * 3
                )
            cv2.imwrite(str(folder / f"{number}_{view}_{rest}"), image, [cv2.IMWRITE_JPEG_QUALITY, 92])
            (root / split / name).unlink()
        (root / split).rmdir()
    return root


def market1501(root, train=2, test=1):
    """Writes `root`/bounding_box_train and _test with people of four images each, and the CSV files."""
    people = SyntheticPeople((128, 64), identities={"train": train, "test": test})
    write_folder(root, people, "market1501")
    for split in ("train", "test"):
        (root / split).rename(root / f"bounding_box_{split}")
        (root / f"bounding_box_{split}" / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    distractor = np.full((128, 64, 3), 90, np.uint8)
    cv2.imwrite(str(root / "bounding_box_test" / "0000_c1s1_000151_01.jpg"), distractor)
    return root
