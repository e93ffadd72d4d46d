"""The log of a training stage, `log.csv`, whose epochs are counted from 1."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from gfla_tf.errors import InputError
from gfla_tf.files import replace_file


class EpochLog(keras.callbacks.CSVLogger):
    """`keras.callbacks.CSVLogger` with epochs counted from 1. A second `fit` continues the file.

    Raises:
      InputError: a line cannot be written, for example because the disk is full.
    """

    chief_only = True

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        self.append = True

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        try:
            super().on_epoch_end(epoch + 1, logs)
        except (OSError, tf.errors.OpError) as error:
            path = os.fsdecode(self.filename)
            reason = getattr(error, "strerror", None) or error.message
            raise InputError(f"the training log {path} cannot be written: {reason}") from error


def trim_log(path: Path, epochs_done: int) -> None:
    """Removes from a CSV log the epochs after `epochs_done` and a last line that is incomplete.

    The epochs of a log of an earlier version, which counts them from 0, are then counted from 1.

    Raises:
      InputError: the file cannot be read, or another line is not one of a training log.
    """
    if not path.exists():
        return
    try:
        header, *rows = path.read_bytes().decode(errors="surrogateescape").splitlines(keepends=True) or [""]
    except OSError as error:
        raise InputError(f"the training log {path} cannot be read: {error.strerror}") from error
    if not header.endswith("\n"):
        header, rows = "", []
    elif not header.startswith("epoch"):
        raise InputError(f"{path}, line 1: not the header of a training log; correct or delete it to resume")
    kept = []
    shift = 1 if rows and _epoch_of(rows[0], header) == 0 else 0
    for line, row in enumerate(rows, start=2):
        epoch = _epoch_of(row, header)
        if epoch is None and line - 1 < len(rows):
            raise InputError(
                f"{path}, line {line}: not a line of this training log; correct or delete the line to resume"
            )
        if epoch is not None and epoch + shift <= epochs_done:
            kept.append(f"{epoch + shift},{row.partition(',')[2]}")
    replace_file(path, "".join([header, *kept]).encode(errors="surrogateescape"))


def _epoch_of(row: str, header: str) -> int | None:
    """The epoch of a line of a CSV log, None if the line is incomplete or damaged."""
    first, *others = row.rstrip("\r\n").split(",")
    complete = row.endswith("\n") and len(others) == header.count(",") and first.isdecimal()
    return int(first) if complete and all(map(_is_number, others)) else None


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return cell == "NA"  # written by `CSVLogger` for an epoch that was stopped
    return True
