"""Target values of the demo and of the shipped configuration, checked on an `EvaluationResult`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from gfla_tf.evaluation.baselines import COPY_SOURCE, GENERATED, MEAN_IMAGE, WARPED_SOURCE
from gfla_tf.evaluation.classical import CLASSICAL_FLOWS
from gfla_tf.evaluation.result import ESTIMATED, EvaluationResult, Table


@dataclasses.dataclass(frozen=True)
class Target:
    """A target for one metric.

    Attributes:
      name: the metric.
      value: the measured value.
      relation: "at most", "at least", "below" or "above".
      bound: the value to compare with.
    """

    name: str
    value: float
    relation: str
    bound: float

    @property
    def met(self) -> bool:
        """Whether the target is met; a value of NaN meets none."""
        return {
            "at most": self.value <= self.bound,
            "at least": self.value >= self.bound,
            "below": self.value < self.bound,
            "above": self.value > self.bound,
        }[self.relation]


def demo_targets(result: EvaluationResult) -> list[Target]:
    """Targets of the demo, a short training."""
    l1 = {name: metrics["l1_person"] for name, metrics in result.images.items()}
    return [
        Target(
            "median end-point error / zero flow's", result.flows[ESTIMATED]["median_ratio"], "at most", 0.5
        ),
        Target("person L1 against copying the source", l1[GENERATED], "below", l1[COPY_SOURCE]),
        Target("person L1 against the mean image", l1[GENERATED], "below", l1[MEAN_IMAGE]),
    ]


def synthetic_targets(result: EvaluationResult) -> list[Target]:
    """Targets of `configs/synthetic.yaml`, the configuration of the shipped model."""
    flow, images = result.flows[ESTIMATED], result.images
    classical = [result.flows[name] for name in CLASSICAL_FLOWS if name in result.flows]
    baselines = [images[name] for name in (COPY_SOURCE, MEAN_IMAGE, WARPED_SOURCE)]
    generated = images[GENERATED]
    targets = [
        Target("median end-point error / zero flow's", flow["median_ratio"], "at most", 0.25),
        Target("mean end-point error / zero flow's", flow["mean_ratio"], "at most", 0.35),
    ]
    for key in ("median", "mean") if classical else ():
        best = min(one[key] for one in classical)
        targets.append(
            Target(f"{key} end-point error (px) against the best classical flow", flow[key], "below", best)
        )
    targets += [
        Target(
            "person L1 / copying the source's",
            generated["l1_person"] / images[COPY_SOURCE]["l1_person"], "at most", 0.5,
        ),
        Target(
            "person L1 against the warped source",
            generated["l1_person"], "below", images[WARPED_SOURCE]["l1_person"],
        ),
    ]  # fmt: skip
    for key, name in (("ssim", "SSIM"), ("ssim_person", "person SSIM")):
        best = max(one[key] for one in baselines)
        targets.append(
            Target(f"{name} against the best of the three baselines", generated[key], "above", best)
        )
    for region in ("image", "person"):
        targets.append(
            Target(f"visibility AUC on the {region}", result.visibility_auc[region], "at least", 0.75)
        )
    return targets


TARGETS: dict[str, Callable[[EvaluationResult], list[Target]]] = {
    "demo": demo_targets,
    "synthetic": synthetic_targets,
}
"""The sets of targets by name."""


def targets_table(targets: list[Target]) -> Table:
    """Returns the targets as a table: metric, measured value, target, "met" or "missed"."""
    rows = [
        [one.name, f"{one.value:.3f}", f"{one.relation} {one.bound:.3f}", "met" if one.met else "missed"]
        for one in targets
    ]
    return Table("Targets", ["", "measured", "target", ""], rows)
