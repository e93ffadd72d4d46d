"""Measurement of times and peak memory."""

import numpy as np
import pytest

from benchmarks.timing import Times, alternate, peak_memory, table

MIB = 2**20


def test_candidates_alternate_and_warm_up_rounds_are_not_measured():
    calls = []
    times = alternate({name: lambda n=name: calls.append(n) for name in "abc"}, repeats=3, warmup=1)
    assert "".join(calls) == "abcbcacababc"
    assert list(times) == ["a", "b", "c"]
    assert all(0 <= value.low <= value.median <= value.high for value in times.values())
    with pytest.raises(ValueError, match="got 0 and 10"):
        alternate({})


def test_the_table_compares_with_the_baseline():
    text = table({"plain": Times(0.1, 0.09, 0.12), "ours": Times(0.2, 0.2, 0.3)}, "plain", 10, "pairs")
    lines = text.splitlines()
    assert len({len(line) for line in lines}) == 1
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == ["", "ms", "quartiles", "speed / plain", "pairs / s"]
    assert cells[3] == ["ours", "200.00", "200.00 – 300.00", "0.50", "50.0"]


def _prepare(before, during):
    kept = np.ones(before * MIB, np.uint8)
    return lambda: np.ones(during * MIB, np.uint8)[:1] + kept[:1]


def _prepare_failure():
    raise SystemExit(3)


def test_peak_memory_is_that_of_the_call_alone():
    assert 60 * MIB < peak_memory(_prepare, 200, 64) < 90 * MIB
    with pytest.raises(RuntimeError, match="exit code 3"):
        peak_memory(_prepare_failure)
