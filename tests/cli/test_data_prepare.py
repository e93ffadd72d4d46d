"""`gfla data prepare`: its output, usage errors, and killed processes."""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import gfla_tf
from gfla_tf.cli import data_prepare
from gfla_tf.cli.main import main
from gfla_tf.data import DeepFashion
from gfla_tf.data.protocol import FORMATS, INTERPOLATIONS, SOURCES
from tests.data import source_trees
from tests.pages import ROOT, table


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return source_trees.deepfashion(tmp_path_factory.mktemp("owners") / "DeepFashion", train=4, test=1)


def prepare(*arguments):
    return main(["data", "prepare", *map(str, arguments)])


def test_it_says_what_is_there_and_how_to_go_on(source, tmp_path, capsys):
    out = tmp_path / "fashion"
    assert prepare("deepfashion", source, "-o", out) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{out}: 20 images"
    assert lines[1].startswith("  img_highres of deepfashion, resized to 256 x 256 (h x w) by pil-bilinear")
    assert lines[2:4] == ["  train: 16 images, 48 pairs", "  test: 4 images, 12 pairs"]
    assert "  note: the lists have 16 train images, and 48,674 were published" in lines
    assert lines[-1] == (
        f"Train on it with: gfla train fashion data.root={out} features.weights=imagenet -o runs/fashion"
    )
    assert prepare("deepfashion", source, "-o", out, "--workers", "0") == 0
    assert capsys.readouterr().out.startswith(f"{out}: 20 images, 20 of them kept from a previous run\n")
    dataset = DeepFashion(out)
    assert dataset.num_pairs("train") == 48
    assert dataset.protocol.interpolation == "pil-bilinear"


def test_options_reach_the_images(source, tmp_path, capsys):
    out = tmp_path / "fashion"
    options = ("--size", "64x48", "--interpolation", "area", "--format", "jpeg", "--quality", "80")
    assert prepare("deepfashion", source, "-o", out, *options, "--workers", "0") == 0
    assert "resized to 64 x 48 (h x w) by area, stored as JPEG of quality 80" in capsys.readouterr().out
    assert prepare("deepfashion", source, "-o", out) == 2
    assert "was prepared with another protocol" in capsys.readouterr().err
    assert prepare("deepfashion", source, "-o", out, "--force", "--workers", "0", "--size", "32x32") == 0
    assert not list(out.rglob("*.jpg"))


def test_the_command_and_the_page_know_every_protocol():
    parser = argparse.ArgumentParser()
    data_prepare.add_arguments(parser)
    choices = {action.dest: action.choices for action in parser._actions}
    assert tuple(choices["interpolation"]) == INTERPOLATIONS
    assert tuple(choices["format"]) == tuple(FORMATS)
    assert list(choices["dataset"]) == sorted(SOURCES)
    options = ("`--interpolation`", "`--format`")
    rows = table(ROOT / "docs" / "data.md", "### The protocol")
    named = {name for row in rows if row[0] in ("", *options) for name in re.findall("^`([a-z-]+)`", row[1])}
    assert named == {*INTERPOLATIONS, *FORMATS}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--quality", "90"), "--quality is 1 to 100 and for --format jpeg, got 90 for png"),
        (("--format", "jpeg", "--quality", "101"), "got 101 for jpeg"),
        (("--lists", "none"), "the folder of the lists 'none' does not exist"),
    ],
)
def test_bad_input_is_one_sentence(source, tmp_path, capsys, arguments, message):
    assert prepare("deepfashion", source, "-o", tmp_path / "out", *arguments) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("vogue", "x", "-o", "y"), "invalid choice: 'vogue'"),
        (("deepfashion", "x"), "required: -o/--out"),
        (("deepfashion", "x", "-o", "y", "--interpolation", "nearest"), "invalid choice: 'nearest'"),
        (("deepfashion", "x", "-o", "y", "--size", "256"), "must be HEIGHTxWIDTH"),
        (("deepfashion", "x", "-o", "y", "--workers", "-1"), "must be a whole number of at least 0"),
    ],
)
def test_wrong_usage_is_named(capsys, arguments, message):
    with pytest.raises(SystemExit) as stopped:
        prepare(*arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("killed_by", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("workers", [0, 2])
def test_it_goes_on_after_a_kill(source, tmp_path, capsys, killed_by, workers):
    expected, out = tmp_path / "expected", tmp_path / "out"
    assert prepare("deepfashion", source, "-o", expected, "--workers", "0") == 0
    command = ["data", "prepare", "deepfashion", source, "-o", out, "--workers", str(workers)]
    process = subprocess.Popen(
        [sys.executable, "-m", "gfla_tf", *command],
        env={**os.environ, "PYTHONPATH": str(Path(gfla_tf.__file__).parent.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell starts what it runs in the background with SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while process.poll() is None and not list(out.rglob("*.png")):
        time.sleep(0.002)
    (os.killpg if killed_by == signal.SIGINT else os.kill)(process.pid, killed_by)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if killed_by == signal.SIGKILL else 130)
    if killed_by == signal.SIGINT:
        assert "to resume: run the same command again" in printed
        assert errors == "gfla: interrupted\n"
    finished = len(list(out.rglob("*.png")))
    assert 0 < finished < 20
    assert not list(out.glob("*.csv"))
    time.sleep(0.5)  # processes whose parent was killed end with their image
    before = {path: path.read_bytes() for path in out.rglob("*.png")}
    assert prepare("deepfashion", source, "-o", out, "--workers", "0") == 0
    assert f"20 images, {len(before)} of them kept from a previous run" in capsys.readouterr().out
    contents = [
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (expected, out)
    ]
    assert contents[0] == contents[1]
