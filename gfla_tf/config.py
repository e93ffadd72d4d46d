"""Configuration of a training run: frozen dataclasses, read from YAML files and command-line overrides.

A file contains only the settings that differ from the defaults. docs/training.md describes all settings.
"""

import dataclasses
import difflib
import reprlib
import types
import typing
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

from gfla_tf.constraints import Constraint, at_least, at_most, below, interval, one_of
from gfla_tf.documents import DocumentError, parse_yaml
from gfla_tf.errors import InputError
from gfla_tf.files.names import is_utf8, other_file, stem
from gfla_tf.resources import resource

MAX_IDENTITIES = 10**6
"""The largest number of people in a split of SyntheticPeople."""
MAX_WEIGHT = 10**6
"""The largest weight of a loss term."""

_MAX_BYTES = 1_000_000
_KINDS = {int: "an integer", float: "a number", str: "a string", bool: "true or false", dict: "a mapping"}


def setting(default: Any, *constraints: Constraint) -> Any:
    """A dataclass field with a default and the constraints of its value."""
    metadata = {"constraints": constraints}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """The model: a preset, and arguments of `PersonImageGenerator` that replace those of the preset."""

    preset: str = setting("synthetic", one_of("fashion", "market", "synthetic"))
    overrides: dict = dataclasses.field(default_factory=dict)
    weights: str | None = setting(None)  # initial weights: a .keras file of F and G, or of F only
    discriminator_weights: str | None = setting(None)  # a .keras file of D


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """The data source."""

    source: str = setting("synthetic", one_of("synthetic", "deepfashion", "market1501", "hdf5"))
    root: str | None = setting(None)  # folder of a real dataset; hdf5: the file
    reader: str = setting("h5py", one_of("h5py", "tensorflow-io"))  # hdf5 only
    seed: int = setting(0, at_least(0), below(2**63))
    # synthetic: people in the training and in the test split
    identities: int = setting(5000, at_least(1), at_most(MAX_IDENTITIES))
    test_identities: int = setting(100, at_least(1), at_most(MAX_IDENTITIES))
    augment: bool = setting(True)  # market1501 only: random affine maps
    max_unreadable: int = setting(0, at_least(0), at_most(10**6))  # images; their pairs are replaced
    service: str | None = setting(None)  # HOST:PORT of a `gfla data serve` dispatcher
    workers: int = setting(2, at_least(0), at_most(256))  # synthetic: rendering processes


@dataclasses.dataclass(frozen=True)
class FeaturesConfig:
    """The network whose features the losses compare; it is never replaced by another one."""

    kind: str = setting("vgg19", one_of("vgg19", "parts"))
    weights: str | None = setting(None)  # vgg19, required: a .pth or .npz file, "imagenet" or "random"
    vgg_input: str = setting("signed", one_of("signed", "imagenet"))
    width: int = setting(16, at_least(1), at_most(256))  # parts: channels of the first block
    width_multiplier: float = setting(1.0, at_least(0, strict=True), at_most(4))  # vgg19 "random"
    steps: int = setting(600, at_least(1), at_most(10**7))  # parts: training steps on part labels

    def __post_init__(self):
        if self.kind == "parts" and self.weights is None:  # not used: what earlier versions record
            object.__setattr__(self, "weights", "imagenet")


@dataclasses.dataclass(frozen=True)
class FlowTrainingConfig:
    """Stage 1, `gfla_tf.training.FlowTrainer`: F alone."""

    epochs: int = setting(10, at_least(0), at_most(10**6))
    steps_per_epoch: int = setting(1000, at_least(1), at_most(10**7))
    learning_rate: float = setting(1e-4, at_least(0, strict=True), at_most(10))
    final_learning_rate: float | None = setting(None, at_least(0, strict=True), at_most(10))  # of the decay
    schedule: str = setting("cosine", one_of("cosine", "linear", "exponential"))  # to final_learning_rate
    warmup_steps: int = setting(0, at_least(0), at_most(10**9))
    clip_norm: float | None = setting(None, at_least(0, strict=True), at_most(10**9))
    patience: int | None = setting(None, at_least(1), at_most(10**6))  # epochs without improvement
    min_delta: float = setting(0.0, at_least(0), at_most(10**6))  # the least improvement
    min_epochs: int = setting(0, at_least(0), at_most(10**6))  # before patience ends the stage
    best_by: str = setting("val_loss")  # the log whose minimum selects best.keras
    beta_1: float = setting(0.0, at_least(0), below(1))  # of Adam
    correctness: float = setting(20.0, at_least(0), at_most(MAX_WEIGHT))
    regularization: float = setting(0.01, at_least(0), at_most(MAX_WEIGHT))
    background: float = setting(
        1.0, at_least(0), at_most(MAX_WEIGHT)
    )  # weight of the correctness outside the person


