"""Rendering of a range of identities in several worker processes.

A worker is a new Python interpreter that imports NumPy and OpenCV, but not TensorFlow. It is neither forked
from the calling process nor does it import the caller's main module, so scripts need no
`if __name__ == "__main__"` guard.
"""

from __future__ import annotations

import base64
import itertools
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable

import numpy as np

from .identity import RenderSettings, render_arrays

_COMMAND = "from gfla_tf.synthetic.workers import serve; serve()"


def render_range(
    settings: RenderSettings,
    split: str,
    start: int,
    stop: int,
    truth: bool = False,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, np.ndarray]:
    """Renders identities start..stop-1 of a split as stacked arrays (see `render_arrays`).

    Args:
      settings: the dataset's settings.
      split: the split's name.
      start: the first identity.
      stop: one past the last identity.
      truth: whether to add flow and visibility.
      workers: number of worker processes; with 0 or 1, the calling process renders.
      progress: called as progress(done, total) after each identity.

    Raises:
      RuntimeError: a worker process ended early; the message contains its error output.
    """
    total = stop - start
    result = {}
    lock = threading.Lock()
    done = [0]

    def store(identity, arrays):
        with lock:
            if not result:
                for name, values in arrays.items():
                    result[name] = np.empty((total * len(values), *values.shape[1:]), values.dtype)
            for name, values in arrays.items():
                first = (identity - start) * len(values)
                result[name][first : first + len(values)] = values
            done[0] += 1
            if progress is not None:
                progress(done[0], total)

    if workers <= 1 or total < 2 * workers:
        for identity in range(start, stop):
            store(identity, render_arrays(settings, split, identity, truth))
        return result
    bounds = np.linspace(start, stop, workers + 1).astype(int)
    jobs = [(settings, split, int(a), int(b), truth) for a, b in itertools.pairwise(bounds)]
    failures = []
    threads = [threading.Thread(target=_collect, args=(job, store, failures), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures or done[0] < total:
        reason = failures[0] if failures else f"{done[0]} of {total} people were received"
        raise RuntimeError(f"rendering SyntheticPeople failed in a worker process: {reason}")
    return result


def _collect(job, store, failures):
    """Runs one job in a worker process and stores each identity that it sends."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(p for p in sys.path if p))
    environment.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    text = base64.b64encode(pickle.dumps(job)).decode()
    with subprocess.Popen(
        [sys.executable, "-c", _COMMAND, text],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        errors = []
        reader = threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True)
        reader.start()
        _, _, start, stop, _ = job
        try:
            for identity in range(start, stop):
                store(identity, pickle.load(process.stdout))
        except (EOFError, pickle.UnpicklingError):
            process.wait()
            reader.join()
            failures.append(
                errors[0].decode(errors="replace").strip()[-800:] or f"exit code {process.returncode}"
            )


def serve() -> None:
    """Entry point of a worker process: renders the job in its argument, pickling each identity to stdout."""
    import cv2

    cv2.setNumThreads(1)
    settings, split, start, stop, truth = pickle.loads(base64.b64decode(sys.argv[1]))
    for identity in range(start, stop):
        pickle.dump(render_arrays(settings, split, identity, truth), sys.stdout.buffer, protocol=5)
        sys.stdout.buffer.flush()
