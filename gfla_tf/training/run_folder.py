"""Run folder: lock, resolved configuration, run record and atomic writes."""

import contextlib
import json
import logging
import time
from os import PathLike
from pathlib import Path
from typing import Any, Self

import keras

from gfla_tf._version import __version__
from gfla_tf.config import Config, load_config
from gfla_tf.documents import DocumentError, parse_json
from gfla_tf.errors import InputError
from gfla_tf.files import atomic_path, check_name, missing_folders, remove_empty_folders, replace_file
from gfla_tf.files.locks import FolderLock
from gfla_tf.files.names import names_in
from gfla_tf.files.temporary import is_temporary, remove_temporary_files
from gfla_tf.training.checkpoint_folder import CheckpointFolder

_RECORD = "run.json"
_CONFIG = "config.yaml"
_LOCK = "run.lock"
_FEATURES = "features.weights.h5"
_NO_EFFECT = (
    *("checkpoint_every", "keep_checkpoints", "log_every", "histograms", "stall_minutes"),
    *("data.workers", "data.max_unreadable"),
)
"""Settings that do not change the result of a run, so that they may change when it is resumed."""

_log = logging.getLogger("gfla_tf")


class RunFolder:
    """Creates the folder of a run, or opens that of an earlier run, and reserves it for this process.

    It is a context manager, at whose end other processes may use the folder. config.yaml is written first and
    run.json last: a folder without run.json, left by a process that was killed between the two, can be used
    for a new run and can be resumed.

    Args:
      folder: its path.
      config: the configuration, written to config.yaml.
      resume: whether the folder contains an earlier run to continue. The epochs of its stages may be fewer
        than those of `config`.

    Raises:
      InputError: the folder cannot be written to, contains other files, or is in use by another process; it
        contains a run while `resume` is False; or, with `resume`, it contains no run, a damaged one, or one
        of another configuration.
    """

    def __init__(self, folder: str | PathLike, config: Config, resume: bool = False):
        check_name(folder)
        self.path = Path(folder)
        self._created = missing_folders(self.path)
        self._files: list[str] = []  # written here, if the run is new
        check = self._check_resumable if resume else self._check_unused
        try:
            check(config, (self.path / _LOCK).exists())
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(self.path, _LOCK)
        except OSError as error:
            remove_empty_folders(self._created)
            raise InputError(
                f"cannot write to the run folder {self.path}: {error.strerror or error}"
            ) from error
        try:
            check(config, self._lock.abandoned)  # again, because another process may have used it meanwhile
            remove_temporary_files(self.path)
            self._open(config, resume)
        except BaseException:
            self.remove()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def release(self) -> None:
        """Lets other processes use the folder."""
        self._lock.release()

    @property
    def features_path(self) -> Path:
        """Path of the weights of trained or calibrated features."""
        return self.path / _FEATURES

    @property
    def stage2_started(self) -> bool:
        """Whether stage 2 has a checkpoint, so that it does not depend on stage 1 any more."""
        return bool(CheckpointFolder(checkpoints_path(self.path / "stage2")).steps())

    def stage(self, name: str) -> Path:
        """Creates the folder of a stage and its subfolder `samples`, and returns its path."""
        folder = self.path / name
        for path in (folder, folder / "samples"):
            path.mkdir(parents=True, exist_ok=True)
            remove_temporary_files(path)
        return folder

    def save_model(self, model: keras.Model, name: str) -> None:
        """Saves a Keras model under a file name, atomically."""
        with atomic_path(self.path / name) as temporary:
            model.save(temporary)

    def remove(self) -> None:
        """Removes the files of a run that could not start, and the folders that this object created."""
        for name in self._files:
            with contextlib.suppress(OSError):
                (self.path / name).unlink()
        self.release()
        remove_empty_folders(self._created)

    def record_images(self, images: str) -> None:
        """Records in run.json how the images were prepared or rendered, and logs it.

        Args:
          images: one sentence, on which the metrics of the run depend.
        """
        record = read_record(self.path)
        before = record.get("images", images)
        if before != images:
            _log.warning("the images differ from those at the start of the run: %s", before)
        _log.info("images: %s", images)
        self._write_record({**record, "images": images})

    def record_end(self, seconds: float) -> None:
        """Records in run.json that the run is complete."""
        self._write_record({**read_record(self.path), "finished": _now(), "last_seconds": round(seconds)})

    def _check_unused(self, config: Config, abandoned: bool) -> None:
        """Checks that a folder is new, is empty, or was left by a run that was killed before it began.

        Args:
          config: the configuration of the new run.
          abandoned: whether a killed process left its lock.
        """
        if is_run(self.path):
            raise InputError(
                f"{self.path} contains a run; add --resume to continue it, or name another folder"
            )
        if not self.path.exists():
            return
        names = {name for name in names_in(self.path) if name != _LOCK and not is_temporary(name)}
        if abandoned or _content(self.path / _CONFIG) == _config_text(config):
            names.discard(_CONFIG)
        if names:
            raise InputError(f"{self.path} is not empty and contains no run of gfla; name another folder")

    def _check_resumable(self, config: Config, abandoned: bool) -> None:
        """Checks that a folder contains a run, or what one left that was killed before it began."""
        if is_run(self.path):
            read_record(self.path)
            old = sorted(self.path.glob("stage[12]/checkpoint.npz"))
            if old:
                raise InputError(f"{old[0]} was written by an earlier version of gfla, which can resume it")
            return
        path = self.path / _CONFIG
        if not path.is_file() or not (
            abandoned or (self.path / "stage1").is_dir() or _content(path) == _config_text(load_config(path))
        ):
            raise InputError(f"{self.path} contains no run to resume")

    def _open(self, config: Config, resume: bool) -> None:
        """Writes the files of a run as far as they are missing."""
        if resume:
            self._continue(config)
        else:
            self._files = [_RECORD, _FEATURES]
            if self._lock.abandoned or not (self.path / _CONFIG).exists():
                self._files.append(_CONFIG)
            self._write_config(config)
        if not is_run(self.path):
            self._write_record({"program": "gfla_tf", "version": __version__, "began": _now()})

    def _continue(self, config: Config) -> None:
        """Checks that the configuration is that of the run, and writes the settings that may change."""
        old, new = (_flat(c) for c in (load_config(self.path / _CONFIG), config))
        different = [key for key in new if new[key] != old[key]]
        longer = [key for key in different if key.endswith(".epochs") and new[key] > old[key]]
        free = {*longer, *_NO_EFFECT}
        if old["data.service"] is not None:  # whose batches arrive in any order
            free.add("data.service")
        other = [key for key in different if key not in free]
        if other:
            raise InputError(
                f"the run in {self.path} has another configuration ({', '.join(other)} differ); resume it "
                "with its own config.yaml, where only stage1.epochs and stage2.epochs may increase and "
                f"{', '.join(_NO_EFFECT)} may change, or name another folder"
            )
        if "stage1.epochs" in longer and self.stage2_started:
            raise InputError(
                f"stage 1 of the run in {self.path} is finished and stage 2 has started from its weights; "
                "only stage2.epochs may increase"
            )
        for key in longer:
            decays = new[key.replace("epochs", "final_learning_rate")] is not None
            decay = f"{new[key.replace('epochs', 'schedule')]} decay"
            note = f"; its learning rate now follows the longer {decay}" if decays else ""
            _log.info("%s increases from %s to %s%s", key, old[key], new[key], note)
        if different:
            self._write_config(config)

    def _write_config(self, config: Config) -> None:
        replace_file(self.path / _CONFIG, _config_text(config))

    def _write_record(self, record: dict[str, Any]) -> None:
        replace_file(self.path / _RECORD, (json.dumps(record, indent=2) + "\n").encode())


