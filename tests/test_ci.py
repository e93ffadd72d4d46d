"""Continuous integration: its documented steps, and the selection of tests for the tf215 stack."""

import re

from tests.pages import ROOT, table


def test_every_step_is_documented():
    steps = re.findall(r"^step '(.+)'$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.M)
    rows = table(ROOT / "CONTRIBUTING.md", "## Continuous integration")
    assert [row[0] for row in rows] == ["step", *steps, "total"]


def test_the_tests_of_the_tf215_stack_exist():
    (value,) = re.findall(r"^TF215_TESTS := \$\(addprefix tests/,((?:.|\n)+?)\)$", _makefile(), re.M)
    names = value.replace("\\\n", " ").split()
    assert {"ops", "layers", "losses", "models", "training", "tf215"} <= set(names)
    assert [name for name in names if not (ROOT / "tests" / name).exists()] == []


def _makefile():
    return (ROOT / "Makefile").read_text(encoding="utf-8")
