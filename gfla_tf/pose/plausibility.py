"""Plausibility of keypoints: whether they are those of their names, judged over the people of a file.

A file in another order of keypoints, or with left and right swapped, has the form of a correct one. What it
lacks is the shape of people: neighbors close to each other (`gfla_tf.pose.skeleton_length`), the neck between
the shoulders, limbs joined to their own side, and the right shoulder on the left in images of people whose
faces are visible. A single person may be seen from behind, twisted or with crossed limbs, so except for
OpenPose's look-alike orders, the evidence is that of most of at least three people.
"""

from __future__ import annotations

import numpy as np

from gfla_tf.errors import InputError
from gfla_tf.pose.known_orders import LOOK_ALIKES
from gfla_tf.pose.skeleton_length import INDEX, length_ratio, shortest_order, side_ratio
from gfla_tf.pose.skeletons import BODY_25, COCO_18

MIN_PEOPLE = 3
MOST = 0.8
"""Fraction of the people from which on they are evidence against a file."""

_MAX_PEOPLE = 1000  # of a file are judged, evenly spaced
_LONG, _SHORT, _SHORTER = 1.6, 1.9, 0.75  # length ratios in our order, in another, and of the two
_NO_ORDER, _NO_ORDER_OF_ONE, _ORDER = 1.9, 2.5, 1.5  # of files in an unknown order, and in the right one
_LONG_SIDE = 1.5  # length ratio of one side, which people in profile do not reach
_COMPLETE, _ENOUGH = 17, 12  # found keypoints of a person
_CLEAR, _CLEAR_FACE = 0.04, 0.01  # fractions of a person's size; shorter distances are not judged
_WIDE = 0.1
_VARIED = 0.05  # root mean square difference of poses, in fractions of a person's size
_SOME = 0.3  # fraction of the people

_LINKS = (
    *(("shoulder", "hip"), ("shoulder", "elbow"), ("shoulder", "ear"), ("shoulder", "eye"), ("ear", "eye")),
    *(("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")),
)
"""Pairs of joints of which both point from right to left alike."""
_CHAINS = (
    *(("nose", "eye", "ear"), ("neck", "shoulder", "elbow"), ("shoulder", "elbow", "wrist")),
    *(("shoulder", "hip", "knee"), ("hip", "knee", "ankle")),
)
"""Three joints of which the second is closer to the first than the third is."""
_LONGEST = {"wrist": 0.75, "ankle": 1.1}
"""Lengths of an upper arm and of a thigh, by the end of their chain, in lengths of the torso.

People who kneel do not exceed them; if joints are exchanged, the length of the whole limb is measured.
"""
_FIRM = _LINKS[:2]
"""Those to which all images of one pose, such as the frames of a video, are hardly an exception."""


def check_plausible(
    points: np.ndarray, found: np.ndarray, where: str, sure: np.ndarray | None = None
) -> None:
    """Raises an `InputError` if the keypoints of a file are implausible; see `implausibility`."""
    evidence = implausibility(points, found, sure)
    if evidence is not None:
        raise InputError(f"{where}: {evidence}")


def implausibility(points: np.ndarray, found: np.ndarray, sure: np.ndarray | None = None) -> str | None:
    """Judges whether the keypoints of the people of a file are those of their names.

    Args:
      points: [N, 18, 2] or [N, 25, 2] (y, x), in the order of COCO_18 or BODY_25.
      found: bool [N, 18] or [N, 25]. Keypoints that are not found are not considered.
      sure: bool of that shape, the keypoints that were certainly seen; by default all that were found.

    Returns:
      None if they are plausible or there is no evidence, otherwise what is wrong and what to do.

    Raises:
      ValueError: another number of keypoints.
    """
    points, found = np.asarray(points, np.float64), np.asarray(found, bool)
    sure = found if sure is None else found & np.asarray(sure, bool)
    if points.shape[1] not in (len(COCO_18), len(BODY_25)):
        raise ValueError(f"points must be [N, 18, 2] or [N, 25, 2], got shape {points.shape}")
    if len(points) > _MAX_PEOPLE:
        chosen = np.linspace(0, len(points) - 1, _MAX_PEOPLE).round().astype(int)
        points, found, sure = points[chosen], found[chosen], sure[chosen]
    if points.shape[1] == len(COCO_18):
        points, found, sure = (_to_body_25(values) for values in (points, found, sure))
    ratios = length_ratio(points, found)
    usable = np.isfinite(ratios)
    if not usable.any():
        return None
    people, ratio = _People(points[usable], found[usable], sure[usable]), _median(ratios)
    known = _look_alike(people, ratio)
    if known is not None or len(people.points) < MIN_PEOPLE:
        return known
    if ratio > (_NO_ORDER if people.varied else _NO_ORDER_OF_ONE):
        return _other_order(people)
    return _misplaced(people) or _exchanged(people) or _crossed(people) or _mirrored(people)


