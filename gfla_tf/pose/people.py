"""One image's people, whichever file they came from, and the choice of one of them."""

from __future__ import annotations

import dataclasses
import logging

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.pose.skeletons import box_area

_LONGEST_NAME = 1000
_LOG = logging.getLogger("gfla_tf")


class NobodyError(InputError):
    """Nobody is there, or not the person that was asked for."""


def is_image_name(value) -> bool:
    """Whether an entry of a JSON file can be the name of an image: a short, printable text."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable()


@dataclasses.dataclass(frozen=True)
class PosedImage:
    """The people found in one image.

    `name` is the image's file name, or that of the pose file without its ending where nothing tells it;
    `frame` is (H, W) of the image in the keypoints' pixels, None if unknown; `people` are float32 [25, 3]
    (y, x, confidence) each (`gfla_tf.pose.skeletons`), in the file's order; `where` names the source in
    sentences.
    """

    name: str
    frame: tuple[int, int] | None
    people: tuple[np.ndarray, ...]
    where: str

    def choose(self, person: int | None = None) -> np.ndarray:
        """One of the people: number `person`, counted from 0, or the largest.

        The largest is the one whose found keypoints have the box of the greatest area; it is named in a
        warning if there are others.

        Raises:
          NobodyError: there is nobody, or not that one, or no keypoint of that one was found.
        """
        if not self.people:
            raise NobodyError(f"{self.where!r} holds no person: its list of people is empty")
        if person is not None and not 0 <= person < len(self.people):
            raise NobodyError(
                f"{self.where!r} has no person {person}: it holds {len(self.people)}, counted from 0"
            )
        sizes = [(box_area(one), np.count_nonzero(one[:, 2])) for one in self.people]
        chosen = sizes.index(max(sizes)) if person is None else person
        if not sizes[chosen][1]:
            raise NobodyError(f"{self.where!r} has no keypoint: all are missing or too uncertain in the file")
        if person is None and sum(count > 0 for _, count in sizes) > 1:
            _LOG.warning(
                "%r holds %d people: the largest, person %d, is used",
                *(self.where, len(self.people), chosen),
            )
        return self.people[chosen]

    def scaled_to(self, frame: tuple[int, int]) -> PosedImage:
        """The same people in pixels of another frame (H, W), y as y * H / h and x likewise.

        Raises:
          InputError: the frame that they are in is not known.
        """
        if self.frame is None:
            raise InputError(
                f"{self.where!r} does not tell its image size, so it cannot be scaled to "
                f"{frame[1]} x {frame[0]} pixels: give its size with --frame WxH"
            )
        scale = np.array((frame[0] / self.frame[0], frame[1] / self.frame[1], 1.0), np.float32)
        people = tuple(np.where(one[:, 2:] > 0, one * scale, one) for one in self.people)
        return dataclasses.replace(self, frame=tuple(frame), people=people)
