"""Trains a small run without interruption, and again while its processes are killed at random moments.

`python -m tests.training.kills FOLDER` writes the runs `FOLDER/whole` and `FOLDER/killed`, and prints one
line of JSON: a list with the stage and the moment of every kill. The processes are forked from this one,
which has imported TensorFlow but has not started its runtime, so that a process costs only its own steps.
They run eagerly: tracing a stage takes far longer than its steps (test_resume.py compares traced runs).
"""

import json
import os
import random
import select
import signal
import sys
import time
from pathlib import Path

import keras
import tensorflow as tf
from tensorflow.python.eager import context

from gfla_tf.config import load_config
from gfla_tf.training import run
from gfla_tf.training.checkpoint_folder import CheckpointFolder
from gfla_tf.training.run_folder import RunFolder

KILLS, INSIDE = 20, 10
_STEP, _WRITE, _WRITTEN, _SAVE = b"s", b"w", b"e", b"m"
_SECONDS = 300  # without any event


class Child:
    """A forked process that trains, and reports its events on a pipe."""

    def __init__(self, config: Path, folder: Path, resume: bool):
        self.events = b""
        self._pipe, pipe = os.pipe()
        self.number = os.fork()
        if not self.number:
            try:
                with (folder.parent / "output.txt").open("a") as output:
                    os.dup2(output.fileno(), 1)
                    os.dup2(output.fileno(), 2)
                _train(config, folder, resume, pipe)
                os._exit(0)
            finally:
                sys.excepthook(*sys.exc_info())
                os._exit(1)
        os.close(pipe)

    def wait(self, event: bytes | None = None, count: int = 1, seconds: float = _SECONDS) -> bool:
        """Waits until an event has been reported `count` times (None: the end); returns False at the end."""
        end = time.monotonic() + seconds
        while event is None or self.events.count(event) < count:
            ready, _, _ = select.select([self._pipe], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return True
            new = os.read(self._pipe, 1)
            if not new:
                return False
            self.events += new
        return True

    def kill(self) -> None:
        """Kills the process, and reads its last events."""
        os.kill(self.number, signal.SIGKILL)
        while new := os.read(self._pipe, 1000):
            self.events += new

    def code(self) -> int:
        """Waits for the process to end, and returns its exit code; -9 if it was killed."""
        os.close(self._pipe)
        return os.waitstatus_to_exitcode(os.waitpid(self.number, 0)[1])


def _train(config: Path, folder: Path, resume: bool, pipe: int) -> None:
    """Trains in a forked process, with hooks that report events."""
    write, save_model, stage_callbacks = CheckpointFolder.write, RunFolder.save_model, run.stage_callbacks

    def reported_write(*arguments):
        os.write(pipe, _WRITE)
        write(*arguments)
        os.write(pipe, _WRITTEN)

    def reported_save(*arguments):
        os.write(pipe, _SAVE)
        save_model(*arguments)

    def callbacks(*arguments):
        step = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: os.write(pipe, _STEP))
        return [*stage_callbacks(*arguments), step]

    CheckpointFolder.write, RunFolder.save_model, run.stage_callbacks = (
        reported_write,
        reported_save,
        callbacks,
    )
    tf.config.run_functions_eagerly(True)
    run.train(load_config(config), folder, resume=resume)


def _stage(folder: Path) -> str:
    return "stage2" if (folder / "stage2").is_dir() else "stage1"


def _steps_done(folder: Path) -> int:
    """The number of steps of both stages in the last checkpoints."""
    stages = (folder / "stage1", folder / "stage2")
    return sum(max([0, *CheckpointFolder(stage / "checkpoints").steps()]) for stage in stages)


def main(folder: Path) -> None:
    """Trains both runs; see the module docstring."""
    config = folder / "config.yaml"
    assert len(os.listdir("/proc/self/task")) == 1, "threads are lost by a fork"
    assert not context.context()._initialized, "TensorFlow's runtime cannot be forked"
    rng = random.Random(12)
    whole = Child(config, folder / "whole", resume=False)
    moments: dict[str, list[float]] = {"w": [], "e": []}
    while whole.wait(_WRITE, len(moments["w"]) + 1):
        moments["w"].append(time.monotonic())
        if not whole.wait(_WRITTEN, len(moments["w"])):
            break
        moments["e"].append(time.monotonic())
    assert whole.code() == 0, "the run without interruption failed"
    durations = sorted(end - begin for begin, end in zip(moments["w"], moments["e"], strict=True))
    duration, steps = durations[len(durations) // 2], whole.events.count(_STEP)

    killed, kills = folder / "killed", []
    targets = sorted(rng.choices(range(steps), k=KILLS))  # the steps before which the processes are killed
    while len(kills) < KILLS or sum(kill["inside"] for kill in kills) < INSIDE:
        target = targets[len(kills)] if len(kills) < KILLS else steps - 1
        assert len(kills) < 2 * KILLS, f"too few kills hit a checkpoint: {kills}"
        child = Child(config, killed, resume=(killed / "run.json").exists())
        count = target - _steps_done(killed)
        if len(kills) % 2 or len(kills) >= KILLS:
            running = child.wait(_WRITE, max(1, count)) and child.wait(
                seconds=rng.uniform(0.0, 0.8) * duration
            )
        elif count > 0:
            running = child.wait(_STEP, count) and child.wait(seconds=rng.uniform(0.0, 0.5))
        else:
            running = child.wait(seconds=rng.uniform(0.0, 3.0))
        assert running, "the run ended before it was killed"
        child.kill()
        assert child.code() == -signal.SIGKILL
        inside = child.events[-1:] == _WRITE
        kills.append({"stage": _stage(killed), "steps": child.events.count(_STEP), "inside": inside})
    for count in (1, 3):  # during the writing of model.keras and of discriminator.keras
        child = Child(config, killed, resume=True)
        assert child.wait(_SAVE, count)
        child.kill()
        assert child.code() == -signal.SIGKILL
    last = Child(config, killed, resume=True)
    assert not last.wait()
    assert last.code() == 0, "the run cannot be resumed"
    print(json.dumps(kills))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
