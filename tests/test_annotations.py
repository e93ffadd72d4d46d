"""Every public function, method and constructor of the package carries complete type annotations."""

import ast
from pathlib import Path

import pytest

import gfla_tf

PACKAGE = Path(gfla_tf.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "cli" not in path.parts)
WITHOUT = {"call", "build", "get_config", "from_config", "build_from_config", "compute_output_shape"}
"""Methods whose signatures Keras documents; they are annotated where it helps."""


def _public(body, prefix=""):
    """(qualified name, node, whether a method) of every public function below a module or a class."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _public(node.body, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            special = node.name.startswith("_") and not (prefix and node.name in ("__init__", "__call__"))
            if not special:
                yield f"{prefix}{node.name}", node, bool(prefix)


def _missing(node, is_method):
    static = any(isinstance(item, ast.Name) and item.id == "staticmethod" for item in node.decorator_list)
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    if is_method and not static:
        arguments = arguments[1:]
    names = [argument.arg for argument in arguments if argument.annotation is None]
    return names + (["return"] if node.returns is None and node.name != "__init__" else [])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_public_functions_are_annotated(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    incomplete = {
        f"{name} (line {node.lineno})": missing
        for name, node, is_method in _public(tree.body)
        if node.name not in WITHOUT and (missing := _missing(node, is_method))
    }
    assert not incomplete
