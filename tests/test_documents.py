"""Tests of the parsing of JSON and YAML from untrusted files."""

import pytest

from gfla_tf.documents import MAX_DEPTH, DocumentError, parse_json, parse_yaml


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "the name 'a' is repeated within one object", None),
        ("[NaN]", "it contains NaN, which is not a number of JSON", None),
        ("[-Infinity]", "it contains -Infinity", None),
        ("[" * 65 + "]" * 65, "nested too deeply", None),
        ("[" * 10**6, "nested too deeply", None),
        ('{"a":' * 10**5 + "1" + "}" * 10**5, "nested too deeply", None),
        ("[" + "9" * 5000 + "]", "4300 digits", None),
        ("[1,\n2", "Expecting ',' delimiter", 2),
        (b"\xff\xfe", "can't decode byte", None),
        ("", "Expecting value", 1),
    ],
)
def test_invalid_json(text, message, line):
    with pytest.raises(DocumentError, match=message) as caught:
        parse_json(text)
    assert caught.value.line == line


def test_valid_json():
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse_json('{"a": [1, 2.5, null, {"a": true}]}') == {"a": [1, 2.5, None, {"a": True}]}
    assert str(parse_json(deep)).replace(" ", "") == deep
    assert parse_json("[Infinity]", nonfinite=True) == [float("inf")]


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("a: &x 1\nb: *x", "aliases and anchors are not supported", 1),
        ("a: 1\nb: *x", "aliases and anchors are not supported", 2),
        ("a: &x {b: 1}\nc: {<<: *x}", "aliases and anchors are not supported", 1),
        ("a: " + "{b: " * 100 + "1" + "}" * 100, "nested too deeply", 1),
        ("- " * 3000 + "1", "nested too deeply", 1),
        ("a:\n  b: 1\n  b: 2", "duplicate key b", 3),
        ("? [1]\n: 2", "a key must be a single value", 1),
        ("a: !!python/object/apply:os.system [true]", "could not determine a constructor", 1),
        ("a: 2001-99-99", "not a valid value", 1),
        ("a: !!int x", "not a valid value", 1),
        ("a: " + "9" * 5000, "not a valid value", 1),
        ("a: [" + "1, " * 20_000 + "]", "more than 20000 values", 1),
        ("a: \x01", "special characters are not allowed", None),
        ("a: [", "expected the node content", 1),
    ],
)
def test_invalid_yaml(text, message, line):
    with pytest.raises(DocumentError, match=message) as caught:
        parse_yaml(text)
    assert caught.value.line == line
    assert "\n" not in str(caught.value)


def test_valid_yaml():
    assert parse_yaml("a: {b: [1, 2.5, null, true]}\nc: 'x'") == {"a": {"b": [1, 2.5, None, True]}, "c": "x"}
    assert parse_yaml("") is None
