"""The command line of `gfla train`. test_real_data.py trains the paper's networks at full size."""

import pytest

from gfla_tf.cli.main import main
from gfla_tf.training import run as training


@pytest.fixture
def trained(monkeypatch):
    """The calls of `train`, which does not run."""
    calls = []
    monkeypatch.setattr(training, "train", lambda *arguments, **options: calls.append((*arguments, options)))
    return calls


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("seed: 3\n")
    return path


def test_default_run_folder(trained, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "mine.yaml"]) == 0
    ((resolved, folder, options),) = trained
    assert (resolved.seed, str(folder), options["resume"]) == (3, "runs/mine", False)


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2)])
def test_order_of_the_arguments(trained, config, tmp_path, order):
    parts = [[str(config)], ["-o", str(tmp_path / "run")], ["seed=4", "stage1.epochs=2"]]
    words = [word for index in order for word in parts[index]]
    assert main(["train", *words]) == 0
    ((resolved, folder, _),) = trained
    assert (resolved.seed, resolved.stage1.epochs, folder) == (4, 2, tmp_path / "run")


def test_resume(trained, tmp_path, capsys):
    (tmp_path / "config.yaml").write_text("seed: 5\n")
    assert main(["train", "--resume", "-o", str(tmp_path)]) == 0
    assert main(["train", "--resume", "-o", str(tmp_path), "stage2.epochs=9"]) == 0
    assert main(["train", "stage2.epochs=9", "--resume", "-o", str(tmp_path)]) == 0
    assert [(call[0].seed, call[0].stage2.epochs, call[2]["resume"]) for call in trained] == [
        (5, 20, True),
        (5, 9, True),
        (5, 9, True),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a configuration is required: gfla train CONFIG"),
        (["seed=1"], "a configuration is required: gfla train CONFIG"),
        (["--resume"], "the run folder is required: gfla train --resume -o FOLDER"),
        (["--resume", "-o", "nowhere"], "nowhere contains no run to resume"),
        (["market", "stage1.epoch=3"], "did you mean stage1.epochs?"),
        (["market", "seed"], "override 'seed' must have the form section.key=value"),
    ],
)
def test_invalid_arguments(trained, capsys, arguments, message):
    assert main(["train", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not trained


def test_interruption(monkeypatch, config, tmp_path, capsys):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", interrupt)
    assert main(["train", str(config), "-o", str(tmp_path / "run")]) == 130
    assert "to resume" not in capsys.readouterr().out  # the run has not begun
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    assert main(["train", str(config), "-o", str(tmp_path / "run")]) == 130
    assert f"to resume: gfla train --resume -o {tmp_path / 'run'}" in capsys.readouterr().out
