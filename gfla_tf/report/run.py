"""Evaluation of a trained run and writing of its report and metrics."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from gfla_tf._version import __version__
from gfla_tf.config import Config, load_config
from gfla_tf.console import clock
from gfla_tf.evaluation import EvaluationResult, Target, evaluate_synthetic, mean_target
from gfla_tf.files import check_output, write_files
from gfla_tf.files.names import escape_surrogates
from gfla_tf.models import PersonImageGenerator
from gfla_tf.report.logs import read_log
from gfla_tf.report.page import Report, render
from gfla_tf.report.samples import collect_samples
from gfla_tf.synthetic import SyntheticPeople
from gfla_tf.training.run_folder import read_record

STAGES = (
    ("stage1", "Stage 1: flow field estimator"),
    ("stage2", "Stage 2: whole model"),
)
"""The folder of each stage in a run folder, and its title."""

REPORT, METRICS = "report.html", "metrics.json"
"""The files that `report_run` writes to the run folder."""


@dataclasses.dataclass(frozen=True)
class ReportedRun:
    """The result of `report_run`.

    Attributes:
      report: the path of the report.
      result: the metrics.
      targets: the targets of the run; may be empty.
    """

    report: Path
    result: EvaluationResult
    targets: list[Target]


def report_run(
    model: PersonImageGenerator,
    dataset: SyntheticPeople,
    run_dir: Path | str,
    *,
    title: str,
    make_targets: Callable[[EvaluationResult], list[Target]] | None = None,
    pairs: int = 600,
    rows: int = 10,
    mean_images: int = 2000,
    batch_size: int = 20,
    classical: bool = True,
    progress: Callable[[int, int], None] | None = None,
    force: bool = False,
) -> ReportedRun:
    """Evaluates a trained model and writes `report.html` and `metrics.json` to its run folder.

    Args:
      model: the trained model.
      dataset: the dataset whose "test" split is evaluated.
      run_dir: the run folder, with `config.yaml`, `run.json` and the logs of the stages.
      title: the heading of the report.
      make_targets: the targets of the run, for example `gfla_tf.evaluation.TARGETS["demo"]`.
      pairs: number of pairs that are evaluated.
      rows: number of pairs that are shown.
      mean_images: the largest number of training targets in the mean image.
      batch_size: number of pairs generated at a time.
      classical: whether to evaluate the classical flows too.
      progress: called as progress(done, total) after each batch.
      force: whether an existing report is overwritten.

    Returns:
      A `ReportedRun`.

    Raises:
      InputError: a file of the run cannot be read, or the report exists and `force` is False.
    """
    run_dir = Path(run_dir)
    page, metrics = run_dir / REPORT, run_dir / METRICS
    for path in (page, metrics):
        check_output(path, force)
    config = load_config(run_dir / "config.yaml")
    text = (run_dir / "config.yaml").read_text(encoding="utf-8")
    started = time.monotonic()
    mean_image, mean_images = mean_target(dataset, mean_images)
    result = evaluate_synthetic(
        model,
        dataset,
        pairs=pairs,
        mean_image=mean_image,
        train_images_for_mean=mean_images,
        batch_size=batch_size,
        classical=classical,
        progress=progress,
    )
    targets = make_targets(result) if make_targets else []
    report = Report(
        title=title,
        lead=(
            f"The preset {config.model.preset} of gfla_tf, trained from scratch on SyntheticPeople and "
            f"evaluated on {result.pairs} pairs of held-out people."
        ),
        facts=[
            *_facts(run_dir, config, model, dataset),
            ("Evaluation", clock(time.monotonic() - started)),
        ],
        config=text,
        stages=[(name, _log(run_dir / stage / "log.csv")) for stage, name in STAGES],
        samples=collect_samples(model, dataset, rows),
        result=result,
        targets=targets,
    )
    write_files({page: escape_surrogates(render(report)).encode(), metrics: result.to_json().encode()}, force)
    return ReportedRun(page, result, targets)


def _facts(run_dir: Path, config: Config, model, dataset) -> list[tuple[str, str]]:
    """The data, model, stages and times of the run, as (name, value) pairs."""
    height, width = dataset.image_size
    facts = [
        ("Data", f"SyntheticPeople, seed {dataset.seed}, {height} x {width} pixels"),
        ("Training people", f"{config.data.identities:,} ({dataset.num_pairs('train'):,} pairs)"),
        ("Held-out people", f"{config.data.test_identities:,} ({dataset.num_pairs('test'):,} pairs)"),
        ("Parameters", f"{model.count_params():,}"),
        ("Features of the losses", _features(config.features)),
    ]
    for name, stage in (("Stage 1", config.stage1), ("Stage 2", config.stage2)):
        facts.append(
            (name, f"{stage.epochs} epochs of {stage.steps_per_epoch} steps, batch {config.batch_size}")
        )
    seconds = read_record(run_dir).get("last_seconds")
    if isinstance(seconds, int | float):
        facts.append(("Training", clock(seconds)))
    return [*facts, ("Program", f"gfla_tf {__version__}")]


def _features(features) -> str:
    if features.kind == "parts":
        return f"PartFeatures, trained for {features.steps:,} steps on part labels of the training people"
    return f"VGG19, weights {features.weights}"


def _log(path: Path) -> dict[str, list[float]]:
    """The log of a stage, empty for a stage without epochs."""
    return read_log(path) if path.exists() else {"epoch": []}
