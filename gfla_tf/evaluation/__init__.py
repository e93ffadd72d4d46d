"""Evaluation: image, flow and mask metrics, baselines, classical optical flow, and targets."""

from gfla_tf.evaluation.accumulators import AreaUnderCurve, ErrorStatistics
from gfla_tf.evaluation.baselines import baseline_images, mean_target
from gfla_tf.evaluation.classical import CLASSICAL_FLOWS, classical_flow
from gfla_tf.evaluation.metrics import endpoint_error, l1, psnr, roc_auc, ssim
from gfla_tf.evaluation.photographs import PhotographsResult, evaluate_photographs
from gfla_tf.evaluation.result import EvaluationResult
from gfla_tf.evaluation.synthetic import evaluate_synthetic
from gfla_tf.evaluation.targets import TARGETS, Target, targets_table

__all__ = [
    "CLASSICAL_FLOWS",
    "TARGETS",
    "AreaUnderCurve",
    "ErrorStatistics",
    "EvaluationResult",
    "PhotographsResult",
    "Target",
    "baseline_images",
    "classical_flow",
    "endpoint_error",
    "evaluate_photographs",
    "evaluate_synthetic",
    "l1",
    "mean_target",
    "psnr",
    "roc_auc",
    "ssim",
    "targets_table",
]
