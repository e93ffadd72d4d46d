"""A replacement for SyntheticPeople (a textured square that moves), and a model that knows its truth."""

import numpy as np

SIZE = 32


class MovingSquares:
    """Pairs in which a square of 14 x 14 pixels moves in front of a gray wall; one corner is not visible."""

    image_size = (SIZE, SIZE)
    seed = 7

    def __init__(self, pairs=10):
        self.pairs = pairs

    def num_pairs(self, split):
        return self.pairs

    def as_dataset(self, split, batch_size, *, shuffle=None, heatmaps=True, truth=False):
        samples = [self.sample(split, index) for index in range(self.pairs)]
        for start in range(0, self.pairs, batch_size):
            part = samples[start : start + batch_size]
            yield {name: np.stack([one[name] for one in part]) for name in part[0]}

    def sample(self, split, index):
        rng = np.random.default_rng([split == "train", index])
        dx, dy = (int(value) for value in rng.integers(-5, 6, 2))
        texture = rng.uniform(-1, 1, (14, 14, 3)).astype(np.float32)
        source, target = (np.full((SIZE, SIZE, 3), -0.2, np.float32) for _ in range(2))
        source_parts, target_parts = (np.zeros((SIZE, SIZE), np.int32) for _ in range(2))
        target[9:23, 9:23] = texture
        target_parts[9:23, 9:23] = 1
        source[9 + dy : 23 + dy, 9 + dx : 23 + dx] = texture
        source_parts[9 + dy : 23 + dy, 9 + dx : 23 + dx] = 1
        flow = np.zeros((SIZE, SIZE, 2), np.float32)
        flow[9:23, 9:23] = (dx, dy)
        visibility = np.ones((SIZE, SIZE), np.float32)
        visibility[9:12, 9:12] = 0.0
        points = np.full((18, 2), -1.0, np.float32)
        points[:4] = [[9, 9], [9, 22], [22, 9], [22, 22]]
        return {
            "source_image": source,
            "target_image": target,
            "source_keypoints": points,
            "target_keypoints": points,
            "source_pose": np.zeros((SIZE, SIZE, 18), np.float32),
            "target_pose": np.full((SIZE, SIZE, 18), index / 100, np.float32),
            "flow": flow,
            "visibility": visibility,
            "source_parts": source_parts,
            "target_parts": target_parts,
        }


class Oracle:
    """A model that returns the true image, mask and flow, with a flow error of `error` pixels."""

    def __init__(self, dataset, split="test", error=0.0):
        self.dataset, self.split, self.error = dataset, split, error

    def count_params(self):
        return 0

    def __call__(self, inputs, training=None, return_attention=False):
        indices = np.rint(np.asarray(inputs["target_pose"])[:, 0, 0, 0] * 100).astype(int)
        samples = [self.dataset.sample(self.split, index) for index in indices]
        flow = np.stack([one["flow"] for one in samples]) + np.array([self.error, 0.0], np.float32)
        mask = np.stack([one["visibility"] for one in samples])[..., None] * 0.8 + 0.1
        outputs = {
            "image": np.stack([one["target_image"] for one in samples]),
            "flows": [flow[:, ::4, ::4] / 4, flow],
            "masks": [mask[:, ::4, ::4], mask],
        }
        if return_attention:
            outputs["attentions"] = [
                np.full((*one.shape[:3], 9), 1 / 9, np.float32) for one in outputs["flows"]
            ]
        return outputs
