"""From a trained run to its report: evaluate, draw, write."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from gfla_tf.data.output_files import write_files
from gfla_tf.errors import InputError
from gfla_tf.evaluation import EvaluationResult, Target, evaluate_synthetic, mean_target
from gfla_tf.report.logs import read_log
from gfla_tf.report.page import Report, render
from gfla_tf.report.samples import collect_samples
from gfla_tf.training.callbacks import clock

STAGES = (
    ("stage1", "Stage 1: where to look (the flow field estimator alone)"),
    ("stage2", "Stage 2: what to draw (the whole model)"),
)
"""The stages' folders in a run folder, and what they are called."""

REPORT, FIGURES = "report.html", "figures.json"
"""What `report_run` writes into the run folder."""


@dataclasses.dataclass(frozen=True)
class ReportedRun:
    """Where the report is, what was measured, and what the run promised."""

    report: Path
    result: EvaluationResult
    targets: list[Target]


def report_run(
    model,
    dataset,
    run_dir: Path | str,
    *,
    title: str,
    lead: str,
    facts: list[tuple[str, str]],
    make_targets: Callable[[EvaluationResult], list[Target]] | None = None,
    pairs: int = 600,
    rows: int = 10,
    mean_images: int = 2000,
    progress: Callable[[int, int], None] | None = None,
    force: bool = False,
) -> ReportedRun:
    """Evaluates a trained model and writes `report.html` and `figures.json` into its run folder.

    Args:
      model: a `PersonImageGenerator`.
      dataset: the `SyntheticPeople` of which it is evaluated on the split "test".
      run_dir: the run folder, with `config.yaml` and the stages' logs.
      title, lead, facts: see `gfla_tf.report.Report`.
      make_targets: what the run promised, for example `gfla_tf.evaluation.TARGETS["demo"]`.
      pairs, mean_images, progress: see `evaluate_synthetic`.
      rows: how many held-out pairs are shown.
      force: whether an earlier report is replaced.

    Raises:
      InputError: a log or the configuration cannot be read, or the report is there already.
    """
    run_dir = Path(run_dir)
    started = time.monotonic()
    mean_image, mean_images = mean_target(dataset, mean_images)
    result = evaluate_synthetic(
        model,
        dataset,
        pairs=pairs,
        mean_image=mean_image,
        train_images_for_mean=mean_images,
        progress=progress,
    )
    targets = make_targets(result) if make_targets else []
    report = Report(
        title=title,
        lead=lead,
        facts=[*facts, ("Evaluation took", clock(time.monotonic() - started))],
        config=_read(run_dir / "config.yaml"),
        stages=[(name, read_log(run_dir / stage / "log.csv")) for stage, name in STAGES],
        samples=collect_samples(model, dataset, rows),
        result=result,
        targets=targets,
    )
    page = run_dir / REPORT
    write_files({page: render(report).encode(), run_dir / FIGURES: result.to_json().encode()}, force)
    return ReportedRun(page, result, targets)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
