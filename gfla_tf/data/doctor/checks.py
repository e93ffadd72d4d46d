"""What the doctor looks for, and the form in which it reports what it finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass

ERROR, WARNING = "error", "warning"
_LONGEST = 2000  # characters of a sentence, whatever stands in the files


@dataclass(frozen=True)
class Check:
    """One kind of fault: its `title` in a summary, and the `advice` that puts it right."""

    title: str
    advice: str


CHECKS = {
    "missing-file": Check(
        "missing files",
        "each split needs its pair file, its annotation file and its folder of images: `gfla data prepare` "
        "makes them of what the dataset's owners hand out",
    ),
    "two-spellings": Check("files in two spellings", "remove or rename the one that is not meant"),
    "encoding": Check("text encodings", "save the file as UTF-8 without a byte-order mark"),
    "wrong-header": Check("wrong headers", "write the header as the first line, exactly as shown"),
    "wrong-separator": Check(
        "wrong separators", "pair files are separated by ',' and annotation files by ':': write it again so"
    ),
    "malformed-line": Check("malformed lines", "correct the line, or remove it"),
    "fractional-keypoints": Check(
        "fractions of a pixel", "keypoints are whole pixels: fractions are cut off where poses are drawn"
    ),
    "empty-split": Check("empty splits", "list at least one pair of images"),
    "duplicate-name": Check("names that stand twice", "keep one row of each name"),
    "duplicate-pair": Check("pairs that stand twice", "remove the second: it counts double in every figure"),
    "self-pair": Check("pairs of an image with itself", "remove them: they teach copying"),
    "outside-folder": Check(
        "names outside the folder", "name images by their place in the folder of their split"
    ),
    "no-annotation": Check("pairs without annotation", "add the image's row, or remove the pair"),
    "across-splits": Check(
        "pairs across the splits", "pair images of one split only: the test images must stay unseen"
    ),
    "mixed-pair": Check("pairs of two people", "pair images of one person"),
    "image-in-both-splits": Check(
        "images in both splits", "remove them from the training split, or test figures are of images it saw"
    ),
    "identity-in-both-splits": Check(
        "people in both splits", "remove them from the training split, or test figures are of people it saw"
    ),
    "same-content": Check(
        "images of the same content", "keep one of them, and not in both splits: that flatters the figures"
    ),
    "missing-image": Check(
        "missing images", "put the image there, correct its name, or remove its row and its pairs"
    ),
    "unreadable-image": Check("unreadable images", "copy the image again, or remove its row and its pairs"),
    "image-size": Check(
        "images of another size", "prepare the images to one size: `gfla data prepare`; any size is resized"
    ),
    "padded-images": Check(
        "padded images",
        "cut the bars off, or prepare the images of img_highres, which have none: `gfla data prepare`",
    ),
    "unlisted-image": Check("images without a row", "nothing reads them: add rows, or leave them"),
    "no-keypoints": Check(
        "rows without a keypoint", "find the pose again (`gfla pose`), or remove the row and its pairs"
    ),
    "half-missing": Check("keypoints with one coordinate", "a missing keypoint is -1 in both lists"),
    "zero-keypoints": Check(
        "keypoints at (0, 0)", "write missing keypoints as -1: at 0, 0 they are drawn into the corner"
    ),
    "outside-frame": Check(
        "keypoints outside their frame", "mark them as missing (-1), or bring them into the frame"
    ),
    "wrong-frame": Check(
        "keypoints in another frame",
        "scale the keypoints to the frame of the layout, once and in whole pixels",
    ),
    "swapped-axes": Check("y and x swapped", "write the columns as name:keypoints_y:keypoints_x"),
    "protocol": Check(
        "protocol.json", "prepare the data again, so that figures carry how their images were made"
    ),
}
"""By its name in the JSON report, each kind of fault, in the order of the summary."""


@dataclass(frozen=True)
class Fault:
    """One thing found.

    Attributes:
      check: which of `CHECKS`.
      severity: "error" where training would fail or learn from something wrong, else "warning".
      sentence: what is wrong and where.
      split: "train", "test" or None.
      file, line: where it is written: a path and a line counted from 1; None where it is nowhere.
      image: the name, in the split, of the image concerned, or None.
    """

    check: str
    severity: str
    sentence: str
    split: str | None = None
    file: str | None = None
    line: int | None = None
    image: str | None = None

    def to_dict(self) -> dict:
        """JSON-ready."""
        return asdict(self)


class FaultList:
    """Collects faults in the order in which they are found."""

    def __init__(self):
        self.found: list[Fault] = []

    def error(self, check: str, sentence: str, **where) -> None:
        """Training would fail, or learn from something wrong. `where`: the fields of `Fault`."""
        self._add(ERROR, check, sentence, where)

    def warning(self, check: str, sentence: str, **where) -> None:
        """Training goes on, but a figure or a sample is not what it seems."""
        self._add(WARNING, check, sentence, where)

    def _add(self, severity: str, check: str, sentence: str, where: dict) -> None:
        if check not in CHECKS:
            raise ValueError(f"check must be one of {', '.join(CHECKS)}, got {check!r}")
        if len(sentence) > _LONGEST:
            sentence = f"{sentence[: _LONGEST // 2]} ... {sentence[-_LONGEST // 4 :]}"
        self.found.append(Fault(check, severity, sentence, **where))
