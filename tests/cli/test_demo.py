import json
import re
import shlex

import pytest

from gfla_tf.cli.main import main

TINY = """
data: {identities: 4, test_identities: 2, workers: 0}
features: {kind: parts, steps: 2}
stage1: {epochs: 1, steps_per_epoch: 2}
stage2: {epochs: 1, steps_per_epoch: 2}
batch_size: 2
validation_batches: 1
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.mark.slow
def test_the_demo_trains_evaluates_and_reports(config, tmp_path, capsys):
    out = tmp_path / "demo"
    arguments = (
        "--config",
        str(config),
        "-o",
        str(out),
        "--pairs",
        "6",
        "--rows",
        "2",
        "--mean-images",
        "10",
    )
    assert main(["demo", *arguments]) == 0
    printed = capsys.readouterr().out
    assert str(out / "report.html") in printed
    assert "median end-point error / zero flow's" in printed
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 2 * 8 + 1
    assert page.count("<svg ") >= 4
    assert json.loads((out / "metrics.json").read_text())["pairs"] == 6
    assert (out / "model.keras").is_file()
    assert main(["demo", *arguments]) == 2
    assert "contains a run; add --resume to continue it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--config", "nowhere"), "there is no configuration 'nowhere'"),
        (("--pairs", "25"), "--pairs 25: 2 held-out people have 24 pairs"),
        (("--rows", "0"), "--rows must be at least 1"),
        (("data.source=market1501",), "data.source must be synthetic"),
        (("stage1.epoch=3",), "did you mean stage1.epochs?"),
    ],
)
def test_invalid_settings_are_rejected_before_the_training(config, tmp_path, capsys, arguments, message):
    given = arguments if "--config" in arguments else ("--config", str(config), *arguments)
    assert main(["demo", "-o", str(tmp_path / "demo"), *given]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


def test_an_interrupted_demo_prints_how_to_resume_it(config, tmp_path, capsys, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("gfla_tf.training.run.train", interrupt)
    out = tmp_path / "my demo"
    out.mkdir()
    (out / "run.json").write_text("{}")
    arguments = ["demo", "seed=3", "-o", str(out), "--config", str(config), "--pairs", "6", "--rows", "2"]
    assert main(arguments) == 130
    printed = capsys.readouterr().out
    assert f"to resume: gfla demo seed=3 -o '{out}' --config {config} --pairs 6 --rows 2" in printed
    (command,) = re.findall("gfla (demo .*)", printed)
    calls = []
    monkeypatch.setattr(
        "gfla_tf.training.run.train", lambda *given, **options: calls.append((given, options))
    )
    with pytest.raises(AttributeError):  # after the training, which does not run
        main(shlex.split(command))
    (((resolved, folder), options),) = calls
    assert (resolved.seed, folder, options["resume"]) == (3, str(out), True)
