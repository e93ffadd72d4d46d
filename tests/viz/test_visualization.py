import numpy as np
import pytest

from gfla_tf import viz
from gfla_tf.ops.flow import resize_flow
from gfla_tf.pose import pose_heatmaps

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
        "image": image[:, :, ::-1],
        "flows": [np.zeros((count, 16, 16, 2)), rng.normal(size=(count, 32, 32, 2))],
        "masks": [np.ones((count, 16, 16, 1)), rng.random((count, 32, 32, 1))],
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


def one_read():
    """Returns attention, flow and mask of an 8 x 8 block that reads only (5, 6), from the location (3, 4)."""
    attention = np.zeros((8, 8, 9), np.float32)
    attention[..., 5] = 1.0  # the tap to the right of the center
    mask = np.zeros((8, 8), np.float32)
    mask[3, 4] = 1.0
    return attention, np.full((8, 8, 2), (1.0, 2.0), np.float32), mask


def test_attention_map_is_bright_where_the_block_reads():
    source = np.full((64, 64, 3), 80, np.uint8)
    image = viz.attention_map(source, *one_read(), (8, 8)).astype(int)
    dark, bright = viz.heat_to_image(np.array([[0.0, 1.0]]))[0].astype(int)
    expected = np.empty((8, 8, 3))
    expected[:] = 0.75 * 80 + 0.25 * dark
    expected[5, 6] = 0.3 * 80 + 0.7 * bright
    assert np.abs(image - expected).max() <= 0.5
    large = viz.attention_map(source, *one_read(), (128, 96)).sum(-1, dtype=int)
    assert np.unravel_index(large.argmax(), large.shape)[0] // 16 == 5
    assert np.unravel_index(large.argmax(), large.shape)[1] // 12 == 6


def test_joint_attention_has_the_color_of_the_joint_where_the_block_reads():
    attention, flow, _ = one_read()
    keypoints = np.full((18, 2), -1.0)
    keypoints[10] = (3 * 8 + 4, 4 * 8 + 4)  # in the location (3, 4) of the block
    source = np.full((64, 64, 3), 80, np.uint8)
    image = viz.joint_attention(source, attention, flow, keypoints, (8, 8)).astype(int)
    expected = np.empty((8, 8, 3))
    expected[:] = 0.55 * 80
    expected[5, 6] = viz.JOINT_COLORS[10]
    np.testing.assert_array_equal(image, np.rint(expected))


def expected_columns(batch, outputs, points, scale):
    """Returns the first two images of each column of `sample_grid`, from the functions for one image."""
    flows = resize_flow(outputs["flows"][-1].astype(np.float32), (64, 64)).numpy()
    source = viz.to_uint8(batch["source_image"])
    parts = outputs["attentions"][-1], outputs["flows"][-1], [points] * 2
    return {
        "source": source,
        "target pose": [viz.draw_pose(points, (64, 64), out_size=(96, 96))] * 2,
        "generated": viz.to_uint8(outputs["image"]),
        "truth": viz.to_uint8(batch["target_image"]),
        "flow": viz.flow_to_color(flows, scale),
        "true flow": viz.flow_to_color(batch["flow"], scale),
        "mask": [viz.mask_to_image(mask, (96, 96)) for mask in outputs["masks"][-1]],
        "attention": [
            viz.joint_attention(*arguments, (96, 96))
            for arguments in zip(source[:2], *(part[:2] for part in parts), strict=True)
        ],
    }


def check_grid(image, columns):
    """Checks the cells of a grid of two rows and 96 x 96 cells, with gaps of 4 pixels, below labels."""
    head = image.shape[0] - 4 - 2 * 100
    assert (image.dtype, image.shape[1:]) == (np.uint8, (4 + len(columns) * 100, 3))
    assert head > 0
    for column, (name, cells) in enumerate(columns.items()):
        for row in range(2):
            top, left = head + 4 + 100 * row, 4 + 100 * column
            cell = image[top : top + 96, left : left + 96]
            np.testing.assert_array_equal(cell, viz.resize(cells[row], (96, 96)), err_msg=name)


@pytest.mark.parametrize(
    "drop", [(), ("attentions",), ("image", "attentions", "masks"), ("flows", "attentions")]
)
def test_sample_grid_draws_the_available_outputs(drop):
    batch, outputs = fake_batch()
    scale = viz.flow_scale(None, {name: value[:2] for name, value in batch.items()})
    columns = expected_columns(batch, outputs, POINTS, scale)
    missing = {
        "image": ["generated"],
        "flows": ["flow", "true flow"],
        "masks": ["mask"],
        "attentions": ["attention"],
    }
    for name in drop:
        del outputs[name]
        for column in missing[name]:
            del columns[column]
    check_grid(viz.sample_grid(batch, outputs, max_rows=2, cell_size=(96, 96)), columns)


def test_sample_grid_without_truth_or_keypoints():
    batch, outputs = fake_batch(2)
    flows = resize_flow(outputs["flows"][-1].astype(np.float32), (64, 64)).numpy()
    columns = expected_columns(batch, outputs, POINTS, viz.flow_scale(flows, {}))
    del columns["true flow"]
    for name in ("flow", "target_parts", "target_keypoints"):
        del batch[name]
    batch["target_pose"] = np.stack([pose_heatmaps(POINTS, (64, 64))] * 2)
    check_grid(viz.sample_grid(batch, outputs, cell_size=(96, 96)), columns)
    assert viz.sample_grid(batch, outputs).shape[1] == 4 + 7 * 132


def test_image_grid_fills_short_rows_and_needs_an_image():
    cell = np.full((10, 20, 3), 7, np.uint8)
    image = viz.image_grid([[cell, cell], [cell]], gap=2)
    assert image.shape == (2 + 2 * 12, 2 + 2 * 22, 3)
    assert (image[14:24, 24:44] == 255).all()
    with pytest.raises(ValueError, match="image"):
        viz.image_grid([])


def test_warped_source_of_a_coarse_flow():
    source = np.zeros((1, 8, 8, 3), np.uint8)
    source[0, :, 4] = 200
    flow = np.tile(np.float32([1.0, 0.0]), (1, 4, 4, 1))  # 1 pixel of the 4 x 4 map is 2 pixels of the image
    warped = viz.warped_source(source, flow)
    assert warped.dtype == np.uint8
    np.testing.assert_array_equal(warped[0, :, 2], 200)
    assert warped.sum() == source.sum()
    np.testing.assert_array_equal(viz.warped_source(source / 127.5 - 1, flow), warped)
    assert viz.warped_source(source[:0], flow[:0]).shape == (0, 8, 8, 3)
