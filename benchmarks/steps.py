"""Training steps and forward passes: building them, and measuring one of them in the present process."""

from __future__ import annotations

import time
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from benchmarks import bm_generator
from benchmarks.op_times import convolutions, operator_seconds
from benchmarks.rate import OPERATIONS, convolution
from benchmarks.timing import Times, peak, release_free_memory, reset_peak, resident
from gfla_tf import _compat, ops
from gfla_tf.features import VGG19Features
from gfla_tf.models import PersonImageGenerator, ResDiscriminator
from gfla_tf.training import FlowTrainer, FusedAdam, GFLATrainer

FORWARD, STAGE1, STAGE2 = "forward", "stage1", "stage2"
WARMUP = 2  # unmeasured steps after the first
CONVOLUTIONS = 4  # convolutions per step, to measure their rate


@dataclass(frozen=True)
class Case:
    """A measured step: "stage1", "stage2" or "forward" (F + G) of a preset.

    `shrink` divides the height and width of the images and the channels of the feature network.
    """

    kind: str
    preset: str
    batch: int
    precision: str = "float32"
    jit: bool = False
    shrink: int = 1

    @property
    def label(self) -> str:
        """The row of a table."""
        return f"{self.preset}, batch {self.batch}"


@dataclass(frozen=True)
class Measured:
    """The result of `measure`: seconds, bytes, and the operations of the convolutions of a step."""

    first: float
    step: Times
    operations: int
    rate: float
    peak: int
    resident: int

    @property
    def floor(self) -> float:
        """The seconds that the operations would take at the rate of the convolution."""
        return self.operations / self.rate

    @property
    def ratio(self) -> float:
        """The seconds of a step, divided by the floor."""
        return self.step.median / self.floor


def measure(case: Case, rounds: int) -> Measured:
    """Measures a case in the present process, which should be new.

    Convolutions alternate with the steps. Memory is what is added to the process after its imports.
    """
    ops.native_available()  # loads the compiled operators
    tf.zeros([1])
    release_free_memory()
    before = reset_peak()
    run, graphs = prepare(case)
    clock = _Clock()
    run(1 + WARMUP + rounds, clock)
    return Measured(
        first=clock.seconds[0],
        step=Times.of(clock.seconds[1 + WARMUP :]),
        operations=sum(graphs[0].values()),
        rate=OPERATIONS / Times.of(clock.convolutions).median,
        peak=peak() - before,
        resident=resident() - before,
    )


def profile(case: Case, calls: int):
    """Profiles a case in the present process.

    Returns:
      ({(name, kind): (executions, seconds) per step} of every operator,
      {(name, kind): operations} of the convolutions in the graph before TensorFlow optimizes it).
    """
    run, graphs = prepare(case)
    run(2)
    return operator_seconds(lambda: run(1), calls), graphs[0]


def prepare(case: Case):
    """Builds the networks of a case.

    Returns:
      A function `(steps, clock)` that runs a number of steps, with a `_Clock` or without, and a list to which
      the convolutions of the graph are appended when it is traced.
    """
    return _prepare_forward(case) if case.kind == FORWARD else _prepare_training(case)


class _Clock(keras.callbacks.Callback):
    """Measures the seconds of steps; the first includes what happens before it, from `start` on."""

    def __init__(self):
        super().__init__()
        self.seconds, self.convolutions = [], []
        self.convolution = None

    def start(self):
        """Begins the first step."""
        self.began = time.perf_counter()

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            return
        self.convolution = self.convolution or convolution()
        for _ in range(CONVOLUTIONS):
            began = time.perf_counter()
            self.convolution()
            self.convolutions.append(time.perf_counter() - began)
        self.began = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        float((logs or {}).get("loss", 0.0))  # waits for the result
        self.seconds.append(time.perf_counter() - self.began)


def _prepare_training(case):
    with _compat.dtype_policy(case.precision):
        model = PersonImageGenerator.from_preset(case.preset, load_weights=False)
    features = VGG19Features("random", width_multiplier=1 / case.shrink)
    with _compat.dtype_policy(case.precision):
        trainer = _trainer(case, model, features)
    size = [max(bm_generator.STRIDE, side // case.shrink) for side in model.image_size]
    batches = tf.data.Dataset.from_tensors(_batch(size, case.batch)).repeat()
    found, train_step = [], trainer.train_step

    def traced(data):
        logs = train_step(data)
        found.append(convolutions(tf.compat.v1.get_default_graph(), logs.values()))
        return logs

    trainer.train_step = traced

    def run(steps, clock=None):
        if clock:
            clock.start()
        callbacks = [clock] if clock else []
        trainer.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0, callbacks=callbacks)

    return run, found


def _trainer(case, model, features):
    if case.kind == STAGE1:
        trainer = FlowTrainer(model.flow_field_estimator, features)
        trainer.compile(FusedAdam(1e-4, beta_1=0.0), jit_compile=case.jit)
        return trainer
    trainer = GFLATrainer(model, ResDiscriminator.from_preset(case.preset, load_weights=False), features)
    optimizers = FusedAdam(1e-4, beta_1=0.0), FusedAdam(1e-5, beta_1=0.0)
    trainer.compile(*optimizers, jit_compile=case.jit)
    return trainer


def _batch(size, count):
    """A batch as the datasets of photographs yield it, the same in every run."""
    rng = np.random.default_rng(0)
    images, keypoints = ("source_image", "target_image"), ("source_keypoints", "target_keypoints")
    return {
        **{name: rng.integers(0, 256, (count, *size, 3)).astype(np.uint8) for name in images},
        **{name: (rng.uniform(0, 1, (count, 18, 2)) * size).astype(np.float32) for name in keypoints},
    }


def _prepare_forward(case):
    with _compat.dtype_policy(case.precision):
        model, inputs = bm_generator.new_network(case.preset, case.shrink)
    inputs = [tf.repeat(one, case.batch, axis=0) for one in inputs]
    image = tf.function(
        lambda *maps: bm_generator.image_of(model, maps), jit_compile=case.jit, autograph=False
    )
    found = []

    def run(steps, clock=None):
        if clock:
            clock.start()
        graph = image.get_concrete_function(*inputs)
        if not found:
            found.append(convolutions(graph.graph, graph.graph.outputs))
            found[0]["outside the map", ""] = -case.batch * bm_generator.border_operations(
                model, *inputs[0].shape[1:3]
            )
        for number in range(steps):
            if clock:
                clock.on_train_batch_begin(number)
            graph(*inputs).numpy()
            if clock:
                clock.on_train_batch_end(number)

    return run, found
