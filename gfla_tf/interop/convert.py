"""Whole files from one program to the other: read, recognised, written beside, read back, and only then
renamed."""

import dataclasses
import hashlib
import os
import tempfile

import numpy as np

from gfla_tf import models
from gfla_tf.errors import InputError
from gfla_tf.features import VGG19Features, vgg19_weights
from gfla_tf.files import check_output
from gfla_tf.interop import torch as torch_format
from gfla_tf.interop.folders import left_out, plan
from gfla_tf.interop.recognize import STAGE1_PREFIX, is_vgg19, load_recognized, title
from gfla_tf.interop.verify import check_same_network, check_same_tensors, same
from gfla_tf.models.archive import load_network
from gfla_tf.weight_files import WeightFile, kinds, read_weights, write_npz, write_torch

NETWORKS = (models.PersonImageGenerator, models.FlowFieldEstimator, models.ResDiscriminator)
_CHUNK = 2**22


@dataclasses.dataclass(frozen=True)
class Conversion:
    """One file converted.

    Attributes:
      source, out: the two paths.
      network: what was recognised, such as "fashion person image generator (F and G)".
      parameters: how many numbers are trained in it.
      notes: what else was found: the kind of file, names taken off, tensors that stood there twice.
      sha256: of the file `out`.
      usage: a command that uses it, or "".
    """

    source: str
    out: str
    network: str
    parameters: int
    notes: tuple[str, ...]
    sha256: str
    usage: str


def convert(source, out, to=None, image_size=None, force=False):
    """Converts a file, or what belongs together in a folder; see `plan` and `convert_file`.

    Yields:
      A `Conversion` for each file, once it is written.

    Raises:
      InputError: as `plan` and `convert_file`; all outputs are checked before anything is written.
    """
    pairs = plan(source, out, to)
    folder = os.path.dirname(pairs[0][1])
    made = os.path.isdir(source) and pairs[0][1] != os.fspath(out) and not os.path.exists(folder)
    try:
        if made:
            os.makedirs(folder)
        for _, path in pairs:
            check_output(path, force)
        other = left_out(source, pairs)
        notes = (f"{other} is not converted: name a folder as output for both",) if other else ()
        for path, converted in pairs:
            done = convert_file(path, converted, image_size, force)
            yield dataclasses.replace(done, notes=(*done.notes, *notes))
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be made: {error.strerror or error}") from error
    finally:
        if made and os.path.isdir(folder) and not os.listdir(folder):
            os.rmdir(folder)


def convert_file(source, out, image_size=None, force=False):
    """Converts one file; the ending of `out` says to what.

    Args:
      source: a PyTorch state dict (`.pth`), an `.npz` of one, or a `.keras` model; told by its content.
      out: `.keras`, `.pth` or `.npz`. VGG19 has no `.keras` form here.
      image_size: see `load_recognized`.
      force: replaces `out` if it is there.

    Returns:
      A `Conversion`. What was written has been read back: all tensors are equal, bit by bit, and a network
      makes the same of one input.

    Raises:
      InputError: see `read_weights`, `load_recognized` and `check_output`; a model without a counterpart in
        PyTorch; `out` of another ending, or the source itself.
    """
    source, out = os.fspath(source), os.fspath(out)
    ending = os.path.splitext(out)[1]
    if ending not in (".keras", ".pth", ".npz"):
        raise InputError(f"the output {out!r} must end in .keras, .pth or .npz")
    if os.path.realpath(source) == os.path.realpath(out):
        raise InputError(f"the output {out!r} is the input: name another file")
    kind = kinds.kind_of(source)
    check_output(out, force)
    if kind == kinds.KERAS:
        if ending == ".keras":
            raise InputError(f"{source} is a .keras model already: there is nothing to convert")
        model, notes = load_network(source, NETWORKS), (f"{kinds.KERAS} model",)
        return _convert_model(source, model, out, notes, force)
    file = read_weights(source)
    if is_vgg19(file.tensors):
        return _convert_vgg19(file, out, ending, force)
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


def _convert_vgg19(file, out, ending, force):
    if ending == ".keras":
        raise InputError(f"{file.path} is torchvision's VGG19, whose weights are kept as .npz or .pth")
    network = VGG19Features(file.path)
    tensors = vgg19_weights.to_tensors(network.kernels, network.biases)

    def write(path):
        (write_npz if ending == ".npz" else write_torch)(path, tensors)
        check_same_tensors(out, tensors, read_weights(path).tensors)

    left_out = len(file.tensors) - len(tensors)
    notes = (
        (*_notes(file), f"{left_out} tensors besides the convolutions left out") if left_out else _notes(file)
    )
    parameters = sum(value.size for value in tensors.values())
    usage = f"gfla train CONFIG features.weights={out}"
    digest = _write(out, write, force)
    return Conversion(file.path, out, "VGG19 of torchvision", parameters, notes, digest, usage)


def _usage(model, out):
    if not out.endswith(".keras"):
        return ""
    if isinstance(model, models.PersonImageGenerator):
        return f"gfla generate --model {out} --source PHOTO --source-pose POSE --target-pose POSE -o OUT"
    setting = "weights" if isinstance(model, models.FlowFieldEstimator) else "discriminator_weights"
    return f"gfla train CONFIG model.{setting}={out}"


def _released_tensors(source, model, prefix):
    """The state dict of a model, if the released program has such a network."""
    try:
        tensors = torch_format.state_dict(model, prefix)
    except TypeError as error:
        raise InputError(f"{source} has no counterpart in the released program: {error}") from error
    if isinstance(model, models.PersonImageGenerator) and not model.target_image_generator.average_attention:
        raise InputError(
            f"{source} has no counterpart in the released program, whose attention is an average: this model "
            "was trained with average_attention=False"
        )
    return tensors


def _notes(file: WeightFile, model=None):
    notes = [f"{len(file.tensors)} tensors, {file.kind}"]
    if file.parallel:
        notes.append('"module." taken off every name')
    if model is not None:
        prefix = STAGE1_PREFIX if any(name.startswith(STAGE1_PREFIX) for name in file.tensors) else ""
        prefix = prefix if isinstance(model, models.FlowFieldEstimator) else ""
        twice = [pair for pair in torch_format.shared_names(model, prefix) if set(pair) <= set(file.tensors)]
        differ = [first for second, first in twice if not same(file.tensors[second], file.tensors[first])]
        if twice:
            notes.append(f"{len(twice)} tensors stand there under two names")
        if differ:
            notes.append(f"the two differ for {', '.join(differ)}: those were taken")
    return tuple(notes)


def _write(out, write, force):
    """Lets `write` write and check a file beside `out`, renames it, and returns its SHA-256."""
    folder, name = os.path.split(os.path.abspath(out))
    try:
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder) as beside:
            path = os.path.join(beside, name)
            write(path)
            digest = _sha256(path)
            check_output(out, force)
            os.replace(path, out)
    except OSError as error:
        raise InputError(f"the output {out!r} cannot be written: {error.strerror or error}") from error
    return digest


def _sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
