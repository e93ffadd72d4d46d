"""Pose estimation in photographs with RTMO.

RTMO (Lu et al., *RTMO: Towards High-Performance One-Stage Real-Time Multi-Person Pose Estimation*, CVPR 2024)
detects all people in one pass. Its ONNX files take BGR in [0, 255], [1, 3, H, W], the photograph letterboxed
with gray 114, and return `dets` [1, n, 5] (x1, y1, x2, y2, score) and `keypoints` [1, n, 17, 3]
(x, y, confidence), COCO's 17, both in pixels of the input.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.files import PathLike
from gfla_tf.pose.estimator_weights import find_pose_model, read_pose_model
from gfla_tf.pose.people import PosedImage
from gfla_tf.pose.skeletons import COCO_17, box_area, person_from

MIN_CONFIDENCE = 0.3
"""Estimated keypoints with a confidence below this value, in 0..1, are marked as missing."""

PERSON_SCORE = 0.3
"""Detections of lower score are dropped."""

SAME_PERSON_OVERLAP = 0.65
"""Detections of greater intersection over union are of the same person (RTMO's own threshold)."""

_GRAY = 114
_DEFAULT_SIZE = 640
_DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class PoseEstimator:
    """Estimates the poses of the people in photographs.

    Args:
      path: an RTMO network, as for `find_pose_model`.
      min_confidence: keypoints with a confidence below this value, in 0..1, are marked as missing.

    Raises:
      InputError: onnxruntime is not installed (extra `[pose]`), no network file is found, or it is not
        an RTMO network.
    """

    def __init__(self, path: PathLike | None = None, min_confidence: float = MIN_CONFIDENCE):
        onnxruntime = _import_onnxruntime()
        self.path = find_pose_model(path)
        self.min_confidence = min_confidence
        self._errors = _errors_of(onnxruntime)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        preferred = ("CUDAExecutionProvider", "CPUExecutionProvider")
        providers = [name for name in preferred if name in onnxruntime.get_available_providers()]
        data = read_pose_model(self.path)
        try:
            self._session = onnxruntime.InferenceSession(data, options, providers=providers)
        except self._errors as error:
            raise InputError(f"the pose model {self.path!r} is not an ONNX file, or is damaged") from error
        self._input = self._check_interface()

    def __call__(self, photo: np.ndarray, name: str) -> PosedImage:
        """Estimates the poses of a photograph.

        Args:
          photo: uint8 RGB [H, W, 3].
          name: name of the photograph, for messages and the result.

        Returns:
          A `PosedImage` with the frame (H, W), the largest person first. Keypoints outside the photograph are
          missing, the neck is the midpoint of the shoulders, and people without a keypoint are dropped.

        Raises:
          InputError: the network fails or returns arrays of other shapes than RTMO.
        """
        letterbox = _Letterbox.fit(photo.shape[:2], self._size())
        tensor = np.ascontiguousarray(letterbox.apply(photo)[..., ::-1].transpose(2, 0, 1))[None]
        try:
            dets, keypoints = self._session.run(
                ["dets", "keypoints"], {self._input.name: tensor.astype(_DTYPES[self._input.type])}
            )
        except self._errors as error:
            reason = " ".join(str(error).split())[:120]
            raise InputError(f"the pose model {self.path!r} fails on {name!r}: {reason}") from error
        count = dets.shape[1] if dets.ndim == 3 else -1
        if dets.shape != (1, count, 5) or keypoints.shape != (1, count, len(COCO_17), 3):
            raise InputError(
                f"the pose model {self.path!r} returns arrays of shapes {dets.shape} and {keypoints.shape}: "
                "expected [1, n, 5] and [1, n, 17, 3], as RTMO with COCO's keypoints returns"
            )
        people = [self._person(keypoints[0, index], letterbox) for index in _distinct(dets[0])]
        people = sorted((one for one in people if (one[:, 2] > 0).any()), key=box_area, reverse=True)
        return PosedImage(name, tuple(photo.shape[:2]), tuple(people), name)

    def _person(self, keypoints: np.ndarray, letterbox: _Letterbox) -> np.ndarray:
        points = keypoints.astype(np.float64)[:, [1, 0, 2]]
        points[:, :2] = letterbox.restore(points[:, :2])
        inside = (points[:, :2] >= -0.5).all(-1) & (points[:, :2] < np.array(letterbox.outer) - 0.5).all(-1)
        points[~(inside & np.isfinite(points[:, 2])), 2] = 0.0
        points[:, :2] = np.clip(points[:, :2], 0, np.array(letterbox.outer) - 1)
        return person_from(points, COCO_17, self.min_confidence)

    def _check_interface(self) -> Any:
        """Returns the network's input; raises an `InputError` if inputs or outputs are not RTMO's."""
        inputs, outputs = self._session.get_inputs(), {one.name for one in self._session.get_outputs()}
        images = len(inputs) == 1 and inputs[0].type in _DTYPES and len(inputs[0].shape) == 4
        if not images or not {"dets", "keypoints"} <= outputs:
            raise InputError(
                f"the pose model {self.path!r} is not an RTMO network: expected one image as input and the "
                "outputs 'dets' and 'keypoints', found the outputs "
                f"{', '.join(sorted(map(repr, outputs)))[:120]}"
            )
        return inputs[0]

    def _size(self) -> tuple[int, int]:
        """(H, W) of the input; RTMO's 640 if the network accepts any size."""
        return tuple(side if isinstance(side, int) else _DEFAULT_SIZE for side in self._input.shape[2:])


@dataclass(frozen=True)
class _Letterbox:
    """A photograph in the network's input.

    A pixel's center is half a pixel from its edge, as in OpenCV: x' of the input corresponds to
    x = (x' - left + 0.5) w / width - 0.5 in the photograph. (`gfla_tf.images.frame.Frame` follows the
    convention of the authors' files instead.)

    Attributes:
      outer: (h, w) of the photograph.
      inner: (H, W) of the input.
      size: (height, width) of the resized photograph in the input.
      corner: (top, left) of the resized photograph in the input.
    """

    outer: tuple[int, int]
    inner: tuple[int, int]
    size: tuple[int, int]
    corner: tuple[int, int]

    @classmethod
    def fit(cls, outer: tuple[int, int], inner: tuple[int, int]) -> _Letterbox:
        scale = min(inner[0] / outer[0], inner[1] / outer[1])
        size = tuple(max(1, round(side * scale)) for side in outer)
        return cls(outer, inner, size, ((inner[0] - size[0]) // 2, (inner[1] - size[1]) // 2))

    def apply(self, photo: np.ndarray) -> np.ndarray:
        shrinking = self.size[0] < self.outer[0]
        method = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
        small = cv2.resize(photo, self.size[::-1], interpolation=method)
        image = np.full((*self.inner, 3), _GRAY, np.uint8)
        rows, columns = (slice(c, c + s) for c, s in zip(self.corner, self.size, strict=True))
        image[rows, columns] = small
        return image

    def restore(self, points: np.ndarray) -> np.ndarray:
        """Converts positions [n, 2] (y, x) from the input to the photograph."""
        return (points - self.corner + 0.5) * np.array(self.outer) / np.array(self.size) - 0.5


def _distinct(dets: np.ndarray) -> list[int]:
    """Non-maximum suppression: the kept rows of `dets` [n, 5], by decreasing score."""
    kept: list[int] = []
    for index in np.argsort(-dets[:, 4], kind="stable"):
        if dets[index, 4] >= PERSON_SCORE and all(
            _overlap(dets[index], dets[other]) <= SAME_PERSON_OVERLAP for other in kept
        ):
            kept.append(int(index))
    return kept


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes (x1, y1, x2, y2, ...)."""
    sides = np.minimum(one[2:4], other[2:4]) - np.maximum(one[:2], other[:2])
    common = float(np.prod(np.maximum(sides, 0)))
    union = float(np.prod(one[2:4] - one[:2]) + np.prod(other[2:4] - other[:2])) - common
    return common / union if union > 0 else 0.0


def _import_onnxruntime() -> ModuleType:
    """Imports onnxruntime with its telemetry disabled, unless the environment sets ORT_DISABLE_TELEMETRY=0.

    Otherwise it would store a device id and send events as soon as it is imported.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(
            "pose estimation in photographs requires onnxruntime, which is not installed: "
            "python -m pip install 'gfla-tf[pose]'"
        ) from error
    return onnxruntime


def _errors_of(onnxruntime: ModuleType) -> tuple[type[Exception], ...]:
    """The exceptions of onnxruntime: its own classes, which have no common base, and Python's."""
    own = vars(onnxruntime.capi.onnxruntime_pybind11_state).values()
    classes = [one for one in own if isinstance(one, type) and issubclass(one, Exception)]
    return (*classes, RuntimeError, ValueError)
