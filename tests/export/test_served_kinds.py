"""Photos of unusual kinds and orientations give the same images in the exported model as in `generate`."""

import numpy as np
import pytest

from gfla_tf.images.io import decode_image
from tests.export.conftest import SIZES, generate_with_keras, request
from tests.images import pictures, samples

LEVEL = 1  # of 255: values that are rounded the other way


@pytest.mark.slow
def test_images_of_unusual_kinds_match_the_keras_model(model, answers):
    kinds = ("palette 4", "palette 2 with tRNS", "RGB 8 with tRNS", "gray 16 with tRNS", "palette 8 animated")
    rgb, pngs = pictures.gradient(40, 30), samples.pngs()
    photos = [
        *(pngs[f"PNG {kind}"].data for kind in kinds),
        samples.with_exif("PNG", rgb, samples.exif(6)),
        samples.with_exif("JPEG", rgb, samples.exif(5)),
        samples.jpegs()["JPEG CMYK"].data,
    ]
    inputs = {**request(SIZES[:8]), "source_bytes": np.array(photos, object)}
    sides = np.array([decode_image(photo).shape[:2] for photo in photos], np.float32)[:, None]
    for field in ("source_keypoints", "target_keypoints"):
        inputs[field] = inputs[field] / np.array(SIZES, np.float32)[:, None] * sides
    (answer,) = answers([("serving_default", inputs)])
    for row, data in enumerate(answer["image_bytes"]):
        assert np.abs(decode_image(data).astype(int) - generate_with_keras(model, inputs, row)).max() <= LEVEL
