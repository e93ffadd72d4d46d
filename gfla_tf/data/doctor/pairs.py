"""Checks of the pairs, and of images and people that occur in both splits."""

from __future__ import annotations

import re

from gfla_tf.data.doctor.checks import FaultList
from gfla_tf.data.doctor.tables import Pair, Tables
from gfla_tf.data.layout import check_inside
from gfla_tf.errors import InputError
from gfla_tf.files.names import Spellings

_FASHION = re.compile(r"fashion((?:WO)?MEN[A-Za-z_]*?id\d{8})")
_MARKET = re.compile(r"(?:.*/)?(\d{4})_c\d+s\d+_")
_UNKNOWN = "0000"  # Market-1501's identity of unknown people


def identity(name: str) -> str | None:
    """Returns the identity in an image's name, None if there is none.

    It is WOMENDressesid00002629 (the path in `img_highres` without its slashes) for
    `fashionWOMENDressesid0000262902_1front.jpg`, and 0002 for `0002_c1s1_000451_03.jpg`.
    """
    found = _FASHION.match(name) or _MARKET.match(name)
    return None if found is None or found[1] == _UNKNOWN else found[1]


def check_pairs(tables: Tables, other: Tables | None, faults: FaultList) -> None:
    """Checks each line of a pair file; `other` is the other split, if it was read."""
    if tables.pairs_path is None:
        return
    if not tables.pairs:
        sentence = f"{tables.pairs_path!r}, line 1: the file contains no pair"
        faults.error("empty-split", sentence, split=tables.split, file=tables.pairs_path, line=1)
    seen: dict[tuple[str, str], int] = {}
    lines: dict[str, list[int]] = {}
    for pair in tables.pairs:
        _check_pair(pair, seen, tables, faults)
        for name in dict.fromkeys((pair.source, pair.target)):
            lines.setdefault(name, []).append(pair.line)
    spellings = Spellings(tables.rows)
    for name, numbers in lines.items():
        _check_name(name, numbers, tables, other, spellings, faults)


def check_splits(train: Tables, test: Tables, faults: FaultList) -> None:
    """Reports images and people that occur in both splits."""
    where = {"split": "train", "file": train.annotation_path}
    for name in train.rows.keys() & test.rows.keys():
        line, test_line = train.rows[name].line, test.rows[name].line
        sentence = (
            f"{train.annotation_path!r}, line {line}: the image {name!r} is also in the test split "
            f"({test.annotation_path!r}, line {test_line})"
        )
        faults.warning("image-in-both-splits", sentence, line=line, image=name, **where)
    people = {}
    for name, row in test.rows.items():
        people.setdefault(identity(name), (name, row.line))
    people.pop(None, None)
    reported = set()
    for name, row in train.rows.items():
        person = identity(name)
        if person in people and person not in reported and name not in test.rows:
            reported.add(person)
            example, line = people[person]
            sentence = (
                f"{train.annotation_path!r}, line {row.line}: the person {person!r} of {name!r} is also in "
                f"the test split ({test.annotation_path!r}, line {line}: {example!r})"
            )
            faults.warning("identity-in-both-splits", sentence, line=row.line, image=name, **where)


def _check_pair(pair: Pair, seen: dict[tuple[str, str], int], tables: Tables, faults: FaultList) -> None:
    where = {"split": tables.split, "file": tables.pairs_path, "line": pair.line, "image": pair.source}
    position = f"{tables.pairs_path!r}, line {pair.line}"
    first = seen.setdefault((pair.source, pair.target), pair.line)
    if first != pair.line:
        faults.warning("duplicate-pair", f"{position}: the pair is already in line {first}", **where)
    if pair.source == pair.target:
        faults.warning("self-pair", f"{position}: {pair.source!r} is paired with itself", **where)
    people = identity(pair.source), identity(pair.target)
    if None not in people and people[0] != people[1]:
        sentence = f"{position}: the names of {pair.source!r} and {pair.target!r} are of different people"
        faults.error("mixed-pair", sentence, **where)


def _check_name(
    name: str,
    lines: list[int],
    tables: Tables,
    other: Tables | None,
    spellings: Spellings,
    faults: FaultList,
) -> None:
    """Checks a name in the pairs, which occurs in `lines`."""
    where = {"split": tables.split, "file": tables.pairs_path, "line": lines[0], "image": name}
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    position = f"{tables.pairs_path!r}, line {lines[0]}{more}"
    try:
        check_inside(name, position)
    except InputError as error:
        faults.error("outside-folder", str(error), **where)
        return
    if name in tables.rows or tables.annotation_path is None:
        return
    if other is not None and name in other.rows:
        line = other.rows[name].line
        sentence = (
            f"the image {name!r} belongs to the {other.split} split ({other.annotation_path!r}, line {line})"
        )
        faults.error("across-splits", f"{position}: {sentence}", **where)
        return
    hint = spellings.explain(name)
    sentence = f"the image {name!r} has no row in {tables.annotation_path!r}{hint}"
    if name in tables.malformed:
        row = f"{tables.annotation_path!r}, line {tables.malformed[name]}"
        sentence = f"the row of the image {name!r} ({row}) cannot be read"
    faults.error("no-annotation", f"{position}: {sentence}", **where)
