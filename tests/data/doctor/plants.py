"""Faults planted into a copy of a drawn folder, and what the doctor is to say of each."""

import json
import re
import shutil
from dataclasses import dataclass

import cv2
import numpy as np

from gfla_tf.data.doctor import ERROR, WARNING


class Folder:
    """A data folder in the layout of DeepFashion, to be damaged."""

    def __init__(self, path):
        self.path = path

    def csv(self, kind, split):
        return self.path / f"fasion-{kind}-{split}.csv"

    def lines(self, kind, split):
        return self.csv(kind, split).read_text().splitlines()

    def write(self, kind, split, lines):
        self.csv(kind, split).write_text("\n".join(lines) + "\n")

    def change(self, kind, split, line, change):
        """Replaces a line, counted from 1, by change(line)."""
        lines = self.lines(kind, split)
        lines[line - 1] = change(lines[line - 1])
        self.write(kind, split, lines)

    def separate(self, kind, split, separator, other):
        """Another separator in every line."""
        self.write(kind, split, [line.replace(separator, other) for line in self.lines(kind, split)])

    def replace(self, kind, split, pattern, by):
        """Replaces what matches a regular expression."""
        self.csv(kind, split).write_text(re.sub(pattern, by, self.csv(kind, split).read_text()))

    def append(self, kind, split, line):
        self.write(kind, split, [*self.lines(kind, split), line])

    def name(self, split, number):
        """The name in row `number`, counted from 0, which stands on line number + 2."""
        return self.lines("annotation", split)[number + 1].split(":")[0]

    def image(self, split, number):
        return self.path / split / self.name(split, number)

    def points(self, split, change):
        """Replaces each row's keypoints int [18, 2] (y, x), -1 missing, by change(keypoints)."""
        lines = self.lines("annotation", split)
        for place, line in enumerate(lines[1:], 1):
            name, y, x = line.split(":")
            points = change(np.array([json.loads(y), json.loads(x)]).T)
            lines[place] = f"{name}:{json.dumps(points[:, 0].tolist())}:{json.dumps(points[:, 1].tolist())}"
        self.write("annotation", split, lines)

    def row(self, split, number, change):
        """Replaces the keypoints of one row."""

        def one(line):
            name, y, x = line.split(":")
            points = change(np.array([json.loads(y), json.loads(x)]).T)
            return f"{name}:{json.dumps(points[:, 0].tolist())}:{json.dumps(points[:, 1].tolist())}"

        self.change("annotation", split, number + 2, one)


@dataclass(frozen=True)
class Plant:
    """A fault: how it is planted, the check that finds it with its severity, the file (under the folder) and
    line that the sentence names, words of it, and whether reading the folder refuses it too.
    """

    plant: object
    check: str
    severity: str
    file: str
    line: int | None
    words: str
    refused: bool


def _scaled(factor_y, factor_x):
    factors = np.array([factor_y, factor_x])
    return lambda points: np.where(points < 0, -1, np.rint(points * factors)).astype(int)


def _missing(points):
    return np.full_like(points, -1)


def _set(number, y, x):
    def change(points):
        points[number] = y, x
        return points

    return change


def _first_number(text):
    """Replaces the first y of a row."""
    return lambda line: re.sub(r":\[-?\d+", f":[{text}", line, count=1)


def _resave(path, size):
    assert cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), size[::-1]))


def _pad(path):
    """White bars left and right, to a square."""
    picture = cv2.imread(str(path))
    bar = (picture.shape[0] - picture.shape[1]) // 2
    padded = cv2.copyMakeBorder(picture, 0, 0, bar, bar, cv2.BORDER_CONSTANT, value=(255,) * 3)
    assert cv2.imwrite(str(path), padded, [cv2.IMWRITE_JPEG_QUALITY, 92])


def _move_image(folder, split, number, name):
    shutil.move(folder.image(split, number), folder.path / split / name)


def _protocol(**changes):
    values = {
        **{"schema": 1, "layout": "deepfashion", "source": "img_highres", "interpolation": "area"},
        **{"height": 64, "width": 44, "format": "jpeg", "quality": 98, "gfla_tf": "1.0"},
        **changes,
    }
    return lambda folder: (folder.path / "protocol.json").write_text(json.dumps(values))


def _both(split_of_row, folder, number):
    """The row `number` of the test split, in the training split too."""
    folder.append("annotation", split_of_row, folder.lines("annotation", "test")[number + 1])
    shutil.copy(folder.image("test", number), folder.path / split_of_row)


