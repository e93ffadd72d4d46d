"""Every benchmark runs from its command line at a small size and produces complete tables."""

import json

import pytest

from benchmarks import (
    bm_bilinear_warp,
    bm_export,
    bm_flowed_patches,
    bm_generator,
    bm_image_memory,
    bm_local_attention,
    bm_serving,
    bm_train_step,
    studies,
)
from gfla_tf.export.tflite import FORMS
from gfla_tf.ops import native_available

SMALL = ["--quick", "--shrink", "16"]


@pytest.fixture
def few_processes(monkeypatch):
    """Measures the first peak memory of each operator; the other calls run in this process, for 1 MiB."""
    measured, measure = set(), studies.peak_memory

    def peak_memory(prepare, calls, *arguments):
        if calls not in measured:
            measured.add(calls)
            return measure(prepare, calls, *arguments)
        prepare(calls, *arguments)()
        return studies.MIB

    monkeypatch.setattr(studies, "peak_memory", peak_memory)


def _tables(benchmark, words, path):
    """{heading: table} of the JSON file of a benchmark."""
    assert benchmark.main([*SMALL, *words, "--json", str(path)]) == 0
    content = json.loads(path.read_text())
    for table in content["tables"]:
        assert {len(row) for row in table["rows"]} == {len(table["head"])}
    return {table["heading"]: table for table in content["tables"]}


def test_flowed_patches(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.studies.SIZES", (3, 5))
    plot = tmp_path / "plot.png"
    tables = _tables(
        bm_flowed_patches, ["--only", "forms", "growth", "--plot", str(plot)], tmp_path / "out.json"
    )
    assert len(tables) == 3
    forms, by_n, by_area = tables.values()
    assert len(forms["rows"]) == 6
    assert [row[0] for row in by_n["rows"]] == ["3", "5"]
    assert [row[0] for row in by_area["rows"]] == ["64"]
    assert all(float(row[1].split()[0]) > 0 for row in forms["rows"])
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_bilinear_warp(tmp_path):
    tables = _tables(bm_bilinear_warp, [], tmp_path / "out.json")
    (forms,) = tables.values()
    assert [row[0] for row in forms["rows"]][::2] == [
        "photograph, 16x16x3, batch 1, forward",
        "features, 4x4x128, batch 1, forward",
        "features, 2x2x256, batch 1, forward",
    ]
    assert all(float(row[1].split()[0]) > 0 for row in forms["rows"])


@pytest.mark.slow  # up to 40 s: it traces every form of the operator and the layer at ten sizes
def test_local_attention(tmp_path, few_processes):
    tables = _tables(bm_local_attention, [], tmp_path / "out.json")
    rows = [len(table["rows"]) for heading, table in tables.items() if heading != "Targets"]
    assert rows == [6, 6, 4, 1, 4 if native_available() else 2, 4]


@pytest.mark.slow
def test_generator(tmp_path):
    tables = _tables(bm_generator, [], tmp_path / "out.json")
    fashion = tables["fashion, forward: by operators"]
    shares = [float(row[3].rstrip("%")) for row in fashion["rows"]]
    assert sum(shares) == pytest.approx(100, abs=1)
    assert {"convolutions", "transposed convolutions", "instance normalisation"} <= {
        row[0] for row in fashion["rows"]
    }


def test_image_memory(tmp_path, monkeypatch):
    """The photos are valid; their memory is not measured here."""

    def call(prepare, *arguments):
        assert prepare(*arguments)().shape == (500, 500, 3)
        return 2**30

    monkeypatch.setattr(bm_image_memory, "peak_memory", call)
    (table,) = _tables(bm_image_memory, ["--only", "read"], tmp_path / "out.json").values()
    assert [row[0] for row in table["rows"]] == list(bm_image_memory.KINDS)
    assert {row[2] for row in table["rows"]} == {"1.00"}


@pytest.mark.slow
def test_serving(tmp_path):
    tables = _tables(bm_serving, [], tmp_path / "out.json")
    split, batch, targets = tables.values()
    assert [row[0] for row in split["rows"]] == ["fashion", "synthetic"]
    assert [row[0] for row in batch["rows"]] == ["1", "2", "4"]
    assert len(targets["rows"]) == 1


@pytest.mark.slow  # up to 40 s: it converts the shipped model to every form
def test_export(tmp_path):
    pytest.importorskip("ai_edge_litert")
    out = tmp_path / "out.json"
    assert bm_export.main(["--quick", "--shrink", "2", "--only", "synthetic", "--json", str(out)]) == 0
    sizes, targets = (table["rows"] for table in json.loads(out.read_text())["tables"])
    mebibytes = {row[0]: float(row[1]) for row in sizes}
    assert list(mebibytes) == ["Keras", "SavedModel", *(f"TFLite {form}" for form in FORMS)]
    assert mebibytes["TFLite dynamic"] < mebibytes["TFLite float16"] < mebibytes["TFLite float32"]
    assert [row[-1] for row in targets] == ["met", "met"]


@pytest.mark.slow
def test_train_step(tmp_path, monkeypatch):
    """One case of each kind, in this process."""
    monkeypatch.setattr(bm_train_step, "alone", lambda call, *arguments, **threads: call(*arguments))
    words = ["--preset", "market", "--only", "stage1", "--profile"]
    steps, profile, targets = _tables(bm_train_step, words, tmp_path / "out.json").values()
    ((label, operations, rate, floor, _, ratio, *_),) = steps["rows"]
    assert label == "market, batch 1"
    assert min(map(float, (operations, rate, floor, ratio))) > 0
    assert [row[1] for row in targets["rows"]] == [ratio]
    assert {"convolutions of VGG19, forward", "ResourceApplyAdam"} <= {row[0] for row in profile["rows"]}
    assert sum(float(row[3].rstrip("%")) for row in profile["rows"]) == pytest.approx(100, abs=1)
