"""The model that comes with the project."""

from gfla_tf.errors import InputError
from gfla_tf.resources import resource


def shipped_model_path():
    """The path of the shipped `synthetic` model, a `.keras` file trained by configs/synthetic.yaml.

    Raises:
      InputError: this installation lacks it.
    """
    try:
        return resource("savedmodels", "synthetic", "model.keras")
    except InputError as error:
        raise InputError(
            "the shipped model savedmodels/synthetic/model.keras is not there; name a model with --model"
        ) from error
