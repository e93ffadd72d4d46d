"""The package, the README and the pages avoid words that would make a reader of Keras's documentation stop.

`python -m tests.test_wording PATH...` lists the findings below some paths.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATHS = ("gfla_tf", "README.md", "docs", "CONTRIBUTING.md", "configs", "savedmodels")

AVOIDED = {
    r"\bfigures?\b(?! ?(\d|[A-Z]\.\d))": "metric, person region, image; `Figure 2` is for the paper's",
    r"\bplaces?\b|\bwhere (it|they|this) lies?\b|\blies? in\b": "path, index, position, offset, folder",
    r"\b(told|tells?)\b|\bsays? of itself\b": "reports, prints, documents, contains",
    r"\bgone\b|(?<=\}) left\b|\btime left\b": "elapsed, ETA, remaining",
    r"\b(people|person) drawn\b|\bdrawn (people|person|pairs?)\b": "synthetic people",
    r"\bdraws? (people|itself|themselves)\b": "renders",
    r"\bowners?\b": "the original (downloaded) dataset",
    r"\b(a|one|two|three) [a-z]+ an? (epoch|call|process|file|image|line|run|step|pass|row)\b": "per",
    r"\bonce an? (process|epoch|call|run|operator|file)\b|\bsomebody asks\b": "once per process",
    r"\bwhole or not at all\b|\ball or none\b|\bnot at all\b": "atomic",
    r"\b(that|what) (is|are|was|were) there\b|\b(is|are) there (already|and)\b": "exist, existing",
    r"\bfalls along\b": "cosine decay",
    r"\bhas a say\b": "nothing else is loaded",
    r"(?<!model )(?<!model_)\bcards?\b": "tf215, or `model card`",
    r"\b(mend|mends|mended|spoils?|spoilt|yardstick|attic)\b": "fix, break, reference",
    r"\bhand(s|ed|ing)? (\w+ )?out\b": "distribute",
    r"\b(without|by your|its|their) leave\b": "permission",
    r"\bone's own\b|\banew\b|\bat hand\b|\bpass(es|ed)? over\b": "your own, again, available, skip",
}
ALLOWED = (
    r"\bin[ -]place\b",  # an operation that overwrites its input
    r"\btakes? place\b",
    r"\bdecimal places?\b",
    r"a place to\b",
    r"\.tell\(\)",  # the position of a file
)


def findings(paths):
    """(path:line, word, advice) of everything avoided in the tracked text files below `paths`."""
    listed = subprocess.run(
        ["git", "ls-files", "--", *paths], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in listed:
        if not name.endswith((".py", ".md", ".yaml", ".toml")):
            continue
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1):
            for allowed in ALLOWED:
                line = re.sub(allowed, "", line, flags=re.IGNORECASE)
            for pattern, advice in AVOIDED.items():
                for found in re.finditer(pattern, line, flags=re.IGNORECASE):
                    yield f"{name}:{number}", found[0], advice


def test_the_text_is_plain_english():
    assert not list(findings(PATHS))


if __name__ == "__main__":
    for where, word, advice in findings(sys.argv[1:] or PATHS):
        print(f"{where}: {word!r}: {advice}")
