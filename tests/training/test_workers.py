"""Two workers of a run: one is killed, both resume, and one is asked to stop."""

import signal
import time

import pytest
import yaml

from gfla_tf.training.checkpoint_folder import CheckpointFolder
from tests.training import small
from tests.training.processes import start_workers

pytestmark = pytest.mark.slow  # four processes start TensorFlow

SECONDS = 300
CONFIG = {
    "model": {"preset": "synthetic", "overrides": {"image_size": [32, 32], **small.ARGUMENTS}},
    "data": {"identities": 2, "test_identities": 1, "workers": 0},
    "features": {"kind": "vgg19", "weights": "random", "width_multiplier": 0.0625},
    "stage1": {"epochs": 1, "steps_per_epoch": 10**6},
    "batch_size": 2,
    "validation_batches": 1,
    "strategy": "multiworker",
    "checkpoint_every": "1 steps",
}


def test_both_workers_end_and_resume(tmp_path):
    folder, config = tmp_path / "run", tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(CONFIG))
    checkpoints = CheckpointFolder(folder / "stage1" / "checkpoints")

    killed, logs = train(tmp_path, "killed", [config, "-o", folder], checkpoints, 1, signal.SIGKILL)
    assert killed == [2, -signal.SIGKILL], logs
    assert "worker 0 lost the connection to another worker" in logs[0]
    assert "Traceback" not in logs[0]
    assert "stage 1" not in logs[1]  # the chief reports
    done = checkpoints.steps()[-1]
    assert done >= 2

    arguments = ["--resume", "-o", folder]
    resumed, logs = train(tmp_path, "resumed", arguments, checkpoints, done + 1, signal.SIGTERM)
    assert resumed == [2, 128 + signal.SIGTERM], logs
    assert "another worker was asked to stop" in logs[0]
    assert checkpoints.steps()[-1] > done
    assert not (folder / "run.lock").exists()
    assert sorted(path.name for path in folder.iterdir()) == ["config.yaml", "run.json", "stage1"]


def train(folder, name, arguments, checkpoints, step, number):
    """Trains with two workers until after a step, and sends a signal to worker 1.

    Returns:
      The exit codes and the outputs of both.
    """
    logs = [folder / f"{name}.{index}.log" for index in range(2)]
    workers = start_workers(lambda index: ["-m", "gfla_tf", "train", *arguments], logs)
    try:
        end = time.monotonic() + SECONDS
        while not any(one > step for one in checkpoints.steps()):
            codes = [worker.poll() for worker in workers]
            assert codes == [None, None], [log.read_text() for log in logs]
            assert time.monotonic() < end, [log.read_text() for log in logs]
            time.sleep(0.1)
        workers[1].send_signal(number)
        return [worker.wait(SECONDS) for worker in workers], [log.read_text() for log in logs]
    finally:
        for worker in workers:
            worker.kill()
