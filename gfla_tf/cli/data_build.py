"""`gfla data build`: packs a data folder into shards or an HDF5 file, and verifies shards."""

from gfla_tf.cli import arguments
from gfla_tf.console import echo

HELP = "Pack a dataset folder into TFRecord shards or an HDF5 file, or verify shards."

_FAULTS = 1
_SHARD_MIB = 128


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument("folder", metavar="FOLDER", help="a dataset folder; with --verify, a shards folder")
    parser.add_argument("-o", "--output", metavar="OUT", help="the shards folder or HDF5 file to create")
    parser.add_argument(
        "--format",
        choices=("shards", "hdf5"),
        default="shards",
        help="shards: image files in TFRecords (default); hdf5: decoded pairs in one file",
    )
    parser.add_argument(
        "--layout", choices=arguments.LAYOUTS, help="layout of FOLDER (default: auto-detected)"
    )
    parser.add_argument(
        "--workers", type=arguments.whole(1), default=2, metavar="N", help="number of threads (default: 2)"
    )
    parser.add_argument(
        "--shard-size",
        type=arguments.whole(1),
        metavar="MIB",
        help=f"size of a shard in MiB (default: {_SHARD_MIB})",
    )
    parser.add_argument("--force", action="store_true", help=arguments.FORCE)
    parser.add_argument(
        "--verify", action="store_true", help="compare shards with their checksums instead of building shards"
    )


def run(args):
    """Builds or verifies; returns 1 if verification finds damage.

    Raises:
      InputError: a folder cannot be read or written, or options exclude each other.
    """
    from gfla_tf.errors import InputError

    if args.verify:
        if args.output is not None:
            raise InputError("--verify reads the shards in FOLDER and writes nothing: omit -o")
        if args.format == "hdf5":
            raise InputError("--verify compares shards; an HDF5 file has no checksums: omit --format")
        return _verify(args.folder)
    if args.output is None:
        raise InputError("name the output: gfla data build FOLDER -o SHARDS")
    if args.format == "hdf5":
        if args.shard_size is not None:
            raise InputError("--shard-size applies to shards, and --format hdf5 writes one file: omit it")
        return _build_pair_file(args)
    return _build(args)


def _build_pair_file(args):
    from gfla_tf.cli.logs import load_tensorflow

    load_tensorflow()

    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.commands import training_command
    from gfla_tf.data.hdf5.writer import write_pair_file
    from gfla_tf.data.layout import find_layout

    pairs = write_pair_file(
        args.folder,
        args.output,
        args.layout,
        workers=args.workers,
        force=args.force,
        progress=progress_bar("writing pairs"),
    )
    echo(f"{args.output}: {', '.join(f'{count} {split} pairs' for split, count in pairs.items())}.")
    layout = find_layout(args.folder, args.layout)
    command = training_command(layout.configuration, args.output, "data.source=hdf5")
    echo(f"Train on it with: {command}")


def _build(args):
    from gfla_tf.cli.logs import load_tensorflow

    load_tensorflow()

    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.commands import training_command
    from gfla_tf.data.layout import LAYOUTS
    from gfla_tf.data.shards.builder import build_shards

    try:
        report = build_shards(
            args.folder,
            args.output,
            args.layout,
            workers=args.workers,
            shard_bytes=(args.shard_size or _SHARD_MIB) * 2**20,
            force=args.force,
            progress=progress_bar("packing images"),
        )
    except KeyboardInterrupt:
        echo("\nto resume: run the same command again")
        raise
    manifest = report.manifest
    counts = ", ".join(
        f"{entry.pairs} {split} pairs of {entry.images} images" for split, entry in manifest.splits.items()
    )
    shards = sum(len(entry.shards) for entry in manifest.splits.values())
    size = sum(entry.bytes for entry in manifest.files.values()) / 2**20
    kept = f" ({report.kept} kept from the previous build)" if report.kept else ""
    echo(f"{args.output}: {counts} in {shards} shards{kept}, {size:.1f} MiB.")
    echo(f"Train on it with: {training_command(LAYOUTS[manifest.layout].configuration, args.output)}")


def _verify(folder):
    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.data.shards.reader import verify_shards

    faults = verify_shards(folder, progress_bar("verifying bytes"))
    for fault in faults:
        echo(fault)
    if faults:
        echo("Copy or build the shards again.")
        return _FAULTS
    echo(f"{folder}: every file matches its checksum.")
    return 0
