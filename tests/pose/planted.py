"""A stand-in for RTMO with its inputs and outputs, which finds dots of known colors in the image.

Keypoint k of person p is the center of all pixels near the color `color(p, k)`, in the BGR order and the
pixels of the network's input. Errors of either conversion therefore appear in the keypoints.
"""

import importlib.util

import numpy as np
import pytest

from gfla_tf.pose.skeletons import COCO_17
from tests.pose import tiny_onnx as onnx


def require_onnxruntime() -> None:
    """Skips where the extra [pose] is not installed, without importing it: that is the product's business."""
    if importlib.util.find_spec("onnxruntime") is None:
        pytest.skip("onnxruntime is not installed", allow_module_level=True)


def color(person: int, keypoint: int) -> tuple[int, int, int]:
    """RGB, 20 or more from every other one's and from the background in one channel."""
    return 20 + 60 * person, 12 + 14 * keypoint, 250


def photograph(size, people, radius=6, background=(90, 100, 60)) -> np.ndarray:
    """uint8 RGB [H, W, 3] with a dot at each keypoint (y, x) of people {name: position}."""
    picture = np.full((*size, 3), background, np.uint8)
    rows, columns = np.mgrid[: size[0], : size[1]]
    for person, keypoints in enumerate(people):
        for name, (y, x) in keypoints.items():
            dot = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
            picture[dot] = color(person, COCO_17.index(name))
    return picture


def network(people: int = 2, size=(640, 640), scores=None, apart: bool = True, half: bool = False) -> bytes:
    """An ONNX file: `dets` [1, people, 5] and `keypoints` [1, people, 17, 3].

    The confidence of a keypoint is the number of its pixels, at most 1; the boxes are 100 pixels wide, apart
    or all at the same position, with `scores`. `half`: the input is float16. A `size` of two strings accepts
    any size, but finds dots at 640 x 640 only.
    """
    height, width = size if isinstance(size[0], int) else (640, 640)
    codes = np.array([[color(p, k)[::-1] for k in range(17)] for p in range(people)], np.float32)
    scores = np.linspace(0.9, 0.5, people) if scores is None else np.asarray(scores)
    left = 200.0 * np.arange(people) * apart
    dets = np.stack([left, left * 0, left + 100, left * 0 + 100, scores], -1)[None]
    constants = {
        "codes": codes.reshape(1, people * 17, 3, 1, 1),
        "near": np.array(5.5, np.float32),
        "one": np.array(1.0, np.float32),
        "x_grid": np.arange(width, dtype=np.float32).reshape(1, 1, 1, width),
        "y_grid": np.arange(height, dtype=np.float32).reshape(1, 1, height, 1),
        "boxes": dets.astype(np.float32),
        "row": np.array([1], np.int64),
        "plane": np.array([2, 3], np.int64),
        "last": np.array([2], np.int64),
        "shape": np.array([1, people, 17, 3], np.int64),
    }
    nodes = [
        onnx.node("Cast", ["input"], ["pixels"], to=onnx.FLOAT),
        onnx.node("Unsqueeze", ["pixels", "row"], ["image"]),
        onnx.node("Sub", ["image", "codes"], ["difference"]),
        onnx.node("Abs", ["difference"], ["distance"]),
        onnx.node("ReduceMax", ["distance"], ["farthest"], axes=[2], keepdims=0),
        onnx.node("Less", ["farthest", "near"], ["is_dot"]),
        onnx.node("Cast", ["is_dot"], ["dot"], to=onnx.FLOAT),
        onnx.node("ReduceSum", ["dot", "plane"], ["count"], keepdims=0),
        onnx.node("Max", ["count", "one"], ["divisor"]),
        *_center("x"),
        *_center("y"),
        onnx.node("Min", ["count", "one"], ["confidence"]),
        *(onnx.node("Unsqueeze", [name, "last"], [f"{name}_column"]) for name in ("x", "y", "confidence")),
        onnx.node("Concat", ["x_column", "y_column", "confidence_column"], ["columns"], axis=2),
        onnx.node("Reshape", ["columns", "shape"], ["keypoints"]),
        onnx.node("Identity", ["boxes"], ["dets"]),
    ]
    return onnx.model(
        nodes,
        [onnx.tensor(name, value) for name, value in constants.items()],
        [onnx.value_info("input", [1, 3, *size], onnx.FLOAT16 if half else onnx.FLOAT)],
        [onnx.value_info("dets", [1, people, 5]), onnx.value_info("keypoints", [1, people, 17, 3])],
    )


def recorded(outputs: dict[str, np.ndarray], size=(640, 640)) -> bytes:
    """An ONNX file that gives the same float32 arrays for every picture."""
    return onnx.model(
        [onnx.node("Identity", [f"{name}_value"], [name]) for name in outputs],
        [onnx.tensor(f"{name}_value", value.astype(np.float32)) for name, value in outputs.items()],
        [onnx.value_info("input", [1, 3, *size])],
        [onnx.value_info(name, value.shape) for name, value in outputs.items()],
    )


def _center(axis: str) -> list[bytes]:
    return [
        onnx.node("Mul", ["dot", f"{axis}_grid"], [f"{axis}_places"]),
        onnx.node("ReduceSum", [f"{axis}_places", "plane"], [f"{axis}_sum"], keepdims=0),
        onnx.node("Div", [f"{axis}_sum", "divisor"], [axis]),
    ]
