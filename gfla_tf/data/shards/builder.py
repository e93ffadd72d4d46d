"""Building of a shards folder from a data folder, in parallel and with resumption of interrupted builds.

The shards are written to the folder `.<name>.building`, which is renamed when it is complete. Its content
only depends on the images, the lists and the shards' size.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import threading
from collections.abc import Callable, Iterator
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
from gfla_tf.data.shards.writer import BuildStopped, Shard, ShardImage, Written, write_shard
from gfla_tf.data.split import Split, read_folder_split
from gfla_tf.errors import InputError
from gfla_tf.files import PathLike, move_folder, replace_file
from gfla_tf.files.names import names_in

SHARD_BYTES = 128 * 2**20


@dataclass(frozen=True)
class BuildReport:
    """The manifest of the built shards, and the number of shards kept from an interrupted build."""

    manifest: Manifest
    kept: int


def build_shards(
    folder: PathLike,
    out: PathLike,
    layout: str | None = None,
    *,
    workers: int = 1,
    shard_bytes: int = SHARD_BYTES,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> BuildReport:
    """Builds shards of all splits of a data folder.

    Args:
      folder: the data folder. The files of the images that occur in pairs are copied unchanged.
      out: the shards folder.
      layout: "deepfashion" or "market1501"; by default detected from the names of the CSV files.
      workers: number of threads.
      shard_bytes: the maximum total size of the images of a shard.
      force: overwrite an existing shards folder.
      progress: called as progress(images done, all images).

    Raises:
      InputError: `out` is in use, the folder or its lists are invalid, or an image is missing or damaged.
        Finished shards are kept for the next call with the same arguments.
      ValueError: `workers` or `shard_bytes` is not positive.
    """
    if workers < 1 or shard_bytes < 1:
        raise ValueError(f"workers and shard_bytes must be positive, got {workers} and {shard_bytes}")
    folder, out = os.path.realpath(folder), os.path.realpath(out)
    _check_paths(folder, out, force)
    chosen = find_layout(folder, layout)
    splits = {split: read_folder_split(folder, chosen, split) for split in splits_of(folder, chosen)}
    protocol = read_protocol(folder)
    building = os.path.join(os.path.dirname(out), f".{os.path.basename(out)}.building")
    with _lock(building):
        plan = {split: _plan(split, data, chosen, shard_bytes) for split, data in splits.items()}
        names = {shard.name for shards in plan.values() for shard in shards}
        _clear(building, names | {f"{name}.done" for name in names})
        written = _write(building, plan, workers, progress)
        if protocol is not None:
            write_protocol(building, protocol)
        manifest = _finish(building, chosen, splits, plan, written)
        _clear(building, {MANIFEST, *manifest.files})
        try:
            move_folder(building, out)
        except OSError as error:
            raise InputError(f"cannot write the shards to {out!r}: {error.strerror}") from error
    return BuildReport(manifest, sum(result.kept for result in written.values()))


def _check_paths(folder: str, out: str, force: bool) -> None:
    if is_shards(folder):
        raise InputError(f"{folder!r} is already a shards folder: give the folder of images")
    if out == folder or folder.startswith(out + os.sep):
        raise InputError(f"the shards {out!r} would overwrite the data folder {folder!r}: choose another one")
    if os.path.lexists(out) and not os.path.isdir(out):
        raise InputError(f"cannot write shards to {out!r}: it is a file; choose a new folder")
    if os.path.isdir(out) and names_in(out):
        if not is_shards(out):
            raise InputError(f"the folder {out!r} is not empty and contains no shards: choose a new one")
        if not force:
            raise InputError(
                f"the shards {out!r} exist already: choose another folder, or overwrite them with --force"
            )


def splits_of(folder: str, layout: Layout) -> list[str]:
    """Returns the splits that have a pair file."""
    found = [
        split
        for split in SPLITS
        if any(os.path.exists(os.path.join(folder, f"{p}-pairs-{split}.csv")) for p in layout.prefixes)
    ]
    if not found:
        raise InputError(f"the data folder {folder!r} contains no {layout.prefixes[0]}-pairs-train.csv etc.")
    return found


@contextlib.contextmanager
def _lock(folder: str) -> Iterator[None]:
    """Creates the folder, or opens that of an interrupted build, and locks it against other builds."""
    try:
        os.makedirs(folder, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"cannot write the folder {folder!r}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise InputError(f"another build is running in {folder!r}: wait for it to end") from error
    finally:
        os.close(handle)


def _clear(folder: str, keep: set[str]) -> None:
    for name in set(os.listdir(folder)) - keep:
        os.unlink(os.path.join(folder, name))


def _plan(split: str, data: Split, layout: Layout, shard_bytes: int) -> list[Shard]:
    """Divides the split's images, in order, into shards of at most about `shard_bytes`."""
    groups: list[list[ShardImage]] = []
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
        groups[-1].append(ShardImage(path, name, keypoints, layout.frame, status.st_size, status.st_mtime_ns))
    count = len(groups)
    return [Shard(f"{split}-{n:05}-of-{count:05}.tfrecord", group) for n, group in enumerate(groups)]


def _write(
    building: str, plan: dict[str, list[Shard]], workers: int, progress: Callable[[int, int], None] | None
) -> dict[str, Written]:
    """Writes all shards in parallel; an error or Ctrl-C stops the other threads at their next image."""
    shards = list(itertools.chain.from_iterable(plan.values()))
    total = sum(len(shard.images) for shard in shards)
    lock, stop, done = threading.Lock(), threading.Event(), itertools.count(1)

    def step() -> None:
        if stop.is_set():
            raise BuildStopped
        if progress is not None:
            with lock:
                progress(next(done), total)

    with ThreadPoolExecutor(workers) as pool:
        futures = {pool.submit(write_shard, building, shard, step): shard.name for shard in shards}
        try:
            return {futures[future]: future.result() for future in as_completed(futures)}
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _finish(
    building: str,
    layout: Layout,
    splits: dict[str, Split],
    plan: dict[str, list[Shard]],
    written: dict[str, Written],
) -> Manifest:
    """Writes the indexes and then the manifest."""
    entries, files = {}, {}
    for split, data in splits.items():
        names = [shard.name for shard in plan[split]]
        positions = [position for name in names for position in written[name].positions]  # [N, 5]
        counts = [len(shard.images) for shard in plan[split]]
        index = SplitIndex(
            data.names,
            data.keypoints,
            data.pairs,
            np.repeat(np.arange(len(names)), counts),
            *np.array(positions, np.int64).T,
        )
        files[index_name(split)] = _write_file(building, index_name(split), index.to_json())
        files.update({name: written[name].entry for name in names})
        entries[split] = SplitEntry(len(data.names), len(data.pairs), names)
    if os.path.exists(os.path.join(building, PROTOCOL)):
        path = os.path.join(building, PROTOCOL)
        files[PROTOCOL] = FileEntry(os.path.getsize(path), file_checksum(path))
    manifest = Manifest(layout.name, entries, files)
    _write_file(building, MANIFEST, manifest.to_json())
    return manifest


def _write_file(folder: str, name: str, data: bytes) -> FileEntry:
    if len(data) > MAX_INDEX_BYTES:
        raise InputError(f"the folder has too many images for one {name}: split it")
    path = os.path.join(folder, name)
    replace_file(path, data)
    return FileEntry(len(data), file_checksum(path))
