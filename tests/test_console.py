"""Tests of the text output: any file name on any stream."""

import ast
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gfla_tf
from gfla_tf.console import echo
from gfla_tf.errors import InputError

PACKAGE = Path(gfla_tf.__file__).parent
NAME = os.fsdecode(b"caf\xc3\xa9-\xff.png")


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
@pytest.mark.parametrize(
    ("encoding", "printed"),
    [("ascii", b"caf\\xe9-\\udcff.png\n"), ("utf-8", b"caf\xc3\xa9-\\udcff.png\n")],
)
def test_every_name_can_be_printed(monkeypatch, encoding, errors, printed):
    stream = io.TextIOWrapper(io.BytesIO(), encoding, errors)
    echo(NAME, stream=stream)
    assert stream.buffer.getvalue() == printed
    monkeypatch.setattr(sys, "stdout", stream)
    echo(NAME)
    assert stream.buffer.getvalue() == 2 * printed


def test_errors_of_standard_output(monkeypatch, capfd):
    with open("/dev/full", "w") as full:
        echo("lost", stream=full)  # for example, standard error
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(InputError, match="standard output cannot be written: No space left"):
            echo("lost")
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
    monkeypatch.setattr(sys, "stdout", None)
    echo("nowhere")


def test_commands_and_training_print_with_one_function():
    found = [
        f"{path.name}:{node.lineno}"
        for folder in ("cli", "training")
        for path in (PACKAGE / folder).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("print", "sys.stdout.write", "sys.stderr.write")
    ]
    assert not found


CODE = "from gfla_tf.cli import main as cli\ncli.COMMANDS = ()\n" + (
    "import sys, types, gfla_tf.console\n"
    "def run(args):\n"
    "    gfla_tf.console.echo(sys.argv[1])\n"
    "    print(sys.argv[1])\n"
    "    open('/dev/null').fileno() > 2 or sys.exit('a standard stream was replaced')\n"
    "cli._parse = lambda *_: types.SimpleNamespace(run=run)\n"
    "cli.entry_point()\n"
)


def _program(redirection, **environment):
    """Runs a command that prints its argument in the shell; returns (exit code, output, messages)."""
    done = subprocess.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", sys.executable, "-c", CODE, os.fsencode(NAME)],
        capture_output=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(filter(None, sys.path)), **environment},
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"PYTHONIOENCODING": "ascii:strict"}, b"caf\\xe9-\\udcff.png\n"),
        ({"PYTHONIOENCODING": "utf-8:strict"}, b"caf\xc3\xa9-\\udcff.png\n"),
        ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, None),
    ],
)
def test_a_command_prints_every_name(environment, line):
    code, out, err = _program("", **environment)
    assert (code, err) == (0, b"")
    assert out == 2 * line if line else b"\\udcff" in out


@pytest.mark.parametrize(
    ("redirection", "code", "message"),
    [
        (">&-", 0, b""),
        (">&- 2>&- <&-", 0, b""),
        (">/dev/full", 2, b"gfla: error: standard output cannot be written: No space left on device\n"),
        ("| true", 0, b""),
    ],
)
def test_closed_and_full_outputs(redirection, code, message):
    assert _program(redirection) == (code, b"", message)
