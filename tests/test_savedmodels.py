"""The shipped models: files, hashes, metrics of the documents, and outputs of the exported copies."""

import hashlib
import importlib.util
import json
import shlex

import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.cli.main import build_parser
from gfla_tf.config import find_config, load_config
from gfla_tf.data import SyntheticPeople
from gfla_tf.evaluation import TARGETS, evaluate_synthetic, targets_table
from gfla_tf.evaluation.result import EvaluationResult, table_to_markdown
from gfla_tf.models.loading import load_generator
from tests.pages import ROOT

FOLDER = ROOT / "savedmodels"
MODEL = FOLDER / "synthetic" / "model.keras"


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("make", FOLDER / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def manifest():
    return json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def metrics():
    return json.loads((FOLDER / "synthetic" / "metrics.json").read_text(encoding="utf-8"))


def _listed(manifest):
    for entry in manifest["entries"].values():
        yield from entry["files"].items()


def test_the_manifest_lists_all_files(manifest):
    existing = {
        path.relative_to(FOLDER).as_posix()
        for path in FOLDER.rglob("*")
        if path.is_file() and path.suffix not in (".md", ".py", ".pyc")
    }
    names = [name for name, _ in _listed(manifest)]
    assert sorted(names) == sorted(existing - {"manifest.json"})


def test_hashes_and_sizes(manifest):
    for name, record in _listed(manifest):
        data = (FOLDER / name).read_bytes()
        assert record == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}, name


def test_the_manifest_is_up_to_date(make, manifest):
    assert make.manifest() == manifest


def test_a_file_without_a_command_is_an_error(make, tmp_path, monkeypatch):
    monkeypatch.setattr(make, "FOLDER", tmp_path)
    monkeypatch.setattr(make, "ENTRIES", {"model": ("gfla train synthetic", ["*.keras"], lambda: None)})
    (tmp_path / "a.keras").write_bytes(b"weights")
    (tmp_path / "README.md").touch()
    assert make.manifest()["entries"]["model"]["files"] == {"a.keras": make.file_record(tmp_path / "a.keras")}
    (tmp_path / "notes.txt").touch()
    with pytest.raises(SystemExit, match=r"no command in make.py writes notes.txt"):
        make.manifest()
    monkeypatch.setattr(make, "ENTRIES", {name: ("", ["*.*"], lambda: None) for name in ("one", "two")})
    with pytest.raises(SystemExit, match=r"\w+\.\w+ belongs to one and to two"):
        make.manifest()


def test_the_commands_are_valid_and_write_their_entry(manifest):
    for name, entry in manifest["entries"].items():
        program, *words = shlex.split(entry["command"])
        assert program == "gfla"
        args = build_parser().parse_args(words)
        if args.command == "train":
            load_config(find_config(args.config), args.overrides)
        else:
            assert args.output == f"savedmodels/{name}"


def test_the_settings_are_those_of_the_configuration():
    """Settings that were added after the training have their defaults in both."""
    assert load_config(FOLDER / "synthetic" / "config.yaml") == load_config(find_config("synthetic"))


def test_the_metrics_equal_those_of_the_documents(make, manifest, metrics):
    assert manifest["entries"]["synthetic/model.keras"]["metrics"] == make.trained_metrics(metrics)
    result = EvaluationResult(**{**metrics, "image_size": tuple(metrics["image_size"])})
    tables = [*result.tables(), targets_table(TARGETS["synthetic"](result))]
    assert len(tables) == 4
    for page in (ROOT / "docs" / "results.md", FOLDER / "synthetic" / "README.md"):
        text = page.read_text(encoding="utf-8")
        assert result.describe() in text
        for table in tables:
            rows = [line for line in table_to_markdown(table).splitlines() if line.startswith("|")]
            assert "\n".join(rows) in text, f"{page}: {table.title}"


EXPORTS = {
    "synthetic/saved_model/1": "synthetic/saved_model/1/model_card.json",
    "synthetic/model.tflite": "synthetic/model.model_card.json",
}


