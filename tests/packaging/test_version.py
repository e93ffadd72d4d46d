"""The version is written in gfla_tf/_version.py and nowhere else."""

import re
import tomllib

import gfla_tf
from tests.packaging import distributions
from tests.pages import ROOT

TEXT = (".py", ".toml", ".cfg", ".md", ".yaml", ".yml", ".cmake", ".txt", ".in", ".cc", ".cu", ".h", ".cuh")
# The changelog has versions as headings; constraints files contain versions of other packages.
ALLOWED = re.compile(r"gfla_tf/_version\.py|CHANGELOG\.md|constraints.*\.txt")


def _mentions(version):
    pattern = re.compile(rf"(?<![\d.]){re.escape(version)}(?![\d.]*\d)")
    for name in distributions.tracked():
        is_text = name.endswith(TEXT) or name in ("Makefile", ".ci/run")
        if is_text and pattern.search((ROOT / name).read_text(encoding="utf-8")):
            yield name


def test_no_other_file_contains_the_version():
    mentions = set(_mentions(gfla_tf.__version__))
    assert "gfla_tf/_version.py" in mentions
    assert [name for name in sorted(mentions) if not ALLOWED.fullmatch(name)] == []


def test_the_package_metadata_reads_the_version():
    described = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in described["project"]
    assert described["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "gfla_tf._version.__version__"}


def test_the_changelog_begins_with_the_version():
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert headings[0] == gfla_tf.__version__
