"""Run folder: ownership, resolved configuration, run record and atomic writes."""

import json
import logging
import time
from os import PathLike
from pathlib import Path
from typing import Any

import keras

from gfla_tf._version import __version__
from gfla_tf.config import Config, load_config
from gfla_tf.errors import InputError
from gfla_tf.files import atomic_path, missing_folders, remove_empty_folders, replace_file
from gfla_tf.names import names_in
from gfla_tf.temporary import remove_temporary_files

_RECORD = "run.json"
_CONFIG = "config.yaml"
_FEATURES = "features.weights.h5"

_log = logging.getLogger("gfla_tf")


class RunFolder:
    """Creates the folder of a run, or opens that of an earlier run.

    Args:
      folder: its path.
      config: the configuration, written to config.yaml.
      resume: whether the folder contains an earlier run to continue. The epochs of its stages may be fewer
        than those of `config`.

    Raises:
      InputError: the folder cannot be written to, or contains other files, or a run while `resume` is False;
        or, with `resume`, it contains no run or one of another configuration.
    """

    def __init__(self, folder: str | PathLike, config: Config, resume: bool = False):
        self.path = Path(folder)
        self._created = missing_folders(self.path)
        if resume:
            self._check_same(config)
            remove_temporary_files(self.path)
            return
        if (self.path / _RECORD).exists():
            raise InputError(
                f"{self.path} contains a run; add --resume to continue it, or name another folder"
            )
        try:
            if self.path.exists() and names_in(self.path):
                raise InputError(f"{self.path} is not empty and contains no run of gfla; name another folder")
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"cannot write to the run folder {self.path}: {error.strerror or error}"
            ) from error
        self._write_config(config)
        self._write_record({"program": "gfla_tf", "version": __version__, "began": _now()})

    @property
    def features_path(self) -> Path:
        """Path of the weights of trained or calibrated features."""
        return self.path / _FEATURES

    @property
    def stage2_checkpoint(self) -> Path:
        """Path of the checkpoint of stage 2, which exists once its first epoch is finished."""
        return self.path / "stage2" / "checkpoint.npz"

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
        for name in (_RECORD, _CONFIG, _FEATURES):
            (self.path / name).unlink(missing_ok=True)
        remove_empty_folders(self._created)

    def record_images(self, images: str) -> None:
        """Records in run.json how the images were prepared or rendered, and logs it.

        Args:
          images: one sentence, on which the metrics of the run depend.
        """
        before = self._record().get("images", images)
        if before != images:
            _log.warning("the images differ from those at the start of the run: %s", before)
        _log.info("images: %s", images)
        self._write_record({**self._record(), "images": images})

    def record_end(self, seconds: float) -> None:
        """Records in run.json that the run is complete."""
        self._write_record({**self._record(), "finished": _now(), "last_seconds": round(seconds)})

    def _record(self) -> dict[str, Any]:
        return json.loads((self.path / _RECORD).read_text(encoding="utf-8"))

    def _check_same(self, config: Config) -> None:
        if not (self.path / _RECORD).exists():
            raise InputError(f"{self.path} contains no run to resume")
        old, new = (_flat(c) for c in (load_config(self.path / _CONFIG), config))
        different = [key for key in new if new[key] != old[key]]
        longer = [key for key in different if key.endswith(".epochs") and new[key] > old[key]]
        if different != longer:
            raise InputError(
                f"the run in {self.path} has another configuration ({', '.join(different)} differ); resume "
                "it with its own config.yaml, where only stage1.epochs and stage2.epochs may increase, or "
                "name another folder"
            )
        if "stage1.epochs" in longer and self.stage2_checkpoint.exists():
            raise InputError(
                f"stage 1 of the run in {self.path} is finished and stage 2 has started from its weights; "
                "only stage2.epochs may increase"
            )
        for key in longer:
            decays = new[key.replace("epochs", "final_learning_rate")] is not None
            note = "; its learning rate now follows the longer cosine decay" if decays else ""
            _log.info("%s increases from %s to %s%s", key, old[key], new[key], note)
        if longer:
            self._write_config(config)

    def _write_config(self, config: Config) -> None:
        import yaml

        replace_file(self.path / _CONFIG, yaml.safe_dump(config.to_dict(), sort_keys=False).encode())

    def _write_record(self, record: dict[str, Any]) -> None:
        replace_file(self.path / _RECORD, (json.dumps(record, indent=2) + "\n").encode())


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
