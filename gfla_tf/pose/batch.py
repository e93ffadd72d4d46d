"""Conversion of photographs and pose files to pose files, as `gfla pose` does it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator

from gfla_tf.errors import InputError
from gfla_tf.files import check_name, check_output, output_folder, write_files
from gfla_tf.pose.formats import FORMATS, MIN_CONFIDENCE, ONE_IMAGE_FORMATS, check_names, encode_people
from gfla_tf.pose.keypoints import frame_of_annotations
from gfla_tf.pose.people import NoPersonError, PosedImage
from gfla_tf.pose.source import Estimator, PoseInput, expand_folders, is_photo, read_input


@dataclasses.dataclass(frozen=True)
class PoseOptions:
    """Options of `write_poses`.

    Attributes:
      kind: one of `FORMATS`; by default csv for an output with the extension `.csv`, otherwise coco18.
      person: index of the person in an image; by default the largest person.
      everyone: whether to write all people of an image.
      frame: (H, W) of the images in a pose file's pixels; overrides the size in the file.
      photographs: a folder with the photographs of the pose files; see `read_input`.
      min_confidence: keypoints of a pose file of lower confidence are marked as missing.
      scale_to: (H, W) to which keypoints are scaled; by default they are scaled only for a CSV with the
        authors' file name, to the authors' frame.
      force: overwrite existing outputs.
      resume: skip images whose output exists; for an output folder only.
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
    """Result of `write_poses`.

    Attributes:
      written: the paths of the written files.
      text: the content of the pose file if no output was given, None if no person was found.
      skipped: the number of images that were skipped because their output exists.
      empty: one message per image without a person.
      failed: one message per input that could not be read.
    """

    written: list[str] = dataclasses.field(default_factory=list)
    text: bytes | None = None
    skipped: int = 0
    empty: list[str] = dataclasses.field(default_factory=list)
    failed: list[str] = dataclasses.field(default_factory=list)


def write_poses(
    inputs: list[str],
    output: str | None,
    options: PoseOptions,
    estimator: Callable[[], Estimator],
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Writes the poses of photographs, or of pose files, as pose files.

    Inputs that cannot be read and images without a person are skipped and reported. Files in a folder are
    written one by one.

    Args:
      inputs: photographs, pose files as for `read_people`, or folders of either.
      output: a `.json` or `.csv` file for all of them, or a folder for one `.json` per image. The folder is
        created, and removed again if it stays empty. None writes nothing and puts the content of the one
        pose file into `Summary.text`.
      options: see `PoseOptions`.
      estimator: function that returns a `PoseEstimator`; called once, and only if there is a photograph.
      progress: called as progress(images done, all images).

    Raises:
      InputError: the output does not fit the format, cannot be written, or exists and neither `force` nor
        `resume` is set.
    """
    in_one = output is None or output.lower().endswith((".json", ".csv"))
    is_csv = output is not None and output.lower().endswith(".csv")
    kind = options.kind or ("csv" if is_csv else "coco18")
    if output is not None:
        _check_kind(kind, output, in_one)
        if in_one:
            check_output(output, options.force)
    inputs = expand_folders(inputs)
    if options.frame and any(map(is_photo, inputs)):
        raise InputError("a frame can be given for pose files only: the size of a photograph is known")
    if is_csv and options.scale_to is None:
        options = dataclasses.replace(options, scale_to=frame_of_annotations(output))
    summary = Summary()
    images = list(_read_all(inputs, options, summary))
    if in_one:
        if kind in ONE_IMAGE_FORMATS and len(images) > 1:
            raise InputError(
                f"{len(images)} images cannot be written to one file of the format {kind!r}: give a folder "
                f"{'with -o' if output is None else f'instead of {output!r}'}, or choose 'coco17' or 'csv'"
            )
        check_names([image.name if image.posed else os.path.basename(image.name) for image in images], kind)
        ready = _estimator_for(images, estimator)
        found = [one for _, one in _posed(images, options, ready, summary, progress)]
        if found and output is None:
            summary.text = encode_people(found, kind)
        elif found:
            write_files({output: encode_people(found, kind)}, options.force)
            summary.written.append(output)
        return summary
    paths = _output_paths(images, output, options)
    pending = [image for image in images if not (options.resume and os.path.lexists(paths[image.stem]))]
    summary.skipped = len(images) - len(pending)
    ready = _estimator_for(pending, estimator)
    with output_folder(output):
        for image, one in _posed(pending, options, ready, summary, progress):
            path = paths[image.stem]
            write_files({path: encode_people([one], kind)}, options.force)
            summary.written.append(path)
    return summary


def _check_kind(kind: str, output: str, in_one: bool) -> None:
    if kind not in FORMATS:
        raise ValueError(f"the format must be one of {FORMATS}, got {kind!r}")
    if not in_one and kind not in ONE_IMAGE_FORMATS:
        extension = ".csv" if kind == "csv" else ".json"
        raise InputError(
            f"{kind!r} is one file for all images: give a {extension} file instead of {output!r}"
        )
    if in_one and (kind == "csv") != output.lower().endswith(".csv"):
        raise InputError(
            f"the output {output!r} does not match {kind!r}: CSV files end in .csv, the others in .json"
        )


def _read_all(inputs: list[str], options: PoseOptions, summary: Summary) -> Iterator[PoseInput]:
    for spec in inputs:
        try:
            yield from read_input(spec, options.min_confidence, options.frame, options.photographs)
        except InputError as error:
            summary.failed.append(str(error))


def _output_paths(images: list[PoseInput], folder: str, options: PoseOptions) -> dict[str, str]:
    """The output path of each image, by the image's stem."""
    paths: dict[str, str] = {}
    for image in images:
        path = os.path.join(folder, f"{image.stem}.json")
        check_name(path)
        if image.stem in paths:
            raise InputError(f"two images would both be written to {path!r}: give them different names")
        if os.path.lexists(path) and not (options.force or options.resume):
            raise InputError(
                f"the output {path!r} exists already: skip it with --resume, or overwrite it with --force"
            )
        paths[image.stem] = path
    return paths


def _estimator_for(images: list[PoseInput], estimator: Callable[[], Estimator]) -> Estimator | None:
    return estimator() if any(image.posed is None for image in images) else None


def _posed(
    images: list[PoseInput],
    options: PoseOptions,
    estimator: Estimator | None,
    summary: Summary,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[PoseInput, PosedImage]]:
    """Yields the images that contain a person, with the selected people."""
    for number, image in enumerate(images, 1):
        try:
            yield image, _chosen(image.people(estimator), options)
        except NoPersonError as error:
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
