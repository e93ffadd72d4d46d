"""`gfla data frames`: writes the frames of a video as PNG files."""

from gfla_tf.cli import arguments
from gfla_tf.console import echo

HELP = "Write the frames of a video as PNG files."


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument("video", metavar="VIDEO", help="an MP4, MOV, AVI, Matroska or WebM file")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="the folder to create")
    parser.add_argument(
        "--every", type=arguments.whole(1), default=1, metavar="N", help="write every N-th frame (default: 1)"
    )
    parser.add_argument("--most", type=arguments.whole(1), metavar="N", help="write at most N frames")
    parser.add_argument(
        "--reader",
        choices=("opencv", "tensorflow-io"),
        default="opencv",
        help="the decoder; both give the same frames (default: opencv)",
    )


def run(args):
    """Writes the frames, named by their number.

    Raises:
      InputError: the video cannot be read, or the folder is not empty or cannot be written.
    """
    from gfla_tf.cli.logs import load_tensorflow

    load_tensorflow()

    from gfla_tf.commands import argument, command, free_path
    from gfla_tf.images.video import video_frames, write_frames

    frames = video_frames(args.video, args.reader).enumerate().shard(args.every, 0)
    count = write_frames(frames if args.most is None else frames.take(args.most), args.video, args.output)
    echo(f"{args.output}: {count} frames.")
    pose = command("pose", argument(args.output), "-o", free_path("poses"))
    echo(f"Estimate their poses: {pose}")
