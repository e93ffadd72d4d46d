import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from gfla_tf.evaluation import TARGETS, evaluate_synthetic
from gfla_tf.report import Report, collect_samples, render
from gfla_tf.report.svg import line_chart
from gfla_tf.viz import flow_wheel, to_uint8
from tests.evaluation.fakes import MovingSquares, Oracle

NASTY = "<script>alert(\"1\")</script> & 'quoted'"


@pytest.fixture(scope="module")
def report():
    dataset = MovingSquares(40)
    model = Oracle(dataset, error=1.0)
    result = evaluate_synthetic(model, dataset, pairs=6, classical=False)
    log = {"epoch": [0.0, 1.0], NASTY: [2.0, 1.0], "val_" + NASTY: [2.5, float("nan")]}
    return Report(
        title=NASTY,
        lead=NASTY,
        facts=[(NASTY, NASTY)],
        config=NASTY,
        stages=[(NASTY, log), ("nothing yet", {"epoch": []})],
        samples=collect_samples(model, dataset, 3),
        result=result,
        targets=TARGETS["synthetic"](result),
    )


@pytest.fixture(scope="module")
def page(report):
    return render(report)


class Checker(HTMLParser):
    """Records the attributes of every tag and checks that tags are closed in order."""

    VOID = ("meta", "img", "line", "circle", "polyline")

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID[:2]:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_loads_nothing(page):
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    tags = {tag for tag, _ in checker.seen}
    assert not tags & {"script", "link", "iframe", "object", "embed", "a"}
    sources = [attrs["src"] for tag, attrs in checker.seen if tag == "img"]
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "http" not in re.sub(r'http-equiv="[A-Za-z-]+"', "", page)
    assert not re.search(r"url\(|@import", page)


def test_every_text_is_escaped(page):
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") >= 8


def test_every_image_has_an_alternative_text_and_is_the_given_one(page, report):
    found = re.findall(r'<img alt="([^"]*)" src="data:image/png;base64,([^"]*)">', page)
    assert all(alt for alt, _ in found)
    images = [base64.b64decode(data) for _, data in found]
    samples = [image for row in report.samples.rows for image in row]
    assert [image for image in images if image in samples] == samples
    (legend,) = (image for image in images if image not in samples)
    decoded = cv2.imdecode(np.frombuffer(legend, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(decoded, flow_wheel(len(decoded)))
    assert page.count("<img ") == len(images) == 3 * 8 + 1


def test_samples_are_the_images_of_their_pairs(report):
    for index, row in zip(report.samples.indices, report.samples.rows, strict=True):
        sample = MovingSquares(40).sample("test", index)
        images = dict(zip(report.samples.columns, row, strict=True))
        for column, name in (
            ("source", "source_image"),
            ("generated", "target_image"),
            ("truth", "target_image"),
        ):
            decoded = cv2.imdecode(np.frombuffer(images[column], np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
            np.testing.assert_array_equal(decoded, to_uint8(sample[name]), err_msg=column)


def test_rows_are_every_thirteenth_pair(report):
    assert report.samples.indices == [0, 13, 26]
    assert report.samples.columns == [
        "source", "target pose", "generated", "truth", "flow", "true flow", "mask", "attention",
    ]  # fmt: skip


def test_the_page_contains_metrics_targets_and_stages_without_epochs(page):
    assert "source warped by F" in page
    assert 'class="badge missed"' in page
    assert 'class="badge met"' in page
    assert "No epoch was completed." in page


@pytest.mark.parametrize(
    "values",
    [[1.0], [0.0, 0.0, 0.0], [5.0, 5.0], [1000.0, 10.0, 0.1], [-3.0, 2.0, float("nan"), 1.0], [1e-9, 2e-9]],
)
def test_charts_of_unusual_values_are_valid_svg_inside_their_frame(values):
    svg = line_chart("a & b", [float(index + 1) for index in range(len(values))], {"training": values})
    root = ElementTree.fromstring(svg)
    points = root.find("polyline").get("points").split()
    assert len(points) == sum(np.isfinite(values))
    for point in points:
        x, y = map(float, point.split(","))
        assert 0 <= x <= 320
        assert 0 <= y <= 190
