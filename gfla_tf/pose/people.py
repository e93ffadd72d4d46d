"""The people of one image, independent of the file format, and the selection of one of them."""

from __future__ import annotations

import dataclasses
import logging
import unicodedata

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.pose.frame import check_frame, check_size
from gfla_tf.pose.skeletons import box_area
from gfla_tf.pose.units import Units

_LONGEST_NAME = 1000
_LOG = logging.getLogger("gfla_tf")


class NoPersonError(InputError):
    """The image contains no person, or not the requested one."""


def is_image_name(value: object) -> bool:
    """Whether an entry of a JSON file can be the name of an image: a short string without control characters.

    Spaces of any kind, such as U+202F in the names of screenshots, are part of a name.
    """
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
        return False
    return not any(unicodedata.category(char) in ("Cc", "Cs") for char in value)


@dataclasses.dataclass(frozen=True)
class PosedImage:
    """The people found in one image.

    Attributes:
      name: the file name of the image; if unknown, that of the pose file without its extension.
      frame: (H, W) of the image in the keypoints' pixels, None if unknown. Keypoints may be outside it.
      people: one float32 [25, 3] (y, x, confidence) per person (`gfla_tf.pose.skeletons`), in the order of
        the file.
      where: the source, for messages.

    Raises:
      ValueError: the frame is not two whole numbers of pixels.
    """

    name: str
    frame: tuple[int, int] | None
    people: tuple[np.ndarray, ...]
    where: str

    def __post_init__(self):
        if self.frame is not None:
            object.__setattr__(self, "frame", check_size(self.frame, f"the frame of {self.where!r}"))

    def choose(self, person: int | None = None) -> np.ndarray:
        """Selects one person, float32 [25, 3]: that of index `person`, or by default the largest.

        The largest person has the largest bounding box of found keypoints. If there are several, a warning
        with its index is logged.

        Raises:
          NoPersonError: there is no person, no such index, or the person has no found keypoint.
        """
        if not self.people:
            raise NoPersonError(f"{self.where!r} contains no person: its list of people is empty")
        if person is not None and not 0 <= person < len(self.people):
            raise NoPersonError(
                f"{self.where!r} has no person {person}: it contains {len(self.people)}, counted from 0"
            )
        sizes = [(box_area(one), np.count_nonzero(one[:, 2])) for one in self.people]
        chosen = sizes.index(max(sizes)) if person is None else person
        if not sizes[chosen][1]:
            raise NoPersonError(f"{self.where!r} has no keypoint: all are missing or of too low confidence")
        if person is None and sum(count > 0 for _, count in sizes) > 1:
            _LOG.warning(
                "%r contains %d people: the largest, person %d, is used",
                *(self.where, len(self.people), chosen),
            )
        return self.people[chosen]

    def in_pixels(self, units: Units) -> PosedImage:
        """Converts keypoints of the given units to pixels of the frame.

        Raises:
          InputError: they are fractions and the frame is unknown.
        """
        if units is Units.PIXELS or not self.people:
            return self
        if self.frame is None:
            raise InputError(
                f"the pose {self.where!r} is in {units.value}, whose size is unknown: give it in pixels, "
                "record the size in the file (OpenPose: canvas_height, canvas_width), or pass it as HxW "
                "(--frame, --source-frame or --target-frame)"
            )
        people = tuple(
            np.concatenate([units.to_pixels(one[:, :2], self.frame), one[:, 2:]], -1) for one in self.people
        )
        return dataclasses.replace(self, people=people)

    def check_frame(self, maybe_swapped: bool = False) -> None:
        """Raises an `InputError` if most of the people's keypoints are outside the frame (`check_frame`)."""
        if self.frame is not None and self.people:
            points = np.stack(self.people)[..., :2]
            check_frame(points, self.frame, f"the pose {self.where!r}", maybe_swapped)

    def scaled_to(self, frame: tuple[int, int]) -> PosedImage:
        """Scales the people to pixels of another frame (H, W): y' = y H / h, x' = x W / w.

        Raises:
          InputError: the current frame is unknown.
        """
        if self.frame is None:
            raise InputError(
                f"{self.where!r} contains no image size, so it cannot be scaled to "
                f"{frame[0]} x {frame[1]} pixels (h x w): pass its size with --frame HxW"
            )
        frame = check_size(frame, f"the frame of {self.where!r}")
        scale = np.array((frame[0] / self.frame[0], frame[1] / self.frame[1], 1.0), np.float32)
        people = tuple(np.where(one[:, 2:] > 0, one * scale, one) for one in self.people)
        return dataclasses.replace(self, frame=frame, people=people)
