"""Prepares a whole dataset: the images of its lists under one protocol, and the lists for these images."""

from __future__ import annotations

import os
from collections.abc import Callable

from gfla_tf.data.layout import LAYOUTS, SPLITS
from gfla_tf.data.prepare.lists import find_lists, read_lists
from gfla_tf.data.prepare.output import SUMMARY_NAME, check_apart, check_contents, open_place
from gfla_tf.data.prepare.plan import SplitPlan
from gfla_tf.data.prepare.source import Source, find_source
from gfla_tf.data.prepare.summary import Summary
from gfla_tf.data.prepare.workers import prepare_images
from gfla_tf.data.protocol import FORMATS, Protocol
from gfla_tf.errors import InputError
from gfla_tf.files import write_files


def prepare_folder(
    layout: str,
    source,
    out,
    *,
    lists=None,
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
    """Makes a data folder (`gfla_tf.data.layout`) of a dataset as its owners and the authors hand it out.

    `source` holds DeepFashion's tree img_highres, or Market-1501's bounding_box_train and bounding_box_test,
    and the authors' lists: pair and annotation CSVs, and DeepFashion's train.lst and test.lst. The images get
    the lists' names, with the format's extension. protocol.json, which says how they were made, is written
    first; the CSV files and summary.json last. What was begun and stopped goes on where it was: images that
    are whole and of the protocol's size and format stay. The source is only read.

    Args:
      layout: "deepfashion" or "market1501".
      source: the folder.
      out: the folder to make, neither inside the source nor around it.
      lists: the folder of the lists, if that is not `source` or one below.
      interpolation: one of `gfla_tf.data.protocol.INTERPOLATIONS`.
      size: (H, W) in pixels; None: what the layout's networks read.
      format: "png" or "jpeg".
      quality: of JPEG, 1 to 100; None: 95.
      low_res: accepts DeepFashion's low-resolution tree; the borders of its square images are cut off.
      subset: leaves out what lacks its image, instead of refusing.
      workers: processes; 0 or 1: this one.
      force: begins anew where `out` holds another preparation.
      progress: called as progress(done, all) after each image.

    Raises:
      InputError: a folder or list is missing or malformed; images are missing or unreadable and `subset` is
        not set; `out` is in use, or overlaps the source, or cannot be written.
      ValueError: an unknown layout, interpolation or format, or another number out of range.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}, got {layout!r}")
    known = LAYOUTS[layout]
    out, source = os.fspath(out), os.fspath(source)
    found = find_source(layout, source)
    if found.kind == "img" and not low_res:
        raise InputError(
            f"{found.tree!r} holds DeepFashion's low-resolution images (img, 256 x 256), not img_highres: "
            "figures of the two do not compare, so unzip img_highres.zip, or take these with --low-res"
        )
    height, width = size or known.image_size
    quality = (quality or 95) if format == "jpeg" else quality
    protocol = Protocol(layout, found.kind, interpolation, height, width, format, quality)
    lists_folder = find_lists(known, source if lists is None else lists)
    check_apart(out, source, lists_folder)
    plans = [
        SplitPlan.make(split, read_lists(known, lists_folder, split), found.images[split], FORMATS[format])
        for split in SPLITS
    ]
    if not subset:
        _refuse_missing(plans, found)
    jobs = [job for plan in plans for job in plan.jobs(out)]
    try:
        open_place(out, protocol, known, force)
        check_contents(out, {target for _, target in jobs})
    except OSError as error:
        raise InputError(f"the folder {out!r} cannot be written: {error.strerror or error}") from error
    outcome = prepare_images(jobs, protocol, workers, progress)
    if outcome.unreadable and not subset:
        _refuse_unreadable(outcome.unreadable)
    for plan in plans:
        plan.leave_out(outcome.unreadable)
    summary = Summary(protocol, {plan.split: plan.summary() for plan in plans}, outcome.kept)
    files = {name: data for plan in plans for name, data in plan.files(known).items()}
    files[SUMMARY_NAME] = summary.to_json().encode()
    write_files({os.path.join(out, name): data for name, data in files.items()}, force=True)
    return summary


def _refuse_missing(plans: list[SplitPlan], source: Source) -> None:
    missing = [name for plan in plans for name in plan.missing]
    if missing:
        total = sum(len(plan.lists.names) for plan in plans)
        raise InputError(
            f"{len(missing):,} of the {total:,} listed images are not in {source.tree!r}, such as "
            f"{', '.join(map(repr, missing[:3]))}: unpack the whole dataset, or prepare the part that "
            "is there with --subset"
        )


def _refuse_unreadable(unreadable: dict[str, str]) -> None:
    raise InputError(
        f"{len(unreadable):,} images cannot be read, the first of them: {next(iter(unreadable.values()))} "
        "(unpack the dataset again, or leave them out with --subset)"
    )
