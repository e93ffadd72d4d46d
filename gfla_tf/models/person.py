"""The person image generator: F and G as one model (paper, Fig. 2)."""

import keras

from gfla_tf.layers.initializers import INITIAL_GAIN
from gfla_tf.models.flow_field_estimator import FlowFieldEstimator
from gfla_tf.models.network import Network, levels
from gfla_tf.models.presets import preset
from gfla_tf.models.target_image_generator import TargetImageGenerator


@keras.saving.register_keras_serializable(package="gfla_tf")
class PersonImageGenerator(Network):
    """A source image, its pose and a target pose in; that person in that pose out.

      w, m = F(x_s, p_s, p_t)
      x = G(x_s, p_t, w, m)

    Args:
      image_size: (H, W) the model is made for; it runs on any size divisible by 2^flow_encoder_layers.
      attention_layers: {layer: n}: local attention of patch size n at 1 / 2^layer of the image.
      image_channels, pose_channels: channels of the image and of each pose.
      width, max_width, num_layers, attention_hidden, average_attention, normalize_source: see
        `TargetImageGenerator`.
      flow_width, flow_max_width, flow_encoder_layers: of `FlowFieldEstimator`.
      initial_gain: of the orthogonal matrices that all kernels start as.
      heatmap_sigma: pixels, of the pose maps the model is trained with; not used by the networks themselves.

    Call: {"source_image": [B, H, W, 3] in [-1, 1], "source_pose", "target_pose": [B, H, W, 18]} ->
    {"image": [B, H, W, 3] in [-1, 1], "flows": [coarse, ..., fine] of [B, h, w, 2], "masks": the same of
    [B, h, w, 1]}, all float32; with return_attention=True also "attentions": the same of [B, h, w, n*n].

    Raises:
      ValueError: sizes that the down-samplings do not divide.
    """

    def __init__(
        self,
        image_size=(256, 256),
        attention_layers=None,
        image_channels=3,
        pose_channels=18,
        width=64,
        max_width=512,
        num_layers=3,
        attention_hidden=128,
        average_attention=True,
        normalize_source=True,
        flow_width=32,
        flow_max_width=256,
        flow_encoder_layers=5,
        heatmap_sigma=6.0,
        initial_gain=INITIAL_GAIN,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.image_size = tuple(image_size)
        self.heatmap_sigma = heatmap_sigma
        attention_layers = dict(levels({3: 3, 2: 5} if attention_layers is None else attention_layers))
        self.flow_field_estimator = FlowFieldEstimator(
            attention_layers=attention_layers,
            image_channels=image_channels,
            pose_channels=pose_channels,
            width=flow_width,
            max_width=flow_max_width,
            encoder_layers=flow_encoder_layers,
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
        self.initial_gain = initial_gain
        self.build()
        if initial_gain != INITIAL_GAIN:
            for kernel in (v for v in self.trainable_variables if len(v.shape) == 4):
                kernel.assign(kernel * (initial_gain / INITIAL_GAIN))

    @classmethod
    def from_preset(cls, name, **overrides):
        """A new, untrained model of a named configuration: "fashion", "market" or "synthetic".

        Raises:
          ValueError: an unknown name.
        """
        return cls(**{**preset(name), **overrides})

    @property
    def attention_layers(self):
        """{layer: n}, coarse to fine: flows, masks and attentions come in this order."""
        return self.flow_field_estimator.attention_layers

    def _build_layers(self):
        self.flow_field_estimator.build()
        self.target_image_generator.build()

    def call(self, inputs, training=None, return_attention=False):
        flows, masks = self.flow_field_estimator(inputs)
        image, attentions = self.target_image_generator(
            {
                "source_image": inputs["source_image"],
                "guidance": inputs["target_pose"],
                "flows": flows,
                "masks": masks,
            },
            return_attention=True,
        )
        outputs = {"image": image, "flows": flows, "masks": masks}
        return {**outputs, "attentions": attentions} if return_attention else outputs

    def get_config(self):
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
