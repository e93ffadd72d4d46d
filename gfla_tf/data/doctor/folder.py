"""`check_folder`: every check of a data folder, in the order in which one builds on another."""

from __future__ import annotations

import os
import time

import numpy as np

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


def check_folder(
    root,
    *,
    layout: str | None = None,
    splits: tuple[str, ...] = SPLITS,
    limit: int | None = None,
    decode: bool = False,
    progress=None,
) -> Report:
    """Looks for everything that would stop or spoil training on a data folder. Nothing in it is changed.

    Args:
      root: a folder in the layout of `gfla_tf.data.layout`.
      layout: "deepfashion", "market1501" or None: told by the names of the CSV files.
      splits: "train", "test" or both; what lies across the splits is looked for only where both are given.
      limit: read at most so many images of a split, spread evenly; None: all. The lists are checked whole.
      decode: whether to decode the images read; otherwise only their headers and ends are looked at.
      progress: None or called as progress(done, total) in images.

    Raises:
      InputError: `root` is no data folder, or of both layouts, or holds shards.
      ValueError: an unknown layout or split, or a limit under 1.
    """
    root = os.fspath(root)
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1, got {limit}")
    if not splits or not set(splits) <= set(SPLITS):
        raise ValueError(f"splits must be of {SPLITS}, got {splits!r}")
    if is_shards(root):
        raise InputError(
            f"{root!r} holds shards: compare them with their checksums by `gfla data build --verify {root}`"
        )
    began = time.monotonic()
    chosen = find_layout(root, layout)
    faults = FaultList()
    protocol = _check_protocol(root, chosen, faults)
    tables = {split: read_tables(root, chosen, split, faults) for split in splits}
    there = {}
    for split, own in tables.items():
        other = next((other for other in tables.values() if other is not own), None)
        check_pairs(own, other, faults)
        check_poses(own, chosen.frame, faults)
        there[split] = listed_images(root, own, faults)
    if len(tables) == len(SPLITS):
        check_splits(tables["train"], tables["test"], faults)
    names = {split: _spread(there[split], limit) for split in splits}
    paths = [os.path.join(root, split, name) for split in splits for name in names[split]]
    images = list(read_images(paths, decode, progress))
    rest = iter(images)
    found = []
    for split, own in tables.items():
        mine = [next(rest) for _ in names[split]]
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
        seconds=time.monotonic() - began,
    )


def _check_protocol(root: str, layout: Layout, faults: FaultList) -> Protocol | None:
    path = os.path.join(root, FILE_NAME)
    try:
        protocol = read_protocol(root)
    except InputError as error:
        faults.error("protocol", str(error), file=path)
        return None
    if protocol is not None and protocol.layout != layout.name:
        sentence = f"{path!r} says the layout is {protocol.layout!r}, and the files are {layout.name}'s"
        faults.error("protocol", sentence, file=path)
        return None
    return protocol


def _spread(names: list[str], limit: int | None) -> list[str]:
    """At most `limit` of the names, evenly spread."""
    if limit is None or len(names) <= limit:
        return names
    return [names[place] for place in np.linspace(0, len(names) - 1, limit).round().astype(int)]


def _summary(tables: Tables, read: list[str]) -> SplitSummary:
    people = {identity(name) for name in tables.rows} - {None}
    return SplitSummary(len(tables.rows), len(tables.pairs), len(people), len(read))
