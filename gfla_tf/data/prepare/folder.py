"""Preparation of a dataset: its images under one protocol, and the lists of these images."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

from gfla_tf.data.layout import LAYOUTS, SPLITS
from gfla_tf.data.prepare.lists import find_lists, read_lists
from gfla_tf.data.prepare.output import SUMMARY_NAME, check_apart, check_contents, reserved_output
from gfla_tf.data.prepare.plan import SplitPlan
from gfla_tf.data.prepare.source import Source, find_source
from gfla_tf.data.prepare.summary import Summary
from gfla_tf.data.prepare.workers import prepare_images
from gfla_tf.data.protocol import FORMATS, Protocol
from gfla_tf.errors import InputError
from gfla_tf.files import PathLike, write_files
from gfla_tf.files.names import other_spelling


def prepare_folder(
    layout: str,
    source: PathLike,
    out: PathLike,
    *,
    lists: PathLike | None = None,
    interpolation: str = "pil-bilinear",
    size: tuple[int, int] | None = None,
    format: str = "png",
    quality: int | None = None,
    low_res: bool = False,
    subset: bool = False,
    workers: int = 0,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Prepares a data folder (`gfla_tf.data.layout`) from an original dataset and the authors' lists.

    `source` contains DeepFashion's folder img_highres, or Market-1501's bounding_box_train and
    bounding_box_test, and the authors' lists: pair and annotation CSVs, and DeepFashion's train.lst and
    test.lst. The prepared images have their names in the lists, with the extension of the format.
    protocol.json, which records how they were prepared, is written first; the CSV files and summary.json
    last. An interrupted preparation is resumed by the same call: complete images of the protocol's size and
    format are kept. The source is not changed.

    Args:
      layout: "deepfashion" or "market1501".
      source: the folder of the original dataset.
      out: the output folder; it must not contain, or be inside, the source.
      lists: the folder of the lists; by default they are searched in `source`.
      interpolation: one of `gfla_tf.images.resize.INTERPOLATIONS`.
      size: (H, W) in pixels; by default the size of the layout's networks.
      format: "png" or "jpeg".
      quality: of JPEG files, 1 to 100; by default 95.
      low_res: accept DeepFashion's low-resolution images; the borders of square images are cropped.
      subset: skip missing images and their pairs instead of raising an error.
      workers: number of processes; 0 or 1: this process.
      force: overwrite an existing preparation.
      progress: called as progress(images done, all images) after each image.

    Returns:
      The summary of the preparation.

    Raises:
      InputError: a folder or list is missing or malformed; images are missing or unreadable and `subset` is
        False; `out` is in use, overlaps the source or cannot be written.
      ValueError: an unknown layout, interpolation or format, or a number out of range.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, got {layout!r}")
    known = LAYOUTS[layout]
    out, source = os.fspath(out), os.fspath(source)
    found = find_source(layout, source)
    if found.kind == "img" and not low_res:
        raise InputError(
            f"{found.tree!r} contains DeepFashion's low-resolution images (img, 256 x 256), not img_highres: "
            "their metrics are not comparable; unzip img_highres.zip, or accept these images with --low-res"
        )
    height, width = size or known.image_size
    quality = (quality or 95) if format == "jpeg" else quality
    protocol = Protocol(layout, found.kind, interpolation, height, width, format, quality)
    lists_folder = find_lists(known, source if lists is None else lists)
    check_apart(out, source, lists_folder)
    plans = [
        SplitPlan.create(split, read_lists(known, lists_folder, split), found.images[split], FORMATS[format])
        for split in SPLITS
    ]
    if not subset:
        _refuse_missing(plans, found)
    jobs = [job for plan in plans for job in plan.jobs(out)]
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(reserved_output(out, protocol, known, force))
            check_contents(out, {target for _, target in jobs})
        except OSError as error:
            raise InputError(f"the folder {out!r} cannot be written: {error.strerror or error}") from error
        outcome = prepare_images(jobs, protocol, workers, progress)
        if outcome.unreadable and not subset:
            _refuse_unreadable(outcome.unreadable)
        for plan in plans:
            plan.exclude(outcome.unreadable)
        summary = Summary(protocol, {plan.split: plan.summary() for plan in plans}, outcome.kept)
        files = {name: data for plan in plans for name, data in plan.files(known).items()}
        files[SUMMARY_NAME] = summary.to_json().encode()
        write_files({os.path.join(out, name): data for name, data in files.items()}, force=True)
    return summary


def _refuse_missing(plans: list[SplitPlan], source: Source) -> None:
    missing = [name for plan in plans for name in plan.missing]
    if missing:
        split = next(plan.split for plan in plans if missing[0] in plan.missing)
        hint = other_spelling(missing[0], source.images[split])
        total = sum(len(plan.lists.names) for plan in plans)
        raise InputError(
            f"{len(missing):,} of the {total:,} listed images are not in {source.tree!r}, such as "
            f"{', '.join(map(repr, missing[:3]))}{hint}: unzip the whole dataset, or prepare the available "
            "images with --subset"
        )


def _refuse_unreadable(unreadable: dict[str, str]) -> None:
    raise InputError(
        f"{len(unreadable):,} images cannot be read; the first error: {next(iter(unreadable.values()))} "
        "(unzip the dataset again, or skip them with --subset)"
    )
