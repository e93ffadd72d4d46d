"""`gfla export`: writes a trained model as a SavedModel, TFLite or ONNX file."""

import os
import shlex
import sys

from gfla_tf.cli import arguments
from gfla_tf.console import echo
from gfla_tf.errors import InputError

HELP = "Export a trained model for TensorFlow Serving, LiteRT or ONNX Runtime."

_OPTIONS = {
    "savedmodel": ("size", "fit", "max_pixels"),
    "tflite": ("size", "quantize", "calibration", "batch"),
    "onnx": ("size", "batch"),
}
"""The options of each format; an option of another format is an error."""

_OPTIONAL = sorted({name for names in _OPTIONS.values() for name in names})


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help="a .keras file, or the folder of a run or a preset (default: the shipped model)",
    )
    parser.add_argument(
        "--format",
        choices=tuple(_OPTIONS),
        help="savedmodel: a folder for TensorFlow Serving; tflite: a file for LiteRT (extra [litert]); "
        "onnx: a file for ONNX Runtime (extra [onnx]); default: by OUT's extension, otherwise savedmodel",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="the output: a folder for savedmodel, a .tflite or .onnx file",
    )
    parser.add_argument(
        "--size",
        type=arguments.size,
        metavar="HxW",
        help="height x width of the images that the networks process (default: the model's image size)",
    )
    parser.add_argument(
        "--fit",
        choices=("letterbox", "resize"),
        help="savedmodel: keep the aspect ratio of a photo, or stretch it to --size (default: letterbox)",
    )
    parser.add_argument(
        "--max-pixels",
        type=arguments.whole(1),
        metavar="N",
        help="savedmodel: the largest accepted height x width of a photo; a smaller limit reduces the memory "
        "that a request may take (default: 64000000)",
    )
    parser.add_argument(
        "--quantize",
        choices=("float32", "float16", "dynamic", "int8"),
        help="tflite: float16 weights, int8 weights (dynamic), or int8 convolutions (default: float32)",
    )
    parser.add_argument(
        "--calibration",
        metavar="FOLDER",
        help="tflite with --quantize int8: the data folder or shards used to calibrate activation ranges",
    )
    parser.add_argument(
        "--batch",
        choices=("1", "dynamic"),
        help="tflite, onnx: the batch size, 1 or any (default: 1 for tflite, dynamic for onnx)",
    )
    parser.add_argument("--force", action="store_true", help=arguments.FORCE)


def run(args):
    """Exports a model and prints the files written and their difference from the Keras model.

    Raises:
      InputError: The model cannot be read, the output cannot be written, or an option belongs to another
        format.
    """
    args.format = _format(args)
    for name in _OPTIONAL:
        if getattr(args, name) is not None and name not in _OPTIONS[args.format]:
            option = name.replace("_", "-")
            raise InputError(f"--{option} is not an option of the format {args.format}: omit it")
    from gfla_tf.cli.logs import load_tensorflow

    _check_output(args)
    load_tensorflow()
    return {"savedmodel": _saved_model, "tflite": _tflite, "onnx": _onnx}[args.format](args)


def _format(args):
    """The export format: --format, or by the extension of the output.

    Raises:
      InputError: both are given and differ.
    """
    extension = os.path.splitext(args.output)[1].lower().removeprefix(".")
    by_name = extension if extension in ("tflite", "onnx") else None
    if args.format and by_name and args.format != by_name:
        raise InputError(
            f"the output {args.output!r} ends in .{by_name}, but --format is {args.format}: change one"
        )
    return args.format or by_name or "savedmodel"


def _check_output(args):
    """Checks the output path before TensorFlow and the model are loaded."""
    from gfla_tf.export.exported_folder import check_folder
    from gfla_tf.files import check_output

    (check_folder if args.format == "savedmodel" else check_output)(args.output, args.force)


def _export(args, export, **options):
    """Loads the model and calls one of the functions of `gfla_tf.export` with the arguments they share."""
    from gfla_tf.models.loading import load_generator

    _log("loading the model")
    return export(
        load_generator(args.model),
        args.output,
        source=args.model,
        size=args.size,
        force=args.force,
        progress=_log,
        **options,
    )


def _saved_model(args):
    from gfla_tf.commands import argument
    from gfla_tf.export import export_saved_model

    limit = {} if args.max_pixels is None else {"max_pixels": args.max_pixels}
    done = _export(args, export_saved_model, fit=args.fit or "letterbox", **limit)
    print_written(args.output, done.model_card)
    echo(f"signatures: {', '.join(done.signatures)}")
    echo(f"inspect it: saved_model_cli show --all --dir {shlex.quote(argument(args.output))}")
    path = os.path.abspath(args.output)
    base, version = os.path.split(path)
    if version.isdecimal():
        name = os.path.basename(base) or "person"
        echo(
            f"serve it: tensorflow_model_server --rest_api_port=8501 --model_name={shlex.quote(name)} "
            f"--model_base_path={shlex.quote(base)}"
        )
    else:
        echo(
            "TensorFlow Serving needs a version number as the folder's name: export to "
            f"{shlex.quote(os.path.join(path, '1'))}"
        )
    return 0


def _tflite(args):
    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.export import export_tflite

    with os.fdopen(os.dup(2), "w") as terminal:  # a copy, since export_tflite redirects standard error
        done = _export(
            args,
            export_tflite,
            quantize=args.quantize or "float32",
            batch=None if args.batch == "dynamic" else 1,
            calibration=args.calibration,
            calibrated=progress_bar("calibrating", terminal),
        )
    return _print_file(done)


def _onnx(args):
    from gfla_tf.export import export_onnx

    return _print_file(_export(args, export_onnx, batch=1 if args.batch == "1" else None))


def _print_file(done):
    print_written(done.path, done.model_card)
    export, parity = done.model_card["export"], done.model_card["parity"]
    echo(f"compared on {export['compared_on']}; SSIM {parity['ssim']:.4f}")
    return 0


def print_written(output, model_card):
    """Prints the files of an export and its largest differences from the Keras model."""
    size = sum(file["bytes"] for file in model_card["files"].values())
    name, parameters = model_card["name"], model_card["parameters"]
    echo(f"wrote {output}: {name}, {parameters:,} parameters, {size / 2**20:.1f} MiB")
    for name, file in model_card["files"].items():
        echo(f"  {file['bytes']:>12,}  {name}")
    parity = {name: value for name, value in model_card["parity"].items() if name != "ssim"}
    differences = ", ".join(f"{name} {value:.2g}" for name, value in parity.items())
    echo(f"largest differences from the Keras model: {differences}")


def _log(step):
    echo(f"gfla: {step}", stream=sys.stderr)
