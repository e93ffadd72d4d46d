"""`gfla export`: a trained model in a form that runs without this package."""

import os
import shlex
import sys

from gfla_tf.cli import arguments
from gfla_tf.errors import InputError

HELP = "write a trained model for TensorFlow Serving, LiteRT and other programs"

_OPTIONS = {
    "savedmodel": ("size", "fit"),
    "tflite": ("size", "quantize", "calibration", "batch"),
    "onnx": ("size", "batch"),
}
"""By format, the options that it takes; the others are refused."""

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
        required=True,
        choices=tuple(_OPTIONS),
        help="savedmodel: a folder for TensorFlow Serving; tflite: a file for LiteRT (extra [litert]); "
        "onnx: a file for ONNX Runtime (extra [onnx])",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="what to write: a folder for savedmodel, otherwise a file",
    )
    parser.add_argument(
        "--size",
        type=arguments.size,
        metavar="HxW",
        help="height x width of the images that the networks see (default: the model's own)",
    )
    parser.add_argument(
        "--fit",
        choices=("letterbox", "resize"),
        help="savedmodel: keep a photograph's proportions in that frame, or stretch it (default: letterbox)",
    )
    parser.add_argument(
        "--quantize",
        choices=("float32", "float16", "dynamic", "int8"),
        help="tflite: float16 or int8 (dynamic) weights, or convolutions in int8 (default: float32)",
    )
    parser.add_argument(
        "--calibration",
        metavar="FOLDER",
        help="tflite, --quantize int8: the data folder or shards that ranges are measured on",
    )
    parser.add_argument(
        "--batch",
        choices=("1", "dynamic"),
        help="tflite, onnx: one picture a call, or any number (default: 1 for tflite, dynamic for onnx)",
    )
    parser.add_argument("--force", action="store_true", help="replace the export that is there")


def run(args):
    """Exports, and says what was written, how it compares, and how to use it.

    Raises:
      InputError: a model that cannot be read, an output that cannot be written, or an option of another
        format.
    """
    for name in _OPTIONAL:
        if getattr(args, name) is not None and name not in _OPTIONS[args.format]:
            raise InputError(f"--{name} is not an option of --format {args.format}: leave it out")
    from gfla_tf.cli.logs import load_tensorflow

    _check_output(args)
    load_tensorflow()
    return {"savedmodel": _saved_model, "tflite": _tflite, "onnx": _onnx}[args.format](args)


def _check_output(args):
    """Refuses an output that is in use before TensorFlow and the model are loaded."""
    from gfla_tf.export.output_folder import check_folder
    from gfla_tf.files import check_output

    (check_folder if args.format == "savedmodel" else check_output)(args.output, args.force)


def _saved_model(args):
    from gfla_tf.export import export_saved_model
    from gfla_tf.models.loading import load_generator

    _say("loading the model")
    done = export_saved_model(
        load_generator(args.model),
        args.output,
        source=args.model,
        size=args.size,
        fit=args.fit or "letterbox",
        force=args.force,
        progress=_say,
    )
    print_written(args.output, done.card)
    print(f"signatures: {', '.join(done.signatures)}")
    print(f"look at it: saved_model_cli show --all --dir {shlex.quote(args.output)}")
    path = os.path.abspath(args.output)
    base, version = os.path.split(path)
    if version.isdecimal():
        name = os.path.basename(base) or "person"
        print(
            f"serve it: tensorflow_model_server --rest_api_port=8501 --model_name={shlex.quote(name)} "
            f"--model_base_path={shlex.quote(base)}"
        )
    else:
        print(f"TensorFlow Serving looks for versions: export to {shlex.quote(os.path.join(path, '1'))}")
    return 0


def _tflite(args):
    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.export import export_tflite
    from gfla_tf.models.loading import load_generator

    _say("loading the model")
    with os.fdopen(os.dup(2), "w") as terminal:  # of its own: the converter's messages are silenced
        done = export_tflite(
            load_generator(args.model),
            args.output,
            source=args.model,
            size=args.size,
            quantize=args.quantize or "float32",
            batch=None if args.batch == "dynamic" else 1,
            calibration=args.calibration,
            force=args.force,
            progress=_say,
            calibrated=progress_bar("measuring ranges", terminal),
        )
    _print_file(done)
    return 0


def _onnx(args):
    from gfla_tf.export import export_onnx
    from gfla_tf.models.loading import load_generator

    _say("loading the model")
    done = export_onnx(
        load_generator(args.model),
        args.output,
        source=args.model,
        size=args.size,
        batch=1 if args.batch == "1" else None,
        force=args.force,
        progress=_say,
    )
    _print_file(done)
    return 0


def _print_file(done):
    print_written(done.path, done.card)
    print(f"compared on {done.card['export']['compared_on']}; SSIM {done.card['parity']['ssim']:.4f}")


def print_written(output, card):
    """Says what was written, and how it compares with the Keras model."""
    size = sum(file["bytes"] for file in card["files"].values())
    print(f"wrote {output}: {card['name']}, {card['parameters']:,} parameters, {size / 2**20:.1f} MiB")
    for name, file in card["files"].items():
        print(f"  {file['bytes']:>12,}  {name}")
    parity = {name: value for name, value in card["parity"].items() if name != "ssim"}
    differences = ", ".join(f"{name} {value:.2g}" for name, value in parity.items())
    print(f"largest differences from the Keras model: {differences}")


def _say(step):
    print(f"gfla: {step}", file=sys.stderr, flush=True)
