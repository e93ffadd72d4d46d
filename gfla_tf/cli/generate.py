"""`gfla generate`: generates an image of the person of a photo in a target pose."""

import os
import sys

from gfla_tf.cli import arguments
from gfla_tf.console import echo
from gfla_tf.errors import InputError

HELP = "Generate an image of the person of a photo in a target pose."

_OTHERS = ("flow", "mask", "attention")


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    pose = (
        "a pose file (OpenPose or COCO JSON, or annotations.csv#NAME for a row of an annotation file) or a "
        "photo (extra [pose])"
    )
    parser.add_argument("--source", required=True, metavar="PHOTO", help="the photo: PNG, JPEG, WebP or BMP")
    parser.add_argument("--source-pose", required=True, metavar="POSE", help=f"the pose in the photo: {pose}")
    parser.add_argument(
        "--target-pose", required=True, metavar="POSE", help="the pose to generate, of the same kinds"
    )
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="a .keras file, a run folder or a preset folder (default: the shipped model)",
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="the image: .png, .jpg, .webp or .bmp"
    )
    parser.add_argument("--flow", metavar="FILE", help="also write the flow field, as colors")
    parser.add_argument("--mask", metavar="FILE", help="also write the mask; white is taken from the photo")
    parser.add_argument(
        "--attention", metavar="FILE", help="also write the locations that the attention reads"
    )
    parser.add_argument(
        "--fit",
        choices=("letterbox", "resize"),
        default="letterbox",
        help="keep the aspect ratio of the photo, or stretch it to the model's size (default: letterbox)",
    )
    parser.add_argument(
        "--size",
        choices=("source", "model"),
        default="source",
        help="size of the outputs: that of the photo, or the model's image size (default: source)",
    )
    parser.add_argument(
        "--source-frame",
        type=arguments.frame,
        metavar="HxW",
        help="height x width of the image that the source pose was measured in (default: the one recorded in "
        "the pose file, otherwise the photo's)",
    )
    parser.add_argument(
        "--target-frame", type=arguments.frame, metavar="HxW", help="the same for the target pose"
    )
    parser.add_argument(
        "--person",
        type=arguments.whole(0),
        metavar="N",
        help="index of the person in a pose file or photo, from 0 (default: the largest person)",
    )
    parser.add_argument(
        "--pose-model",
        metavar="FILE",
        help="the network that estimates poses in photos (default: the cached one, see gfla pose)",
    )
    parser.add_argument("--force", action="store_true", help=arguments.FORCE)


def run(args):
    """Runs the command. Inputs and outputs are checked before TensorFlow and the model are loaded.

    Raises:
      InputError: an input cannot be read, or an output cannot be written.
    """
    from gfla_tf.cli.logs import load_tensorflow
    from gfla_tf.generate import generate_from, read_inputs

    others = {name: getattr(args, name) for name in _OTHERS if getattr(args, name)}
    outputs = [args.output, *others.values()]
    _check_outputs(outputs, args)
    inputs = read_inputs(
        args.source,
        args.source_pose,
        [args.target_pose],
        args.source_frame,
        args.target_frame,
        args.person,
        args.pose_model,
    )
    load_tensorflow()
    if args.model is None:
        echo(
            "gfla: no --model given: using the shipped model, which generates 64 x 64 pixels and was trained "
            "on synthetic people only",
            stream=sys.stderr,
        )
    (result,) = generate_from(inputs, args.model or "synthetic", fit=args.fit, size=args.size)
    result.save(args.output, **others, overwrite=args.force)
    echo(f"wrote {', '.join(outputs)}")


def _check_outputs(outputs, args):
    """Refuses outputs that cannot be written, or that would overwrite an input or each other."""
    from gfla_tf.files import check_output
    from gfla_tf.images.io import check_extension

    inputs = {os.path.realpath(path) for path in (args.source, args.source_pose, args.target_pose)}
    seen = set()
    for path in outputs:
        resolved = os.path.realpath(path)
        if resolved in inputs:
            raise InputError(f"the output {path!r} is an input of this command: choose another name")
        if resolved in seen:
            raise InputError(f"two outputs are both named {path!r}: give each its own name")
        seen.add(resolved)
        check_extension(path)
        check_output(path, args.force)
