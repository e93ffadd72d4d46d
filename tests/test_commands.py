"""The command lines that messages recommend: each word arrives as it was meant."""

import os
import shlex
import subprocess

import pytest

from gfla_tf.commands import argument, command, free_path, setting, training_command
from gfla_tf.config import find_config, load_config

NAMES = [
    *("photos", "my photos", "it's", 'a "b"', "a\\b", "$HOME", "~", "*", "a&b;c", "a#b", "#a", "größe"),
    *("2024", "1e3", "yes", "null", "[a, b]", "{a: b}", "a: b", "a=b", "- a", "&a", "*a", "!a", "%a", "@a"),
    *("'a'", "a ", " a", "a\nb", "a\tb", "2024-05-01", "0x10", "1_000", "-x", "--force"),
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_folders(name):
    """The command trains on the folder, whatever its name means to a shell, to YAML or to argparse."""
    words = shlex.split(training_command("fashion", name))
    assert words[:3] == ["gfla", "train", "fashion"]
    config = load_config(find_config("fashion"), [word for word in words[3:] if "=" in word])
    assert config.data.root == name
    assert config.features.weights == "imagenet"
    path = argument(name)
    assert not path.startswith("-")
    assert path.removeprefix("./") == name
    assert shlex.split(command("pose", path)) == ["gfla", "pose", path]


def test_outputs_do_not_exist(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in ("", "-2", "-3"):
        assert free_path("runs/market") == f"runs/market{number}"
        assert training_command("market", "data").endswith(f" -o runs/market{number}")
        (tmp_path / f"runs/market{number}").mkdir(parents=True)


def test_weights_of_vgg19(tmp_path, monkeypatch):
    """Torchvision's file is recommended only where it exists; otherwise the command names Keras's weights."""
    monkeypatch.chdir(tmp_path)
    assert " features.weights=imagenet " in training_command("market", "data")
    (tmp_path / "vgg19-dcbb9e9d.pth").touch()
    assert " features.weights=vgg19-dcbb9e9d.pth " in training_command("market", "data")
    given = training_command("market", "data", setting("features.weights", "other.npz"))
    assert given.count("features.weights") == 1


@pytest.mark.parametrize("name", [b"people-\xff", b"-\xff 100% 'a' $HOME \\n \xc3\xa9!"])
def test_names_that_are_not_utf8(name):
    """The command contains only ASCII, and a shell gives the name's bytes to the program."""
    line = training_command("fashion", os.fsdecode(name))
    assert line.isascii()
    printed = subprocess.run(["sh", "-c", f"printf '%s|' {line}"], capture_output=True, check=True).stdout
    assert b"|data.root=" + name + b"|" in printed
    words = [os.fsdecode(word) for word in printed.split(b"|") if b"=" in word]
    assert load_config(find_config("fashion"), words).data.root == os.fsdecode(name)
