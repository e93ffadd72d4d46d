"""`gfla export --format tflite` and `--format onnx` on the command line: outputs and errors."""

import json

import pytest

from gfla_tf.cli.main import main
from tests.export.small import small_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.keras"
    small_model().save(path)
    return str(path)


def _error(capsys, *words):
    assert main(["export", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (sentence,) = (line for line in err.splitlines() if line.startswith("gfla: error: "))
    return sentence


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tflite", "--fit", "resize"], "--fit is not an option of the format tflite"),
        (["savedmodel", "--quantize", "float16"], "--quantize is not an option of the format savedmodel"),
        (["savedmodel", "--batch", "1"], "--batch is not an option of the format savedmodel"),
        (["onnx", "--quantize", "float16"], "--quantize is not an option of the format onnx"),
        (["onnx", "--calibration", "people"], "--calibration is not an option of the format onnx"),
    ],
)
def test_options_of_other_formats(words, message, tmp_path, capsys):
    assert message in _error(capsys, "--format", *words, "-o", str(tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_outputs_in_use(form, tmp_path, capsys):
    (tmp_path / "mine").write_text("mine")
    assert "exists already" in _error(capsys, "--format", form, "-o", str(tmp_path / "mine"))
    assert "is a folder" in _error(capsys, "--format", form, "-o", str(tmp_path))
    assert "there is no folder" in _error(capsys, "--format", form, "-o", str(tmp_path / "no" / "a"))
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--quantize", "int8"], "use --calibration FOLDER with --quantize int8 only"),
        (["--calibration", "people"], "use --calibration FOLDER with --quantize int8 only"),
        (["--quantize", "int8", "--calibration", "nowhere"], "'nowhere'"),
        (["--size", "36x32"], "height and width must be divisible by 8, got 36x32"),
    ],
)
def test_bad_settings(words, message, model, tmp_path, capsys, monkeypatch):
    pytest.importorskip("ai_edge_litert")
    monkeypatch.chdir(tmp_path)
    assert message in _error(capsys, model, "--format", "tflite", "-o", "a.tflite", *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_file_and_its_model_card(model, tmp_path, capsys):
    pytest.importorskip("ai_edge_litert")
    out = tmp_path / "a.tflite"
    words = ["export", model, "--format", "tflite", "--quantize", "float16", "--batch", "dynamic"]
    assert main([*words, "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert f"wrote {out}: small" in said
    assert "compared on 4 pairs of SyntheticPeople; SSIM 1.0000" in said
    card = json.loads((tmp_path / "a.model_card.json").read_text())
    assert card["export"]["quantize"] == "float16"
    assert card["export"]["batch"] == "dynamic"
    assert card["files"]["a.tflite"]["bytes"] == out.stat().st_size
