"""Damaged files: each ends in an error message or in success, within 2 GiB and 10 s of the processor.

`python -m tests.fuzz` runs all cases, and `tests.fuzz.checks.check(workspace, kind, number)` one of them.
"""

import pytest

from tests.fuzz.runner import Runner
from tests.fuzz.workspace import CASES

SAMPLE = {"weights": 4, "keras": 4, "features": 2, "arguments": 8, "pairs file": 5, "packed pairs file": 5}
"""The number of cases here of the slow kinds; of the others it is a quarter of a whole run."""


def test_number_of_cases():
    assert sum(CASES.values()) >= 1500


@pytest.fixture(scope="module")
def runner():
    runner = Runner()
    yield runner
    runner.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_damaged_files(runner, kind):
    runner.findings.clear()
    for number in range(SAMPLE.get(kind, CASES[kind] // 4)):
        runner.run("check", kind, number)
    assert not runner.findings


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["annotation", "tfrecord", "jpeg"])
def test_damaged_files_in_training(runner, kind):
    runner.findings.clear()
    for number in range(12):
        runner.run("train", kind, number)
    assert not runner.findings
