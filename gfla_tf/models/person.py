"""The person image generator: F and G as one model (paper, Fig. 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from gfla_tf import arguments
from gfla_tf.layers.initializers import INITIAL_GAIN
from gfla_tf.models.flow_field_estimator import FlowFieldEstimator
from gfla_tf.models.network import Network
from gfla_tf.models.network_arguments import MAX_SIDE, check_attention_layers
from gfla_tf.models.presets import PRESETS, preset, preset_weights
from gfla_tf.models.target_image_generator import TargetImageGenerator


@keras.saving.register_keras_serializable(package="gfla_tf")
class PersonImageGenerator(Network):
    """Generates an image of the person in a source image in a target pose.

      w, m = F(x_s, p_s, p_t)                                                                       Eq. 1
      x = G(x_s, p_t, w, m)                                                                         Eq. 7

    Example:

    ```python
    from gfla_tf.data import SyntheticPeople
    from gfla_tf.models import PersonImageGenerator

    model = PersonImageGenerator.from_preset("synthetic")  # the shipped weights
    people = SyntheticPeople(model.image_size, heatmap_sigma=model.heatmap_sigma)
    batch = next(iter(people.as_dataset("test", batch_size=2)))
    outputs = model({key: batch[key] for key in ("source_image", "source_pose", "target_pose")})
    print(outputs["image"].shape)  # (2, 64, 64, 3)
    ```

    Args:
      image_size: (H, W) of the images the model is trained for; it runs on any size that is divisible by
        2^flow_encoder_layers and 2^num_layers.
      attention_layers: {layer: n}: local attention with patch size n at 1 / 2^layer of the image size.
        Defaults to {3: 3, 2: 5}.
      image_channels: channels of the images.
      pose_channels: channels of each pose.
      width: channels of the first encoder block of G; they double per layer, up to `max_width`.
      max_width: maximum number of channels of G.
      num_layers: number of downsampling blocks of each branch of G.
      attention_hidden: hidden channels of the kernel prediction nets.
      average_attention: whether to keep the factor 1/n^2 of the paper; see `gfla_tf.layers.LocalAttention`.
      normalize_source: whether the first block of the source branch has instance normalizations.
      flow_width: `width` of `FlowFieldEstimator`.
      flow_max_width: `max_width` of `FlowFieldEstimator`.
      flow_encoder_layers: `encoder_layers` of `FlowFieldEstimator`.
      heatmap_sigma: standard deviation, in pixels, of the pose maps the model is trained with. The networks
        do not use it.
      initial_gain: gain of the orthogonal initializer of all kernels.

    Call arguments:
      inputs: a dict with "source_image" [B, H, W, 3], float in [-1, 1] or uint8 in [0, 255], and
        "source_pose" and "target_pose" [B, H, W, 18].
      return_attention: whether to return the attention kernels as well.

    Returns:
      A dict of float32 tensors: "image" [B, H, W, 3] in [-1, 1], and the lists, from coarse to fine, "flows"
      of [B, h, w, 2] and "masks" of [B, h, w, 1]; with `return_attention=True` also "attentions" of
      [B, h, w, n*n].

    Raises:
      ValueError: an argument of another type or out of range, an attention layer is greater than `num_layers`
        or not less than `flow_encoder_layers`, or the image size is not divisible as above.
    """

    def __init__(
        self,
        image_size: tuple[int, int] = (256, 256),
        attention_layers: Mapping[int | str, int] | None = None,
        image_channels: int = 3,
        pose_channels: int = 18,
        width: int = 64,
        max_width: int = 512,
        num_layers: int = 3,
        attention_hidden: int = 128,
        average_attention: bool = True,
        normalize_source: bool = True,
        flow_width: int = 32,
        flow_max_width: int = 256,
        flow_encoder_layers: int = 5,
        heatmap_sigma: float = 6.0,
        initial_gain: float = INITIAL_GAIN,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        attention_layers = dict(
            check_attention_layers({3: 3, 2: 5} if attention_layers is None else attention_layers)
        )
        self.flow_field_estimator = FlowFieldEstimator(
            attention_layers=attention_layers,
            image_channels=image_channels,
            pose_channels=pose_channels,
            width=flow_width,
            max_width=flow_max_width,
            encoder_layers=flow_encoder_layers,
            heatmap_sigma=heatmap_sigma,
        )
        self.target_image_generator = TargetImageGenerator(
            attention_layers=attention_layers,
            image_channels=image_channels,
            guidance_channels=pose_channels,
            width=width,
            max_width=max_width,
            num_layers=num_layers,
            attention_hidden=attention_hidden,
            average_attention=average_attention,
            normalize_source=normalize_source,
        )
        halvings = max(flow_encoder_layers, num_layers)  # checked by F and G
        self.image_size = arguments.image_size(image_size, 1, MAX_SIDE, 2**halvings)
        self.heatmap_sigma = arguments.number("heatmap_sigma", heatmap_sigma, 0, MAX_SIDE, strict=True)
        self.initial_gain = arguments.number("initial_gain", initial_gain, 0, 1000, strict=True)
        self.build()
        if initial_gain != INITIAL_GAIN:
            for kernel in (v for v in self.trainable_variables if len(v.shape) == 4):
                kernel.assign(kernel * (initial_gain / INITIAL_GAIN))

    @classmethod
    def _preset_names(cls):
        return tuple(PRESETS)

    @classmethod
    def _preset_arguments(cls, name):
        return preset(name)

    @classmethod
    def _preset_weights(cls, name):
        return preset_weights(name)

    @property
    def attention_layers(self) -> dict[int, int]:
        """{layer: n}, from coarse to fine; flows, masks and attentions are in this order."""
        return self.flow_field_estimator.attention_layers

    def _build_layers(self):
        self.flow_field_estimator.build()
        self.target_image_generator.build()

    def call(
        self, inputs: Mapping[str, tf.Tensor], training: bool | None = None, return_attention: bool = False
    ) -> dict[str, Any]:
        encoded = self.encode_source(inputs["source_image"], inputs["source_pose"])
        return self._render(encoded, inputs["target_pose"], return_attention)

    def encode_source(self, source_image: tf.Tensor, source_pose: tf.Tensor) -> dict[str, Any]:
        """Computes what does not depend on the target pose, once for many poses.

        Args:
          source_image: [B, H, W, 3], float in [-1, 1] or uint8 in [0, 255].
          source_pose: [B, H, W, 18].

        Returns:
          A dict for `render`: "flow_source", the source's part of the first convolution of F
          [B, H/2, W/2, C]; and two lists with one entry per attention layer, from coarse to fine:
          "features", the features of the source branch [B, h, w, C], and "projected", their part of the
          kernel prediction net's first layer; see `gfla_tf.layers.LocalAttention.project_source`.
        """
        encoded = self.target_image_generator.encode_source(source_image)
        return {
            "flow_source": self.flow_field_estimator.encode_source(source_image, source_pose),
            "features": [features for features, _ in encoded],
            "projected": [projected for _, projected in encoded],
        }

    def render(
        self, encoded: Mapping[str, Any], target_pose: tf.Tensor, return_attention: bool = False
    ) -> dict[str, Any]:
        """Renders encoded sources in target poses.

        Args:
          encoded: the result of `encode_source` for B sources.
          target_pose: [N, H, W, 18] with N = B, or any N if B = 1: one source in N poses.
          return_attention: as for the call.

        Returns:
          The outputs of the call, for N images.

        Raises:
          ValueError: B > 1 and N differs from B.
        """
        encoded = tf.nest.map_structure(lambda part: _repeat_for_poses(part, target_pose), encoded)
        return self._render(encoded, target_pose, return_attention)

    def _render(self, encoded, target_pose, return_attention):
        flows, masks = self.flow_field_estimator.estimate(encoded["flow_source"], target_pose)
        source = list(zip(encoded["features"], encoded["projected"], strict=True))
        image, attentions = self.target_image_generator.render(target_pose, source, flows, masks)
        outputs = {"image": image, "flows": flows, "masks": masks}
        return {**outputs, "attentions": attentions} if return_attention else outputs

    def _signature(self):
        return self.flow_field_estimator._signature()

    def _serve(self, inputs):
        return self.named_outputs(self(inputs))

    def get_config(self) -> dict[str, Any]:
        f, g = self.flow_field_estimator, self.target_image_generator
        return {
            **super().get_config(),
            "image_size": list(self.image_size),
            "attention_layers": {str(layer): n for layer, n in self.attention_layers.items()},
            "image_channels": g.image_channels,
            "pose_channels": g.guidance_channels,
            "width": g.width,
            "max_width": g.max_width,
            "num_layers": g.num_layers,
            "attention_hidden": g.attention_hidden,
            "average_attention": g.average_attention,
            "normalize_source": g.normalize_source,
            "flow_width": f.width,
            "flow_max_width": f.max_width,
            "flow_encoder_layers": f.encoder_layers,
            "heatmap_sigma": self.heatmap_sigma,
            "initial_gain": self.initial_gain,
        }


def _repeat_for_poses(part, target_pose):
    """Broadcasts a tensor of the encoded sources to the number of poses."""
    sources, poses = part.shape[0], target_pose.shape[0]
    if sources is not None and sources == poses:
        return part
    if None not in (sources, poses) and sources != 1:
        raise ValueError(f"{sources} encoded sources need {sources} target poses, got {poses}")
    each = tf.broadcast_to(part, tf.concat([tf.shape(target_pose)[:1], tf.shape(part)[1:]], axis=0))
    each.set_shape([poses, *part.shape[1:]])
    return each
