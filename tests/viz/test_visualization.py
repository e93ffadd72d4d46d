import numpy as np
import pytest

from gfla_tf import viz

POINTS = np.array(
    [[10, 32], [17, 32], [18, 24], [28, 20], [38, 18], [18, 40], [28, 44], [38, 46], [36, 27], [47, 26], [58,
    26],
     [36, 37], [47, 38], [58, 38], [8, 30], [8, 34], [9, 28], [9, 36]], np.float32,
)  # fmt: skip


def fake_batch(count=3, size=64):
    rng = np.random.default_rng(1)
    image = rng.uniform(-1, 1, (count, size, size, 3)).astype(np.float32)
    attention = rng.random((count, 32, 32, 25)).astype(np.float32)
    batch = {
        "source_image": image,
        "target_image": image[:, ::-1],
        "target_keypoints": np.repeat(POINTS[None], count, 0),
        "flow": rng.normal(size=(count, size, size, 2)).astype(np.float32),
        "target_parts": np.ones((count, size, size), np.int32),
    }
    outputs = {
        "image": image,
        "flows": [np.zeros((count, 16, 16, 2)), np.zeros((count, 32, 32, 2))],
        "masks": [np.ones((count, 16, 16, 1)), np.ones((count, 32, 32, 1))],
        "attentions": [np.ones((count, 16, 16, 9)) / 9, attention / attention.sum(-1, keepdims=True)],
    }
    return batch, outputs


def test_to_uint8_inverts_the_input_scaling_and_clips():
    pixels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(viz.to_uint8(pixels / np.float32(127.5) - 1), pixels)
    assert viz.to_uint8(np.array([-3.0, 3.0])).tolist() == [0, 255]
    with pytest.raises(ValueError, match="int32"):
        viz.to_uint8(np.zeros(3, np.int32))


def test_pose_draws_each_joint_in_its_color_and_skips_missing_ones():
    image = viz.draw_pose(POINTS, (64, 64), out_size=(256, 256))
    y, x = (POINTS[10] * 4 + 1.5).astype(int)
    assert np.abs(image[y, x].astype(int) - viz.JOINT_COLORS[10]).max() <= 3
    missing = viz.draw_pose(np.full((18, 2), -1.0), (64, 64))
    assert np.unique(missing).tolist() == [18]
    with pytest.raises(ValueError, match=r"\(17, 2\)"):
        viz.draw_pose(POINTS[:17], (64, 64))


def test_keypoints_from_heatmaps():
    grid = np.stack(np.mgrid[:64, :64], -1)
    heat = np.exp(-((grid[:, :, None] - POINTS) ** 2).sum(-1) / 8)
    heat[..., 3] = 0
    found = viz.keypoints_from_heatmaps(heat)
    assert found[3].tolist() == [-1, -1]
    np.testing.assert_array_equal(np.delete(found, 3, 0), np.delete(POINTS, 3, 0))


def test_attention_reads_is_nonzero_where_the_flow_points():
    attention = np.zeros((8, 8, 9), np.float32)
    attention[..., 5] = 1.0  # the tap right of the middle
    flow = np.zeros((8, 8, 2), np.float32)
    flow[3, 2] = (2.0, 1.5)
    weight = np.zeros((8, 8), np.float32)
    weight[3, 2] = 0.5
    reads = viz.attention_reads(attention, flow, weight)
    assert reads[4, 5] == pytest.approx(0.25)
    assert reads[5, 5] == pytest.approx(0.25)
    assert reads.sum() == pytest.approx(0.5)


def test_attention_reads_conserves_weight_at_the_border_and_reports_wrong_shapes():
    rng = np.random.default_rng(0)
    attention = rng.random((5, 7, 25))
    flow = rng.normal(size=(5, 7, 2)) * 20
    total = viz.attention_reads(attention, flow).sum()
    assert total == pytest.approx(attention.sum(), rel=1e-4)
    with pytest.raises(ValueError, match=r"\(5, 7, 24\)"):
        viz.attention_reads(attention[..., :24], flow)
    with pytest.raises(ValueError, match="weight"):
        viz.attention_reads(attention, flow, np.ones((3, 3)))


def test_attention_images_have_the_given_size():
    batch, outputs = fake_batch(1)
    arguments = batch["source_image"][0], outputs["attentions"][1][0], outputs["flows"][1][0]
    assert viz.attention_map(*arguments, outputs["masks"][1][0], (128, 96)).shape == (128, 96, 3)
    assert viz.attention_map(*arguments).shape == (64, 64, 3)
    assert viz.joint_attention(*arguments, POINTS, (128, 128)).shape == (128, 128, 3)


@pytest.mark.parametrize(
    "drop", [(), ("attentions",), ("image", "attentions", "masks"), ("flows", "attentions")]
)
def test_sample_grid_draws_the_available_outputs(drop):
    batch, outputs = fake_batch()
    outputs = {name: value for name, value in outputs.items() if name not in drop}
    columns = (
        3 + ("image" in outputs) + 2 * ("flows" in outputs) + ("masks" in outputs) + ("attentions" in outputs)
    )
    image = viz.sample_grid(batch, outputs, max_rows=2, cell_size=(96, 96))
    assert image.dtype == np.uint8
    assert image.shape[1] == 4 + columns * 100


def test_sample_grid_without_truth_or_keypoints():
    batch, outputs = fake_batch(2)
    for name in ("flow", "target_parts", "target_keypoints"):
        del batch[name]
    batch["target_pose"] = np.zeros((2, 64, 64, 18), np.float32)
    assert viz.sample_grid(batch, outputs).shape[1] == 4 + 7 * 132


def test_image_grid_fills_short_rows_and_needs_an_image():
    cell = np.full((10, 20, 3), 7, np.uint8)
    image = viz.image_grid([[cell, cell], [cell]], gap=2)
    assert image.shape == (2 + 2 * 12, 2 + 2 * 22, 3)
    assert (image[14:24, 24:44] == 255).all()
    with pytest.raises(ValueError, match="image"):
        viz.image_grid([])
