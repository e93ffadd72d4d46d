"""Training logs of `keras.callbacks.CSVLogger`, and their curves."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from gfla_tf.errors import InputError


def read_log(path: Path | str) -> dict[str, list[float]]:
    """Reads a training log as {column: values}, in the order of the file.

    Empty cells and "NA" become NaN. An incomplete last line is ignored. Epochs are counted from 1, also those
    of a log that counts them from 0, as Keras and earlier versions write it.

    Raises:
      InputError: the file cannot be read, it has no column "epoch", a cell is not a number, or its epochs are
        not consecutive numbers from 0 or 1.
    """
    path = Path(path)
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the training log {path}: {error}") from error
    if not lines or "epoch" not in lines[0]:
        raise InputError(f"{path} is not a training log: its first line has no column 'epoch'")
    header, *rows = lines
    if rows and len(rows[-1]) < len(header):
        rows.pop()
    columns: dict[str, list[float]] = {name: [] for name in header}
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise InputError(f"{path}, line {number}: {len(row)} cells, but the header has {len(header)}")
        for name, cell in zip(header, row, strict=True):
            columns[name].append(_number(cell, path, number, name))
    first = 0 if columns["epoch"][:1] == [0] else 1
    for number, epoch in enumerate(columns["epoch"]):
        if epoch != first + number:
            raise InputError(
                f"{path}, line {number + 2}: epoch {epoch:g} instead of {first + number}; epochs must be "
                "consecutive, from 1"
            )
    columns["epoch"] = [float(number) for number in range(1, len(columns["epoch"]) + 1)]
    return columns


def curves(log: dict[str, list[float]]) -> dict[str, dict[str, list[float]]]:
    """Returns the curves of a log: {name: {"training": values, "held-out": values}}, one value per epoch.

    A column `val_` + name contains the held-out values of `name`. "loss" and "flow_error" come first. Columns
    without a finite value and the learning rate are omitted.
    """
    names = dict.fromkeys(name.removeprefix("val_") for name in log)
    found = {}
    for name in sorted(names, key=lambda name: (name != "loss", name != "flow_error")):
        both = {"training": log.get(name, []), "held-out": log.get("val_" + name, [])}
        both = {kind: values for kind, values in both.items() if any(map(math.isfinite, values))}
        if both and name not in ("epoch", "learning_rate", "lr"):
            found[name] = both
    return found


def _number(cell: str, path: Path, line: int, name: str) -> float:
    if cell.strip() in ("", "NA"):
        return math.nan
    try:
        return float(cell)
    except ValueError:
        raise InputError(f"{path}, line {line}, column {name!r}: {cell!r} is not a number") from None
