"""Reading the project's Markdown pages: their code blocks, commands, links and tables."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "savedmodels").rglob("README.md")),
]


def blocks(page, language):
    """The fenced code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)


def commands(page, program):
    """The command lines of a program in the page's bash blocks: lists of words, without its name."""
    lines = "\n".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
    return [shlex.split(line)[1:] for line in lines if line.startswith(f"{program} ")]


def inline(page, program):
    """The words of each `program …` in single backticks."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return [found.split() for found in re.findall(rf"`{program} ([^`]+)`", text)]


def links(page):
    """The relative targets of links and pictures, without anchors."""
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    relative = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:", target)]
    return [target for target in relative if target]


def table(page, heading):
    """The rows, lists of cells, of all tables between a heading (with its #s) and the next of its level."""
    text = page.read_text(encoding="utf-8")
    begin = text.index(f"\n{heading}\n")
    level = heading.split()[0]
    end = text.find(f"\n{level} ", begin + 1)
    rows = [line for line in text[begin : end if end > 0 else None].splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]
    return [row for row in cells if not set("".join(row)) <= set("-: ")]