def _person_in_both(folder):
    """A training image under another name of a test person."""
    lines = folder.lines("annotation", "train")
    name = folder.name("test", 0).replace("1front", "9other")
    shutil.copy(folder.image("train", 0), folder.path / "train" / name)
    path = folder.path / "train" / name
    path.write_bytes(path.read_bytes() + b"\0")
    folder.append("annotation", "train", ":".join([name, *lines[1].split(":")[1:]]))


_flat, _path = r"fashion(MEN)(\w+)id(\d{8})(\w+\.jpg)", r"img_highres/\1/\2/id_\3/\4"

TRAIN, PAIRS = "fasion-annotation-train.csv", "fasion-pairs-train.csv"
TEST, TEST_PAIRS = "fasion-annotation-test.csv", "fasion-pairs-test.csv"

PLANTS = {
    "missing pair file": Plant(
        lambda f: f.csv("pairs", "test").unlink(),
        "missing-file", ERROR, TEST_PAIRS, None, "there is no", True,
    ),
    "missing annotation file": Plant(
        lambda f: f.csv("annotation", "train").unlink(),
        "missing-file", ERROR, TRAIN, None, "there is no", True,
    ),
    "missing folder of images": Plant(
        lambda f: shutil.rmtree(f.path / "test"),
        "missing-file", ERROR, "test", None, "there is no folder", True,
    ),
    "a folder in place of a file": Plant(
        lambda f: (f.csv("pairs", "train").unlink(), f.csv("pairs", "train").mkdir()),
        "missing-file", ERROR, PAIRS, None, "is a folder, not a file", True,
    ),
    "two spellings": Plant(
        lambda f: shutil.copy(f.csv("pairs", "train"), f.path / "fashion-pairs-train.csv"),
        "two-spellings", WARNING, PAIRS, None, "beside it is not", False,
    ),
    "UTF-16": Plant(
        lambda f: f.csv("pairs", "train").write_text("\n".join(f.lines("pairs", "train")), "utf-16"),
        "encoding", ERROR, PAIRS, 1, "UTF-16", True,
    ),
    "not UTF-8": Plant(
        lambda f: f.csv("annotation", "train").write_bytes(
            f.csv("annotation", "train").read_bytes().replace(b"fashion", b"fashi\xf6n", 2)
        ),
        "encoding", ERROR, TRAIN, 2, "is not UTF-8", True,
    ),
    "byte-order mark": Plant(
        lambda f: f.csv("pairs", "test").write_text("\n".join(f.lines("pairs", "test")), "utf-8-sig"),
        "encoding", WARNING, TEST_PAIRS, 1, "byte-order mark", False,
    ),
    "wrong header of pairs": Plant(
        lambda f: f.change("pairs", "train", 1, lambda _: "source,target"),
        "wrong-header", ERROR, PAIRS, 1, "expected 'from,to', found 'source,target'", True,
    ),
    "header with an index": Plant(
        lambda f: f.write("pairs", "train", [f",{line}" for line in f.lines("pairs", "train")]),
        "wrong-header", ERROR, PAIRS, 1, "row numbers is in front", True,
    ),
    "no header": Plant(
        lambda f: f.write("annotation", "test", f.lines("annotation", "test")[1:]),
        "wrong-header", ERROR, TEST, 1, "the header is missing", True,
    ),
    "columns in another order": Plant(
        lambda f: f.change("annotation", "train", 1, lambda _: "name:keypoints_x:keypoints_y"),
        "wrong-header", ERROR, TRAIN, 1, "another order", True,
    ),
    "empty file": Plant(
        lambda f: f.csv("annotation", "train").write_text(""),
        "wrong-header", ERROR, TRAIN, 1, "empty", True,
    ),
    "annotation separated by ;": Plant(
        lambda f: f.separate("annotation", "train", ":", ";"),
        "wrong-separator", ERROR, TRAIN, 1, "separated by ';' instead of ':'", True,
    ),
    "pairs separated by a tab": Plant(
        lambda f: f.separate("pairs", "test", ",", "\t"),
        "wrong-separator", ERROR, TEST_PAIRS, 1, "separated by a tab instead of ','", True,
    ),
    "wrong field count": Plant(
        lambda f: f.change("pairs", "train", 4, lambda line: f"{line},{line}"),
        "malformed-line", ERROR, PAIRS, 4, "expected 'from,to'", True,
    ),
    "a row with one list": Plant(
        lambda f: f.change("annotation", "train", 3, lambda line: line.rpartition(":")[0].replace(":", ",")),
        "malformed-line", ERROR, TRAIN, 3, "separated by ':'", True,
    ),
    "not JSON": Plant(
        lambda f: f.change("annotation", "train", 3, lambda line: line.replace(":[", ":(", 1)),
        "malformed-line", ERROR, TRAIN, 3, "keypoints_y is not a JSON list", True,
    ),
    "17 numbers": Plant(
        lambda f: f.change("annotation", "train", 3, lambda line: line.rpartition(",")[0] + "]"),
        "malformed-line", ERROR, TRAIN, 3, "keypoints_x must hold 18 numbers, found 17", True,
    ),
    "NaN": Plant(
        lambda f: f.change("annotation", "train", 3, _first_number("NaN")),
        "malformed-line", ERROR, TRAIN, 3, "keypoints_y holds nan at position 0", True,
    ),
    "text for a number": Plant(
        lambda f: f.change("annotation", "test", 2, _first_number('"7"')),
        "malformed-line", ERROR, TEST, 2, "keypoints_y holds '7' at position 0", True,
    ),
    "fractions of a pixel": Plant(
        lambda f: f.row("train", 1, lambda points: points + 0.5 * (points >= 0)),
        "fractional-keypoints", WARNING, TRAIN, 3, "in fractions", False,
    ),
    "empty split": Plant(
        lambda f: f.write("pairs", "test", ["from,to"]),
        "empty-split", ERROR, TEST_PAIRS, 1, "no pair", True,
    ),
    "duplicate name": Plant(
        lambda f: f.append("annotation", "train", f.lines("annotation", "train")[2]),
        "duplicate-name", ERROR, TRAIN, 10, "the first is line 3", True,
    ),
    "duplicate pair": Plant(
        lambda f: f.append("pairs", "test", f.lines("pairs", "test")[1]),
        "duplicate-pair", WARNING, TEST_PAIRS, 14, "stands on line 2 already", False,
    ),
    "pair of an image with itself": Plant(
        lambda f: f.append("pairs", "test", f"{f.name('test', 0)},{f.name('test', 0)}"),
        "self-pair", WARNING, TEST_PAIRS, 14, "paired with itself", False,
    ),
    "name that climbs out": Plant(
        lambda f: f.append("pairs", "test", f"../train/{f.name('train', 0)},{f.name('test', 0)}"),
        "outside-folder", ERROR, TEST_PAIRS, 14, "outside the data folder", True,
    ),
    "pair without annotation": Plant(
        lambda f: f.write("annotation", "train", f.lines("annotation", "train")[:-1]),
        "no-annotation", ERROR, PAIRS, 16, "has no row in", True,
    ),
    "pair across the splits": Plant(
        lambda f: f.append("pairs", "train", f"{f.name('train', 0)},{f.name('test', 1)}"),
        "across-splits", ERROR, PAIRS, 26, "belongs to the test split", True,
    ),
    "pair of two people": Plant(
        lambda f: f.append("pairs", "train", f"{f.name('train', 0)},{f.name('train', 5)}"),
        "mixed-pair", ERROR, PAIRS, 26, "of two people", False,
    ),
    "image in both splits": Plant(
        lambda f: _both("train", f, 2),
        "image-in-both-splits", WARNING, TRAIN, 10, "is also in the test split", False,
    ),
    "person in both splits": Plant(
        _person_in_both,
        "identity-in-both-splits", WARNING, TRAIN, 10, "is in the test split too", False,
    ),
    "one content in both splits": Plant(
        lambda f: shutil.copy(f.image("train", 0), f.image("test", 1)),
        "same-content", WARNING, TEST, 3, "has the content of the train image", False,
    ),
    "missing image": Plant(
        lambda f: f.image("train", 6).unlink(),
        "missing-image", ERROR, TRAIN, 8, "there is no image", True,
    ),
    "another extension": Plant(
        lambda f: _move_image(f, "train", 6, f.name("train", 6).replace(".jpg", ".JPEG")),
        "missing-image", ERROR, TRAIN, 8, r"\(there is 'fashion.*JPEG'\)", True,
    ),
    "the owners' name": Plant(
        lambda f: _move_image(f, "test", 0, f.name("test", 0).replace("id000", "id_000")),
        "missing-image", ERROR, TEST, 2, r"\(there is 'fashion.*id_000", True,
    ),
    "the owners' path": Plant(
        lambda f: [f.replace(kind, "test", _flat, _path) for kind in ("annotation", "pairs")],
        "missing-image", ERROR, TEST, 2, r"img_highres/MEN/.*' \(there is 'fashionMEN", True,
    ),
    "truncated image": Plant(
        lambda f: f.image("train", 3).write_bytes(f.image("train", 3).read_bytes()[:-300]),
        "unreadable-image", ERROR, TRAIN, 5, "is a truncated JPEG file", True,
    ),
    "no image inside": Plant(
        lambda f: f.image("test", 3).write_text("<html>404</html>"),
        "unreadable-image", ERROR, TEST, 5, "is not a PNG, JPEG, WebP or BMP image", True,
    ),
    "empty image": Plant(
        lambda f: f.image("test", 3).write_bytes(b""),
        "unreadable-image", ERROR, TEST, 5, "is empty", True,
    ),
    "an image of another size": Plant(
        lambda f: _resave(f.image("train", 2), (44, 64)),
        "image-size", WARNING, TRAIN, 4, "has 44 x 64 pixels .h x w., most .* have 64 x 44", False,
    ),
    "padded images": Plant(
        lambda f: [_pad(path) for path in (f.path / "train").iterdir()],
        "padded-images", ERROR, TRAIN, 2, r"8 of 8 images looked at have even bars .* padded", False,
    ),
    "an image without a row": Plant(
        lambda f: (f.path / "train" / "extra.jpg").write_bytes(b"x"),
        "unlisted-image", WARNING, TRAIN, None, "holds 1 file.* does not list: 'extra.jpg'", False,
    ),
    "a row without a keypoint": Plant(
        lambda f: f.row("train", 4, _missing),
        "no-keypoints", WARNING, TRAIN, 6, "has no keypoint", False,
    ),
    "no keypoints at all": Plant(
        lambda f: f.points("test", _missing),
        "no-keypoints", ERROR, TEST, 2, "has no keypoint", False,
    ),
    "half a keypoint": Plant(
        lambda f: f.row("train", 4, _set(0, 30, -1)),
        "half-missing", WARNING, TRAIN, 6, "has keypoint 0 half missing", False,
    ),
    "missing keypoints as 0": Plant(
        lambda f: f.points("train", lambda points: np.where(points < 0, 0, points)),
        "zero-keypoints", ERROR, TRAIN, 2, r"keypoints? .*at \(0, 0\)", False,
    ),
    "keypoints outside their frame": Plant(
        lambda f: f.row("train", 4, _set(0, 30, 176)),
        "outside-frame", WARNING, TRAIN, 6, r"has keypoint 0 outside the frame of 256 x 176 \(h x w\)", False,
    ),
    "keypoints in 256 x 256": Plant(
        lambda f: f.points("train", _scaled(1, 256 / 176)),
        "wrong-frame", ERROR, TRAIN, 2, r"of 256 x 256 .*rows have a keypoint beyond 256 x 176", False,
    ),
    "keypoints scaled twice": Plant(
        lambda f: f.points("train", _scaled(1, 176 / 256)),
        "wrong-frame", ERROR, TRAIN, 2, "in pixels of 256 x 121 .*once too often, not of 256 x 176", False,
    ),
    "keypoints of full-size photographs": Plant(
        lambda f: f.points("train", _scaled(1101 / 256, 750 / 176)),
        "wrong-frame", ERROR, TRAIN, 2, "in pixels of 1101 x 750", False,
    ),
    "keypoints in fractions of the image": Plant(
        lambda f: f.points("train", lambda points: np.where(points < 0, -1, points / (256, 176))),
        "wrong-frame", ERROR, TRAIN, 2, "in fractions of the image", False,
    ),
    "y and x swapped": Plant(
        lambda f: f.points("train", lambda points: points[:, ::-1]),
        "swapped-axes", ERROR, TRAIN, 2, r"from neck to hips runs sideways in \d of \d rows", False,
    ),
    "a protocol that is none": Plant(
        _protocol(height="tall"),
        "protocol", ERROR, "protocol.json", None, "height must be", False,
    ),
    "the protocol of another layout": Plant(
        _protocol(layout="market1501", source="bounding_box"),
        "protocol", ERROR, "protocol.json", None, "the layout is 'market1501'", False,
    ),
    "a protocol of another size": Plant(
        _protocol(width=64),
        "protocol", ERROR, TRAIN, 2, "has 64 x 44 pixels .h x w., protocol.json says 64 x 64", False,
    ),
    "a protocol of another format": Plant(
        _protocol(format="png", quality=None),
        "protocol", ERROR, TRAIN, 2, "is a JPEG file, protocol.json says PNG", False,
    ),
}  # fmt: skip
