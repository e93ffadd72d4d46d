"""Draws a range of identities in several processes.

The processes are fresh Python interpreters that import NumPy and OpenCV only: neither forked from a process
that runs TensorFlow, nor importing the caller's main module, so a script needs no `if __name__ ==
"__main__"`.
"""

from __future__ import annotations

import base64
import itertools
import os
import pickle
import subprocess
import sys
import threading

import numpy as np

from .drawing import draw_arrays

_COMMAND = "from gfla_tf.synthetic.workers import serve; serve()"


def draw_range(recipe, split, start, stop, truth=False, workers=0, progress=None):
    """Stacked arrays (see `draw_arrays`) of identities start..stop-1.

    workers: processes to draw with, 0 or 1 for this one. progress: called as progress(done, total) after
    each identity.

    Raises:
      RuntimeError: a drawing process ended early; its error output is in the message.
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
            store(identity, draw_arrays(recipe, split, identity, truth))
        return result
    bounds = np.linspace(start, stop, workers + 1).astype(int)
    jobs = [(recipe, split, int(a), int(b), truth) for a, b in itertools.pairwise(bounds)]
    failures = []
    threads = [threading.Thread(target=_collect, args=(job, store, failures), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures or done[0] < total:
        reason = failures[0] if failures else f"{done[0]} of {total} people arrived"
        raise RuntimeError(f"drawing SyntheticPeople failed in a worker process: {reason}")
    return result


def _collect(job, store, failures):
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


def serve():
    """What a drawing process runs: draws the job in its argument and pickles each identity to stdout."""
    import cv2

    cv2.setNumThreads(1)
    recipe, split, start, stop, truth = pickle.loads(base64.b64decode(sys.argv[1]))
    for identity in range(start, stop):
        pickle.dump(draw_arrays(recipe, split, identity, truth), sys.stdout.buffer, protocol=5)
        sys.stdout.buffer.flush()
