"""The rules of CONTRIBUTING.md on sizes: no large file in git, no long source file."""

import re

from tests.packaging import distributions
from tests.pages import ROOT


def test_no_tracked_file_is_larger_than_the_rule_allows():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (mebibytes,) = re.findall(r"no tracked file is larger than (\d+) MiB", text)
    sizes = {name: (ROOT / name).stat().st_size for name in distributions.tracked()}
    assert sizes["savedmodels/synthetic/model.keras"] > 2**20  # a pointer to a file elsewhere would be small
    assert {name: size for name, size in sizes.items() if size > int(mebibytes) * 2**20} == {}


def test_no_source_file_is_long():
    endings = (".py", ".cc", ".cu", ".h", ".cuh")
    lengths = {
        name: len((ROOT / name).read_text(encoding="utf-8").splitlines())
        for name in distributions.tracked()
        if name.endswith(endings)
    }
    assert {name: length for name, length in lengths.items() if length > 300} == {}
