"""`gfla generate`: a photograph, its pose and a target pose in; that person in that pose out."""

import functools
import os
import sys

from gfla_tf.cli import arguments
from gfla_tf.errors import InputError

HELP = "put the person of a photograph into another pose"

_PICTURES = ("flow", "mask", "attention")


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    pose = (
        "a pose file (OpenPose's or COCO's JSON, annotations.csv#NAME for a row of an annotation file), or a "
        "photograph (extra [pose])"
    )
    parser.add_argument(
        "--source", required=True, metavar="PHOTO", help="the photograph: PNG, JPEG, WebP or BMP"
    )
    parser.add_argument("--source-pose", required=True, metavar="POSE", help=f"the photograph's pose: {pose}")
    parser.add_argument(
        "--target-pose", required=True, metavar="POSE", help="the wanted pose, in the same way"
    )
    parser.add_argument(
        "--model",
        metavar="M",
        help="a .keras file, or the folder of a run or a preset (default: the shipped model)",
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="the picture: .png, .jpg, .webp or .bmp"
    )
    parser.add_argument("--flow", metavar="FILE", help="write the flow field too, as colours")
    parser.add_argument(
        "--mask", metavar="FILE", help="write the mask too (white: taken from the photograph)"
    )
    parser.add_argument("--attention", metavar="FILE", help="write where the attention reads the photograph")
    parser.add_argument(
        "--fit",
        choices=("letterbox", "resize"),
        default="letterbox",
        help="keep the photograph's proportions in the model's frame, or stretch it (default: letterbox)",
    )
    parser.add_argument(
        "--size",
        choices=("source", "model"),
        default="source",
        help="size of the results: the photograph's, or the model's own (default: source)",
    )
    parser.add_argument(
        "--source-frame",
        type=arguments.frame,
        metavar="WxH",
        help="the image size that the source pose was measured in (default: the photograph's)",
    )
    parser.add_argument(
        "--target-frame",
        type=arguments.frame,
        metavar="WxH",
        help="the image size that the target pose was measured in (default: the photograph's)",
    )
    parser.add_argument(
        "--person",
        type=arguments.whole(0),
        metavar="N",
        help="which of a pose's people, counted from 0 (default: the largest)",
    )
    parser.add_argument(
        "--pose-model",
        metavar="FILE",
        help="finds poses in photographs (see gfla pose; default: the cached one)",
    )
    parser.add_argument("--force", action="store_true", help="replace outputs that are there")


def run(args):
    """Runs the command: every input and output is checked before TensorFlow and the model are loaded."""
    from gfla_tf.cli.logs import load_tensorflow
    from gfla_tf.files import write_files
    from gfla_tf.images.io import encode_image, read_image

    outputs = {
        "image": args.output,
        **{name: getattr(args, name) for name in _PICTURES if getattr(args, name)},
    }
    _check_outputs(outputs, args)
    photo = read_image(args.source)
    size = photo.shape[:2]
    estimator = functools.cache(lambda: _estimator(args.pose_model))
    source, source_frame = _read_keypoints(args.source_pose, args.source_frame, size, args.person, estimator)
    target, target_frame = _read_keypoints(args.target_pose, args.target_frame, size, args.person, estimator)
    load_tensorflow()

    from gfla_tf.generate import generate
    from gfla_tf.models.loading import load_generator

    model = load_generator(args.model)
    if args.model is None:
        height, width = model.image_size
        print(
            f"gfla: no --model given: using the shipped synthetic model ({width} x {height} pixels), "
            "which was trained on drawn people and is rough on photographs",
            file=sys.stderr,
        )
    result = generate(
        model,
        photo,
        source,
        target,
        source_frame=source_frame,
        target_frame=target_frame,
        fit=args.fit,
        size=args.size,
        pictures=tuple(name for name in outputs if name != "image"),
    )
    write_files(
        {path: encode_image(path, getattr(result, name)) for name, path in outputs.items()}, args.force
    )
    print(f"wrote {', '.join(outputs.values())}")
    return 0


def _check_outputs(outputs, args):
    """Refuses outputs that cannot be written, or that would overwrite an input or each other."""
    from gfla_tf.files import check_output
    from gfla_tf.images.io import check_extension

    inputs = {os.path.realpath(path) for path in (args.source, args.source_pose, args.target_pose)}
    seen = set()
    for path in outputs.values():
        place = os.path.realpath(path)
        if place in inputs:
            raise InputError(f"the output {path!r} is an input of this command: name another one")
        if place in seen:
            raise InputError(f"two outputs are both named {path!r}: give each its own name")
        seen.add(place)
        check_extension(path)
        check_output(path, args.force)


def _read_keypoints(spec, given, photo_size, person, estimator):
    """A pose's keypoints [18, 2] (y, x) and the frame (H, W) in whose pixels they are."""
    from gfla_tf.pose import find_pose
    from gfla_tf.pose.keypoints import keep_inside
    from gfla_tf.pose.source import is_photo

    if given and is_photo(spec):
        raise InputError(f"a frame is given for {spec!r}, but a photograph tells its own size: leave it out")
    pose = find_pose(spec, estimator, person)
    size = given or pose.frame or photo_size
    return keep_inside(pose.keypoints, size, pose.name), size


def _estimator(path):
    from gfla_tf.pose import PoseEstimator

    return PoseEstimator(path)
