"""The person image generator: F and G as one model (paper, Fig. 2)."""

import keras
import tensorflow as tf

from gfla_tf import _compat, ops
from gfla_tf.layers.initializers import INITIAL_GAIN
from gfla_tf.models.flow_field_estimator import FlowFieldEstimator
from gfla_tf.models.network import Network, levels
from gfla_tf.models.presets import PRESETS, preset, preset_weights
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
    def _preset_names(cls):
        return tuple(PRESETS)

    @classmethod
    def _preset_arguments(cls, name):
        return preset(name)

    @classmethod
    def _preset_weights(cls, name):
        return preset_weights(name)

    @property
    def attention_layers(self):
        """{layer: n}, coarse to fine: flows, masks and attentions come in this order."""
        return self.flow_field_estimator.attention_layers

    def _build_layers(self):
        self.flow_field_estimator.build()
        self.target_image_generator.build()

    def call(self, inputs, training=None, return_attention=False):
        encoded = self.encode_source(inputs["source_image"], inputs["source_pose"])
        return self._render(encoded, inputs["target_pose"], return_attention)

    def encode_source(self, source_image, source_pose):
        """What does not depend on the target pose: one source is encoded once for many poses.

        Args:
          source_image: [B, H, W, 3] in [-1, 1].
          source_pose: [B, H, W, 18].

        Returns:
          A dict for `render`: "flow_source", the source's part of F's first convolution [B, H/2, W/2, C];
          "features", the source branch's features at each attention layer, coarse to fine, [B, h, w, C];
          "projected", their part of the kernel prediction net's first layer, see
          `gfla_tf.layers.LocalAttention.project_source`.
        """
        encoded = self.target_image_generator.encode_source(source_image)
        return {
            "flow_source": self.flow_field_estimator.encode_source(source_image, source_pose),
            "features": [features for features, _ in encoded],
            "projected": [projected for _, projected in encoded],
        }

    def render(self, encoded, target_pose, return_attention=False):
        """The encoded source in a target pose: as the call, of which it is the rest.

        Args:
          encoded: what `encode_source` returned, of B sources.
          target_pose: [N, H, W, 18], N = B; or any N where B = 1: one source in N poses.
          return_attention: as in the call.

        Raises:
          ValueError: several sources, and another number of poses.
        """
        encoded = tf.nest.map_structure(lambda part: _one_for_each(part, target_pose), encoded)
        return self._render(encoded, target_pose, return_attention)

    def _render(self, encoded, target_pose, return_attention):
        flows, masks = self.flow_field_estimator.estimate(encoded["flow_source"], target_pose)
        source = list(zip(encoded["features"], encoded["projected"], strict=True))
        image, attentions = self.target_image_generator.render(target_pose, source, flows, masks)
        outputs = {"image": image, "flows": flows, "masks": masks}
        return {**outputs, "attentions": attentions} if return_attention else outputs

    def export(self, filepath, format="tf_saved_model"):
        """Writes a SavedModel of the call for any batch and size, of TensorFlow's own operators only.

        Its `serve` takes the call's dict and returns what `named_outputs` makes of the result, since Keras
        takes no lists. `gfla_tf.export` writes more: photographs and keypoints in, TFLite.

        Raises:
          ValueError: another format.
        """
        if format != "tf_saved_model":
            raise ValueError(f"export writes a tf_saved_model, got format={format!r}")
        g = self.target_image_generator
        channels = {
            "source_image": g.image_channels,
            "source_pose": g.guidance_channels,
            "target_pose": g.guidance_channels,
        }
        inputs = {name: tf.TensorSpec([None, None, None, size], name=name) for name, size in channels.items()}
        archive = keras.export.ExportArchive()
        archive.track(self)
        with ops.portable():
            archive.add_endpoint("serve", lambda inputs: self.named_outputs(self(inputs)), [inputs])
            _compat.write_archive(archive, filepath)

    @staticmethod
    def named_outputs(outputs):
        """The call's result without lists: "flows" becomes "flow_0" (coarse), "flow_1", ..., and so on."""
        lists = {name: value for name, value in outputs.items() if isinstance(value, (list, tuple))}
        named = {name: value for name, value in outputs.items() if name not in lists}
        for name, values in lists.items():
            named.update({f"{name.removesuffix('s')}_{i}": value for i, value in enumerate(values)})
        return named

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


def _one_for_each(part, target_pose):
    """A tensor of the encoded sources with one entry for each pose: itself, or its only one for all."""
    have, poses = part.shape[0], target_pose.shape[0]
    if have is not None and have == poses:
        return part
    if None not in (have, poses) and have != 1:
        raise ValueError(f"{have} encoded sources are for {have} target poses, got {poses}")
    each = tf.broadcast_to(part, tf.concat([tf.shape(target_pose)[:1], tf.shape(part)[1:]], axis=0))
    each.set_shape([poses, *part.shape[1:]])
    return each
