"""`gfla export --format savedmodel` on the command line."""

import json
import subprocess
import sys

import pytest
import tensorflow as tf

from gfla_tf.cli.main import main
from gfla_tf.models import PersonImageGenerator
from gfla_tf.models.loading import load_generator
from tests.export.conftest import SIZES, generate_with_keras, request

SMALL = {
    "image_size": (64, 64),
    "attention_layers": {1: 3},
    "width": 4,
    "max_width": 8,
    "num_layers": 1,
    "attention_hidden": 4,
    "flow_width": 4,
    "flow_max_width": 8,
    "flow_encoder_layers": 2,
    "initial_gain": 1.0,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run folder with a small model."""
    folder = tmp_path_factory.mktemp("run")
    PersonImageGenerator(**SMALL).save(folder / "model.keras")
    (folder / "run.json").write_text('{"images": "drawn"}')
    return folder


def _error(capsys, *words):
    assert main(["export", *map(str, words)]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("gfla: error:")]
    return line


@pytest.mark.slow
def test_another_size_and_fit(run, tmp_path, capsys):
    """The options reach the graph, the model card and the printed text; overwriting needs --force."""
    out = tmp_path / "person" / "1"
    words = [str(run), "--format", "savedmodel", "-o", str(out), "--size", "48x32", "--fit", "resize"]
    words += ["--max-pixels", "30000"]
    assert main(["export", *words]) == 0
    printed = capsys.readouterr()
    assert "tracing the signatures" in printed.err
    assert "serving_default, sized, tensors, encode_source, render" in printed.out
    assert f"--model_name=person --model_base_path={tmp_path / 'person'}" in printed.out
    card = json.loads((out / "model_card.json").read_text())
    expected = {"format": "savedmodel", "size": [48, 32], "fit": "resize", "batch": "dynamic"}
    assert card["export"].pop("images")["exif_orientation"] == "applied"
    assert card["export"] == {**expected, "max_pixels": 30000, "max_rows": 1365}
    assert card["data"] == {"images": "drawn", "settings": None}
    served = tf.saved_model.load(str(out)).signatures["serving_default"]
    inputs = request(SIZES[:2])
    answer = served(**{name: tf.convert_to_tensor(value) for name, value in inputs.items()})
    model = load_generator(run)
    for row in range(2):
        expected = generate_with_keras(model, inputs, row, size="model", fit="resize", model_size=(48, 32))
        assert abs(answer["image"][row].numpy().astype(int) - expected).max() <= 1
    inputs = request([(151, 200)])
    with pytest.raises(tf.errors.InvalidArgumentError, match="source_bytes must declare 1 to 30000 pixels"):
        served(**{name: tf.convert_to_tensor(value) for name, value in inputs.items()})
    assert "overwrite it with --force" in _error(capsys, *words)


def test_errors(run, tmp_path, capsys):
    out = tmp_path / "1"
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("")
    words = [run, "--format", "savedmodel", "-o"]
    assert "never overwritten" in _error(capsys, *words, tmp_path / "photos", "--force")
    assert "does not exist" in _error(capsys, tmp_path / "none.keras", *words[1:], out)
    assert "height and width must be divisible by 4, got 50x64" in _error(
        capsys, *words, out, "--size", "50x64"
    )
    assert not out.exists()


def test_an_output_in_use_is_an_error_before_tensorflow_is_imported(tmp_path):
    (tmp_path / "a.jpg").write_text("")
    code = (
        "import sys; from gfla_tf.cli.main import main\n"
        f"code = main(['export', '--format', 'savedmodel', '-o', {str(tmp_path)!r}])\n"
        "print(code, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "2 False\n"


def test_usage(capsys):
    for words in (["--format", "savedmodel"], ["--format", "pickle", "-o", "x"]):
        with pytest.raises(SystemExit) as stop:
            main(["export", *words])
        assert stop.value.code == 2
        assert "usage: gfla export" in capsys.readouterr().err


@pytest.mark.slow
def test_an_export_that_differs_is_not_written(run, tmp_path, capsys, monkeypatch):
    from gfla_tf.export import saved_model

    monkeypatch.setattr(saved_model, "measure_parity", lambda *_: {"image": 0.5})
    sentence = _error(capsys, run, "--format", "savedmodel", "-o", tmp_path / "person" / "1")
    assert "differs from the Keras model: image by 0.5" in sentence
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-o", "a.tflite"], "tflite"),
        (["-o", "a.ONNX"], "onnx"),
        (["-o", "folder"], "savedmodel"),
        (["-o", "v1.2"], "savedmodel"),
        (["-o", "weights", "--format", "tflite"], "tflite"),
    ],
)
def test_the_format_is_inferred_from_the_output(words, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen = []
    for name in ("_saved_model", "_tflite", "_onnx"):
        monkeypatch.setattr(f"gfla_tf.cli.export.{name}", lambda args, name=name: seen.append(name))
    assert main(["export", *words]) == 0
    assert seen == [{"savedmodel": "_saved_model"}.get(expected, f"_{expected}")]


def test_a_format_that_contradicts_the_output_is_an_error(tmp_path, capsys):
    assert main(["export", "--format", "onnx", "-o", str(tmp_path / "a.tflite")]) == 2
    assert "ends in .tflite, but --format is onnx" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