def checkpoints_path(stage: Path) -> Path:
    """Returns the path of the checkpoints in the folder of a stage."""
    return stage / "checkpoints"


def is_run(folder: str | PathLike) -> bool:
    """Returns whether a folder contains a run that has begun."""
    return (Path(folder) / _RECORD).exists()


def read_record(folder: str | PathLike) -> dict[str, Any]:
    """Reads run.json of a run folder.

    Raises:
      InputError: the file is missing or damaged.
    """
    path = Path(folder) / _RECORD
    try:
        record = parse_json(path.read_bytes())
    except DocumentError as error:
        problem = f", line {error.line}: {error}" if error.line else f": {error}"
    except OSError as error:
        problem = f": {error.strerror or error}"
    else:
        if isinstance(record, dict):
            return record
        problem = f" contains a {type(record).__name__}"
    raise InputError(
        f"the record of the run cannot be read from {path}{problem}; delete it, and continue with --resume"
    )


def _config_text(config: Config) -> bytes:
    """The content of config.yaml."""
    import yaml

    return yaml.safe_dump(config.to_dict(), sort_keys=False).encode()


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _flat(config: Config) -> dict[str, Any]:
    """Returns {"section.key": value} of a configuration."""
    flat = {}
    for section, value in config.to_dict().items():
        if isinstance(value, dict):
            flat |= {f"{section}.{key}": inner for key, inner in value.items()}
        else:
            flat[section] = value
    return flat


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
