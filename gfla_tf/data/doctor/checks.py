"""The kinds of faults, and the list of faults that were found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

ERROR, WARNING = "error", "warning"
_MAX_LENGTH = 2000  # characters of a message


@dataclass(frozen=True)
class Check:
    """One kind of fault: its `title` in the report, and the `advice` to fix it."""

    title: str
    advice: str


CHECKS = {
    "missing-file": Check(
        "missing files",
        "each split needs a pair file, an annotation file and a folder of images: `gfla data prepare` "
        "creates them from the original dataset",
    ),
    "two-spellings": Check("files in two spellings", "remove or rename one of them"),
    "encoding": Check("text encodings", "save the file as UTF-8 without a byte-order mark"),
    "wrong-header": Check("wrong headers", "write the header as the first line, exactly as shown"),
    "wrong-separator": Check("wrong separators", "use ',' in pair files and ':' in annotation files"),
    "malformed-line": Check("malformed lines", "correct the line, or remove it"),
    "fractional-keypoints": Check(
        "fractions of a pixel", "keypoints are whole pixels: fractions are truncated in the heatmaps"
    ),
    "empty-split": Check("empty splits", "list at least one pair of images"),
    "duplicate-name": Check("duplicate names", "keep one row per name"),
    "duplicate-pair": Check("duplicate pairs", "remove one: duplicates count twice in every metric"),
    "self-pair": Check("pairs of an image with itself", "remove them: the model would learn to copy"),
    "outside-folder": Check("names outside the folder", "use paths relative to the folder of the split"),
    "no-annotation": Check("pairs without annotation", "add the image's row, or remove the pair"),
    "across-splits": Check(
        "pairs across the splits", "pair images of one split only: the test images must stay unseen"
    ),
    "mixed-pair": Check("pairs of two people", "pair images of one person"),
    "image-in-both-splits": Check(
        "images in both splits",
        "remove them from the training split, or metrics are measured on training images",
    ),
    "identity-in-both-splits": Check(
        "people in both splits",
        "remove them from the training split, or metrics are measured on people seen in training",
    ),
    "same-content": Check(
        "images of the same content",
        "keep one of them, and not in both splits: that would improve metrics unduly",
    ),
    "missing-image": Check(
        "missing images", "add the image, correct its name, or remove its row and its pairs"
    ),
    "unreadable-image": Check("unreadable images", "copy the image again, or remove its row and its pairs"),
    "image-size": Check(
        "images of another size",
        "prepare the images in one size with `gfla data prepare`; other sizes are resized",
    ),
    "padded-images": Check(
        "padded images",
        "crop the bars, or prepare the images of img_highres, which have none, with `gfla data prepare`",
    ),
    "unlisted-image": Check("images without a row", "they are not used: add rows if they should be"),
    "no-keypoints": Check(
        "rows without a keypoint", "estimate the pose again (`gfla pose`), or remove the row and its pairs"
    ),
    "half-missing": Check("keypoints with one coordinate", "a missing keypoint is -1 in both lists"),
    "zero-keypoints": Check(
        "keypoints at (0, 0)", "write missing keypoints as -1: (0, 0) is the corner pixel"
    ),
    "outside-frame": Check("keypoints outside their frame", "mark them as missing (-1), or correct them"),
    "wrong-frame": Check(
        "keypoints in another frame",
        "scale the keypoints to the frame of the layout, once and in whole pixels",
    ),
    "swapped-axes": Check("y and x swapped", "write the columns as name:keypoints_y:keypoints_x"),
    "implausible-keypoints": Check(
        "keypoints of other names", "correct the order of the keypoints, and which are left and right"
    ),
    "protocol": Check(
        "protocol.json", "prepare the data again, so that metrics are reported with their protocol"
    ),
}
"""The kinds of faults by their names in the JSON report, in the order of the text report."""


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
      check: its kind, a key of `CHECKS`.
      severity: "error" if training would fail or be degraded, otherwise "warning".
      sentence: the message, with the position of the fault.
      split: "train", "test" or None.
      file, line: path and line number (from 1) of the fault, or None.
      image: the name of the image in the split, or None.
    """

    check: str
    severity: str
    sentence: str
    split: str | None = None
    file: str | None = None
    line: int | None = None
    image: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the fault as a dict for JSON."""
        return asdict(self)


class FaultList:
    """The faults that were found, in order."""

    def __init__(self):
        self.found: list[Fault] = []

    def error(self, check: str, sentence: str, **where: Any) -> None:
        """Adds a fault with which training would fail or be degraded; `where` are fields of `Fault`."""
        self._add(ERROR, check, sentence, where)

    def warning(self, check: str, sentence: str, **where: Any) -> None:
        """Adds a fault that does not stop training but affects metrics or samples."""
        self._add(WARNING, check, sentence, where)

    def _add(self, severity: str, check: str, sentence: str, where: dict[str, Any]) -> None:
        if check not in CHECKS:
            raise ValueError(f"check must be one of {', '.join(CHECKS)}, got {check!r}")
        if len(sentence) > _MAX_LENGTH:
            sentence = f"{sentence[: _MAX_LENGTH // 2]} ... {sentence[-_MAX_LENGTH // 4 :]}"
        self.found.append(Fault(check, severity, sentence, **where))
