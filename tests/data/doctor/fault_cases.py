"""Faults of data folders, and the expected reports of `check_folder`."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gfla_tf.data.doctor import ERROR, WARNING
from tests.data.doctor.faulty_folder import (
    copy_test_row,
    first_number,
    missing,
    move_image,
    pad,
    person_in_both,
    resave,
    scaled,
    set_point,
    write_protocol,
)
from tests.pose.pose_files import swapped


@dataclass(frozen=True)
class FaultCase:
    """A fault, added by `apply` to a `Folder`, and its expected report.

    `file` is relative to the folder; the message must match the regular expression `words`; if `refused`,
    reading the folder must fail as well.
    """

    apply: Callable
    check: str
    severity: str
    file: str
    line: int | None
    words: str
    refused: bool


LIST_NAME = r"fashion(MEN)(\w+)id(\d{8})(\w+\.jpg)"


TREE_PATH = r"img_highres/\1/\2/id_\3/\4"


TRAIN = "fasion-annotation-train.csv"
SWAPPED = swapped("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")


PAIRS = "fasion-pairs-train.csv"


TEST = "fasion-annotation-test.csv"


TEST_PAIRS = "fasion-pairs-test.csv"


FAULT_CASES = {
    "missing pair file": FaultCase(
        lambda f: f.csv("pairs", "test").unlink(),
        "missing-file", ERROR, TEST_PAIRS, None, "there is no", True,
    ),
    "missing annotation file": FaultCase(
        lambda f: f.csv("annotation", "train").unlink(),
        "missing-file", ERROR, TRAIN, None, "there is no", True,
    ),
    "missing folder of images": FaultCase(
        lambda f: shutil.rmtree(f.path / "test"),
        "missing-file", ERROR, "test", None, "there is no folder", True,
    ),
    "a folder instead of a file": FaultCase(
        lambda f: (f.csv("pairs", "train").unlink(), f.csv("pairs", "train").mkdir()),
        "missing-file", ERROR, PAIRS, None, "is a folder, not a file", True,
    ),
    "two spellings": FaultCase(
        lambda f: shutil.copy(f.csv("pairs", "train"), f.path / "fashion-pairs-train.csv"),
        "two-spellings", WARNING, PAIRS, None, "is read, but .* is not", False,
    ),
    "UTF-16": FaultCase(
        lambda f: f.csv("pairs", "train").write_text("\n".join(f.lines("pairs", "train")), "utf-16"),
        "encoding", ERROR, PAIRS, 1, "UTF-16", True,
    ),
    "not UTF-8": FaultCase(
        lambda f: f.csv("annotation", "train").write_bytes(
            f.csv("annotation", "train").read_bytes().replace(b"fashion", b"fashi\xf6n", 2)
        ),
        "encoding", ERROR, TRAIN, 2, "is not UTF-8", True,
    ),
    "byte-order mark": FaultCase(
        lambda f: f.csv("pairs", "test").write_text("\n".join(f.lines("pairs", "test")), "utf-8-sig"),
        "encoding", WARNING, TEST_PAIRS, 1, "byte-order mark", False,
    ),
    "wrong header of pairs": FaultCase(
        lambda f: f.change("pairs", "train", 1, lambda _: "source,target"),
        "wrong-header", ERROR, PAIRS, 1, "expected 'from,to', found 'source,target'", True,
    ),
    "header with an index": FaultCase(
        lambda f: f.write("pairs", "train", [f",{line}" for line in f.lines("pairs", "train")]),
        "wrong-header", ERROR, PAIRS, 1, "first column contains row numbers", True,
    ),
    "no header": FaultCase(
        lambda f: f.write("annotation", "test", f.lines("annotation", "test")[1:]),
        "wrong-header", ERROR, TEST, 1, "the header is missing", True,
    ),
    "columns in another order": FaultCase(
        lambda f: f.change("annotation", "train", 1, lambda _: "name:keypoints_x:keypoints_y"),
        "wrong-header", ERROR, TRAIN, 1, "another order", True,
    ),
    "empty file": FaultCase(
        lambda f: f.csv("annotation", "train").write_text(""),
        "wrong-header", ERROR, TRAIN, 1, "empty", True,
    ),
    "annotation separated by ;": FaultCase(
        lambda f: f.separate("annotation", "train", ":", ";"),
        "wrong-separator", ERROR, TRAIN, 1, "separated by ';' instead of ':'", True,
    ),
    "pairs separated by a tab": FaultCase(
        lambda f: f.separate("pairs", "test", ",", "\t"),
        "wrong-separator", ERROR, TEST_PAIRS, 1, "separated by a tab instead of ','", True,
    ),
    "wrong field count": FaultCase(
        lambda f: f.change("pairs", "train", 4, lambda line: f"{line},{line}"),
        "malformed-line", ERROR, PAIRS, 4, "expected 'from,to'", True,
    ),
    "a row with one list": FaultCase(
        lambda f: f.change("annotation", "train", 3, lambda line: line.rpartition(":")[0].replace(":", ",")),
        "malformed-line", ERROR, TRAIN, 3, "separated by ':'", True,
    ),
    "not JSON": FaultCase(
        lambda f: f.change("annotation", "train", 3, lambda line: line.replace(":[", ":(", 1)),
        "malformed-line", ERROR, TRAIN, 3, "keypoints_y is not a JSON list", True,
    ),
    "17 numbers": FaultCase(
        lambda f: f.change("annotation", "train", 3, lambda line: line.rpartition(",")[0] + "]"),
        "malformed-line", ERROR, TRAIN, 3, "keypoints_x must contain 18 numbers, found 17", True,
    ),
    "NaN": FaultCase(
        lambda f: f.change("annotation", "train", 3, first_number("NaN")),
        "malformed-line", ERROR, TRAIN, 3, "keypoints_y contains nan at position 0", True,
    ),
    "text for a number": FaultCase(
        lambda f: f.change("annotation", "test", 2, first_number('"7"')),
        "malformed-line", ERROR, TEST, 2, "keypoints_y contains '7' at position 0", True,
    ),
    "fractions of a pixel": FaultCase(
        lambda f: f.row("train", 1, lambda points: points + 0.5 * (points >= 0)),
        "fractional-keypoints", WARNING, TRAIN, 3, "with fractions of a pixel", False,
    ),
    "empty split": FaultCase(
        lambda f: f.write("pairs", "test", ["from,to"]),
        "empty-split", ERROR, TEST_PAIRS, 1, "no pair", True,
    ),
    "duplicate name": FaultCase(
        lambda f: f.append("annotation", "train", f.lines("annotation", "train")[2]),
        "duplicate-name", ERROR, TRAIN, 10, "first in line 3", True,
    ),
    "duplicate pair": FaultCase(
        lambda f: f.append("pairs", "test", f.lines("pairs", "test")[1]),
        "duplicate-pair", WARNING, TEST_PAIRS, 14, "already in line 2", False,
    ),
    "pair of an image with itself": FaultCase(
        lambda f: f.append("pairs", "test", f"{f.name('test', 0)},{f.name('test', 0)}"),
        "self-pair", WARNING, TEST_PAIRS, 14, "paired with itself", False,
    ),
    "name that climbs out": FaultCase(
        lambda f: f.append("pairs", "test", f"../train/{f.name('train', 0)},{f.name('test', 0)}"),
        "outside-folder", ERROR, TEST_PAIRS, 14, "outside the data folder", True,
    ),
    "pair without annotation": FaultCase(
        lambda f: f.write("annotation", "train", f.lines("annotation", "train")[:-1]),
        "no-annotation", ERROR, PAIRS, 16, "has no row in", True,
    ),
    "pair across the splits": FaultCase(
        lambda f: f.append("pairs", "train", f"{f.name('train', 0)},{f.name('test', 1)}"),
        "across-splits", ERROR, PAIRS, 26, "belongs to the test split", True,
    ),
    "pair of two people": FaultCase(
        lambda f: f.append("pairs", "train", f"{f.name('train', 0)},{f.name('train', 5)}"),
        "mixed-pair", ERROR, PAIRS, 26, "of different people", False,
    ),
    "image in both splits": FaultCase(
        lambda f: copy_test_row("train", f, 2),
        "image-in-both-splits", WARNING, TRAIN, 10, "is also in the test split", False,
    ),
    "person in both splits": FaultCase(
        person_in_both,
        "identity-in-both-splits", WARNING, TRAIN, 10, "is also in the test split", False,
    ),
    "one content in both splits": FaultCase(
        lambda f: shutil.copy(f.image("train", 0), f.image("test", 1)),
        "same-content", WARNING, TEST, 3, "has the content of the train image", False,
    ),
    "missing image": FaultCase(
        lambda f: f.image("train", 6).unlink(),
        "missing-image", ERROR, TRAIN, 8, "there is no image", True,
    ),
    "another extension": FaultCase(
        lambda f: move_image(f, "train", 6, f.name("train", 6).replace(".jpg", ".JPEG")),
        "missing-image", ERROR, TRAIN, 8, r"\(there is 'fashion.*JPEG'\)", True,
    ),
    "name in the original dataset": FaultCase(
        lambda f: move_image(f, "test", 0, f.name("test", 0).replace("id000", "id_000")),
        "missing-image", ERROR, TEST, 2, r"\(there is 'fashion.*id_000", True,
    ),
    "path in the original dataset": FaultCase(
        lambda f: [f.replace(kind, "test", LIST_NAME, TREE_PATH) for kind in ("annotation", "pairs")],
        "missing-image", ERROR, TEST, 2, r"img_highres/MEN/.*' \(there is 'fashionMEN", True,
    ),
    "truncated image": FaultCase(
        lambda f: f.image("train", 3).write_bytes(f.image("train", 3).read_bytes()[:-300]),
        "unreadable-image", ERROR, TRAIN, 5, "is a truncated JPEG file", True,
    ),
    "no image inside": FaultCase(
        lambda f: f.image("test", 3).write_text("<html>404</html>"),
        "unreadable-image", ERROR, TEST, 5, "is not a PNG, JPEG, WebP or BMP image", True,
    ),
    "empty image": FaultCase(
        lambda f: f.image("test", 3).write_bytes(b""),
        "unreadable-image", ERROR, TEST, 5, "is empty", True,
    ),
    "an image of another size": FaultCase(
        lambda f: resave(f.image("train", 2), (44, 64)),
        "image-size", WARNING, TRAIN, 4, "has 44 x 64 pixels .h x w., most .* have 64 x 44", False,
    ),
    "padded images": FaultCase(
        lambda f: [pad(path) for path in (f.path / "train").iterdir()],
        "padded-images", ERROR, TRAIN, 2, r"8 of 8 sampled images have uniform bars .* padded", False,
    ),
    "an image without a row": FaultCase(
        lambda f: (f.path / "train" / "extra.jpg").write_bytes(b"x"),
        "unlisted-image", WARNING, TRAIN, None, "contains 1 file.* does not list: 'extra.jpg'", False,
    ),
    "a row without a keypoint": FaultCase(
        lambda f: f.row("train", 4, missing),
        "no-keypoints", WARNING, TRAIN, 6, "has no keypoint", False,
    ),
    "no keypoints at all": FaultCase(
        lambda f: f.points("test", missing),
        "no-keypoints", ERROR, TEST, 2, "has no keypoint", False,
    ),
    "half a keypoint": FaultCase(
        lambda f: f.row("train", 4, set_point(0, 30, -1)),
        "half-missing", WARNING, TRAIN, 6, "has keypoint 0 with one coordinate", False,
    ),
    "missing keypoints as 0": FaultCase(
        lambda f: f.points("train", lambda points: np.where(points < 0, 0, points)),
        "zero-keypoints", ERROR, TRAIN, 2, r"keypoints? .*at \(0, 0\)", False,
    ),
    "keypoints outside their frame": FaultCase(
        lambda f: f.row("train", 4, set_point(0, 30, 176)),
        "outside-frame", WARNING, TRAIN, 6, r"has keypoint 0 outside the frame of 256 x 176 \(h x w\)", False,
    ),
    "keypoints in 256 x 256": FaultCase(
        lambda f: f.points("train", scaled(1, 256 / 176)),
        "wrong-frame", ERROR, TRAIN, 2, r"of 256 x 256 .*rows have a keypoint outside 256 x 176", False,
    ),
    "keypoints scaled twice": FaultCase(
        lambda f: f.points("train", scaled(1, 176 / 256)),
        "wrong-frame", ERROR, TRAIN, 2, "in pixels of 256 x 121 .*twice, not of 256 x 176", False,
    ),
    "keypoints of full-size photographs": FaultCase(
        lambda f: f.points("train", scaled(1101 / 256, 750 / 176)),
        "wrong-frame", ERROR, TRAIN, 2, "in pixels of 1101 x 750", True,
    ),
    "keypoints in fractions of the image": FaultCase(
        lambda f: f.points("train", lambda points: np.where(points < 0, -1, points / (256, 176))),
        "wrong-frame", ERROR, TRAIN, 2, "in fractions of the image", True,
    ),
    "y and x swapped": FaultCase(
        lambda f: f.points("train", lambda points: points[:, ::-1]),
        "swapped-axes", ERROR, TRAIN, 2, r"neck to hips is horizontal in \d of \d rows", False,
    ),
    "left and right swapped": FaultCase(
        lambda f: f.points("train", lambda points: points[SWAPPED]),
        "implausible-keypoints", ERROR, TRAIN, 2, r"left and right are swapped: in \d of \d people", True,
    ),
    "another order of keypoints": FaultCase(
        lambda f: f.points("train", lambda points: points[::-1]),
        "implausible-keypoints", ERROR, TRAIN, 2, "do not fit their names, but would in another order", True,
    ),
    "a protocol that is none": FaultCase(
        write_protocol(height="tall"),
        "protocol", ERROR, "protocol.json", None, "height must be", False,
    ),
    "the protocol of another layout": FaultCase(
        write_protocol(layout="market1501", source="bounding_box"),
        "protocol", ERROR, "protocol.json", None, "specifies the layout 'market1501'", False,
    ),
    "a protocol of another size": FaultCase(
        write_protocol(width=64),
        "protocol", ERROR, TRAIN, 2, "has 64 x 44 pixels .h x w., protocol.json specifies 64 x 64", False,
    ),
    "a protocol of another format": FaultCase(
        write_protocol(format="png", quality=None),
        "protocol", ERROR, TRAIN, 2, "is a JPEG file, protocol.json specifies PNG", False,
    ),
}  # fmt: skip
