"""Validation of a data folder by all checks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np

from gfla_tf.commands import argument, command
from gfla_tf.data.doctor.checks import FaultList
from gfla_tf.data.doctor.files import listed_images
from gfla_tf.data.doctor.images import check_contents, check_images, read_images
from gfla_tf.data.doctor.padding import check_padding
from gfla_tf.data.doctor.pairs import check_pairs, check_splits, identity
from gfla_tf.data.doctor.poses import check_poses
from gfla_tf.data.doctor.report import Report, SplitSummary
from gfla_tf.data.doctor.tables import Tables, read_tables
from gfla_tf.data.layout import SPLITS, Layout, find_layout
from gfla_tf.data.protocol import FILE_NAME, Protocol, read_protocol
from gfla_tf.data.shards.manifest import is_shards
from gfla_tf.errors import InputError
from gfla_tf.files import PathLike


def check_folder(
    root: PathLike,
    *,
    layout: str | None = None,
    splits: tuple[str, ...] = SPLITS,
    limit: int | None = None,
    decode: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Checks a data folder for faults that would stop or degrade training. The folder is not changed.

    Args:
      root: a folder in the layout of `gfla_tf.data.layout`.
      layout: "deepfashion" or "market1501"; by default detected from the names of the CSV files.
      splits: "train", "test" or both; faults between the splits are only found if both are given.
      limit: maximum number of images of each split to read, evenly spaced; by default all. The lists are
        always checked completely.
      decode: whether to decode the images; otherwise their headers and completeness are checked.
      progress: called as progress(images done, all images).

    Returns:
      The report.

    Raises:
      InputError: `root` is not a data folder, contains the files of both layouts, or is a shards folder.
      ValueError: an unknown layout or split, or a limit below 1.
    """
    root = os.fspath(root)
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1, got {limit}")
    if not splits or not set(splits) <= set(SPLITS):
        raise ValueError(f"splits must be of {SPLITS}, got {splits!r}")
    if is_shards(root):
        verify = command("data", "build", "--verify", argument(root))
        raise InputError(f"{root!r} is a shards folder: verify its checksums with `{verify}`")
    start = time.monotonic()
    chosen = find_layout(root, layout)
    faults = FaultList()
    protocol = _check_protocol(root, chosen, faults)
    tables = {split: read_tables(root, chosen, split, faults) for split in splits}
    existing = {}
    for split, own in tables.items():
        other = next((other for other in tables.values() if other is not own), None)
        check_pairs(own, other, faults)
        check_poses(own, chosen.frame, faults)
        existing[split] = listed_images(root, own, faults)
    if len(tables) == len(SPLITS):
        check_splits(tables["train"], tables["test"], faults)
    names = {split: _spread(existing[split], limit) for split in splits}
    paths = [os.path.join(root, split, name) for split in splits for name in names[split]]
    images = list(read_images(paths, decode, progress))
    remaining = iter(images)
    found = []
    for split, own in tables.items():
        mine = [next(remaining) for _ in names[split]]
        check_images(root, own, names[split], mine, protocol, faults)
        check_padding(root, chosen, own, names[split], mine, faults)
        found += [(own, name, image) for name, image in zip(names[split], mine, strict=True)]
    check_contents(found, faults)
    return Report(
        folder=root,
        layout=chosen,
        splits={split: _summary(own, names[split]) for split, own in tables.items()},
        faults=faults.found,
        tables=tables,
        protocol=protocol,
        decoded=decode,
        seconds=time.monotonic() - start,
    )


def _check_protocol(root: str, layout: Layout, faults: FaultList) -> Protocol | None:
    path = os.path.join(root, FILE_NAME)
    try:
        protocol = read_protocol(root)
    except InputError as error:
        faults.error("protocol", str(error), file=path)
        return None
    if protocol is not None and protocol.layout != layout.name:
        sentence = f"{path!r} specifies the layout {protocol.layout!r}, but the files are of {layout.name}"
        faults.error("protocol", sentence, file=path)
        return None
    return protocol


def _spread(names: list[str], limit: int | None) -> list[str]:
    """Selects at most `limit` names, evenly spaced."""
    if limit is None or len(names) <= limit:
        return names
    return [names[index] for index in np.linspace(0, len(names) - 1, limit).round().astype(int)]


def _summary(tables: Tables, read: list[str]) -> SplitSummary:
    people = {identity(name) for name in tables.rows} - {None}
    return SplitSummary(len(tables.rows), len(tables.pairs), len(people), len(read))
