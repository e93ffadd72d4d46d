"""NumPy oracles of the operators: plain loops in float64, written from the equations."""

import numpy as np


def _read(image, y, x):
    height, width = image.shape[:2]
    return image[min(max(y, 0), height - 1), min(max(x, 0), width - 1)]


def _bilinear(image, y, x):
    y0, x0 = int(np.floor(y)), int(np.floor(x))
    b, a = y - y0, x - x0
    return (
        (1 - b) * (1 - a) * _read(image, y0, x0)
        + (1 - b) * a * _read(image, y0, x0 + 1)
        + b * (1 - a) * _read(image, y0 + 1, x0)
        + b * a * _read(image, y0 + 1, x0 + 1)
    )


def _each_location(flow):
    for i, y, x in np.ndindex(*flow.shape[:3]):
        yield (i, y, x), y + flow[i, y, x, 1], x + flow[i, y, x, 0]


def bilinear_warp(image, flow):
    out = np.zeros_like(image)
    for where, y, x in _each_location(flow):
        out[where] = _bilinear(image[where[0]], y, x)
    return out


def gaussian_warp(image, flow, kernel_size=4, sigma=2.0):
    out = np.zeros_like(image)
    taps = np.arange(kernel_size) - (kernel_size - 1) // 2
    for where, y, x in _each_location(flow):
        y0, x0 = int(np.floor(y)), int(np.floor(x))
        wy = np.exp(-((y - y0 - taps) ** 2) / (2 * sigma**2))
        wx = np.exp(-((x - x0 - taps) ** 2) / (2 * sigma**2))
        total = sum(
            wy[j] * wx[i] * _read(image[where[0]], y0 + taps[j], x0 + taps[i])
            for j in range(kernel_size)
            for i in range(kernel_size)
        )
        out[where] = total / (wy.sum() * wx.sum())
    return out


def flowed_patches(source, flow, n):
    out = np.zeros((*flow.shape[:3], n * n, source.shape[-1]))
    for where, y, x in _each_location(flow):
        for i, j in np.ndindex(n, n):
            out[where][i * n + j] = _bilinear(source[where[0]], y + i - n // 2, x + j - n // 2)
    return out


def local_attention(source, flow, kernels):
    n = int(np.sqrt(kernels.shape[-1]))
    return (kernels[..., None] * flowed_patches(source, flow, n)).sum(axis=3)


def instance_norm(x, gamma, beta, epsilon, slope):
    out = np.zeros_like(x)
    for i, c in np.ndindex(x.shape[0], x.shape[3]):
        values = x[i, :, :, c]
        h = gamma[c] * (values - values.mean()) / np.sqrt(values.var() + epsilon) + beta[c]
        out[i, :, :, c] = np.where(h > 0, h, slope * h)
    return out
