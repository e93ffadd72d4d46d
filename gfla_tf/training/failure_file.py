"""Files of a step whose values were not finite: its batch, the weights before it, and the configuration."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import yaml

from gfla_tf.config import Config, config_of
from gfla_tf.documents import DocumentError, parse_yaml
from gfla_tf.errors import InputError
from gfla_tf.files import atomic_path
from gfla_tf.files.temporary import check_space
from gfla_tf.weight_files import read_arrays

_MAX_BYTES = 2**32
_MAX_INFO = 10**6
_STAGES = ("stage1", "stage2")
_LIMITS = {"step": 2**62, "num_parts": 1000, "heatmap_sigma": 1e9, "loss_scale": 2.0**128}


@dataclasses.dataclass(frozen=True)
class StepRecord:
    """A step whose values were not finite.

    Attributes:
      config: the configuration of the run.
      stage: "stage1" or "stage2".
      step: the number of the step in its stage, from 1.
      term: the value that was not finite, a name of `Failure` or "weight NAME".
      num_parts: the number of part labels of `PartFeatures`.
      heatmap_sigma: standard deviation of the pose maps in pixels.
      loss_scale: the factor of the loss, 1 except in float16.
      arrays: "batch/NAME", "weights/I" and "features/I".
    """

    config: Config
    stage: str
    step: int
    term: str
    num_parts: int
    heatmap_sigma: float
    loss_scale: float
    arrays: Mapping[str, np.ndarray]

    def group(self, name: str) -> dict[str, np.ndarray]:
        """Returns the arrays of "batch", "weights" or "features", without this prefix."""
        prefix = f"{name}/"
        return {key.removeprefix(prefix): one for key, one in self.arrays.items() if key.startswith(prefix)}


def write_record(path: str | os.PathLike, record: StepRecord) -> None:
    """Writes an `.npz` file without pickles, atomically.

    Raises:
      InputError: it cannot be written.
    """
    info = {
        field.name: getattr(record, field.name)
        for field in dataclasses.fields(record)
        if field.name not in ("config", "arrays")
    }
    text = json.dumps({**info, "config": yaml.safe_dump(record.config.to_dict())}).encode()
    with atomic_path(path) as temporary:
        check_space(os.path.dirname(os.path.abspath(path)), sum(one.nbytes for one in record.arrays.values()))
        np.savez(temporary, info=np.frombuffer(text, np.uint8), **record.arrays)


def read_record(path: str | os.PathLike) -> StepRecord:
    """Reads a file of `write_record`, which is not trusted.

    Raises:
      InputError: it cannot be read, is damaged, or is larger than 4 GiB.
    """
    arrays = read_arrays(path, _MAX_BYTES)
    try:
        info = _info(arrays.pop("info"))
        config = config_of(parse_yaml(info.pop("config")), f"{path}: config")
        record = StepRecord(config=config, arrays=arrays, **info)
        _check(record)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, DocumentError, RecursionError) as error:
        raise InputError(f"{path} is not the file of a failed step: {error}") from error
    return record


def _info(encoded: np.ndarray) -> dict[str, Any]:
    if encoded.dtype != np.uint8 or encoded.size > _MAX_INFO:
        raise ValueError("its info is not a text of at most 1 MB")
    info = json.loads(encoded.tobytes())
    if not isinstance(info["config"], str):
        raise ValueError("its config is not a text")
    return info


def _check(record: StepRecord) -> None:
    if record.stage not in _STAGES or not isinstance(record.term, str):
        raise ValueError("its stage or term is invalid")
    for name, most in _LIMITS.items():
        value = getattr(record, name)
        kinds = (int,) if isinstance(most, int) else (int, float)
        if type(value) not in kinds or not 0 < value <= most:
            raise ValueError(f"its {name} is invalid")
