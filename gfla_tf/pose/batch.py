"""Many photographs and pose files into pose files: what `gfla pose` does."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator

from gfla_tf.errors import InputError
from gfla_tf.files import check_output, output_folder, write_files
from gfla_tf.pose.formats import FORMATS, MIN_CONFIDENCE, ONE_IMAGE_FORMATS, encode_people
from gfla_tf.pose.keypoints import frame_of_annotations
from gfla_tf.pose.people import NobodyError, PosedImage
from gfla_tf.pose.source import PoseInput, expand_folders, is_photo, read_input


@dataclasses.dataclass(frozen=True)
class PoseOptions:
    """What is done with the poses.

    kind: one of `FORMATS`; None: csv for an output of that ending, otherwise coco18.
    person: which of an image's people, counted from 0; None: the largest, or all of them with `everyone`.
    frame, photographs, min_confidence: of pose files, as `read_input` takes them.
    scale_to: (H, W) to which keypoints are scaled; None: for a CSV named as the authors name theirs the frame
      of these, otherwise none.
    force, resume: replace files that are there; pass over images whose file is there (in a folder only).
    """

    kind: str | None = None
    person: int | None = None
    everyone: bool = False
    frame: tuple[int, int] | None = None
    photographs: str | None = None
    min_confidence: float = MIN_CONFIDENCE
    scale_to: tuple[int, int] | None = None
    force: bool = False
    resume: bool = False


@dataclasses.dataclass
class Summary:
    """The files `written`, how many images were `passed` over by resuming, and one sentence for each image in
    which nobody was found (`empty`) and each input that could not be read (`failed`).
    """

    written: list[str] = dataclasses.field(default_factory=list)
    passed: int = 0
    empty: list[str] = dataclasses.field(default_factory=list)
    failed: list[str] = dataclasses.field(default_factory=list)


def write_poses(
    inputs: list[str],
    output: str,
    options: PoseOptions,
    estimator: Callable[[], Callable],
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Writes the poses of photographs, or of pose files, as pose files.

    An input that cannot be read and an image in which nobody is found are left out and reported; the others
    go on. In a folder each file appears as soon as it is done.

    Args:
      inputs: photographs, pose files as `read_people` takes them, or folders of either.
      output: a `.json` or `.csv` file for all of them, or a folder for one `.json` each, which is made, and
        removed again where there was nothing to put into it.
      options: see there.
      estimator: gives a `PoseEstimator`; called once, and only if there is a photograph to go through.
      progress: called with the number of images done and their number in all.

    Raises:
      InputError: the output does not fit the format, cannot be written, or exists and neither `force` nor
        `resume` is set.
    """
    in_one = output.lower().endswith((".json", ".csv"))
    kind = options.kind or ("csv" if output.lower().endswith(".csv") else "coco18")
    _check_kind(kind, output, in_one)
    if in_one:
        check_output(output, options.force)
    inputs = expand_folders(inputs)
    if options.frame and any(map(is_photo, inputs)):
        raise InputError("a frame can be given for pose files only: a photograph tells its own size")
    if kind == "csv" and options.scale_to is None:
        options = dataclasses.replace(options, scale_to=frame_of_annotations(output))
    summary = Summary()
    images = list(_read_all(inputs, options, summary))
    if in_one:
        if kind in ONE_IMAGE_FORMATS and len(images) > 1:
            raise InputError(
                f"{len(images)} images do not fit into one file of the format {kind!r}: name a folder in "
                f"place of {output!r}, or choose 'coco17' or 'csv'"
            )
        ready = _estimator_for(images, estimator)
        found = [one for _, one in _posed(images, options, ready, summary, progress)]
        if found:
            write_files({output: encode_people(found, kind)}, options.force)
            summary.written.append(output)
        return summary
    places = _places(images, output, options)
    left = [image for image in images if not (options.resume and os.path.lexists(places[image.stem]))]
    summary.passed = len(images) - len(left)
    ready = _estimator_for(left, estimator)
    with output_folder(output):
        for image, one in _posed(left, options, ready, summary, progress):
            place = places[image.stem]
            write_files({place: encode_people([one], kind)}, options.force)
            summary.written.append(place)
    return summary


def _check_kind(kind: str, output: str, in_one: bool) -> None:
    if kind not in FORMATS:
        raise ValueError(f"the format must be one of {FORMATS}, got {kind!r}")
    if not in_one and kind not in ONE_IMAGE_FORMATS:
        ending = ".csv" if kind == "csv" else ".json"
        raise InputError(f"{kind!r} is one file for all images: name a {ending} file in place of {output!r}")
    if in_one and (kind == "csv") != output.lower().endswith(".csv"):
        raise InputError(
            f"the output {output!r} does not fit {kind!r}: CSV files end in .csv, the others in .json"
        )


def _read_all(inputs: list[str], options: PoseOptions, summary: Summary) -> Iterator[PoseInput]:
    for spec in inputs:
        try:
            yield from read_input(spec, options.min_confidence, options.frame, options.photographs)
        except InputError as error:
            summary.failed.append(str(error))


def _places(images: list[PoseInput], folder: str, options: PoseOptions) -> dict[str, str]:
    """The file of each image in the folder, by the image's stem."""
    places: dict[str, str] = {}
    for image in images:
        place = os.path.join(folder, f"{image.stem}.json")
        if image.stem in places:
            raise InputError(f"two images would both be written to {place!r}: give them different names")
        if os.path.lexists(place) and not (options.force or options.resume):
            raise InputError(
                f"the output {place!r} exists already: go on after it with --resume, or use --force"
            )
        places[image.stem] = place
    return places


def _estimator_for(images: list[PoseInput], estimator: Callable[[], Callable]) -> Callable | None:
    return estimator() if any(image.posed is None for image in images) else None


def _posed(
    images: list[PoseInput], options: PoseOptions, estimator, summary: Summary, progress
) -> Iterator[tuple[PoseInput, PosedImage]]:
    """Yields the images in which somebody was found, with the people that were asked for."""
    for number, image in enumerate(images, 1):
        try:
            yield image, _chosen(image.people(estimator), options)
        except NobodyError as error:
            summary.empty.append(str(error))
        except InputError as error:
            summary.failed.append(str(error))
        if progress:
            progress(number, len(images))


def _chosen(image: PosedImage, options: PoseOptions) -> PosedImage:
    people = tuple(one for one in image.people if (one[:, 2] > 0).any())
    if not (options.everyone and people):
        people = (image.choose(options.person),)
    image = dataclasses.replace(image, people=people)
    return image if options.scale_to is None else image.scaled_to(options.scale_to)
