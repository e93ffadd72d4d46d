"""Tests of reading and writing the lines and cells of CSV files."""

import csv
import io

import pytest

from gfla_tf.csv_text import format_cells, is_header, read_cells, text_lines
from gfla_tf.errors import InputError

NAMES = ["a.jpg", "a,b.jpg", "a:b.jpg", 'a "1".jpg', '"a".jpg', " a.jpg", "a\u202fb.jpg", "\u3000a.jpg\u00a0"]


@pytest.mark.parametrize("separator", [",", ":"])
@pytest.mark.parametrize("name", NAMES)
def test_cells_are_those_of_the_csv_module(name, separator):
    line = format_cells([name, "other.jpg"], separator)
    assert read_cells(line, separator, "x") == [name, "other.jpg"]
    assert next(csv.reader([line], delimiter=separator)) == [name, "other.jpg"]
    for quoting in (csv.QUOTE_ALL, csv.QUOTE_MINIMAL):
        text = io.StringIO()
        csv.writer(text, delimiter=separator, quoting=quoting).writerow([name, "other.jpg"])
        if quoting == csv.QUOTE_ALL or not name.startswith(" "):
            assert read_cells(text.getvalue().rstrip("\r\n"), separator, "x") == [name, "other.jpg"]


def test_spaces_around_cells():
    assert read_cells(" a.jpg ,\tb.jpg", ",", "x") == ["a.jpg", "b.jpg"]
    assert read_cells(' a.jpg, "b, c.jpg"', ",", "x") == ["a.jpg", "b, c.jpg"]


@pytest.mark.parametrize("line", ['"a.jpg,b.jpg', '"a"b.jpg,c.jpg'])
def test_wrong_quotes(line):
    with pytest.raises(InputError, match=r"^'a\.csv', line 2: the quotes are not those of a CSV cell"):
        read_cells(line, ",", "'a.csv', line 2")


def test_headers():
    assert is_header("from,to", "from,to", ",")
    assert is_header('"from","to" ', "from,to", ",")
    assert not is_header('"from,to', "from,to", ",")
    assert not is_header("to,from", "from,to", ",")


def test_only_line_ends_separate_lines():
    assert text_lines("a\u2028b\x85c\r\nd\re\n\nf") == ["a\u2028b\x85c", "d", "e", "", "f"]
    assert text_lines("a\n") == ["a"]
    assert text_lines("") == []
