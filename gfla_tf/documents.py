"""Parsing of JSON and YAML from untrusted files, within limits and without ambiguities; writing of JSON."""

from __future__ import annotations

import json
from typing import Any

from gfla_tf.files.names import escape_surrogates

MAX_DEPTH = 64
"""The deepest nesting of lists and mappings."""

_TOO_DEEP = f"it is nested too deeply, in more than {MAX_DEPTH} levels"
_MAX_YAML_VALUES = 20_000  # nodes of a document; the configuration of a run has about a hundred


class DocumentError(ValueError):
    """Text that is not a valid document. The message is the reason.

    Attributes:
      line: the line, from 1, or None if it is not known.
    """

    def __init__(self, reason: str, line: int | None = None):
        super().__init__(reason)
        self.line = line


def parse_json(data: bytes | str, *, nonfinite: bool = False) -> Any:
    """Parses a JSON document.

    Args:
      data: the document; bytes must be UTF-8.
      nonfinite: whether NaN and Infinity, which JSON does not have, are read as Python does.

    Returns:
      The value.

    Raises:
      DocumentError: not JSON, nested too deeply, a name that is repeated within one object, whose value
        readers disagree on, or a number that is not finite.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=None if nonfinite else _refuse_constant
        )
    except RecursionError:
        raise DocumentError(_TOO_DEEP) from None
    except ValueError as error:
        raise DocumentError(str(error), getattr(error, "lineno", None)) from error
    _check_depth(value)
    return value


def format_json(value: Any) -> str:
    """Formats a value as indented JSON that ends with a line break.

    File names that are not UTF-8 are read back as the same names.

    Raises:
      ValueError: a number is NaN or infinite, which JSON does not have.
    """
    return escape_surrogates(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def parse_yaml(text: str) -> Any:
    """Parses a YAML document of plain values.

    Aliases are refused: a few of them expand to any number of values. So are repeated keys, of which other
    readers use the last one.

    Raises:
      DocumentError: not YAML, an alias or anchor, a repeated key, a tag of a class, or too many or too deeply
        nested values.
    """
    import yaml

    try:
        _check_events(yaml.parse(text, yaml.SafeLoader))
        return yaml.load(text, _loader())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise DocumentError(reason, mark.line + 1 if mark else None) from error
    except RecursionError:
        raise DocumentError(_TOO_DEEP) from None


def _check_events(events):
    """Checks the events of a document before any value is constructed."""
    import yaml

    depth = 0
    for count, event in enumerate(events):
        problem = None
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            problem = "aliases and anchors are not supported: write the values out"
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            problem = _TOO_DEEP if depth > MAX_DEPTH else None
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if count > _MAX_YAML_VALUES:
            problem = f"it has more than {_MAX_YAML_VALUES} values"
        if problem:
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def _loader():
    import yaml

    class Loader(yaml.SafeLoader):
        """A safe loader that refuses duplicate keys and turns invalid scalars into YAML errors."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
            seen = set()
            for key, _ in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise yaml.constructor.ConstructorError(
                        problem="a key must be a single value", problem_mark=key.start_mark
                    )
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        problem=f"duplicate key {key.value}", problem_mark=key.start_mark
                    )
                seen.add(key.value)
            return super().construct_mapping(node, deep)

        def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
            try:
                return super().construct_object(node, deep)
            except (ValueError, OverflowError, LookupError, TypeError) as error:
                raise yaml.constructor.ConstructorError(
                    problem=f"not a valid value: {str(error)[:80]}", problem_mark=node.start_mark
                ) from error

    return Loader


def describe(value: object) -> str:
    """Describes a value for a message in few characters; huge integers by their number of bits."""
    if isinstance(value, int) and abs(value) >= 2**64:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, list | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return repr(value)[:60]


def _object(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        seen = set()
        repeated = next(name for name, _ in pairs if name in seen or seen.add(name))
        raise ValueError(f"the name {repeated[:60]!r} is repeated within one object")
    return found


def _refuse_constant(name):
    raise ValueError(f"it contains {name}, which is not a number of JSON")


def _check_depth(value):
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for one in level
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise DocumentError(_TOO_DEEP)
