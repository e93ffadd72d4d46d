"""`gfla data build`: shards of a data folder, and their verification; or its pairs in one HDF5 file."""

from gfla_tf.cli import arguments

HELP = "pack a data folder into TFRecord shards or an HDF5 file, or verify shards"

_LAYOUTS = ("deepfashion", "market1501")
_FAULTS = 1
_SHARD_MIB = 128


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument("folder", metavar="FOLDER", help="a data folder; with --verify a shards folder")
    parser.add_argument("-o", "--out", metavar="OUT", help="the shards folder, or the HDF5 file, to make")
    parser.add_argument(
        "--format",
        choices=("shards", "hdf5"),
        default="shards",
        help="shards: the images' files in TFRecords (the default); hdf5: decoded pairs in one file",
    )
    parser.add_argument("--layout", choices=_LAYOUTS, help="default: told by the names of the files")
    parser.add_argument(
        "--workers", type=arguments.whole(1), default=2, metavar="N", help="threads (default: 2)"
    )
    parser.add_argument(
        "--shard-size",
        type=arguments.whole(1),
        metavar="MIB",
        help=f"images in a shard, in MiB (default: {_SHARD_MIB})",
    )
    parser.add_argument("--force", action="store_true", help="replace what is there")
    parser.add_argument(
        "--verify", action="store_true", help="compare shards with their checksums instead of building any"
    )


def run(args):
    """Builds or verifies; returns 1 where verification finds damage.

    Raises:
      InputError: a folder that cannot be read or written, or options that do not go together.
    """
    from gfla_tf.errors import InputError

    if args.verify:
        if args.out is not None:
            raise InputError("--verify reads the shards in FOLDER and makes none: leave -o out")
        if args.format == "hdf5":
            raise InputError("--verify compares shards; an HDF5 file has no checksums: leave --format out")
        return _verify(args.folder)
    if args.out is None:
        raise InputError("name the shards folder to make: gfla data build FOLDER -o SHARDS")
    if args.format == "hdf5":
        if args.shard_size is not None:
            raise InputError("--shard-size is for shards, and --format hdf5 makes one file: leave it out")
        return _build_pair_file(args)
    return _build(args)


def _build_pair_file(args):
    from gfla_tf.cli.logs import load_tensorflow

    load_tensorflow()

    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.data.hdf5.writer import write_pair_file
    from gfla_tf.data.layout import find_layout, training_command

    pairs = write_pair_file(
        args.folder,
        args.out,
        args.layout,
        workers=args.workers,
        force=args.force,
        progress=progress_bar("writing pairs"),
    )
    print(f"{args.out}: {', '.join(f'{count} {split} pairs' for split, count in pairs.items())}.")
    command = training_command(find_layout(args.folder, args.layout), args.out, "data.source=hdf5")
    print(f"Train on it with: {command}")


def _build(args):
    from gfla_tf.cli.logs import load_tensorflow

    load_tensorflow()

    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.data.layout import LAYOUTS, training_command
    from gfla_tf.data.shards.builder import build_shards

    try:
        report = build_shards(
            args.folder,
            args.out,
            args.layout,
            workers=args.workers,
            shard_bytes=(args.shard_size or _SHARD_MIB) * 2**20,
            force=args.force,
            progress=progress_bar("packing images"),
        )
    except KeyboardInterrupt:
        print("\nto go on: the same command again", flush=True)
        raise
    manifest = report.manifest
    counts = ", ".join(
        f"{entry.pairs} {split} pairs of {entry.images} images" for split, entry in manifest.splits.items()
    )
    shards = sum(len(entry.shards) for entry in manifest.splits.values())
    size = sum(entry.bytes for entry in manifest.files.values()) / 2**20
    kept = f" ({report.kept} kept from the build before)" if report.kept else ""
    print(f"{args.out}: {counts} in {shards} shards{kept}, {size:.1f} MiB.")
    print(f"Train on it with: {training_command(LAYOUTS[manifest.layout], args.out)}")


def _verify(folder):
    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.data.shards.reader import verify_shards

    faults = verify_shards(folder, progress_bar("verifying bytes"))
    for fault in faults:
        print(fault)
    if faults:
        print("Copy the shards again, or build them again.")
        return _FAULTS
    print(f"{folder}: every file is as it was built.")
    return 0
