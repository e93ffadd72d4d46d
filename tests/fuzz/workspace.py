"""Folders with one file of each kind, and the damaged files of the fuzz.

A case is determined by its kind and number: `Workspace(folder).run(kind, number)` repeats it.
"""

from __future__ import annotations

import contextlib
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gfla_tf.cli.main import main
from gfla_tf.data.protocol import Protocol
from gfla_tf.data.shards.builder import build_shards
from gfla_tf.pose.formats import FORMATS
from tests.data import source_trees
from tests.data.folders import write_folder
from tests.fuzz import seeds
from tests.fuzz.mutations import mutate_bytes, mutate_json, mutate_png, mutate_text

IMAGES = {
    "png": 30, "matching png": 40, "jpeg": 60, "webp": 30, "bmp": 30, "progressive jpeg": 60,
    "palette of 1 bits": 30, "palette of 2 bits": 30, "palette of 4 bits": 30, "palette of 8 bits": 30,
}  # fmt: skip
WEIGHTS = {"weights": 60, "keras": 60, "features": 40, "arguments": 60}
CHECKPOINT = {"checkpoint data": 40, "checkpoint index": 80}
PAIRS = {"pairs file": 60, "packed pairs file": 60}
CASES = {
    "annotation": 140, "pairs": 90, "lst": 50, "prepared csv": 40,
    "coco18": 70, "body25": 50, "coco17": 60, "coco17-results": 40, "pose csv": 40, "protocol": 60,
    "manifest": 50, "index": 60, "tfrecord": 60, "source jpeg": 20, "settings": 120,
    **IMAGES, **WEIGHTS, **CHECKPOINT, **PAIRS,
}  # fmt: skip
"""{kind: the number of its cases in a whole run}."""
JSON = ("coco18", "body25", "coco17", "coco17-results", "protocol", "manifest", "index", "arguments")
BINARY = (*IMAGES, "weights", "keras", "features", *PAIRS, "source jpeg", "tfrecord", *CHECKPOINT)


class Workspace:
    """Folders with one file of each kind, whose content a case replaces temporarily."""

    def __init__(self, root: Path):
        self.root = root
        self.folder = write_folder(root / "folder", "fasion", (40, 24), (256, 176), people=2)
        self.source = source_trees.deepfashion(root / "source", train=1, test=1, size=(264, 180))
        self.shards = root / "shards"
        build_shards(self.folder, self.shards)
        self.files = {
            "annotation": self.folder / "fasion-annotation-train.csv",
            "pairs": self.folder / "fasion-pairs-train.csv",
            "protocol": self.folder / "protocol.json",
            "lst": self.source / "train.lst",
            "prepared csv": self.source / "fasion-annotation-train.csv",
            "source jpeg": sorted((self.source / "img_highres").rglob("*.jpg"))[0],
            "manifest": self.shards / "shards.json",
            "index": self.shards / "train.json",
            "tfrecord": next(self.shards.glob("train-*.tfrecord")),
            "pairs file": seeds.write_pairs(root / "pairs.h5", compressed=False),
            "packed pairs file": seeds.write_pairs(root / "packed.h5", compressed=True),
            **seeds.write_networks(root),
            **seeds.write_checkpoint(root / "checkpoints"),
        }
        self._add_poses()
        self.bytes = {kind: path.read_bytes() for kind, path in self.files.items() if kind != "protocol"}
        protocol = Protocol("deepfashion", "img_highres", "area", 40, 24, "jpeg", 95)
        self.bytes["protocol"] = json.dumps(protocol.to_dict(), indent=2).encode()
        self.bytes |= seeds.images()
        self.bytes["matching png"] = self.bytes["png"]
        self.files.update(dict.fromkeys(IMAGES, sorted((self.folder / "train").iterdir())[0]))
        self.bytes["settings"], self.files["settings"] = seeds.settings(), root / "run.yaml"

    def _add_poses(self):
        annotations = f"{self.folder / 'fasion-annotation-test.csv'}"
        for kind in FORMATS:
            path = self.root / ("pose.csv" if kind == "csv" else f"pose_{kind}.json")
            some = annotations if kind not in ("coco18", "body25") else f"{annotations}#test0_0.jpg"
            assert main(["pose", some, "-o", str(path), "--to", kind]) == 0
            self.files["pose csv" if kind == "csv" else kind] = path

    @contextlib.contextmanager
    def holding(self, kind: str, data: bytes) -> Iterator[Path]:
        """Context manager with the damaged file in place; restores all files afterwards."""
        path = self.files[kind]
        touched = {path, self.files["manifest"], self.files["index"]}
        before = {one: one.read_bytes() for one in touched if one.exists()}
        path.write_bytes(data)
        try:
            yield path
        finally:
            path.unlink()
            for one, its in before.items():
                one.write_bytes(its)

    def damaged(self, kind: str, number: int) -> bytes:
        """The bytes of a case."""
        random = np.random.default_rng([zlib.crc32(kind.encode()), number])
        data = self.bytes[kind]
        if kind == "matching png" or (kind.startswith("palette") and number % 4):
            return mutate_png(data, random)
        if kind == "keras" and number % 4:
            return seeds.rezipped(data, mutate_bytes(self.bytes["weights"], random))
        if kind in JSON and number % 5 < 2:
            return mutate_json(data, random)
        return (mutate_bytes if kind in BINARY else mutate_text)(data, random)
