"""Loading of state dicts: exact round trips, names of shared convolutions, all problems in one error."""

import numpy as np
import pytest

from gfla_tf import interop, models
from gfla_tf.errors import InputError
from tests.golden import recipe


@pytest.fixture(scope="module")
def market(state_dict_shapes):
    return {name: recipe.weight(name, shape) for name, shape in state_dict_shapes["market_generator"]}


@pytest.fixture
def model():
    return models.PersonImageGenerator.from_preset("market", load_weights=False)


def _assert_state_dict(model, weights):
    """Checks that the model has exactly these weights, under the first name of each convolution."""
    back = interop.torch.state_dict(model)
    assert set(back) == {name for name in weights if not _is_alias(name)}
    for name, value in back.items():
        np.testing.assert_array_equal(value, weights[name], err_msg=name)


def test_round_trip_is_exact(market, model):
    interop.torch.load_state_dict(model, market)
    _assert_state_dict(model, market)


def _is_alias(name):
    return "outconv.model.2" in name or ("jump" in name and ".model.2." in name)


def test_discriminator_round_trip_with_spectral_vectors(state_dict_shapes):
    names = state_dict_shapes["discriminator_4"]
    weights = {name: recipe.weight(name, shape) for name, shape in names}
    model = models.ResDiscriminator(4)
    interop.torch.load_state_dict(model, weights)
    back = interop.torch.state_dict(model)
    assert set(back) == set(weights)
    for name, value in back.items():
        np.testing.assert_array_equal(value, weights[name])


def test_module_prefix_is_removed(market, model):
    interop.torch.load_state_dict(model, {f"module.{name}": value for name, value in market.items()})
    _assert_state_dict(model, market)


def test_the_second_name_of_a_shared_convolution_is_accepted(market, model):
    weights = {name: value for name, value in market.items() if "outconv.conv1" not in name}
    interop.torch.load_state_dict(model, weights)
    renamed = {
        "target.outconv.conv1.weight": market["target.outconv.model.2.weight"],
        "target.outconv.conv1.bias": market["target.outconv.model.2.bias"],
    }
    _assert_state_dict(model, market | renamed)


def test_flow_field_estimator(market):
    weights = {k.removeprefix("flow_net."): v for k, v in market.items() if k.startswith("flow_net.")}
    f = models.FlowFieldEstimator(attention_layers={2: 3})
    interop.torch.load_state_dict(f, weights)
    _assert_state_dict(f, weights)


def test_one_error_lists_every_problem_and_the_model_is_unchanged(market, model):
    before = [np.asarray(v) for v in model.variables]
    weights = dict(market)
    del weights["source.block0.model.2.bias"]
    weights["target.attn9.weight"] = np.zeros(3, np.float32)
    weights["source.encoder0.model.2.weight"] = np.zeros((64, 128, 4, 4), np.float32)
    weights["flow_net.output2.bias"] = np.array([np.nan, 0], np.float32)
    weights["flow_net.mask2.0.bias"] = np.array([1])
    with pytest.raises(InputError) as caught:
        interop.torch.load_state_dict(model, weights)
    message = str(caught.value)
    for part in (
        "5 problems",
        "missing source.block0.model.2.bias (64,)",
        "unexpected target.attn9.weight",
        "misshapen source.encoder0.model.2.weight (64, 128, 4, 4), expected (128, 64, 4, 4)",
        "flow_net.output2.bias contains NaN or infinity",
        "flow_net.mask2.0.bias has dtype int64",
    ):
        assert part in message
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_model_without_counterpart_is_rejected():
    with pytest.raises(TypeError, match="without its first normalization"):
        interop.torch.state_dict(models.PersonImageGenerator.from_preset("synthetic", load_weights=False))
