"""`gfla data frames`: the frames of a video as pictures."""

from gfla_tf.cli import arguments

HELP = "write the frames of a video as PNG files, for gfla pose and gfla generate"


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument("video", metavar="VIDEO", help="an MP4, MOV, AVI, Matroska or WebM file")
    parser.add_argument("-o", "--out", required=True, metavar="FOLDER", help="the folder to make")
    parser.add_argument(
        "--every", type=arguments.whole(1), default=1, metavar="N", help="only every N-th frame (default: 1)"
    )
    parser.add_argument("--most", type=arguments.whole(1), metavar="N", help="stop after N pictures")
    parser.add_argument(
        "--reader",
        choices=("opencv", "tensorflow-io"),
        default="opencv",
        help="what decodes the video; the frames are the same (default: opencv)",
    )


def run(args):
    """Writes the pictures, numbered as the frames are.

    Raises:
      InputError: a video that cannot be read, or a folder that is in use or cannot be written.
    """
    from gfla_tf.cli.logs import load_tensorflow

    load_tensorflow()

    from gfla_tf.images.video import video_frames, write_frames

    frames = video_frames(args.video, args.reader).enumerate().shard(args.every, 0)
    count = write_frames(frames if args.most is None else frames.take(args.most), args.video, args.out)
    print(f"{args.out}: {count} pictures.")
    print(f"Their poses: gfla pose {args.out} -o poses")
