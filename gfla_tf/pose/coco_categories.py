"""The categories of a COCO file: which of them is the person, and the names and order of its keypoints."""

from __future__ import annotations

import re
from typing import Any

from gfla_tf.errors import InputError
from gfla_tf.pose.skeletons import BODY_25, COCO_17

_PEOPLE = ("person", "people", "persons", "human", "humans", "pedestrian", "man", "woman", "child", "body")
_ANIMALS = ("bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "animal")
_SIDES = {"l": "left", "r": "right", "left": "left", "right": "right"}
_SHOWN = 5

Names = tuple[str | None, ...]
"""The names of a category's keypoints in its order: each one of `BODY_25`, or None if it is not used."""


class PersonCategories:
    """The categories of people in a COCO file.

    Of the categories whose entries have keypoints, one is a person if it has that name, or if none has it and
    its keypoints are those of a person. Without `categories`, the keypoints are COCO's 17 in its order, and
    the person is category 1 if there are several.

    Args:
      categories: the file's list `categories`, None if there is none.
      entries: the file's annotations or results.
      where: the file, for messages.

    Raises:
      InputError: the list is malformed, the names of a person's keypoints are unknown, ambiguous or
        incomplete, or it cannot be decided which category is the person.
    """

    def __init__(self, categories: object, entries: list[dict[str, Any]], where: str):
        self._where = where
        if categories:
            self._listed = _by_id(categories, where)
            keys = (entry.get("category_id") for entry in entries if has_keypoints(entry))
            used = {key for key in keys if is_id(key)}
            self._names = _people({key: one for key, one in self._listed.items() if key in used}, where)
        else:
            self._listed = None
            self._names = _without_list(entries, where)

    def names_of(self, entry: dict[str, Any], where_entry: str) -> Names | None:
        """Returns the names of the keypoints of an annotation or result, None if it is not a person.

        Raises:
          InputError: the entry's category is not in the file's list.
        """
        key = entry.get("category_id")
        if self._listed is not None and not (is_id(key) and key in self._listed):
            raise InputError(f"{where_entry} belongs to no category of the file: correct its 'category_id'")
        return self._names.get(key if is_id(key) else None)


def has_keypoints(entry: dict[str, Any]) -> bool:
    """Whether an annotation has keypoints; that of a bounding box has none, or an empty list."""
    return entry.get("keypoints", []) != []


def canonical_name(name: str) -> str | None:
    """Returns the keypoint of `BODY_25` that a name means, None if it is unknown.

    Case, spaces, underscores, hyphens and the position of the side are ignored, and `l` and `r` are sides:
    `Left Eye`, `left-eye`, `LEye` and `eye_l` are `left_eye`.
    """
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
    if "".join(words) != re.sub(r"[\s_\-.]", "", name).lower():
        return None  # a name with digits or other letters
    joined = "".join(words)
    for side in ("left", "right"):
        if words and words[0] not in _SIDES and joined.startswith(side):
            words = [side, joined[len(side) :]]
    sides = [_SIDES[word] for word in words if word in _SIDES]
    found = "".join([*sides, *(word for word in words if word not in _SIDES)])
    return {known.replace("_", ""): known for known in BODY_25}.get(found)


def _by_id(categories: object, where: str) -> dict[int | str, dict[str, Any]]:
    if not isinstance(categories, list) or not all(isinstance(one, dict) for one in categories):
        raise InputError(f"the pose {where!r} has no list 'categories' of JSON objects, as COCO's files have")
    listed = {}
    for one in categories:
        if not is_id(one.get("id")) or one["id"] in listed:
            raise InputError(f"the pose {where!r} lists a category without 'id', or two of one 'id'")
        listed[one["id"]] = one
    return listed


def _people(listed: dict[int | str, dict[str, Any]], where: str) -> dict[int | str | None, Names]:
    """Returns the names of the keypoints of each category of people by its id."""
    named = {key: one for key, one in listed.items() if _title(one) in _PEOPLE}
    if named:
        return {key: _keypoints(one, where) for key, one in named.items()}
    unknown = {key: one for key, one in listed.items() if not _is_animal(one)}
    others = {key: one for key, one in unknown.items() if one.get("keypoints")}
    if len(others) == 1:
        return {key: _keypoints(one, where) for key, one in others.items()}
    found = {}
    for key, one in others.items():
        try:
            found[key] = _keypoints(one, where)
        except InputError:
            continue
    if unknown and not found:
        titles = ", ".join(repr(_title(one)) for one in list(unknown.values())[:_SHOWN])
        raise InputError(
            f"the pose {where!r} has the categories {titles}, none of which has the keypoints of a person: "
            f"name the person's category 'person' and its keypoints {', '.join(COCO_17)}"
        )
    return found


def _without_list(entries: list[dict[str, Any]], where: str) -> dict[int | str | None, Names]:
    keys = {key if is_id(key := entry.get("category_id")) else None for entry in entries}
    if len(keys) <= 1:
        return dict.fromkeys(keys, COCO_17)
    if 1 not in keys:
        shown = ", ".join(sorted(map(str, keys))[:_SHOWN])
        raise InputError(
            f"the pose {where!r} contains the categories {shown} without a list 'categories': give the "
            "person 'category_id' 1, or add the list"
        )
    return {1: COCO_17}


def _keypoints(category: dict[str, Any], where: str) -> Names:
    """Returns the names of a person's keypoints; those of COCO if the category does not list them."""
    given = category.get("keypoints")
    if not given:
        return COCO_17
    where = f"the pose {where!r}, category {_title(category)!r},"
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise InputError(f"{where} has no list 'keypoints' of names, as COCO's files have")
    names = tuple(map(canonical_name, given))
    twice = [name for index, name in enumerate(names) if name is not None and name in names[:index]]
    if twice:
        raise InputError(f"{where} lists the keypoint {twice[0]!r} twice: each needs one name")
    lacking = [name for name in COCO_17 if name not in names]
    if lacking:
        unknown = [name[:40] for name, known in zip(given, names, strict=True) if known is None]
        instead = f" and has {_list(unknown)}, which are unknown" if unknown else ""
        raise InputError(
            f"{where} lacks the keypoints {_list(lacking)}{instead}: known are {', '.join(BODY_25)}"
        )
    return names


def _list(names: list[str]) -> str:
    return ", ".join(map(repr, names[:_SHOWN])) + (", ..." if len(names) > _SHOWN else "")


def _title(category: dict[str, Any]) -> str:
    return str(category.get("name"))[:40].strip().lower()


def _is_animal(category: dict[str, Any]) -> bool:
    return _title(category) in _ANIMALS or str(category.get("supercategory")).strip().lower() == "animal"


def is_id(value: object) -> bool:
    """Whether a value is the id of an image or a category: a text or a whole number, also as 7.0."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, str) or (whole and not isinstance(value, bool))
