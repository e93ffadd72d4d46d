"""Conversion of weight files between Keras and PyTorch, verified by reading the output back."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterator

import keras
import numpy as np

from gfla_tf import models
from gfla_tf.commands import argument, command, setting, training_command
from gfla_tf.errors import InputError
from gfla_tf.features import VGG19Features, vgg19_weights
from gfla_tf.files import atomic_path, check_output, output_folder
from gfla_tf.interop import torch as torch_format
from gfla_tf.interop.folders import plan_conversions, skipped_discriminator
from gfla_tf.interop.recognize import STAGE1_PREFIX, is_vgg19, load_recognized, released_name, title
from gfla_tf.interop.verify import check_same_network, check_same_tensors, same
from gfla_tf.models.archive import load_network
from gfla_tf.weight_files import WeightFile, kinds, read_weights, write_npz, write_torch

NETWORKS = (models.PersonImageGenerator, models.FlowFieldEstimator, models.ResDiscriminator)


@dataclasses.dataclass(frozen=True)
class Conversion:
    """A converted file.

    Attributes:
      source: The input file.
      out: The output file.
      network: The recognized network, such as "fashion person image generator (F and G)".
      parameters: The number of trainable parameters.
      notes: Other findings, such as the kind of file, a removed prefix, tensors stored under two names.
      sha256: The SHA-256 of `out`.
      usage: A command that uses `out`, or "".
    """

    source: str
    out: str
    network: str
    parameters: int
    notes: tuple[str, ...]
    sha256: str
    usage: str


def convert(
    source: str | os.PathLike,
    out: str | os.PathLike,
    to: str | None = None,
    image_size: tuple[int, int] | None = None,
    force: bool = False,
) -> Iterator[Conversion]:
    """Converts a file, or the model files of a folder; see `plan_conversions` and `convert_file`.

    Yields:
      A `Conversion` for each file, after it is written.

    Raises:
      InputError: As for `plan_conversions` and `convert_file`. All outputs are checked before any is written.
    """
    conversions = plan_conversions(source, out, to)
    folder = os.path.dirname(conversions[0][1])
    to_folder = os.path.isdir(source) and conversions[0][1] != os.fspath(out)
    with output_folder(folder) if to_folder else contextlib.nullcontext():
        for _, path in conversions:
            check_output(path, force)
        skipped = skipped_discriminator(source, conversions)
        notes = (f"{skipped} is not converted: give a folder as output to convert both",) if skipped else ()
        for path, converted in conversions:
            done = convert_file(path, converted, image_size, force)
            yield dataclasses.replace(done, notes=(*done.notes, *notes))


def convert_file(
    source: str | os.PathLike,
    out: str | os.PathLike,
    image_size: tuple[int, int] | None = None,
    force: bool = False,
) -> Conversion:
    """Converts one file to the format given by the extension of `out`.

    The output is written atomically, after it has been read back: all tensors must be bitwise equal, and a
    `.keras` model must produce the same outputs.

    Args:
      source: A PyTorch state dict (`.pth`), an `.npz` of one, or a `.keras` model, recognized by its content.
      out: A `.keras`, `.pth` or `.npz` file. VGG19 cannot be converted to `.keras`.
      image_size: See `load_recognized`.
      force: Whether an existing file may be overwritten.

    Raises:
      InputError: As for `read_weights`, `load_recognized` and `check_output`; PyTorch has no counterpart of
        the model; `out` has another extension or is the source itself.
    """
    source, out = os.fspath(source), os.fspath(out)
    extension = os.path.splitext(out)[1]
    if extension not in (".keras", ".pth", ".npz"):
        raise InputError(f"the output {out!r} must end in .keras, .pth or .npz")
    if os.path.realpath(source) == os.path.realpath(out):
        raise InputError(f"the output {out!r} is the input: choose another name")
    kind = kinds.kind_of(source)
    check_output(out, force)
    if kind == kinds.KERAS:
        if extension == ".keras":
            raise InputError(f"{source} is a .keras model already")
        model, notes = load_network(source, NETWORKS), (f"{kinds.KERAS} model",)
        return _convert_model(source, model, out, notes, force)
    file = read_weights(source)
    if is_vgg19(file.tensors):
        return _convert_vgg19(file, out, extension, force)
    model = load_recognized(source, file.tensors, image_size)
    return _convert_model(source, model, out, _notes(file, model), force)


def _convert_model(source, model, out, notes, force):
    prefix = STAGE1_PREFIX if isinstance(model, models.FlowFieldEstimator) else ""

    def write(path):
        if path.endswith(".keras"):
            model.save(path)
            check_same_network(out, model, load_network(path, NETWORKS))
            return
        tensors = _released_tensors(source, model, prefix)
        if path.endswith(".npz"):
            write_npz(path, tensors)
        else:
            write_torch(path, tensors, torch_format.shared_names(model, prefix))
        check_same_tensors(out, tensors, read_weights(path).tensors)

    parameters = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    digest = _write(out, write, force)
    return Conversion(source, out, title(model), parameters, notes, digest, _usage(model, out))


def _convert_vgg19(file, out, extension, force):
    if extension == ".keras":
        raise InputError(f"{file.path} is torchvision's VGG19, which can be converted to .npz or .pth only")
    network = VGG19Features(file.path)
    tensors = vgg19_weights.to_tensors(network.kernels, network.biases)

    def write(path):
        (write_npz if extension == ".npz" else write_torch)(path, tensors)
        check_same_tensors(out, tensors, read_weights(path).tensors)

    skipped = len(file.tensors) - len(tensors)
    notes = (*_notes(file), f"{skipped} tensors of other layers skipped") if skipped else _notes(file)
    parameters = sum(value.size for value in tensors.values())
    usage = training_command("fashion", "FOLDER", setting("features.weights", out))
    digest = _write(out, write, force)
    return Conversion(file.path, out, "VGG19 of torchvision", parameters, notes, digest, usage)


def _usage(model, out):
    if not out.endswith(".keras"):
        return ""
    if isinstance(model, models.PersonImageGenerator):
        poses = ("--source-pose", "POSE", "--target-pose", "POSE")
        return command("generate", "--model", argument(out), "--source", "PHOTO", *poses, "-o", "OUT")
    key = "weights" if isinstance(model, models.FlowFieldEstimator) else "discriminator_weights"
    return training_command(released_name(model) or "CONFIG", "FOLDER", setting(f"model.{key}", out))


def _released_tensors(source, model, prefix):
    """Returns the state dict of a model.

    Raises:
      InputError: The released program has no such network.
    """
    try:
        tensors = torch_format.state_dict(model, prefix)
    except TypeError as error:
        raise InputError(f"{source} has no counterpart in the released program: {error}") from error
    if isinstance(model, models.PersonImageGenerator) and not model.target_image_generator.average_attention:
        raise InputError(
            f"{source} has no counterpart in the released program, which averages over the attention: this "
            "model was trained with average_attention=False"
        )
    return tensors


def _notes(file: WeightFile, model: keras.Model | None = None) -> tuple[str, ...]:
    notes = [f"{len(file.tensors)} tensors, {file.kind}"]
    if file.parallel:
        notes.append('the prefix "module." was removed')
    if model is not None:
        prefix = STAGE1_PREFIX if any(name.startswith(STAGE1_PREFIX) for name in file.tensors) else ""
        prefix = prefix if isinstance(model, models.FlowFieldEstimator) else ""
        twice = [pair for pair in torch_format.shared_names(model, prefix) if set(pair) <= set(file.tensors)]
        differ = [first for second, first in twice if not same(file.tensors[second], file.tensors[first])]
        if twice:
            notes.append(f"{len(twice)} tensors are stored under two names")
        if differ:
            notes.append(f"the two differ for {', '.join(differ)}: the value of that name was used")
    return tuple(notes)


def _write(out: str, write: Callable[[str], None], force: bool) -> str:
    """Writes `out` atomically with a function that writes and verifies a file; returns its SHA-256."""
    with atomic_path(out, force) as temporary:
        write(os.fspath(temporary))
        with open(temporary, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
