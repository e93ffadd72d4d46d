"""The `Example:` blocks of the package's docstrings run."""

import ast
import re
import textwrap
from pathlib import Path

import pytest

import gfla_tf

PACKAGE = Path(gfla_tf.__file__).parent
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
HEADING = re.compile(r"^( *)Example:\n", re.M)
BLOCK = re.compile(r"^ *Example:\n\n( *)```python\n(.*?)^\1```$", re.M | re.S)


def _examples():
    """A parameter for each block, its code, with an id made of the file and the documented object."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            docstring = ast.get_docstring(node) if isinstance(node, DOCUMENTED) else None
            if not docstring or not HEADING.search(docstring):
                continue
            blocks = [textwrap.dedent(code) for _, code in BLOCK.findall(docstring)]
            name = f"{path.relative_to(PACKAGE).as_posix()}::{getattr(node, 'name', 'module')}"
            assert len(blocks) == len(HEADING.findall(docstring)), f"{name}: write Example:, ```python, code"
            for number, code in enumerate(blocks, 1):
                slow = pytest.mark.slow if name.startswith("training/") else ()  # traces a training step
                yield pytest.param(code, id=name if len(blocks) == 1 else f"{name}-{number}", marks=slow)


@pytest.mark.parametrize("code", _examples())
def test_examples_run(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "<example>", "exec"), {"__name__": "__example__"})
