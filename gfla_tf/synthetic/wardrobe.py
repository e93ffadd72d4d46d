"""The outfit of a synthetic person: cut and fabric of top, bottom, shoes and bag."""

from __future__ import annotations

import numpy as np

from .body import Body
from .fabric import MOTIFS, Fabric, Noise, contrasting, denim, random_color, vary

_SLEEVES = {
    "tank": (0.0, 0.0), "tee": (0.20, 0.34), "shirt": (0.9, 0.97), "sweater": (0.92, 0.98),
    "hoodie": (0.92, 0.98), "jacket": (0.92, 0.98), "polo": (0.20, 0.32),
}  # fmt: skip


class Outfit:
    """The clothes of one person, sampled at random.

    Attributes:
      top: 'tank', 'tee', 'polo', 'shirt', 'sweater', 'hoodie' or 'jacket' (worn open over `inner`).
      bottom: 'trousers', 'shorts', 'skirt' or 'dress' (one piece with the top).
      sleeve: the fraction of the arm that the sleeve covers; 1 is the wrist.
      leg: the fraction of the leg that the trousers cover; 1 is the ankle.
      hem: height of the top's lower edge in body heights above the hip joint.
      skirt_end: rest height of the skirt's lower edge in body heights.
    """

    def __init__(self, rng: np.random.Generator, body: Body):
        self.bottom = ("trousers", "shorts", "skirt", "dress")[rng.choice(4, p=[0.5, 0.16, 0.16, 0.18])]
        tops = ("tank", "tee", "polo", "shirt", "sweater", "hoodie", "jacket")
        chances = [0.10, 0.28, 0.08, 0.18, 0.14, 0.08, 0.14]
        if self.bottom == "dress":
            tops, chances = ("tank", "tee", "sweater"), [0.4, 0.35, 0.25]
        self.top = tops[rng.choice(len(tops), p=chances)]
        self.sleeve = rng.uniform(*_SLEEVES[self.top])
        self.top_fabric = Fabric.random(rng)
        self.inner = Fabric.random(rng, kinds={"plain": 0.6, "stripes": 0.3, "dots": 0.1})
        if self.top == "jacket":
            plain = {"plain": 0.65, "marl": 0.2, "checks": 0.15}
            self.top_fabric = Fabric.random(rng, plain, base=denim(rng) if rng.random() < 0.3 else None)
        self.bottom_fabric = self._bottom_cloth(rng)
        self.tucked = self.bottom == "skirt" or (self.top in ("tee", "shirt", "tank") and rng.random() < 0.35)
        self.hem = rng.uniform(0.055, 0.08) if self.tucked else rng.uniform(-0.008, 0.03)
        self.flare = rng.uniform(0.0, 1.0)
        self.leg = 0.98 if self.bottom == "trousers" else rng.uniform(0.26, 0.52)
        self.leg_width = rng.choice([0.0, 0.35, 1.0], p=[0.45, 0.35, 0.2])
        self.skirt_end = body.knee_y + rng.choice(
            [rng.uniform(0.02, 0.10), rng.uniform(-0.14, 0.0)], p=[0.65, 0.35]
        )
        self.bare_legs = rng.random() < 0.7
        self.tights = vary(rng, np.array([0.13, 0.12, 0.14])) if rng.random() < 0.7 else random_color(rng)
        self.shoe = ("sneaker", "boot", "flat")[rng.choice(3, p=[0.5, 0.28, 0.22])]
        self.shoe_color = random_color(rng, neutral=rng.random() < 0.65)
        self.sole = (
            np.array([0.93, 0.92, 0.89], np.float32) if self.shoe == "sneaker" else self.shoe_color * 0.45
        )
        self.belt = random_color(rng, neutral=True) * 0.7 if rng.random() < 0.45 else None
        self.neck = ("round", "vee", "wide")[rng.choice(3, p=[0.55, 0.25, 0.2])]
        self.bag = ("none", "backpack", "crossbody")[rng.choice(3, p=[0.72, 0.14, 0.14])]
        self.bag_color = random_color(rng)
        self.trim = contrasting(rng, self.top_fabric.base)
        plain_chest = self.top_fabric.kind in ("plain", "marl") and self.top in (
            "tee",
            "sweater",
            "hoodie",
            "tank",
        )
        self.print = MOTIFS[rng.integers(len(MOTIFS))] if plain_chest and rng.random() < 0.75 else None
        self.back_print = int(rng.integers(12)) if self.print and rng.random() < 0.6 else None
        self.print_colors = (contrasting(rng, self.top_fabric.base), random_color(rng))
        self.print_size = rng.uniform(0.026, 0.042)
        self.two_tone = rng.random() < 0.12
        self.folds = Noise(rng)

    def _bottom_cloth(self, rng):
        if self.bottom == "dress":
            return self.top_fabric
        if self.bottom == "skirt":
            return Fabric.random(rng)
        if rng.random() < 0.4:
            return Fabric.random(rng, {"plain": 0.7, "marl": 0.3}, base=denim(rng))
        neutral = random_color(rng, neutral=rng.random() < 0.7)
        return Fabric.random(
            rng, {"plain": 0.68, "marl": 0.12, "checks": 0.08, "columns": 0.07, "stripes": 0.05}, base=neutral
        )

    @property
    def skirted(self) -> bool:
        """Whether the person wears a skirt or a dress."""
        return self.bottom in ("skirt", "dress")

    @property
    def thickness(self) -> float:
        """Distance of the top's cloth from the body, in body heights."""
        return {"sweater": 0.007, "hoodie": 0.009, "jacket": 0.010, "shirt": 0.005}.get(self.top, 0.003)
