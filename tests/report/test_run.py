import json

import pytest

from gfla_tf.errors import InputError
from gfla_tf.evaluation import TARGETS
from gfla_tf.report import report_run
from tests.evaluation.fakes import MovingSquares, Oracle


@pytest.fixture
def run_dir(tmp_path):
    (tmp_path / "config.yaml").write_text("seed: 0  # <config>\nfeatures: {kind: parts}\n")
    (tmp_path / "run.json").write_text('{"last_seconds": 3671}')
    for stage in ("stage1", "stage2"):
        (tmp_path / stage).mkdir()
        (tmp_path / stage / "log.csv").write_text("epoch,loss,val_loss\n0,3.5,4\n1,2.5,3\n")
    return tmp_path


def write(run_dir, **arguments):
    dataset = MovingSquares(30)
    options = {"make_targets": TARGETS["demo"], "pairs": 4, "rows": 2, "mean_images": 5, **arguments}
    return report_run(Oracle(dataset), dataset, run_dir, title="A run", **options)


def test_report_and_metrics_are_written(run_dir):
    calls = []
    reported = write(run_dir, progress=lambda *call: calls.append(call))
    assert calls[-1] == (4, 4)
    assert all(target.met for target in reported.targets)
    page = reported.report.read_text(encoding="utf-8")
    assert reported.report == run_dir / "report.html"
    assert "&lt;config&gt;" in page
    assert "1:01:11" in page
    assert "PartFeatures" in page
    metrics = json.loads((run_dir / "metrics.json").read_text())
    assert metrics["pairs"] == 4
    assert metrics["mean_images"] == 5
    assert metrics["images"]["generated"]["l1"] == 0


def test_an_existing_report_is_overwritten_only_with_force(run_dir):
    (run_dir / "report.html").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        write(run_dir)
    assert (run_dir / "report.html").read_text() == "mine"
    assert not (run_dir / "metrics.json").exists()
    write(run_dir, force=True)
    assert "A run" in (run_dir / "report.html").read_text(encoding="utf-8")


def test_a_stage_without_epochs_has_no_curves(run_dir):
    (run_dir / "stage2" / "log.csv").unlink()
    assert "No epoch was completed." in write(run_dir).report.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["config.yaml", "run.json"])
def test_a_missing_file_of_the_run_is_named(run_dir, name):
    (run_dir / name).unlink()
    with pytest.raises(InputError, match=name):
        write(run_dir)
    assert not (run_dir / "report.html").exists()
