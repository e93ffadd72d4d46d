"""Creates the images of README.md and docs/.

    python docs/images/make.py people truth          people.jpg, small.jpg, truth.jpg: SyntheticPeople
    python docs/images/make.py check                 check.jpg: the sheet of a damaged data folder
    python docs/images/make.py results               results.jpg: outputs of the shipped model
    python docs/images/make.py generate              generate.png: the six lines of README.md
    python docs/images/make.py results --model DIR   results.jpg: outputs of another model

results.jpg shows every 13th held-out pair, as in the report of a run, without selection by result.
"""

import argparse
import json
import tempfile
from pathlib import Path

import cv2
import numpy as np

import gfla_tf
from gfla_tf import viz
from gfla_tf.data import SyntheticPeople
from gfla_tf.data.doctor import check_folder
from gfla_tf.files import write_files
from gfla_tf.images.io import encode_image
from gfla_tf.synthetic import write_folder
from gfla_tf.viz.data_sheet import data_sheet

FOLDER = Path(__file__).parent
PEOPLE = 8  # of the contact sheets
PAIRS = ((0, 1), (3, 1), (5, 3))  # (identity, pair) of truth.jpg
STEP = np.array([0.61803399, 0.75487767, 0.56984029])  # spreads the colors of part labels


def people(_):
    """Two contact sheets: large images, four of each person, and images at the size of the small model."""
    large = SyntheticPeople((256, 160), identities={"test": PEOPLE})
    images = large.as_arrays("test")["images"]
    _write("people.jpg", viz.image_grid([list(images[i : i + 8]) for i in range(0, len(images), 8)], gap=3))
    small = SyntheticPeople((64, 64), identities={"test": 4 * PEOPLE})
    images = small.as_arrays("test")["images"][::2]
    rows = [list(images[i : i + 16]) for i in range(0, len(images), 16)]
    _write("small.jpg", viz.image_grid(rows, gap=2))


def truth(_):
    """A few pairs with all their annotations."""
    size = (256, 192)
    dataset = SyntheticPeople(size, identities={"test": 1 + max(identity for identity, _ in PAIRS)})
    rows = []
    for identity, pair in PAIRS:
        sample = dataset.sample("test", identity * dataset.pairs_per_identity + pair)
        person = (sample["target_parts"] > 0)[..., None]
        flow = viz.flow_to_color(sample["flow"], 60.0)
        seen = person & (sample["visibility"] > 0)[..., None]
        rows.append(
            [
                sample["source_image"],
                sample["target_image"],
                viz.draw_pose(sample["target_keypoints"], size),
                _part_colors(sample["target_parts"]),
                np.where(person, flow, flow // 5 + 204).astype(np.uint8),
                viz.mask_to_image(sample["visibility"]),
                np.where(seen, _read(sample["source_image"], sample["flow"]), 255).astype(np.uint8),
            ]
        )
    labels = ["source", "target", "target pose", "parts", "true flow", "visible", "source by true flow"]
    _write("truth.jpg", viz.image_grid(rows, labels))


def check(_):
    """The sheet of `gfla data check` for two damaged images and keypoints in the wrong frame."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "people"
        write_folder(folder, SyntheticPeople((256, 176), identities={"train": 3, "test": 2}))
        first, second, *_ = sorted((folder / "test").iterdir())
        first.unlink()
        second.write_bytes(second.read_bytes()[:-9000])
        annotation = folder / "fasion-annotation-train.csv"
        head, *rows = annotation.read_text().splitlines()
        annotation.write_text("\n".join([head, *map(_widened, rows)]) + "\n")
        _write("check.jpg", data_sheet(check_folder(folder), 12))


def _widened(row):
    """A row of an annotation file with x in a frame of width 256 instead of 176."""
    name, y, x = row.split(":")
    return f"{name}:{y}:{[one if one < 0 else round(one * 256 / 176) for one in json.loads(x)]}"


def results(args):
    """Outputs of a model for held-out people."""
    from gfla_tf.models.loading import load_generator
    from gfla_tf.report import collect_samples

    model = load_generator(args.model)
    dataset = SyntheticPeople(model.image_size, heatmap_sigma=model.heatmap_sigma)
    samples = collect_samples(model, dataset, args.rows)
    rows = [
        [cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1] for png in row]
        for row in samples.rows
    ]
    _write("results.jpg", viz.image_grid(rows, samples.columns, (128, 128)))


def generate(args):
    """The output of the six lines of README.md."""
    pair = SyntheticPeople().sample("test", 13)
    poses = pair["source_keypoints"], pair["target_keypoints"]
    result = gfla_tf.generate(pair["source_image"], *poses, args.model or "synthetic")
    pose = viz.draw_pose(pair["target_keypoints"], pair["source_image"].shape[:2])
    row = [pair["source_image"], pose, result.image, result.flow, result.mask, result.attention]
    labels = ["source", "target pose", "image", "flow", "mask", "attention"]
    _write("generate.png", viz.image_grid([row], labels, (160, 160)))


def _part_colors(parts):
    """Part labels as colors; the background is white."""
    hues = (np.arange(1, 256)[:, None] * STEP) % 1.0
    table = np.concatenate([np.full((1, 3), 255), 60 + 180 * hues]).astype(np.uint8)
    return table[parts]


def _read(image, flow):
    """The source, read bilinearly at the positions that the flow gives."""
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return cv2.remap(
        image, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _write(name, image):
    path = FOLDER / name
    write_files({path: encode_image(str(path), image)}, True)
    print(f"wrote {path}: {image.shape[1]} x {image.shape[0]} pixels")


if __name__ == "__main__":
    images = {"people": people, "truth": truth, "check": check, "results": results, "generate": generate}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", nargs="+", choices=images)
    parser.add_argument("--model", help="a .keras file or a run folder (default: the shipped model)")
    parser.add_argument("--rows", type=int, default=6, help="number of rows in results.jpg (default: 6)")
    arguments = parser.parse_args()
    for name in arguments.images:
        images[name](arguments)
