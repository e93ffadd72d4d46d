"""Turns functions of tensors into graphs that can be timed."""

from __future__ import annotations

import tensorflow as tf

from benchmarks.studies import BOTH, FORWARD


def calls_of(functions: dict, inputs, upstream, passes, names, weights=None, times: int = 1) -> dict:
    """Makes the candidates of a study (see `benchmarks.studies`).

    Args:
      functions: {name: function of the inputs}.
      inputs: tensors.
      upstream: gradient with respect to the result.
      passes: the passes to time, of `benchmarks.studies.PASSES`.
      names: the functions to use, or None for all.
      weights: {name: variables whose gradients are computed as well}.
      times: number of repetitions of the work in one call.

    Returns:
      {(name, pass): function without arguments}.
    """
    calls, weights = {}, weights or {}
    for name, function in functions.items():
        if names is not None and name not in names:
            continue
        if FORWARD in passes:
            calls[name, FORWARD] = forward(function, inputs, times)
        if BOTH in passes:
            calls[name, BOTH] = forward_and_backward(function, inputs, upstream, weights.get(name, ()), times)
    return calls


def forward(function, inputs, times: int = 1):
    """A function without arguments that computes `function(*inputs)` `times` times and waits for it."""

    def repeat(*copies):
        results = []
        for number in range(times):
            before = [part for part in tf.nest.flatten(results) if part is not None]
            with tf.control_dependencies(before):
                results.append(function(*copies[number * len(inputs) : (number + 1) * len(inputs)]))
        return results

    # Copies, so that TensorFlow does not merge the repetitions.
    copies = [*inputs, *(tf.identity(tensor) for _ in range(times - 1) for tensor in inputs)]
    graph = tf.function(repeat, autograph=False).get_concrete_function(*copies)
    if not tf.config.list_physical_devices("GPU"):
        return lambda: graph(*copies)  # on the CPU a call returns when the result is computed

    def call():
        last = [part for part in tf.nest.flatten(graph(*copies)) if part is not None][-1]
        tf.reshape(last, [-1])[:1].numpy()

    return call


def forward_and_backward(function, inputs, upstream, weights=(), times: int = 1):
    """As `forward`, with the gradients of the inputs and weights."""

    def step(upstream, *inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            out = function(*inputs)
        return out, tape.gradient(out, [*inputs, *weights], upstream)

    return forward(step, (upstream, *inputs), times)
