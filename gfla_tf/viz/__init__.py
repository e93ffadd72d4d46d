"""Visualization of images, poses, flows, masks and attention as uint8 RGB images."""

from gfla_tf.viz.flow import flow_to_color, flow_wheel, resize_map
from gfla_tf.viz.grid import flow_scale, image_grid, sample_columns, sample_grid
from gfla_tf.viz.images import resize, to_uint8
from gfla_tf.viz.maps import attention_map, attention_reads, heat_to_image, joint_attention, mask_to_image
from gfla_tf.viz.pose import JOINT_COLORS, LIMBS, draw_pose, keypoints_from_heatmaps
from gfla_tf.viz.warped import warped_source

__all__ = [
    "JOINT_COLORS",
    "LIMBS",
    "attention_map",
    "attention_reads",
    "draw_pose",
    "flow_scale",
    "flow_to_color",
    "flow_wheel",
    "heat_to_image",
    "image_grid",
    "joint_attention",
    "keypoints_from_heatmaps",
    "mask_to_image",
    "resize",
    "resize_map",
    "sample_columns",
    "sample_grid",
    "to_uint8",
    "warped_source",
]
