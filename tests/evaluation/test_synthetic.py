import json

import numpy as np
import pytest

from gfla_tf.errors import InputError
from gfla_tf.evaluation import CLASSICAL_FLOWS, TARGETS, evaluate_synthetic, mean_target, targets_table
from gfla_tf.evaluation.result import table_to_text
from tests.evaluation.fakes import SIZE, MovingSquares, Oracle


@pytest.fixture(scope="module")
def dataset():
    return MovingSquares()


@pytest.fixture(scope="module")
def result(dataset):
    return evaluate_synthetic(Oracle(dataset), dataset, pairs=7, batch_size=3)


def test_the_truth_is_perfect_and_the_baselines_are_not(result):
    assert result.images["generated"]["l1"] == 0
    assert result.images["generated"]["ssim"] == pytest.approx(1)
    assert result.flows["F, finest flow"]["mean"] == 0
    assert result.visibility_auc == {"person": 1.0, "image": 1.0}
    assert result.flows["zero flow"]["median_ratio"] == 1
    for name in ("source warped by F", "copy the source", "mean training image"):
        assert result.images[name]["l1_person"] > 0


def test_zero_flow_and_person_metrics_follow_their_definitions(dataset, result):
    samples = [dataset.sample("test", index) for index in range(7)]
    lengths = np.concatenate(
        [
            np.linalg.norm(one["flow"], axis=-1)[(one["target_parts"] > 0) & (one["visibility"] == 1)]
            for one in samples
        ]
    )
    assert result.flow_pixels == lengths.size == 7 * (14 * 14 - 9)
    assert result.flows["zero flow"]["mean"] == pytest.approx(lengths.mean(), rel=1e-5)
    assert result.flows["zero flow"]["median"] == pytest.approx(np.median(lengths), abs=2e-3)
    expected = []
    for one in samples:
        person = (one["source_parts"] > 0) | (one["target_parts"] > 0)
        expected.append(np.abs(one["source_image"] - one["target_image"])[person].mean())
    assert result.images["copy the source"]["l1_person"] == pytest.approx(np.mean(expected), rel=1e-5)


def test_warping_by_the_true_flow_restores_the_person(dataset, result):
    """The remaining error is at the border of the square and on the wall that the source's square covers."""
    warped, copied = result.images["source warped by F"], result.images["copy the source"]
    assert warped["l1"] < 0.5 * copied["l1"]


def test_an_error_of_two_pixels_is_measured_as_two_pixels(dataset):
    result = evaluate_synthetic(Oracle(dataset, error=2.0), dataset, pairs=4, classical=False)
    assert result.flows["F, finest flow"]["mean"] == pytest.approx(2.0)
    assert result.flows["F, finest flow"]["median"] == pytest.approx(2.0, abs=2e-3)
    assert set(result.flows) == {"F, finest flow", "zero flow"}


def test_metrics_do_not_depend_on_the_batch_size_and_progress_is_reported(dataset, result):
    calls = []
    other = evaluate_synthetic(
        Oracle(dataset),
        dataset,
        pairs=7,
        batch_size=5,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls == [(5, 7), (7, 7)]
    assert other.images["copy the source"]["l1"] == pytest.approx(result.images["copy the source"]["l1"])
    for name in CLASSICAL_FLOWS:
        assert other.flows[name] == pytest.approx(result.flows[name])


def test_mean_target(dataset):
    image, count = mean_target(dataset, images=6, batch_size=4)
    assert count == 6
    expected = np.mean([dataset.sample("train", index)["target_image"] for index in range(6)], 0)
    np.testing.assert_allclose(image, expected, atol=1e-6)
    assert mean_target(dataset, images=1000)[1] == 10
    with pytest.raises(ValueError, match="no pairs"):
        mean_target(MovingSquares(0))


def test_a_mean_image_can_be_given(dataset):
    black = np.full((SIZE, SIZE, 3), -1, np.float32)
    result = evaluate_synthetic(
        Oracle(dataset), dataset, pairs=2, mean_image=black, train_images_for_mean=123, classical=False
    )
    assert result.mean_images == 123
    expected = np.mean([dataset.sample("test", index)["target_image"] + 1 for index in range(2)])
    assert result.images["mean training image"]["l1"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("pairs", [0, -1, 11])
def test_numbers_of_pairs_out_of_range(dataset, pairs):
    with pytest.raises(InputError, match="the test split has 10"):
        evaluate_synthetic(Oracle(dataset), dataset, pairs=pairs)


def test_text_markdown_and_json(result):
    text, markdown, plain = result.to_text(), result.to_markdown(), json.loads(result.to_json())
    for name in (*result.images, *result.flows):
        assert name in text
        assert name in markdown
    assert "7 pairs of the test split" in text
    assert plain["images"]["generated"]["psnr"] is None
    assert plain["flows"]["zero flow"]["median_ratio"] == 1.0
    assert plain["image_size"] == [SIZE, SIZE]
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_targets_are_met_by_the_truth_and_missed_by_a_bad_flow(dataset, result):
    for name, make in TARGETS.items():
        assert all(
            target.met for target in make(result) if "against the best classical" not in target.name
        ), name
    bad = evaluate_synthetic(Oracle(dataset, error=9.0), dataset, pairs=7)
    missed = [target.name for target in TARGETS["synthetic"](bad) if not target.met]
    assert "median end-point error / zero flow's" in missed
    assert "median end-point error (px) against the best classical flow" in missed
    assert "missed" in table_to_text(targets_table(TARGETS["demo"](bad)))


@pytest.mark.parametrize("output", ["image", "flows", "masks"])
def test_output_that_is_not_finite_is_an_error(dataset, output):
    oracle = Oracle(dataset)

    def broken(inputs, training=None):
        outputs = oracle(inputs)
        finest = outputs[output] if output == "image" else outputs[output][-1]
        finest[0, 3, 3] = np.nan
        return outputs

    with pytest.raises(InputError, match="not finite"):
        evaluate_synthetic(broken, dataset, pairs=2, classical=False)
