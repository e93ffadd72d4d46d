"""Functions on tensors as what is timed: one compiled graph, called on inputs that lie ready."""

from __future__ import annotations

import tensorflow as tf

from benchmarks.studies import BOTH, FORWARD


def calls_of(functions: dict, inputs, upstream, passes, names, weights=None) -> dict:
    """{(name, pass): function of no argument} for {name: function of the inputs}; see `benchmarks.studies`.

    upstream: the gradient of the result. weights: {name: variables whose gradients are wanted too}.
    """
    calls, weights = {}, weights or {}
    for name, function in functions.items():
        if names is not None and name not in names:
            continue
        if FORWARD in passes:
            calls[name, FORWARD] = forward(function, inputs)
        if BOTH in passes:
            calls[name, BOTH] = forward_and_backward(function, inputs, upstream, weights.get(name, ()))
    return calls


def forward(function, inputs):
    """`function(*inputs)` as a function of no argument that returns when the result is there."""
    graph = tf.function(function, autograph=False).get_concrete_function(*inputs)
    if not tf.config.list_physical_devices("GPU"):
        return lambda: graph(*inputs)  # on the CPU a call returns when its work is done

    def call():
        last = [part for part in tf.nest.flatten(graph(*inputs)) if part is not None][-1]
        tf.reshape(last, [-1])[:1].numpy()

    return call


def forward_and_backward(function, inputs, upstream, weights=()):
    """The same with the gradients of the inputs and weights."""

    def step(upstream, *inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            out = function(*inputs)
        return out, tape.gradient(out, [*inputs, *weights], upstream)

    return forward(step, (upstream, *inputs))
