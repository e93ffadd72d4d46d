"""Lines and cells of CSV files, read and written as the csv module does."""

from __future__ import annotations

import csv
import io

from gfla_tf.errors import InputError

_BLANKS = " \t"


def text_lines(text: str) -> list[str]:
    r"""Splits a text at `\n`, `\r\n` and `\r` only; other separators of Unicode may occur in names."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def is_blank(line: str) -> bool:
    """Whether a line contains only spaces and tabs."""
    return not line.strip(_BLANKS)


def read_cells(line: str, separator: str, where: str) -> list[str]:
    """Splits one line of a CSV file into cells.

    A line with quotes is read as the csv module does, with spaces before a cell removed. In other lines,
    spaces and tabs around the cells are removed; other spaces of Unicode are part of a cell.

    Args:
      line: the line.
      separator: one character.
      where: file and line number, the prefix of error messages.

    Raises:
      InputError: a quoted cell does not end, or is followed by other text than the separator.
    """
    if '"' not in line:
        return [cell.strip(_BLANKS) for cell in line.split(separator)]
    try:
        rows = csv.reader([line.strip(_BLANKS)], delimiter=separator, skipinitialspace=True, strict=True)
        (cells,) = rows
    except (csv.Error, ValueError) as error:
        raise InputError(
            f"{where}: the quotes are not those of a CSV cell ({error}), found {line[:60]!r}"
        ) from error
    return cells


def is_header(line: str, expected: str, separator: str) -> bool:
    """Whether a line is the header `expected`, with or without quotes and outer spaces."""
    try:
        return read_cells(line, separator, "") == expected.split(separator)
    except InputError:
        return False


def format_cells(cells: list[str], separator: str) -> str:
    """Formats one line; cells are quoted where `read_cells` would not return them otherwise."""
    return separator.join(_quoted(cell, separator) for cell in cells)


def _quoted(cell: str, separator: str) -> str:
    if separator not in cell and '"' not in cell and cell == cell.strip(_BLANKS):
        return cell
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="").writerow([cell])
    return text.getvalue()