@pytest.mark.parametrize("export", EXPORTS)
def test_the_exports_belong_to_the_shipped_model(manifest, metrics, export):
    model_card = json.loads((FOLDER / EXPORTS[export]).read_text(encoding="utf-8"))
    shipped = manifest["entries"]["synthetic/model.keras"]["files"]["synthetic/model.keras"]
    assert model_card["weights_sha256"] == shipped["sha256"]
    assert model_card["metrics"] == metrics
    assert manifest["entries"][export]["metrics"] == {"parity": model_card["parity"]}
    differences = ", ".join(f"{name} {value:.2g}" for name, value in model_card["parity"].items())
    page = (FOLDER / "synthetic" / "README.md").read_text(encoding="utf-8")
    assert f"| `{manifest['entries'][export]['command']}` | {differences} |" in page
    listed = manifest["entries"][export]["files"]
    base = FOLDER / export if (FOLDER / export).is_dir() else (FOLDER / export).parent
    described = {
        (base / name).relative_to(FOLDER).as_posix(): file for name, file in model_card["files"].items()
    }
    assert described == {name: file for name, file in listed.items() if name != EXPORTS[export]}


@pytest.fixture(scope="module")
def pairs():
    """Three synthetic pairs, and the outputs of the Keras model under the names that the exports use."""
    model = load_generator(MODEL)
    dataset = SyntheticPeople(model.image_size, heatmap_sigma=model.heatmap_sigma)
    batch = next(iter(dataset.as_dataset("test", 3)))
    inputs = {name: np.asarray(batch[name]) for name in ("source_image", "source_pose", "target_pose")}
    outputs = model(inputs, training=False)
    expected = {"image": outputs["image"]}
    for kind in ("flow", "mask"):
        expected |= {f"{kind}_{level}": one for level, one in enumerate(outputs[f"{kind}s"])}
    return inputs, expected


def _differences(outputs, expected):
    assert set(outputs) == set(expected)
    return {name: float(np.abs(outputs[name] - np.asarray(expected[name])).max()) for name in expected}


def test_the_saved_model_equals_the_keras_model(pairs):
    inputs, expected = pairs
    loaded = tf.saved_model.load(str(FOLDER / "synthetic" / "saved_model" / "1"))
    outputs = loaded.signatures["tensors"](**{name: tf.constant(value) for name, value in inputs.items()})
    assert max(_differences(outputs, expected).values()) < 1e-4


def test_the_tflite_file_equals_the_keras_model(pairs):
    pytest.importorskip("ai_edge_litert", reason="LiteRT, which runs TFLite files, is in the extra [litert]")
    from gfla_tf.export.litert import open_tflite

    inputs, expected = pairs
    run = open_tflite((FOLDER / "synthetic" / "model.tflite").read_bytes())
    answers = [run({name: value[i : i + 1] for name, value in inputs.items()}) for i in range(3)]
    outputs = {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}
    assert max(_differences(outputs, expected).values()) < 5e-3


@pytest.mark.slow
def test_the_metrics_can_be_reproduced(manifest):
    """Without the baselines. Implementations of the operators and versions of TensorFlow differ slightly."""
    model = load_generator(MODEL)
    dataset = SyntheticPeople(model.image_size, heatmap_sigma=model.heatmap_sigma)
    gray = np.zeros([*model.image_size, 3], np.float32)
    recorded = manifest["entries"]["synthetic/model.keras"]["metrics"]
    measured = evaluate_synthetic(model, dataset, pairs=recorded["pairs"], classical=False, mean_image=gray)
    assert measured.images["generated"] == pytest.approx(recorded["generated"], rel=2e-3)
    assert measured.flows["F, finest flow"] == pytest.approx(recorded["flow"], rel=5e-3)
    assert measured.visibility_auc == pytest.approx(recorded["visibility_auc"], abs=2e-3)
