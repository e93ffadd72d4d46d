"""Pairs per second from a dataset folder and from its shards, compared with decoding the same JPEG files.

    python -m benchmarks.bm_input_pipeline
    python -m benchmarks.bm_input_pipeline --folder photos

The upper limit ("plain decode") is `tf.io.decode_jpeg` on bytes in memory, two images per pair, in a parallel
map, batched and prefetched. The datasets also read, check, shuffle and pair the images. All candidates
alternate in one process. The training step is stage 2 of the fashion configuration (F, G, D, VGG19 with
random weights) at full size.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks.timing import alternate, table
from gfla_tf.config import find_config, load_config
from gfla_tf.data import DeepFashion, SyntheticPeople
from gfla_tf.data.shards.builder import build_shards
from gfla_tf.synthetic import write_folder

SIZE = (256, 256)
LIMIT = "plain decode"
SHARE_TARGET, STEP_TARGET = 0.85, 4.0


def main(argv=None):
    """Prints a table of rates, and the two ratios that have targets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", metavar="FOLDER", help="a dataset of 256 x 256 JPEG files in DeepFashion's layout"
    )
    parser.add_argument(
        "--identities",
        type=int,
        default=64,
        metavar="N",
        help="number of synthetic people to render without --folder",
    )
    parser.add_argument("--batch-size", type=int, default=8, metavar="B")
    parser.add_argument("--pairs", type=int, default=1600, metavar="N", help="pairs per measurement")
    parser.add_argument("--repeats", type=int, default=9, metavar="N")
    parser.add_argument(
        "--step-batch", type=int, default=1, metavar="B", help="batch size of the training step; 0: skip it"
    )
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as work:
        folder = args.folder or _render(Path(work) / "people", args.identities)
        build_shards(folder, Path(work) / "shards", "deepfashion", workers=2)
        times = _measure(folder, Path(work) / "shards", args)
        print(table(times, LIMIT, args.pairs, "pairs"))
        share = times[LIMIT].median / times["shards"].median
        print(f"\nshards / {LIMIT}: {share:.2f} (target: at least {SHARE_TARGET})")
        if args.step_batch:
            rate = args.step_batch / _step_seconds(DeepFashion(Path(work) / "shards"), args.step_batch)
            ratio = args.pairs / times["shards"].median / rate
            print(f"training step: {rate:.2f} pairs / s on {_device()}, batch {args.step_batch}")
            print(f"shards / training step: {ratio:,.0f} (target: at least {STEP_TARGET:.0f})")


def _render(folder, identities):
    people = SyntheticPeople(SIZE, identities={"train": identities, "test": 1})
    write_folder(folder, people, "deepfashion", workers=2)
    return folder


def _measure(folder, shards, args):
    batches = -(-args.pairs // args.batch_size)
    options = {"seed": 0, "repeat": True, "heatmaps": False}
    images = DeepFashion(folder).load("train").images
    encoded = tf.constant([Path(path).read_bytes() for path in images.paths])
    pairs = DeepFashion(folder).load("train").pairs
    order = np.random.default_rng(0).permutation(len(pairs))

    def plain(**arguments):
        def decode(pair):
            return tuple(
                tf.ensure_shape(tf.io.decode_jpeg(encoded[pair[side]], 3, **arguments), (*SIZE, 3))
                for side in range(2)
            )

        data = tf.data.Dataset.from_tensor_slices(pairs[order]).repeat()
        data = data.map(decode, num_parallel_calls=tf.data.AUTOTUNE)
        return data.batch(args.batch_size).prefetch(tf.data.AUTOTUNE)

    candidates = {
        LIMIT: plain(),
        f"{LIMIT}, accurate DCT": plain(dct_method="INTEGER_ACCURATE"),
        "folder": DeepFashion(folder).as_dataset("train", args.batch_size, scaled=False, **options),
        "shards": DeepFashion(shards).as_dataset("train", args.batch_size, scaled=False, **options),
        "shards, scaled to float32": DeepFashion(shards).as_dataset("train", args.batch_size, **options),
    }
    return alternate(
        {name: lambda data=data: _consume(data, batches) for name, data in candidates.items()}, args.repeats
    )


def _consume(data, batches):
    for _ in itertools.islice(data, batches):
        pass


def _step_seconds(dataset, batch_size):
    """Seconds per step of stage 2: the best of three, after a first step that traces the graph."""
    from gfla_tf.training.build import build_features, build_model, build_trainers
    from gfla_tf.training.sources import FolderSource

    config = load_config(find_config("fashion"), ["features.weights=random", f"data.root={dataset.root}"])
    source = FolderSource(dataset)
    _, trainer = build_trainers(config, build_features(config, source), build_model(config, source))
    seconds = []
    for batch in source.training_batches(batch_size, seed=0, parts=False).take(4):
        began = time.perf_counter()
        trainer.train_on_batch(batch)
        seconds.append(time.perf_counter() - began)
    return min(seconds[1:])


def _device():
    gpus = tf.config.list_physical_devices("GPU")
    return "the GPU" if gpus else "the CPU"


if __name__ == "__main__":
    main()
