"""Builds a shards folder from a data folder: in parallel, and going on where a killed build stopped.

The folder grows beside its place, under the name `.<name>.building`, and is renamed when it is whole. Its
bytes depend on the images, the lists and the shards' size alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import numpy as np

from gfla_tf.data.layout import SPLITS, Layout, find_layout
from gfla_tf.data.protocol import FILE_NAME as PROTOCOL
from gfla_tf.data.protocol import read_protocol, write_protocol
from gfla_tf.data.shards.index import SplitIndex
from gfla_tf.data.shards.manifest import (
    MANIFEST,
    MAX_INDEX_BYTES,
    FileEntry,
    Manifest,
    SplitEntry,
    index_name,
    is_shards,
)
from gfla_tf.data.shards.reader import file_checksum
from gfla_tf.data.shards.writer import Picture, Shard, Stopped, Written, write_shard
from gfla_tf.data.split import Split, read_folder_split
from gfla_tf.errors import InputError
from gfla_tf.files import move_folder, replace_file

SHARD_BYTES = 128 * 2**20


@dataclass(frozen=True)
class BuildReport:
    """What was built: the manifest, and how many shards were kept from a build that was stopped."""

    manifest: Manifest
    kept: int


def build_shards(
    folder,
    out,
    layout: str | None = None,
    *,
    workers: int = 1,
    shard_bytes: int = SHARD_BYTES,
    force: bool = False,
    progress=None,
) -> BuildReport:
    """Builds shards of every split that a data folder has.

    Args:
      folder: the data folder; only the images that its pairs use are taken, byte by byte as they are.
      out: the shards folder to make.
      layout: "deepfashion", "market1501" or None: told by the names of the CSV files.
      workers: threads.
      shard_bytes: the size of images at which a shard is full.
      force: replaces the shards folder that is there.
      progress: None or a function of (images done, images in all).

    Raises:
      InputError: `out` is in use, the folder or its lists are wrong, or an image is missing or damaged; what
        was finished stays for the next call with the same arguments.
      ValueError: `workers` or `shard_bytes` is not positive.
    """
    if workers < 1 or shard_bytes < 1:
        raise ValueError(f"workers and shard_bytes must be positive, got {workers} and {shard_bytes}")
    folder, out = os.path.realpath(folder), os.path.realpath(out)
    _check_places(folder, out, force)
    chosen = find_layout(folder, layout)
    splits = {split: read_folder_split(folder, chosen, split) for split in splits_of(folder, chosen)}
    protocol = read_protocol(folder)
    beside = os.path.join(os.path.dirname(out), f".{os.path.basename(out)}.building")
    with _own(beside):
        plan = {split: _plan(split, data, chosen, shard_bytes) for split, data in splits.items()}
        wanted = {shard.name for shards in plan.values() for shard in shards}
        _clear(beside, wanted | {f"{name}.done" for name in wanted})
        written = _write(beside, plan, workers, progress)
        if protocol is not None:
            write_protocol(beside, protocol)
        manifest = _finish(beside, chosen, splits, plan, written)
        _clear(beside, {MANIFEST, *manifest.files})
        try:
            move_folder(beside, out)
        except OSError as error:
            raise InputError(f"cannot write the shards to {out!r}: {error.strerror}") from error
    return BuildReport(manifest, sum(result.kept for result in written.values()))


def _check_places(folder: str, out: str, force: bool) -> None:
    if is_shards(folder):
        raise InputError(f"{folder!r} is a shards folder already: give the folder of images")
    if out == folder or folder.startswith(out + os.sep):
        raise InputError(f"the shards {out!r} would replace the data folder {folder!r}: name another folder")
    if os.path.lexists(out) and not os.path.isdir(out):
        raise InputError(f"cannot write shards to {out!r}: it is a file; give the name of a new folder")
    if os.path.isdir(out) and os.listdir(out):
        if not is_shards(out):
            raise InputError(f"the folder {out!r} is not empty and holds no shards: name a new one")
        if not force:
            raise InputError(
                f"the shards {out!r} are there already: name another folder, or replace them with --force"
            )


def splits_of(folder: str, layout: Layout) -> list[str]:
    """The splits whose pair file is there."""
    found = [
        split
        for split in SPLITS
        if any(os.path.exists(os.path.join(folder, f"{p}-pairs-{split}.csv")) for p in layout.prefixes)
    ]
    if not found:
        raise InputError(
            f"the data folder {folder!r} lacks {layout.prefixes[0]}-pairs-train.csv and its like"
        )
    return found


@contextlib.contextmanager
def _own(folder: str):
    """Makes the folder, or takes over what a killed build left; no other build works in it meanwhile."""
    try:
        os.makedirs(folder, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"cannot write the folder {folder!r}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise InputError(f"another build is at work in {folder!r}: wait for it to end") from error
    finally:
        os.close(handle)


def _clear(folder: str, keep: set[str]) -> None:
    for name in set(os.listdir(folder)) - keep:
        os.unlink(os.path.join(folder, name))


def _plan(split: str, data: Split, layout: Layout, shard_bytes: int) -> list[Shard]:
    """The split's images, in order, in shards of about `shard_bytes`."""
    groups: list[list[Picture]] = []
    filled = 0
    for name, path, keypoints in zip(data.names, data.images.paths, data.keypoints, strict=True):
        try:
            status = os.stat(path)
        except OSError as error:
            raise InputError(f"the image {path!r} cannot be read: {error.strerror}") from error
        if not groups or filled + status.st_size > shard_bytes:
            groups.append([])
            filled = 0
        filled += status.st_size
        groups[-1].append(Picture(path, name, keypoints, layout.frame, status.st_size, status.st_mtime_ns))
    count = len(groups)
    return [Shard(f"{split}-{n:05}-of-{count:05}.tfrecord", group) for n, group in enumerate(groups)]


