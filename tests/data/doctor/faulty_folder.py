"""A data folder to be damaged, and the changes that damage it."""

import json
import re
import shutil

import cv2
import numpy as np


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
        """The name in row `number`, counted from 0, in line number + 2."""
        return self.lines("annotation", split)[number + 1].split(":")[0]

    def image(self, split, number):
        return self.path / split / self.name(split, number)

    def points(self, split, change):
        """Replaces each row's keypoints int [18, 2] (y, x), -1 missing, by change(keypoints)."""
        lines = self.lines("annotation", split)
        for index, line in enumerate(lines[1:], 1):
            name, y, x = line.split(":")
            points = change(np.array([json.loads(y), json.loads(x)]).T)
            lines[index] = f"{name}:{json.dumps(points[:, 0].tolist())}:{json.dumps(points[:, 1].tolist())}"
        self.write("annotation", split, lines)

    def row(self, split, number, change):
        """Replaces the keypoints of one row."""

        def one(line):
            name, y, x = line.split(":")
            points = change(np.array([json.loads(y), json.loads(x)]).T)
            return f"{name}:{json.dumps(points[:, 0].tolist())}:{json.dumps(points[:, 1].tolist())}"

        self.change("annotation", split, number + 2, one)


def scaled(factor_y, factor_x):
    factors = np.array([factor_y, factor_x])
    return lambda points: np.where(points < 0, -1, np.rint(points * factors)).astype(int)


def missing(points):
    return np.full_like(points, -1)


def set_point(number, y, x):
    def change(points):
        points[number] = y, x
        return points

    return change


def first_number(text):
    """Replaces the first y of a row."""
    return lambda line: re.sub(r":\[-?\d+", f":[{text}", line, count=1)


def resave(path, size):
    assert cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), size[::-1]))


def pad(path):
    """White bars left and right, to a square."""
    picture = cv2.imread(str(path))
    bar = (picture.shape[0] - picture.shape[1]) // 2
    padded = cv2.copyMakeBorder(picture, 0, 0, bar, bar, cv2.BORDER_CONSTANT, value=(255,) * 3)
    assert cv2.imwrite(str(path), padded, [cv2.IMWRITE_JPEG_QUALITY, 92])


def move_image(folder, split, number, name):
    shutil.move(folder.image(split, number), folder.path / split / name)


def write_protocol(**changes):
    values = {
        **{"schema": 1, "layout": "deepfashion", "source": "img_highres", "interpolation": "area"},
        **{"height": 64, "width": 44, "format": "jpeg", "quality": 98, "gfla_tf": "1.0"},
        **changes,
    }
    return lambda folder: (folder.path / "protocol.json").write_text(json.dumps(values))


def copy_test_row(split_of_row, folder, number):
    """The row `number` of the test split, in the training split too."""
    folder.append("annotation", split_of_row, folder.lines("annotation", "test")[number + 1])
    shutil.copy(folder.image("test", number), folder.path / split_of_row)


def person_in_both(folder):
    """A training image under another name of a test person."""
    lines = folder.lines("annotation", "train")
    name = folder.name("test", 0).replace("1front", "9other")
    shutil.copy(folder.image("train", 0), folder.path / "train" / name)
    path = folder.path / "train" / name
    path.write_bytes(path.read_bytes() + b"\0")
    folder.append("annotation", "train", ":".join([name, *lines[1].split(":")[1:]]))
