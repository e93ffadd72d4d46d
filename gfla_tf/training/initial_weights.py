"""Where a run begins: new networks, or trained ones (`model.weights`, `model.discriminator_weights`)."""

from gfla_tf.errors import InputError
from gfla_tf.models import FlowFieldEstimator, PersonImageGenerator, ResDiscriminator
from gfla_tf.models.archive import load_network

_NOT_IN_WEIGHTS = ("name", "dtype", "image_size", "heatmap_sigma", "initial_gain")


def load_initial_weights(config, model, discriminator):
    """Gives F and G, and D, the weights that a configuration names.

    Args:
      config: `model.weights` is a `.keras` file of F and G, or of F alone, whose stage 1 is then over and
        whose G is new; `model.discriminator_weights` is one of D.
      model, discriminator: the run's `PersonImageGenerator` and `ResDiscriminator`, changed in place.

    Raises:
      InputError: a file that cannot be read, holds another network, or one with other arguments than the
        configuration's; nothing has been changed then.
    """
    pairs = []
    if config.model.weights is not None:
        loaded = load_network(config.model.weights, [PersonImageGenerator, FlowFieldEstimator])
        alone = isinstance(loaded, FlowFieldEstimator)
        pairs.append((config.model.weights, loaded, model.flow_field_estimator if alone else model))
    if config.model.discriminator_weights is not None:
        path = config.model.discriminator_weights
        pairs.append((path, load_network(path, [ResDiscriminator]), discriminator))
    for path, loaded, network in pairs:
        _check_same_arguments(path, loaded, network)
    for _, loaded, network in pairs:
        network.set_weights(loaded.get_weights())


def _check_same_arguments(path, loaded, network):
    theirs, ours = loaded.get_config(), network.get_config()
    if isinstance(loaded, FlowFieldEstimator):  # the patch sizes belong to G
        for arguments in (theirs, ours):
            arguments["attention_layers"] = list(arguments["attention_layers"])
    different = [
        f"{name} is {theirs[name]}, not {ours[name]}"
        for name in ours
        if name not in _NOT_IN_WEIGHTS and theirs[name] != ours[name]
    ]
    if different:
        raise InputError(
            f"the network in {path} is not that of the configuration: its {'; its '.join(different)}"
        )
