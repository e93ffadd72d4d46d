"""The folder of a run: whose it is, what it was configured with, and writing into it whole or not at all."""

import json
import logging
import os
import time
from pathlib import Path

from gfla_tf._version import __version__
from gfla_tf.config import Config, load_config
from gfla_tf.errors import InputError

_MARK = "run.json"
_CONFIG = "config.yaml"

_log = logging.getLogger("gfla_tf")


class RunFolder:
    """Claims a folder for a run.

    Args:
      folder: its path.
      config: the run's resolved configuration, written to config.yaml.
      resume: goes on with the run that is there already; the stages' epochs may have grown since.

    Raises:
      InputError: the folder holds something else, a run that `resume` was not given for, or (with `resume`)
        no run or one of another configuration; or it cannot be written to.
    """

    def __init__(self, folder, config: Config, resume=False):
        self.path = Path(folder)
        self._written = [_MARK, _CONFIG]
        self._made = not self.path.exists()
        mark = self.path / _MARK
        if resume:
            self._check_same(mark, config)
            return
        if mark.exists():
            raise InputError(
                f"{self.path} holds a run already; add --resume to go on with it, or name another folder"
            )
        try:
            if self.path.exists() and any(self.path.iterdir()):
                raise InputError(f"{self.path} is not empty and holds no run of gfla; name another folder")
            self.path.mkdir(parents=True, exist_ok=True)
            self._write_config(config)
            self._write_json(mark, {"program": "gfla_tf", "version": __version__, "began": _now()})
        except OSError as error:
            raise InputError(
                f"cannot write to the run folder {self.path}: {error.strerror or error}"
            ) from error

    def stage(self, name):
        """The folder of a stage, with its subfolder `samples`."""
        folder = self.path / name
        (folder / "samples").mkdir(parents=True, exist_ok=True)
        return folder

    def save_model(self, model, name):
        """Saves a Keras model as `name`, beside and then renamed."""
        temporary = self.path / f"unfinished-{name}"
        model.save(temporary)
        os.replace(temporary, self.path / name)

    def save_weights(self, model, name):
        """Saves a model's weights as `name`, which ends in .weights.h5, beside and then renamed."""
        temporary = self.path / f"unfinished-{name}"
        model.save_weights(temporary)
        os.replace(temporary, self.path / name)
        self._written.append(name)

    def abandon(self):
        """Gives the folder back: for a run that could not begin. What else is there stays."""
        for name in self._written:
            (self.path / name).unlink(missing_ok=True)
        if self._made and not any(self.path.iterdir()):
            self.path.rmdir()

    def note_images(self, images):
        """Notes in run.json, and logs, how the images of the run's figures were made."""
        before = self._record().get("images", images)
        if before != images:
            _log.warning("the images are others than when the run began, which were: %s", before)
        _log.info("images: %s", images)
        self._write_json(self.path / _MARK, {**self._record(), "images": images})

    def finish(self, seconds):
        """Notes in run.json that the run is complete."""
        done = {"finished": _now(), "last_seconds": round(seconds)}
        self._write_json(self.path / _MARK, {**self._record(), **done})

    def _record(self):
        return json.loads((self.path / _MARK).read_text(encoding="utf-8"))

    def _check_same(self, mark, config):
        if not mark.exists():
            raise InputError(f"there is no run to resume in {self.path}")
        old, new = (_flat(c) for c in (load_config(self.path / _CONFIG), config))
        different = [key for key in new if new[key] != old[key]]
        longer = [key for key in different if key.endswith(".epochs") and new[key] > old[key]]
        if different != longer:
            raise InputError(
                f"the run in {self.path} was begun with another configuration "
                f"({', '.join(different)} differ); resume it with its own config.yaml, where only "
                "stage1.epochs and stage2.epochs may grow, or name another folder"
            )
        if "stage1.epochs" in longer and (self.path / "stage2" / "checkpoint.npz").exists():
            raise InputError(
                f"stage 1 of the run in {self.path} is over, stage 2 has begun from its weights; "
                "only stage2.epochs may still grow"
            )
        for key in longer:
            decays = new[key.replace("epochs", "final_learning_rate")] is not None
            note = "; its learning rate follows the longer cosine from here on" if decays else ""
            _log.info("%s grows from %s to %s%s", key, old[key], new[key], note)
        if longer:
            self._write_config(config)

    def _write_config(self, config):
        import yaml

        text = yaml.safe_dump(config.to_dict(), sort_keys=False)
        self._replace(self.path / _CONFIG, text)

    def _write_json(self, path, record):
        self._replace(path, json.dumps(record, indent=2) + "\n")

    def _replace(self, path, text):
        temporary = path.with_name(f"unfinished-{path.name}")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)


def _flat(config):
    """{"section.key": value} of a configuration."""
    flat = {}
    for section, value in config.to_dict().items():
        if isinstance(value, dict):
            flat |= {f"{section}.{key}": inner for key, inner in value.items()}
        else:
            flat[section] = value
    return flat


def _now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
