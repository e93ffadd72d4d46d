"""Tests of the checks of constructor arguments."""

import numpy as np
import pytest

from gfla_tf import arguments


@pytest.mark.parametrize("value", [True, np.True_, 1.0, "1", None, float("nan"), 10**30, 0, 11, [1], {}])
def test_integer_refuses_other_types_and_ranges(value):
    with pytest.raises(ValueError, match=r"^n must be an integer from 1 to 10, got ") as caught:
        arguments.integer("n", value, 1, 10)
    assert len(str(caught.value)) < 100


def test_a_whole_float_is_shown_as_a_float():
    with pytest.raises(ValueError, match=r"must be an integer from 1 to 10, got 8\.0$"):
        arguments.integer("n", 8.0, 1, 10)


def test_integers_of_numpy_are_integers():
    value = arguments.integer("n", np.int64(3), 1, 10)
    assert (value, type(value)) == (3, int)


@pytest.mark.parametrize(
    "value", [True, np.False_, "1", None, float("nan"), float("inf"), -1, 0, 11, 10**400]
)
def test_number_refuses_other_types_and_ranges(value):
    with pytest.raises(ValueError, match=r"^sigma must be a number above 0 and at most 10, got "):
        arguments.number("sigma", value, 0, 10, strict=True)


def test_numbers_are_returned_as_float():
    for value in (3, 3.0, np.float32(3), np.int8(3)):
        found = arguments.number("sigma", value, 3, 10)
        assert (found, type(found)) == (3.0, float)


@pytest.mark.parametrize("value", [0, 1, "true", None, []])
def test_boolean_refuses_other_types(value):
    with pytest.raises(ValueError, match=r"^augment must be true or false, got "):
        arguments.boolean("augment", value)


@pytest.mark.parametrize(
    "value",
    [
        36,
        "36",
        [36, 64],
        [64, 36],
        [0, 64],
        [-16, 64],
        [64],
        [64, 64, 3],
        ["64", 64],
        [64.0, 64],
        [True, 64],
        None,
        {64: 64},
        [10**30, 64],
        [64, 4112],
        [float("nan"), 64],
        np.array(64.0),
        np.array([64.5, 64.0]),
    ],
)
def test_image_size_refuses_what_is_no_size(value):
    message = r"^image_size must be \[height, width\], multiples of 16 from 16 to 4096, got "
    with pytest.raises(ValueError, match=message):
        arguments.image_size(value, 1, 4096, 16)


@pytest.mark.parametrize("value", [[64.5, 64], [True, 64], ["64", 64], [0, 64], [1, 8193], [64]])
def test_image_size_without_a_multiple(value):
    with pytest.raises(
        ValueError, match=r"^image_size must be \[height, width\], integers from 1 to 8192, got "
    ):
        arguments.image_size(value, 1, 8192)


def test_image_sizes_are_returned_as_tuples():
    assert arguments.image_size([64, 48], 32, 4096, 16) == (64, 48)
    assert arguments.image_size((np.int32(33), 35), 32, 4096) == (33, 35)
    assert arguments.image_size(np.array([64, 48]), 32, 4096, 16) == (64, 48)