def _write(beside: str, plan: dict[str, list[Shard]], workers: int, progress) -> dict[str, Written]:
    """Writes all shards, several at a time; an error or Ctrl-C stops the others at their next image."""
    shards = list(itertools.chain.from_iterable(plan.values()))
    total = sum(len(shard.pictures) for shard in shards)
    lock, stop, done = threading.Lock(), threading.Event(), itertools.count(1)

    def step():
        if stop.is_set():
            raise Stopped
        if progress is not None:
            with lock:
                progress(next(done), total)

    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(write_shard, beside, shard, step): shard.name for shard in shards}
        try:
            return {futures[future]: future.result() for future in as_completed(futures)}
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _finish(beside: str, layout: Layout, splits: dict, plan: dict, written: dict) -> Manifest:
    """Writes the indexes and, last, the manifest."""
    entries, files = {}, {}
    for split, data in splits.items():
        names = [shard.name for shard in plan[split]]
        places = np.array([place for name in names for place in written[name].places], np.int64)  # [N, 5]
        counts = [len(shard.pictures) for shard in plan[split]]
        index = SplitIndex(
            data.names,
            data.keypoints,
            data.pairs,
            np.repeat(np.arange(len(names)), counts),
            *places.T,
        )
        files[index_name(split)] = _write_file(beside, index_name(split), index.to_json())
        files.update({name: written[name].entry for name in names})
        entries[split] = SplitEntry(len(data.names), len(data.pairs), names)
    if os.path.exists(os.path.join(beside, PROTOCOL)):
        path = os.path.join(beside, PROTOCOL)
        files[PROTOCOL] = FileEntry(os.path.getsize(path), file_checksum(path))
    manifest = Manifest(layout.name, entries, files)
    _write_file(beside, MANIFEST, manifest.to_json())
    return manifest


def _write_file(folder: str, name: str, data: bytes) -> FileEntry:
    if len(data) > MAX_INDEX_BYTES:
        raise InputError(f"the folder has too many images for one {name}: divide it")
    path = os.path.join(folder, name)
    replace_file(path, data)
    return FileEntry(len(data), file_checksum(path))
