"""`gfla pose`: the poses of photographs into pose files, and pose files into other formats."""

import sys

from gfla_tf.cli import arguments
from gfla_tf.errors import InputError

HELP = "find the poses of people in photographs, or convert pose files"

_FORMATS = ("coco18", "body25", "coco17", "coco17-results", "csv")


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument(
        "inputs",
        nargs="*",
        metavar="PHOTO",
        help="photographs (extra [pose]), or pose files to convert: OpenPose's and COCO's JSON, the authors' "
        "CSV; or folders of them; FILE#NAME is the image NAME of a file of several",
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="a .json or .csv file, or a folder for one .json an image"
    )
    parser.add_argument(
        "--to",
        choices=_FORMATS,
        help="OpenPose JSON of 18 or 25 keypoints, COCO annotations or results, or the authors' CSV "
        "(default: coco18; csv for an OUT that ends in .csv)",
    )
    who = parser.add_mutually_exclusive_group()
    who.add_argument(
        "--person",
        type=arguments.whole(0),
        metavar="N",
        help="which of an image's people, counted from 0 (default: the largest)",
    )
    who.add_argument("--all", action="store_true", help="all people of an image")
    parser.add_argument(
        "--min-confidence",
        type=arguments.confidence,
        metavar="C",
        help="a keypoint of lower confidence is missing (default: 0.3 in photographs, 0.05 in pose files)",
    )
    parser.add_argument(
        "--frame",
        type=arguments.frame,
        metavar="WxH",
        help="the image size that the pose files were measured in",
    )
    parser.add_argument(
        "--images", metavar="FOLDER", help="the photographs of the pose files, for their names and sizes"
    )
    parser.add_argument(
        "--scale-to",
        type=arguments.frame,
        metavar="WxH",
        help="scale the poses to this image size (default: 176x256 for fasion-….csv, 64x128 for market-…)",
    )
    parser.add_argument(
        "--pose-model",
        metavar="FILE",
        help="an RTMO network, .onnx or OpenMMLab's .zip (default: the cached one)",
    )
    parser.add_argument(
        "--download",
        action="store_true",
        help="first download the default network (89 MB) unless it is cached",
    )
    there = parser.add_mutually_exclusive_group()
    there.add_argument("--force", action="store_true", help="replace outputs that are there")
    there.add_argument("--resume", action="store_true", help="pass over images whose output is there")


def run(args):
    """Runs the command. Exit code 2 if an input could not be read, 1 if nobody was found in one, else 0."""
    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.pose.batch import PoseOptions, write_poses
    from gfla_tf.pose.estimator_weights import download_pose_model

    if args.download:
        path = download_pose_model(_megabytes(progress_bar("download (MB)")))
        print(f"gfla: the pose model is {path}", file=sys.stderr)
        if not args.inputs and not args.output:
            return 0
    if not args.inputs or not args.output:
        raise InputError("give at least one photograph or pose file, and the output with -o OUT")
    given = {} if args.min_confidence is None else {"min_confidence": args.min_confidence}
    options = PoseOptions(
        kind=args.to,
        person=args.person,
        everyone=args.all,
        frame=args.frame,
        photographs=args.images,
        scale_to=args.scale_to,
        force=args.force,
        resume=args.resume,
        **given,
    )
    summary = write_poses(
        args.inputs, args.output, options, lambda: _estimator(args.pose_model, given), progress_bar("poses")
    )
    for sentence in summary.failed + summary.empty:
        print(f"gfla: error: {sentence}", file=sys.stderr)
    if summary.skipped:
        print(f"passed over {summary.skipped} image(s) whose output is there")
    if len(summary.written) == 1:
        print(f"wrote {summary.written[0]}")
    elif summary.written:
        print(f"wrote {len(summary.written)} files in {args.output}")
    return 2 if summary.failed else int(bool(summary.empty))


def _megabytes(show):
    """A function of (done, total) in bytes that shows both in whole megabytes, the last one once."""

    def show_bytes(done, total):
        whole = total // 10**6
        show(whole if done == total else min(done // 10**6, whole - 1), whole)

    return show_bytes


def _estimator(path, given):
    from gfla_tf.pose import PoseEstimator

    return PoseEstimator(path, **given)
