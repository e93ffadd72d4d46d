"""Inputs shared by the tests of the operators."""

import numpy as np

SHAPES = [(2, 5, 7, 3), (1, 1, 1, 2), (1, 1, 6, 1), (2, 8, 3, 4)]
"""Shapes [B, H, W, C] of sources, among them single pixels and rows."""

SPREADS = [0.4, 3.0, 40.0]
"""Standard deviations of flows in pixels; at the last one most positions are outside the source."""

NOT_FINITE = [np.nan, np.inf, -np.inf, 1e30, -1e30]
"""Flow values that are not finite or are outside the range of the indices."""


def case(shape, spread, n=None, seed=0):
    """Random (source, flow, kernels), float64; kernels is None without `n`."""
    rng = np.random.default_rng([seed, *shape])
    source = rng.standard_normal(shape)
    flow = rng.standard_normal((*shape[:3], 2)) * spread
    kernels = None if n is None else rng.standard_normal((*shape[:3], n * n))
    return source, flow, kernels


def check_not_finite_flow(call, bad, source, flow):
    """Checks that a bad component of the flow reads the border, or the location itself for NaN."""
    flow[0, 1, 2] = bad
    border = np.clip(np.nan_to_num(flow), -100, 100)
    for dtype, atol in (("float64", 1e-12), ("float32", 1e-6)):
        image = source.astype(dtype)
        actual, expected = (call(image, value.astype(dtype)) for value in (flow, border))
        np.testing.assert_allclose(actual, expected, atol=atol)


def check_golden_gradients(case, gradients):
    """Compares the gradients of (source, flow) with those of a golden case, relative to the largest."""
    for name, gradient in zip(("source", "flow"), gradients, strict=True):
        expected = case[f"grad_{name}"]
        np.testing.assert_allclose(gradient, expected, atol=1e-5 * np.abs(expected).max())
