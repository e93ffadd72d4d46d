"""The `gfla` program: its commands, exit codes and errors."""

import argparse
import subprocess
import sys

import pytest

from gfla_tf.cli import main as cli
from gfla_tf.cli.main import COMMANDS, main
from gfla_tf.errors import InputError


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)])
def test_help_and_version(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 0
    assert "gfla" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [[], ["dance"], ["train", "--fast"], ["generate", "a=b"], ["data", "real"]]
)
def test_wrong_usage_exits_with_2(capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: gfla" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["genrate"], "invalid choice: 'genrate' (did you mean generate?)"),
        (["data", "chek"], "invalid choice: 'chek' (did you mean check?)"),
        (["generate", "--sorce", "a.jpg"], "unrecognized arguments: --sorce (did you mean --source?)"),
        (["evaluate", "--pear=3"], "unrecognized arguments: --pear=3 (did you mean --pairs?)"),
        (["data", "build", "a", "--shardsize", "3"], "--shardsize (did you mean --shard-size?)"),
        (["generate", "--fit", "letterbx"], "invalid choice: 'letterbx' (did you mean letterbox?)"),
        (["--verson"], "unrecognized arguments: --verson (did you mean --version?)"),
    ],
)
def test_a_misspelled_name_gets_a_suggestion(capsys, arguments, suggestion):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert suggestion in capsys.readouterr().err.splitlines()[-1]


def _options(parser):
    """(option strings, help) of every option of a parser and its subcommands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                yield from _options(sub)
        else:
            yield action.option_strings, action.help


def test_outputs_and_overwriting_have_one_spelling_and_one_meaning():
    options = list(_options(cli.build_parser()))
    assert not [names for names, _ in options if "--out" in names]
    assert {tuple(names) for names, _ in options if "-o" in names} == {("-o", "--output")}
    assert {text for names, text in options if "--force" in names} == {"Overwrite existing outputs."}
    assert not [text for _, text in options if "wide" in (text or "") or "width x height" in (text or "")]


def test_wrong_input_is_one_sentence_and_exit_code_2(capsys):
    assert main(["train", "nowhere.yaml"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gfla: error: there is no configuration 'nowhere.yaml'")
    assert err.count("\n") == 1


def _command(monkeypatch, run):
    module = type("command", (), {"HELP": "", "add_arguments": lambda parser: None, "run": run})
    monkeypatch.setattr(cli.importlib, "import_module", lambda name: module)


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1)])
def test_a_command_gives_its_exit_code(monkeypatch, result, code):
    _command(monkeypatch, lambda args: result)
    assert main(["train"]) == code


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("no such thing"), 2, "gfla: error: no such thing\n"),
        (KeyboardInterrupt(), 130, "gfla: interrupted\n"),
    ],
)
def test_errors_of_the_user_become_sentences(monkeypatch, capsys, error, code, message):
    def run(args):
        raise error

    _command(monkeypatch, run)
    assert main(["train"]) == code
    assert capsys.readouterr().err == message


def test_errors_of_ours_are_not_hidden(monkeypatch):
    def run(args):
        raise ValueError("a fault")

    _command(monkeypatch, run)
    with pytest.raises(ValueError, match="a fault"):
        main(["train"])


def test_tensorflow_is_loaded_without_its_log():
    code = (
        "from gfla_tf.cli.logs import load_tensorflow; load_tensorflow()\n"
        "import tensorflow as tf; tf.constant(1) + 1"
    )
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_tensorflow_that_cannot_be_loaded_says_why(tmp_path):
    package = tmp_path / "tensorflow.py"
    package.write_text("import os\nos.write(2, b'no such instruction\\n')\nraise ImportError('broken')\n")
    code = "from gfla_tf.cli.logs import load_tensorflow; load_tensorflow()"
    environment = {"PYTHONPATH": ":".join([str(tmp_path), *(path for path in sys.path if path)])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert "no such instruction" in done.stderr
    assert "ImportError: broken" in done.stderr


def test_a_reader_that_has_seen_enough_gets_no_traceback():
    program = (
        "import sys, types; from gfla_tf.cli import main as cli\n"
        "cli.COMMANDS = ()\n"
        "cli._parse = lambda *_: types.SimpleNamespace(run=lambda args: print('x' * 100000))\n"
        "sys.exit(cli.main([]))"
    )
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program], **pipes) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 141)
