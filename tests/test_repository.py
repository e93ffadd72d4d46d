"""Large files stay out of git: the rule of CONTRIBUTING.md."""

import re

from tests.packaging import distributions
from tests.pages import ROOT


def test_no_tracked_file_is_larger_than_the_rule_allows():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (mebibytes,) = re.findall(r"no tracked file is larger than (\d+) MiB", text)
    sizes = {name: (ROOT / name).stat().st_size for name in distributions.tracked()}
    assert sizes["savedmodels/synthetic/model.keras"] > 2**20  # a pointer to a file elsewhere would be small
    assert {name: size for name, size in sizes.items() if size > int(mebibytes) * 2**20} == {}