@dataclasses.dataclass(frozen=True)
class GFLATrainingConfig:
    """Stage 2, `gfla_tf.training.GFLATrainer`: F, G and D."""

    epochs: int = setting(20, at_least(0), at_most(10**6))
    steps_per_epoch: int = setting(1000, at_least(1), at_most(10**7))
    learning_rate: float = setting(1e-4, at_least(0, strict=True), at_most(10))
    final_learning_rate: float | None = setting(None, at_least(0, strict=True), at_most(10))
    schedule: str = setting("cosine", one_of("cosine", "linear", "exponential"))
    warmup_steps: int = setting(0, at_least(0), at_most(10**9))
    clip_norm: float | None = setting(None, at_least(0, strict=True), at_most(10**9))
    freeze_flow_steps: int = setting(0, at_least(0), at_most(10**9))
    best_by: str = setting("val_loss")
    beta_1: float = setting(0.0, at_least(0), below(1))
    flow_learning_rate: float | None = setting(None, at_least(0), at_most(10))  # of F; None: as G
    discriminator_learning_rate: float = setting(1e-5, at_least(0, strict=True), at_most(10))
    gan_mode: str = setting("lsgan", one_of("lsgan", "vanilla", "hinge"))
    l1: float = setting(5.0, at_least(0), at_most(MAX_WEIGHT))
    correctness: float = setting(5.0, at_least(0), at_most(MAX_WEIGHT))
    regularization: float = setting(0.0025, at_least(0), at_most(MAX_WEIGHT))
    adversarial: float = setting(2.0, at_least(0), at_most(MAX_WEIGHT))
    content: float = setting(0.5, at_least(0), at_most(MAX_WEIGHT))
    style: float = setting(500.0, at_least(0), at_most(MAX_WEIGHT))
    background: float = setting(1.0, at_least(0), at_most(MAX_WEIGHT))


@dataclasses.dataclass(frozen=True)
class Config:
    """A training run."""

    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    features: FeaturesConfig = dataclasses.field(default_factory=FeaturesConfig)
    stage1: FlowTrainingConfig = dataclasses.field(default_factory=FlowTrainingConfig)
    stage2: GFLATrainingConfig = dataclasses.field(default_factory=GFLATrainingConfig)
    batch_size: int = setting(8, at_least(1), at_most(10**4))
    validation_batches: int = setting(8, at_least(1), at_most(10**4))
    seed: int = setting(0, at_least(0), below(2**32))
    precision: str = setting("float32", one_of("float32", "mixed_float16", "mixed_bfloat16"))
    jit_compile: bool = setting(False)
    strategy: str = setting("none", one_of("none", "mirrored", "multiworker"))
    accumulation: int = setting(1, at_least(1), at_most(10**4))  # parts of a batch, one after the other
    ema: float | None = setting(None, at_least(0, strict=True), below(1))  # decay of the averages of F and G
    checkpoint_every: str | None = setting(None, interval)  # "500 steps" or "10 minutes"; None: every epoch
    keep_checkpoints: int = setting(3, at_least(1), at_most(1000))
    log_every: int = setting(1, at_least(1), at_most(10**6))  # steps between lines of TensorBoard
    histograms: bool = setting(False)  # of the weights, in TensorBoard
    stall_minutes: float | None = setting(None, at_least(0, strict=True), at_most(10**6))

    def to_dict(self) -> dict[str, Any]:
        """Returns all settings as plain types, for YAML and JSON."""
        return dataclasses.asdict(self)


