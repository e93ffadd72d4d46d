"""Folder of the checkpoints of a stage: atomic and verified writing, and reading of untrusted files."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from gfla_tf.errors import InputError
from gfla_tf.files import new_folder
from gfla_tf.files.names import is_utf8, names_in
from gfla_tf.files.temporary import check_space, flush_file, remove_temporary_files, remove_tree

State = Mapping[str, Sequence[tf.Variable]]
"""The variables of a checkpoint, in named groups."""

_NAME = re.compile(r"step-(0|[1-9][0-9]{0,17})")
_PREFIX = "state"  # of the files that TensorFlow writes
_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"  # written by tf.train.Checkpoint; not read here
_ENTRY_BYTES = 2**12  # an upper bound of the index per variable, and of the object graph per variable
_UNREADABLE = (tf.errors.OpError, RuntimeError, ValueError, TypeError, IndexError, OSError)

_log = logging.getLogger("gfla_tf")


class CheckpointFolder:
    """Checkpoints of a training stage, `step-500/` for the one after 500 steps.

    Each is written by `tf.train.Checkpoint` into a temporary folder, read back with its checksums, compared
    with the variables, and then renamed; after that the oldest ones are removed. `tf.train.CheckpointManager`
    is not used, because it removes old checkpoints before a new one can be verified, and keeps the list of
    checkpoints in one more file, which can differ from the folder after a process was killed.

    Args:
      path: the folder. It is created by the first `write`.
      keep: number of readable checkpoints to keep.
    """

    def __init__(self, path: str | os.PathLike, keep: int = 3):
        self.path = Path(path)
        self.keep = keep
        self._damaged: set[int] = set()

    def steps(self) -> list[int]:
        """Returns the numbers of steps of the checkpoints, in ascending order."""
        names = names_in(self.path) if self.path.is_dir() else []
        return sorted(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))

    def write(self, step: int, state: State) -> None:
        """Writes a checkpoint, verifies it, and removes the oldest ones.

        Args:
          step: the number of steps done.
          state: the variables.

        Raises:
          InputError: it cannot be written, for example because the disk is full, or the disk returns other
            values than were written. The other checkpoints are unchanged.
        """
        path = self._of(step)
        size = sum(v.dtype.size * int(np.prod(v.shape)) + 2 * _ENTRY_BYTES for v in _flat(state).values())
        try:
            with new_folder(path) as temporary:
                check_space(temporary, size)
                with _utf8_name(temporary) as prefix:
                    lists = {name: list(variables) for name, variables in state.items()}
                    tf.train.Checkpoint(**lists).write(prefix)
                _compare(temporary, state)
                for name in os.listdir(temporary):
                    flush_file(temporary / name)
        except (InputError, *_UNREADABLE) as error:
            intact = "; the earlier checkpoints are unchanged" if self.steps() else ""
            raise InputError(f"the checkpoint {path} cannot be written: {_reason(error)}{intact}") from error
        self._damaged.discard(step)
        self._remove_old()

    def restore(self, state: State, finite: Collection[str]) -> int | None:
        """Assigns the values of the newest readable checkpoint to the variables.

        Damaged checkpoints are reported by a warning, and the one before them is used. The names, shapes and
        dtypes of a file are compared with those of the variables before any value is read.

        Args:
          state: the variables.
          finite: the groups in which a NaN or infinite value is damage.

        Returns:
          The number of steps of the checkpoint; None if there is none.

        Raises:
          InputError: no checkpoint is readable, or one is of other variables. Nothing is assigned then.
        """
        problems = []
        with contextlib.suppress(FileNotFoundError):
            remove_temporary_files(self.path)
        for step in reversed(self.steps()):
            path = self._of(step)
            try:
                for name, _, value in _read(path, state):
                    if name.partition("/")[0] in finite and not is_finite(value):
                        raise ValueError("it contains NaN or infinite values")
                for _, variable, value in _read(path, state):
                    variable.assign(value)
            except InputError:
                raise
            except _UNREADABLE as error:
                problems.append(f"{path} ({_reason(error)})")
                self._damaged.add(step)
                continue
            for problem in problems:
                _log.warning("a checkpoint cannot be read, and the one before it is used: %s", problem)
            return step
        if problems:
            raise InputError(
                f"no checkpoint can be read: {'; '.join(problems)}; delete {self.path} to restart its stage"
            )
        return None

    def _of(self, step: int) -> Path:
        return self.path / f"step-{step}"

    def _remove_old(self) -> None:
        readable = [step for step in self.steps() if step not in self._damaged]
        for step in self.steps():
            if step < readable[-self.keep :][0]:
                remove_tree(self._of(step))


def is_finite(value: np.ndarray) -> bool:
    """Returns whether all elements of an array are finite."""
    return bool(np.isfinite(value).all())


def _flat(state: State) -> dict[str, tf.Variable]:
    """Returns the variables by the names that tf.train.Checkpoint gives them."""
    return {
        f"{name}/{number}/.ATTRIBUTES/VARIABLE_VALUE": variable
        for name, variables in state.items()
        for number, variable in enumerate(variables)
    }


def _read(path: Path, state: State) -> Iterator[tuple[str, tf.Variable, np.ndarray]]:
    """Yields (name, variable, value in the file), and compares all shapes and dtypes before the first value.

    Raises:
      InputError: the file contains other variables.
      tf.errors.OpError, IndexError, OSError: the file is damaged.
    """
    expected = _flat(state)
    index = path / f"{_PREFIX}.index"
    if index.stat().st_size > (1 + len(expected)) * _ENTRY_BYTES:
        raise _other_variables(path)
    if not all((path / name).is_file() for name in os.listdir(path)):
        raise OSError(f"{path} contains something else than files")
    reader = tf.compat.v1.train.NewCheckpointReader(os.fsencode(path / _PREFIX))
    shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    if {name: (tuple(shape), dtypes[name]) for name, shape in shapes.items() if name != _GRAPH} != {
        name: (tuple(variable.shape), variable.dtype) for name, variable in expected.items()
    }:
        raise _other_variables(path)
    for name, variable in expected.items():
        yield name, variable, reader.get_tensor(name)


def _compare(path: Path, state: State) -> None:
    """Raises an OSError if the values of a file are not those of the variables."""
    for name, variable, value in _read(path, state):
        if value.tobytes() != variable.numpy().tobytes():
            raise OSError(f"the disk contains other values of {name} than were written")


def _other_variables(path: Path) -> InputError:
    return InputError(
        f"the checkpoint {path} belongs to another network than the run's config.yaml, or was written by "
        "another version of gfla or with the other major version of Keras"
    )


@contextlib.contextmanager
def _utf8_name(folder: Path) -> Iterator[str]:
    """A prefix in the folder that is valid UTF-8, as tf.train.Checkpoint requires."""
    if is_utf8(os.fspath(folder)):
        yield os.fspath(folder / _PREFIX)
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}/{_PREFIX}"
    finally:
        os.close(handle)


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
    return re.sub(
        r"\{\{.*?\}\} ?| ?\[Op:\w+\]|/\S*/\.[0-9a-f]{16}\.part\S*[;:]? ?", "", text.partition("\n")[0]
    )