class _People:
    """People [N, 25] whose keypoints are judged.

    Attributes:
      points, found, sure: see `implausibility`.
      size: the diagonal of each person's bounding box [N].
      varied: whether there are several poses, unlike in a video of one.
    """

    def __init__(self, points: np.ndarray, found: np.ndarray, sure: np.ndarray):
        self.points, self.found, self.sure = points, found, sure
        inside = np.where(found[..., None], points, np.nan)
        self.size = _norm(np.nanmax(inside, 1) - np.nanmin(inside, 1))
        self.varied = self._varies()

    def _varies(self) -> bool:
        """Compares the keypoints that each person has in common with the most complete one."""
        reference = int(np.argmax(self.found.sum(-1)))
        common = self.found & self.found[reference]
        counts = np.maximum(common.sum(-1), 1)[:, None, None]
        both = np.stack([self.points, np.broadcast_to(self.points[reference], self.points.shape)])
        both = np.where(common[..., None], both, 0.0)
        both = np.where(common[..., None], both - both.sum(2, keepdims=True) / counts, 0.0)
        lengths = np.sqrt((both**2).sum((2, 3)))  # [2, N]
        scaled = both[0] * (lengths[1] / np.maximum(lengths[0], 1e-9))[:, None, None]
        squared = ((scaled - both[1]) ** 2).sum() / max(int(common.sum()), 1)
        return bool(np.sqrt(squared / 2) > _VARIED * self.size[reference])

    def point(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """A keypoint [N, 2] and whether it was found [N]."""
        return self.points[:, INDEX[name]], self.found[:, INDEX[name]]

    def across(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The vector [N, 2] from a right keypoint to the left one, and whether it is clear [N]."""
        (right, has_right), (left, has_left) = self.point(f"right_{name}"), self.point(f"left_{name}")
        clear = (_CLEAR_FACE if name in ("eye", "ear") else _CLEAR) * self.size
        return left - right, has_right & has_left & (_norm(left - right) > clear)

    def torso(self) -> tuple[np.ndarray, np.ndarray]:
        """The vector [N, 2] from the neck to the middle of the hips, and whether these were found [N]."""
        names = ("neck", "right_hip", "left_hip")
        (neck, has_neck), (right, has_right), (left, has_left) = map(self.point, names)
        return (right + left) / 2 - neck, has_neck & has_right & has_left

    def down(self) -> tuple[np.ndarray, np.ndarray]:
        """The vector [N, 2] of `torso`, and whether it was found, is clear and vertical [N]."""
        vector, found = self.torso()
        clear = (_norm(vector) > 2 * _CLEAR * self.size) & (np.abs(vector[:, 0]) > np.abs(vector[:, 1]))
        return vector, found & clear


def _look_alike(people: _People, ratio: float) -> str | None:
    """Compares the lengths of skeletons with those in the known other orders of as many keypoints."""
    if ratio <= _LONG:
        return None
    several = people.varied and len(people.points) >= MIN_PEOPLE
    complete = float(np.median(people.found.sum(-1))) >= _COMPLETE
    if not complete and len(people.points) < MIN_PEOPLE and people.found.sum(-1).max() < _ENOUGH:
        return None
    longest = min(_SHORT if complete else _ORDER, _SHORTER * ratio)
    for order in LOOK_ALIKES:
        lacking = [index for name, index in INDEX.items() if name not in order.ours and name != "neck"]
        if people.found[:, lacking].any() or not (order.distinct or several):
            continue
        points, found = order.read(people.points, people.found)
        if _median(length_ratio(points, found)) <= longest:
            return (
                f"the keypoints look like {order.title}, which has another order: convert the file to the "
                f"order {', '.join(order.ours)}"
            )
    return None


def _other_order(people: _People) -> str | None:
    """Searches another order in which the keypoints are those of people."""
    if np.median(people.found.sum(-1)) < _ENOUGH:
        return None  # of few keypoints, any are those of people in some order
    if not _LONG_SIDE < _median(side_ratio(people.points, people.found)) < float("inf"):
        return None
    order = shortest_order(people.points, people.found)
    if _median(length_ratio(people.points[:, order], people.found[:, order])) > _ORDER:
        return None
    return (
        f"the keypoints of most of {len(people.points)} people do not fit their names, but would in another "
        f"order: correct it (18 keypoints: {', '.join(COCO_18)})"
    )


def _misplaced(people: _People) -> str | None:
    """Checks that the neck is between the shoulders, and the middle hip between the hips."""
    for middle, ends in (("neck", "shoulder"), ("mid_hip", "hip")):
        point, has_point = people.point(middle)
        vector, clear = people.across(ends)
        between = people.point(f"right_{ends}")[0] + vector / 2
        width, away = _norm(vector), _norm(point - between)
        judged = has_point & clear & (width > 2.5 * _CLEAR * people.size)
        text = _by_most(away > 0.75 * width, judged)
        if text is None and middle == "neck":
            nose, has_nose = people.point("nose")
            text = _by_most(_norm(nose - between) < 0.9 * away, judged & has_nose)
        if text:
            return (
                f"the keypoints are implausible: in {text} people, the {_words(middle)} is not between the "
                f"{ends}s; correct the order of the keypoints"
            )
    return None


def _exchanged(people: _People) -> str | None:
    """Checks the order of the joints of limbs, which must be wrong on both sides if both are visible."""
    longest, most = (1.3, _SOME) if people.varied else (1.1, MOST)
    torso, has_torso = people.torso()
    for chain in _CHAINS:
        wrong = []
        for side in ("right", "left"):
            names = [name if name in INDEX else f"{side}_{name}" for name in chain]
            (a, has_a), (b, has_b), (c, has_c) = map(people.point, names)
            whole, part, rest = _norm(b - a), _norm(c - a), _norm(b - c)
            judged = has_a & has_b & has_c & (whole > _CLEAR_FACE * people.size)
            scaled = chain[-1] in _LONGEST and has_torso.any()
            if scaled:
                judged &= has_torso
            if judged.sum() < MIN_PEOPLE:
                continue
            between = (part + rest < longest * whole) & (np.minimum(part, rest) > 0.25 * whole) & judged
            if scaled:
                between &= whole > _LONGEST[chain[-1]] * _norm(torso)
            text = _by_most(part < 0.9 * whole, judged)
            wrong.append((text, *map(_words, names)) if between.sum() >= most * judged.sum() else None)
        if wrong and all(one and one[0] for one in wrong):
            text, first, second, third = wrong[0]
            return (
                f"the keypoints are implausible: in {text} people, the {third} is closer to the {first} than "
                f"the {second}; correct the order of the keypoints"
            )
    return None


def _crossed(people: _People) -> str | None:
    """Checks that limbs are joined to their own side."""
    for link in _LINKS:
        (a, has_a), (b, has_b) = map(people.across, link)
        cosine = (a * b).sum(-1) / np.maximum(_norm(a) * _norm(b), 1e-9)
        judged = has_a & has_b & (np.abs(cosine) > 0.5)
        if link in _FIRM:
            wide = (np.abs(cosine) > 0.85) & (np.minimum(_norm(a), _norm(b)) > _WIDE * people.size)
            judged &= wide & ((wide & judged).sum() >= _SOME * judged.sum())
        text = _by_most(cosine < 0, judged)
        if text and (link in _FIRM or people.varied):
            return (
                f"left and right are swapped among some keypoints: in {text} people, the right {link[1]} is "
                f"on the side of the left {link[0]}; correct the names or the order of the keypoints"
            )
    return None


def _mirrored(people: _People) -> str | None:
    """Checks that the right shoulder is on the left in images of people whose faces are visible."""
    (eyes, has_eyes), (shoulders, has_shoulders) = people.across("eye"), people.across("shoulder")
    down, has_down = people.down()
    face = people.sure[:, [INDEX[name] for name in ("nose", "right_eye", "left_eye")]].all(-1)
    sides = [down[:, 0] * vector[:, 1] - down[:, 1] * vector[:, 0] for vector in (eyes, shoulders)]
    across = np.abs(sides[1]) > 0.5 * _norm(down) * _norm(shoulders)
    from_eye = people.point("nose")[0] - people.point("right_eye")[0]
    nose = (from_eye * eyes).sum(-1) / np.maximum((eyes * eyes).sum(-1), 1e-9)
    face &= (nose > 0) & (nose < 1)  # in profile, it is beyond the eyes, of which one is hidden
    text = _by_most((sides[0] < 0) & (sides[1] < 0), face & has_eyes & has_shoulders & has_down & across)
    if text is None:
        return None
    return (
        f"left and right are swapped: in {text} people whose faces are visible, the right shoulder and eye "
        "are on the right; exchange left and right, or mark the keypoints of the face as missing in images "
        "of people seen from behind"
    )


def _by_most(marked: np.ndarray, judged: np.ndarray) -> str | None:
    """Formats "3 of 4" if at least `MOST` of at least `MIN_PEOPLE` judged people [N] are marked."""
    total, count = int(judged.sum()), int((marked & judged).sum())
    return f"{count} of {total}" if total >= MIN_PEOPLE and count >= MOST * total else None


def _median(ratios: np.ndarray) -> float:
    """The median of the ratios [N] without NaN; infinity if there is none."""
    ratios = ratios[np.isfinite(ratios)]
    return float(np.median(ratios)) if len(ratios) else float("inf")


def _norm(vectors: np.ndarray) -> np.ndarray:
    return np.linalg.norm(vectors, axis=-1)


def _to_body_25(values: np.ndarray) -> np.ndarray:
    """Inserts zeros for the keypoints that COCO_18 [N, 18, ...] does not have."""
    result = np.zeros((len(values), len(BODY_25), *values.shape[2:]), values.dtype)
    result[:, [INDEX[name] for name in COCO_18]] = values
    return result


def _words(name: str) -> str:
    return name.replace("_", " ")