def find_config(name: str | PathLike) -> Path:
    """Returns the path of a configuration.

    Args:
      name: a YAML file, or the name of a shipped configuration: "demo", "fashion", "market" or "synthetic".

    Raises:
      InputError: `name` is neither.
    """
    if Path(name).is_file():
        return Path(name)
    folder = resource("configs")
    shipped = sorted(stem(path) for path in folder.glob("[!.]*.yaml"))
    if str(name) in shipped:
        return folder / f"{name}.yaml"
    raise InputError(
        f"there is no configuration {str(name)!r}{other_file(str(name))}; use a YAML file or one of "
        f"{', '.join(shipped)}"
    )


def load_config(path: str | PathLike, overrides: Iterable[str] = ()) -> Config:
    """Reads a configuration file and applies overrides.

    Args:
      path: a YAML file of `Config` fields.
      overrides: strings "section.key=value", applied in order.

    Raises:
      InputError: the file cannot be read or is not a YAML mapping, or a key is unknown or its value invalid.
        The message names the file or override, and the key.
    """
    values = _read_yaml(path)
    config = _build(Config, values, "", str(path))
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise InputError(f"override {override!r} must have the form section.key=value")
        nested = _parse(text, f"override {override!r}") if is_utf8(text) else text  # a path in other bytes
        for part in reversed(key.split(".")):
            nested = {part: nested}
        values = _merge(values, nested)
        config = _build(Config, values, "", f"override {override!r}")
    return config


def config_of(values: Any, where: str) -> Config:
    """Returns the configuration with the result of `Config.to_dict`, which may come from a file.

    Args:
      values: the settings.
      where: the name of the file, for messages.

    Raises:
      InputError: a key is unknown or its value invalid. The message names `where` and the key.
    """
    return _build(Config, values, "", where)


def _read_yaml(path: str | PathLike) -> dict[str, Any]:
    path = Path(path)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path} is larger than {_MAX_BYTES} bytes: not a configuration")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the configuration {path}: {_reason(error)}") from error
    values = _parse(text, str(path))
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(f"{path} must contain `key: value` lines, not a {type(values).__name__}")
    return values


def _parse(text: str, where: str) -> Any:
    try:
        return parse_yaml(text)
    except DocumentError as error:
        line = f", line {error.line}" if error.line else ""
        raise InputError(f"{where}{line}: not valid YAML ({error})") from error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _merge(old: dict, new: dict) -> dict:
    merged = dict(old)
    for key, value in new.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _build(cls: type, values: Any, prefix: str, where: str) -> Any:
    if not isinstance(values, dict):
        raise InputError(
            f"{where}: {prefix.rstrip('.')} must contain `key: value` lines, got {reprlib.repr(values)}"
        )
    fields = {field.name: field for field in dataclasses.fields(cls)}
    hints = typing.get_type_hints(cls)
    arguments = {}
    for key, value in values.items():
        if key not in fields:
            close = difflib.get_close_matches(str(key), fields, n=1)
            hint = f"did you mean {prefix}{close[0]}?" if close else f"the settings are {', '.join(fields)}"
            raise InputError(f"{where}: unknown setting {prefix}{key}; {hint}")
        if dataclasses.is_dataclass(hints[key]):
            arguments[key] = _build(hints[key], {} if value is None else value, f"{prefix}{key}.", where)
        else:
            arguments[key] = _convert(value, hints[key], fields[key], f"{where}: {prefix}{key}")
    return cls(**arguments)


def _convert(value: Any, hint: Any, field: dataclasses.Field, where: str) -> Any:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None:
        if type(None) in kinds:
            return None
        raise InputError(f"{where} must be {_KINDS[kinds[0]]}, got an empty value")
    kind = kinds[0]
    if kind is float and isinstance(value, str | int) and not isinstance(value, bool):
        value = _number(value)  # YAML reads 1e-4 as a string
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise InputError(f"{where} must be {_KINDS[kind]}, got {reprlib.repr(value)}")
    for constraint in field.metadata.get("constraints", ()):
        problem = constraint(value)
        if problem:
            raise InputError(f"{where} {problem}, got {reprlib.repr(value)}")
    return value


def _number(value: str | int) -> Any:
    try:
        return float(value)
    except (ValueError, OverflowError):
        return value
