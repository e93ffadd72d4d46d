import json
import shutil

import pytest

from gfla_tf.cli.main import main


@pytest.fixture(scope="module")
def model_path(tmp_path_factory):
    from gfla_tf.models import PersonImageGenerator

    path = tmp_path_factory.mktemp("model") / "model.keras"
    PersonImageGenerator.from_preset("synthetic", load_weights=False).save(path)
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text("data: {identities: 2, test_identities: 2}\n")
    return path


FEW = ("--pairs", "3", "--batch-size", "2", "--mean-images", "5")


def evaluate(*arguments):
    return main(["evaluate", *map(str, arguments)])


def test_an_untrained_model_misses_the_targets_and_its_metrics_are_written(
    model_path, small, tmp_path, capsys
):
    output = tmp_path / "metrics.json"
    assert evaluate("--model", model_path, "--config", small, *FEW, "--targets", "demo", "-o", output) == 1
    printed = capsys.readouterr().out
    assert "3 pairs of the test split" in printed
    assert "source warped by F" in printed
    assert "missed" in printed
    metrics = json.loads(output.read_text())
    assert metrics["pairs"] == 3
    assert metrics["flows"]["zero flow"]["median_ratio"] == 1.0


def test_without_targets_the_exit_code_is_0(model_path, small, capsys):
    assert evaluate("--model", model_path, "--config", small, *FEW, "--no-classical", "--markdown") == 0
    printed = capsys.readouterr().out
    assert "| zero flow |" in printed
    assert "DIS" not in printed


def test_the_configuration_of_the_run_folder_selects_the_people(model_path, tmp_path, capsys):
    (tmp_path / "config.yaml").write_text("data: {seed: 3, identities: 2, test_identities: 2}\n")
    shutil.copy(model_path, tmp_path / "model.keras")
    assert evaluate("--model", tmp_path, *FEW, "--no-classical") == 0
    assert "seed 3" in capsys.readouterr().out
    assert evaluate("--model", tmp_path, "--pairs", "25") == 2
    assert "the test split has 24" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "{}/none.keras"), "does not exist"),
        (("--config", "{}/none.yaml"), "there is no configuration"),
        (("--config", "{}/real.yaml"), "data.source: synthetic"),
        (("-o", "{}/old.json"), "exists already"),
        (("-o", "{}/none/metrics.json"), "no folder"),
        (("--report",), "name one with --model"),
        (("--mean-images", "0"), "--mean-images must be at least 1"),
    ],
)
def test_invalid_input_is_reported_in_one_sentence(model_path, tmp_path, capsys, arguments, message):
    (tmp_path / "real.yaml").write_text("data: {source: market1501, root: somewhere}\n")
    (tmp_path / "old.json").write_text("{}")
    given = [argument.format(tmp_path) for argument in arguments]
    if "--model" not in given:
        given = ["--model", str(model_path), *given]
    assert evaluate(*FEW, *given) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("gfla: error: ")
    assert message in error
    assert (tmp_path / "old.json").read_text() == "{}"


def test_targets_need_the_classical_flows(model_path, capsys):
    assert evaluate("--model", model_path, "--targets", "synthetic", "--no-classical") == 2
    assert "omit --no-classical" in capsys.readouterr().err
