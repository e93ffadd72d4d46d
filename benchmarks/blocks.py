"""The sizes at which local attention works in the paper's two networks, and inputs of those sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import tensorflow as tf

FLOW_DEVIATION = 6.0  # pixels, of the random flows


@dataclass(frozen=True)
class Block:
    """Maps [batch, height, width, channels] and patches of n x n; n = 0 where there are no patches."""

    name: str
    height: int
    width: int
    channels: int
    n: int
    batch: int = 1

    @property
    def label(self) -> str:
        patches = f", n={self.n}" if self.n else ""
        size = f"{self.height}x{self.width}x{self.channels}{patches}"
        return f"{self.name}, {size}, batch {self.batch}" if self.name else f"{size}, batch {self.batch}"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return (self.batch, self.height, self.width, self.channels)

    def with_(self, **changes) -> Block:
        return replace(self, **changes)

    def shrunk(self, times: int) -> Block:
        """With height and width divided by `times`, to no less than n."""
        return replace(self, height=max(self.n, self.height // times), width=max(self.n, self.width // times))

    def maps(self, seed: int = 0) -> tf.Tensor:
        """Random [B, H, W, C]."""
        return tf.random.stateless_normal(self.shape, [seed, 1])

    def flow(self) -> tf.Tensor:
        """A random flow [B, H, W, 2], which also points outside."""
        return FLOW_DEVIATION * tf.random.stateless_normal((*self.shape[:3], 2), [0, 2])

    def kernels(self) -> tf.Tensor:
        """Random kernels [B, H, W, n*n] of sum 1."""
        return tf.nn.softmax(tf.random.stateless_normal((*self.shape[:3], self.n**2), [0, 3]))


FASHION_FINE = Block("fashion", 64, 64, 128, 5)
FASHION_COARSE = Block("fashion", 32, 32, 256, 3)
MARKET = Block("market", 32, 16, 256, 3)
