"""Tests that the tables of the documentation agree with the code."""

import ast
import dataclasses

import pytest
import yaml

from gfla_tf.config import Config
from tests.pages import ROOT, table

DOCS = ROOT / "docs"


def _symbols(path):
    """Returns the top-level names of a module, and its methods as `Class.method`."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize("heading", ["## Equations", "## Sections"])
def test_paper_map_names_existing_symbols(heading):
    for item, _, symbol, path in table(DOCS / "paper_map.md", heading)[1:]:
        assert symbol.strip("`") in _symbols(ROOT / path.strip("`")), f"{item}: {symbol} in {path}"


def test_paper_map_has_every_equation():
    numbers = ", ".join(row[0] for row in table(DOCS / "paper_map.md", "## Equations")[1:])
    assert {int(number) for number in numbers.split(", ")} == set(range(1, 16))


def _settings(config, prefix=""):
    """Yields the key and the default of every setting of the configuration."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from _settings(value, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}", value


def test_settings_are_listed_with_their_defaults():
    rows = table(DOCS / "training.md", "## Settings")
    listed = {row[0].strip("`"): row[1].strip("`") for row in rows if row[0] != "setting"}
    known = dict(_settings(Config()))
    assert list(listed) == list(known)
    for key, text in listed.items():
        default = known[key]
        value = yaml.safe_load(text)
        assert (float(value) if isinstance(default, float) else value) == default, key


def test_loss_weights_are_listed():
    from gfla_tf.training.flow_trainer import STAGE1_WEIGHTS
    from gfla_tf.training.gfla_trainer import STAGE2_WEIGHTS

    rows = table(DOCS / "training.md", "## Losses")[1:]
    for column, weights in ((1, STAGE1_WEIGHTS), (2, STAGE2_WEIGHTS)):
        listed = {row[0].strip("`"): float(row[column]) for row in rows if row[column] != "–"}
        assert listed == weights


def test_presets_are_listed():
    import inspect

    from gfla_tf.models import PRESETS, PersonImageGenerator

    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(PersonImageGenerator).parameters.items()
    }
    rows = table(DOCS / "synthetic.md", "## Differences from the paper's model")[1:]
    for column, preset in ((1, "fashion"), (2, "synthetic")):
        arguments = {key: value for key, value in PRESETS[preset].items() if key != "discriminator"}
        listed = {row[0].strip("`"): ast.literal_eval(row[column]) for row in rows}
        assert listed == {name: arguments.get(name, defaults[name]) for name in listed}
        assert set(arguments) <= set(listed)
