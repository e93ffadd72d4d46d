"""Checks of the lists against each other: pairs, names, and who is in which split."""

from __future__ import annotations

import re

from gfla_tf.data.doctor.checks import FaultList
from gfla_tf.data.doctor.tables import Pair, Tables
from gfla_tf.data.layout import check_inside
from gfla_tf.errors import InputError

_FASHION = re.compile(r"fashion((?:WO)?MEN[A-Za-z_]*?id\d{8})")
_MARKET = re.compile(r"(?:.*/)?(\d{4})_c\d+s\d+_")
_NOBODY = "0000"  # Market-1501's number of people whom nobody has named


def identity(name: str) -> str | None:
    """Who is in an image, by its name; None where the name does not tell.

    `fashionWOMENDressesid0000262902_1front.jpg` is WOMENDressesid00002629 (the path under `img_highres`
    without its slashes), `0002_c1s1_000451_03.jpg` is 0002.
    """
    found = _FASHION.match(name) or _MARKET.match(name)
    return None if found is None or found[1] == _NOBODY else found[1]


def check_pairs(tables: Tables, other: Tables | None, faults: FaultList) -> None:
    """Checks each line of a pair file; `other` is the other split, where it was read."""
    if tables.pairs_path is None:
        return
    if not tables.pairs:
        sentence = f"{tables.pairs_path!r}, line 1: there is no pair after it"
        faults.error("empty-split", sentence, split=tables.split, file=tables.pairs_path, line=1)
    seen: dict[tuple[str, str], int] = {}
    lines: dict[str, list[int]] = {}
    for pair in tables.pairs:
        _check_pair(pair, seen, tables, faults)
        for name in dict.fromkeys((pair.source, pair.target)):
            lines.setdefault(name, []).append(pair.line)
    for name, numbers in lines.items():
        _check_name(name, numbers, tables, other, faults)


def check_splits(train: Tables, test: Tables, faults: FaultList) -> None:
    """Looks for images, and for people, that are in both splits."""
    where = {"split": "train", "file": train.annotation_path}
    for name in train.rows.keys() & test.rows.keys():
        line, there = train.rows[name].line, test.rows[name].line
        sentence = (
            f"{train.annotation_path!r}, line {line}: the image {name!r} is also in the test split "
            f"({test.annotation_path!r}, line {there})"
        )
        faults.warning("image-in-both-splits", sentence, line=line, image=name, **where)
    people = {}
    for name, row in test.rows.items():
        people.setdefault(identity(name), (name, row.line))
    people.pop(None, None)
    told = set()
    for name, row in train.rows.items():
        person = identity(name)
        if person in people and person not in told and name not in test.rows:
            told.add(person)
            example, line = people[person]
            sentence = (
                f"{train.annotation_path!r}, line {row.line}: the person {person!r} of {name!r} is in the "
                f"test split too ({test.annotation_path!r}, line {line}: {example!r})"
            )
            faults.warning("identity-in-both-splits", sentence, line=row.line, image=name, **where)


def _check_pair(pair: Pair, seen: dict, tables: Tables, faults: FaultList) -> None:
    where = {"split": tables.split, "file": tables.pairs_path, "line": pair.line, "image": pair.source}
    place = f"{tables.pairs_path!r}, line {pair.line}"
    first = seen.setdefault((pair.source, pair.target), pair.line)
    if first != pair.line:
        faults.warning("duplicate-pair", f"{place}: the pair stands on line {first} already", **where)
    if pair.source == pair.target:
        faults.warning("self-pair", f"{place}: {pair.source!r} is paired with itself", **where)
    people = identity(pair.source), identity(pair.target)
    if None not in people and people[0] != people[1]:
        sentence = f"{place}: {pair.source!r} and {pair.target!r} are of two people by their names"
        faults.error("mixed-pair", sentence, **where)


def _check_name(name: str, lines: list[int], tables: Tables, other: Tables | None, faults: FaultList) -> None:
    """Checks a name in the pairs, which stands on `lines`."""
    where = {"split": tables.split, "file": tables.pairs_path, "line": lines[0], "image": name}
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    place = f"{tables.pairs_path!r}, line {lines[0]}{more}"
    try:
        check_inside(name, place)
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
        faults.error("across-splits", f"{place}: {sentence}", **where)
        return
    sentence = f"the image {name!r} has no row in {tables.annotation_path!r}"
    if name in tables.malformed:
        row = f"{tables.annotation_path!r}, line {tables.malformed[name]}"
        sentence = f"the row of the image {name!r} ({row}) cannot be read"
    faults.error("no-annotation", f"{place}: {sentence}", **where)
