"""`gfla pose`: estimates poses in photos, and converts pose files."""

import sys

from gfla_tf.cli import arguments
from gfla_tf.console import echo
from gfla_tf.errors import InputError

HELP = "Estimate poses in photos, or convert pose files."

_FORMATS = ("coco18", "body25", "coco17", "coco17-results", "csv")


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument(
        "inputs",
        nargs="*",
        metavar="PHOTO",
        help="photos (extra [pose]) or pose files to convert (OpenPose or COCO JSON, the authors' CSV), or "
        "folders of them; FILE#NAME is the image NAME of a file with several images",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="a .json or .csv file, or a folder for one .json file per image (default: print to standard "
        "output)",
    )
    parser.add_argument(
        "--to",
        choices=_FORMATS,
        help="OpenPose JSON with 18 or 25 keypoints, COCO annotations or results, or the authors' CSV "
        "(default: coco18, or csv if OUT ends in .csv)",
    )
    people = parser.add_mutually_exclusive_group()
    people.add_argument(
        "--person",
        type=arguments.whole(0),
        metavar="N",
        help="index of the person in an image, from 0 (default: the largest person)",
    )
    people.add_argument("--all", action="store_true", help="write all people of an image")
    parser.add_argument(
        "--min-confidence",
        type=arguments.confidence,
        metavar="C",
        help="keypoints of lower confidence are missing (default: 0.3 in photos, 0.05 in pose files)",
    )
    parser.add_argument(
        "--frame",
        type=arguments.frame,
        metavar="HxW",
        help="height x width of the images that the pose files were measured in",
    )
    parser.add_argument(
        "--images", metavar="FOLDER", help="the photos of the pose files, for names and missing sizes"
    )
    parser.add_argument(
        "--scale-to",
        type=arguments.frame,
        metavar="HxW",
        help="scale the poses to this size (default: 256x176 for fasion-*.csv, 128x64 for market-*.csv)",
    )
    parser.add_argument(
        "--pose-model",
        metavar="FILE",
        help="an RTMO network, .onnx or OpenMMLab's .zip (default: the cached one)",
    )
    parser.add_argument(
        "--download",
        action="store_true",
        help="download the default network (89 MB) first if it is not cached",
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--force", action="store_true", help=arguments.FORCE)
    existing.add_argument("--resume", action="store_true", help="skip images whose output exists")


def run(args):
    """Runs the command; returns 2 if an input could not be read, 1 if an image contains no person, else 0.

    Raises:
      InputError: no input is given, or an output cannot be written.
    """
    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.pose.batch import PoseOptions, write_poses
    from gfla_tf.pose.estimator_weights import download_pose_model

    if args.download:
        path = download_pose_model(_megabytes(progress_bar("download (MB)")))
        echo(f"gfla: the pose model is {path}", stream=sys.stderr)
        if not args.inputs and not args.output:
            return 0
    if not args.inputs:
        raise InputError("name at least one photo or pose file: gfla pose PHOTO -o OUT")
    if args.resume and args.output is None:
        raise InputError("--resume needs an output folder: give one with -o FOLDER")
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
        echo(f"gfla: error: {sentence}", stream=sys.stderr)
    if summary.skipped:
        echo(f"skipped {summary.skipped} image(s) whose output exists")
    if summary.text is not None:
        echo(summary.text.decode(), end="")
    elif len(summary.written) == 1:
        echo(f"wrote {summary.written[0]}")
    elif summary.written:
        echo(f"wrote {len(summary.written)} files in {args.output}")
    return 2 if summary.failed else int(bool(summary.empty))


def _megabytes(show):
    """Converts a progress display of megabytes to one of bytes, which reaches the total once."""

    def show_bytes(done, total):
        whole = total // 10**6
        show(whole if done == total else min(done // 10**6, whole - 1), whole)

    return show_bytes


def _estimator(path, given):
    from gfla_tf.pose import PoseEstimator

    return PoseEstimator(path, **given)
