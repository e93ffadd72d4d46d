"""The pages are correct: code blocks run, commands parse, links resolve, the README is short."""

import argparse
import re

import numpy as np
import pytest

from gfla_tf.cli.main import COMMANDS, build_parser, main
from gfla_tf.config import find_config, load_config
from gfla_tf.images.io import read_image
from tests.pages import PAGES, ROOT, blocks, commands, inline, links

README = ROOT / "README.md"
GIVEN = {"export.md": {"person.tflite": ROOT / "savedmodels/synthetic/model.tflite"}}
"""Files that the blocks of a page read: {page: {name: file}}."""

CODE = [
    pytest.param(
        page,
        code,
        id=f"{page.name}-{number}",
        marks=pytest.mark.slow if page.name == "training.md" else (),
    )
    for page in PAGES
    for number, code in enumerate(blocks(page, "python"), 1)
]


@pytest.mark.parametrize(("page", "code"), CODE)
def test_python_blocks_run(page, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "ai_edge_litert" in code:
        pytest.importorskip("ai_edge_litert")
    for name, file in GIVEN.get(page.name, {}).items():
        (tmp_path / name).symlink_to(file)
    exec(compile(code, "<page>", "exec"), {"__name__": "__page__"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_gfla_commands_parse(page):
    for words in commands(page, "gfla"):
        if words in (["--help"], ["--version"]):
            continue
        args = build_parser().parse_args(words)
        if args.command == "train" and args.config and not args.resume:
            load_config(
                find_config(args.config), args.overrides
            )  # by name: an installed package has no configs/


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_gfla_commands_in_the_text_exist(page):
    for name, *words in inline(page, "gfla"):
        assert name in COMMANDS or name in ("COMMAND", "--help", "--version"), name
        parser = _sub_parsers(build_parser()).get(name)
        if words and words[0] in _sub_parsers(parser):
            parser = _sub_parsers(parser)[words[0]]
        for option in (word for word in words if word.startswith("-")):
            assert option in parser._option_string_actions, f"gfla {name} {option}"


def _sub_parsers(parser):
    actions = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return next((action.choices for action in actions), {})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page):
    targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.M)
    assert {words[0] for words in commands(page, "make") + inline(page, "make")} <= set(targets)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in links(page):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_is_one_screen():
    assert README.stat().st_size <= 10_240


def test_the_index_lists_every_page():
    index = ROOT / "docs" / "index.md"
    listed = {(index.parent / target).resolve() for target in links(index)}
    assert {*(ROOT / "docs").glob("*.md"), README} - {index} <= listed


def test_the_six_lines_make_an_image(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = (code for code in blocks(README, "python") if "gfla_tf.generate" in code)
    names = {}
    exec(compile(code, "<page>", "exec"), names)
    image = read_image(tmp_path / "out.png")
    np.testing.assert_array_equal(image, names["result"].image)
    target = names["pair"]["target_image"].astype(np.float32)
    person = names["pair"]["target_parts"] > 0
    error, copied = (
        np.abs(other.astype(np.float32) - target)[person].mean()
        for other in (image, names["pair"]["source_image"])
    )
    assert error < 0.6 * copied  # 0.446 over all 600 pairs, docs/results.md


def test_the_commands_that_generate_an_image_work(tmp_path, monkeypatch):
    page = ROOT / "docs" / "generate.md"
    monkeypatch.chdir(tmp_path)
    (render,) = (words for words in commands(page, "gfla") if words[:2] == ["data", "synthetic"])
    assert main([*render, "--identities", "1", "--test-identities", "1", "--workers", "0"]) == 0
    generate = next(words for words in commands(page, "gfla") if words[0] == "generate")
    assert main(generate) == 0
    assert read_image(tmp_path / "out.png").std() > 10
