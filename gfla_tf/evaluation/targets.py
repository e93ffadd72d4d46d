"""What the demo and the shipped configuration promise, as checks on an `EvaluationResult`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from gfla_tf.evaluation.baselines import COPY_SOURCE, GENERATED, MEAN_IMAGE, WARPED_SOURCE
from gfla_tf.evaluation.classical import CLASSICAL_FLOWS
from gfla_tf.evaluation.result import ESTIMATED, EvaluationResult, Table


@dataclasses.dataclass(frozen=True)
class Target:
    """One promise: `value` must be `relation` ("at most", "at least", "below", "above") the `bound`."""

    name: str
    value: float
    relation: str
    bound: float

    @property
    def met(self) -> bool:
        """Whether the promise is kept; a figure that is NaN keeps none."""
        return {
            "at most": self.value <= self.bound,
            "at least": self.value >= self.bound,
            "below": self.value < self.bound,
            "above": self.value > self.bound,
        }[self.relation]


def demo_targets(result: EvaluationResult) -> list[Target]:
    """The demo's: a short run must already have learnt where things are."""
    l1 = {name: figures["l1_person"] for name, figures in result.images.items()}
    return [
        Target(
            "median end-point error / zero flow's", result.flows[ESTIMATED]["median_ratio"], "at most", 0.5
        ),
        Target("person L1 against copying the source", l1[GENERATED], "below", l1[COPY_SOURCE]),
        Target("person L1 against the mean image", l1[GENERATED], "below", l1[MEAN_IMAGE]),
    ]


def synthetic_targets(result: EvaluationResult) -> list[Target]:
    """Those of `configs/synthetic.yaml`, the shipped model."""
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
    """Targets as a table: name, value, what it must be, met or not."""
    rows = [
        [one.name, f"{one.value:.3f}", f"{one.relation} {one.bound:.3f}", "met" if one.met else "missed"]
        for one in targets
    ]
    return Table("Targets", ["", "measured", "target", ""], rows)
