"""The sizes of the local attention blocks in the paper's two networks, and random inputs of these sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import tensorflow as tf

FLOW_DEVIATION = 6.0  # pixels, of the random flows


@dataclass(frozen=True)
class Block:
    """The shape [batch, height, width, channels] of the maps and the patch size n x n; n = 0: no patches."""

    name: str
    height: int
    width: int
    channels: int
    n: int
    batch: int = 1

    @property
    def label(self) -> str:
        """The block's name and sizes, for the rows of tables."""
        patches = f", n={self.n}" if self.n else ""
        size = f"{self.height}x{self.width}x{self.channels}{patches}"
        return f"{self.name}, {size}, batch {self.batch}" if self.name else f"{size}, batch {self.batch}"

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """[batch, height, width, channels]."""
        return (self.batch, self.height, self.width, self.channels)

    def with_(self, **changes) -> Block:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def shrunk(self, times: int) -> Block:
        """A copy with height and width divided by `times`, but at least n."""
        return replace(self, height=max(self.n, self.height // times), width=max(self.n, self.width // times))

    def maps(self, seed: int = 0) -> tf.Tensor:
        """Random [B, H, W, C]."""
        return tf.random.stateless_normal(self.shape, [seed, 1])

    def flow(self) -> tf.Tensor:
        """A random flow [B, H, W, 2], partly pointing outside the image."""
        return FLOW_DEVIATION * tf.random.stateless_normal((*self.shape[:3], 2), [0, 2])

    def kernels(self) -> tf.Tensor:
        """Random kernels [B, H, W, n*n] that sum to 1."""
        return tf.nn.softmax(tf.random.stateless_normal((*self.shape[:3], self.n**2), [0, 3]))


FASHION_FINE = Block("fashion", 64, 64, 128, 5)
FASHION_COARSE = Block("fashion", 32, 32, 256, 3)
MARKET = Block("market", 32, 16, 256, 3)
