"""Tests of reading configurations, overrides and error messages."""

import dataclasses
import os
import re

import pytest
import yaml

from gfla_tf.config import Config, find_config, load_config
from gfla_tf.errors import InputError


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "run.yaml"
        path.write_text(text)
        return path

    return write


def test_a_file_changes_the_defaults(file):
    config = load_config(file("model: {preset: market}\nstage1:\n  epochs: 3\n  learning_rate: 1e-3\n"))
    assert (config.model.preset, config.stage1.epochs, config.stage1.learning_rate) == ("market", 3, 1e-3)
    assert config.stage2 == Config().stage2
    assert load_config(file("")) == Config()
    assert load_config(file("stage1:\n")) == Config()


def test_overrides_are_applied_in_order(file):
    path = file("stage1: {epochs: 3}\nmodel: {overrides: {width: 8}}")
    config = load_config(
        path,
        ["stage1.epochs=5", "seed=7", "stage1.epochs=6", "model.overrides.max_width=16", "data.root=a b"],
    )
    assert (config.stage1.epochs, config.seed, config.data.root) == (6, 7, "a b")
    assert config.model.overrides == {"width": 8, "max_width": 16}


def test_values_are_converted(file):
    config = load_config(file("stage1: {correctness: 3, final_learning_rate: null, learning_rate: 1.0e-3}"))
    assert config.stage1.correctness == 3.0
    assert isinstance(config.stage1.correctness, float)
    assert config.stage1.final_learning_rate is None


def test_round_trip(file):
    config = load_config(
        file("batch_size: 3\nstage2: {flow_learning_rate: 1e-5}"), ["data.source=deepfashion"]
    )
    assert load_config(file(yaml.safe_dump(config.to_dict()))) == config


def test_configurations_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().seed = 1


@pytest.mark.parametrize("preset", ["fashion", "market"])
def test_paper_configurations(preset):
    config = load_config(find_config(preset))
    default = Config()
    assert config.model.preset == preset
    assert (config.features.kind, config.features.vgg_input) == ("vgg19", "signed")
    assert config.batch_size == 8
    for stage in ("stage1", "stage2"):
        assert dataclasses.replace(getattr(config, stage), epochs=0) == dataclasses.replace(
            getattr(default, stage), epochs=0
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stage1: {epoch: 3}", "unknown setting stage1.epoch; did you mean stage1.epochs?"),
        ("color: red", "unknown setting color; the settings are model, data, features, stage1"),
        ("seed: one", "seed must be an integer, got 'one'"),
        ("seed: true", "seed must be an integer, got True"),
        ("seed: -1", "seed must be at least 0, got -1"),
        ("seed: 4294967296", "seed must be below 4294967296, got 4294967296"),
        ("batch_size: -1" + "0" * 400, "batch_size must be at least 1, got -1000"),
        ("stage1: {learning_rate: 1" + "0" * 400 + "}", "learning_rate must be a number, got 1000"),
        ("model: false", "model must contain `key: value` lines, got False"),
        ("[" * 3000, "nested too deeply"),
        ("seed:", "seed must be an integer, got an empty value"),
        ("batch_size: 1.5", "batch_size must be an integer, got 1.5"),
        ("stage1: {learning_rate: 0}", "stage1.learning_rate must be above 0, got 0.0"),
        ("stage1: {learning_rate: fast}", "stage1.learning_rate must be a number, got 'fast'"),
        ("stage1: {beta_1: 1}", "stage1.beta_1 must be below 1, got 1.0"),
        ("stage2: {l1: .nan}", "stage2.l1 must be a finite number, got nan"),
        (
            "model: {preset: vogue}",
            "model.preset must be one of 'fashion', 'market', 'synthetic', got 'vogue'",
        ),
        ("seed: " + "x" * 5000, "seed must be an integer, got 'xxxx"),
        ("stage1: 3", "stage1 must contain `key: value` lines, got 3"),
        ("- a", "must contain `key: value` lines, not a list"),
        ("seed: 1\nstage1: {", "line 2: not valid YAML"),
        ("seed: 1\nseed: 2", "line 2: not valid YAML (duplicate key seed)"),
        ("seed: &a 1\nbatch_size: *a", "line 1: not valid YAML (aliases and anchors are not supported"),
        ("data: {identities: 1000000000000}", "data.identities must be at most 1000000, got 1000000000000"),
        ("data: {workers: 1000000}", "data.workers must be at most 256, got 1000000"),
        ("features: {width: 1000000}", "features.width must be at most 256, got 1000000"),
        ("features: {width_multiplier: .nan}", "features.width_multiplier must be a finite number, got nan"),
        ("stage1: {learning_rate: .inf}", "stage1.learning_rate must be a finite number, got inf"),
        ("stage1: {steps_per_epoch: 1e3}", "stage1.steps_per_epoch must be an integer, got '1e3'"),
        ("batch_size: 10000000", "batch_size must be at most 10000, got 10000000"),
        ("data: {seed: 9223372036854775808}", "data.seed must be below 9223372036854775808"),
    ],
)
def test_invalid_files(file, text, message):
    path = file(text)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        load_config(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "override 'seed' must have the form section.key=value"),
        ("=3", "override '=3' must have the form section.key=value"),
        ("stage1.epohcs=3", "override 'stage1.epohcs=3': unknown setting stage1.epohcs; did you mean"),
        ("seed=[", "override 'seed=[', line 1: not valid YAML"),
        ("seed.x=3", "override 'seed.x=3': seed must be an integer"),
        ("stage1=3", "override 'stage1=3': stage1 must contain `key: value` lines"),
    ],
)
def test_invalid_overrides(file, override, message):
    with pytest.raises(InputError, match=re.escape(message)):
        load_config(file(""), [override])


def test_aliases_do_not_expand(file):
    levels = [f"l{i}: &l{i} [{', '.join(['*l' + str(i - 1)] * 9)}]" for i in range(1, 12)]
    with pytest.raises(InputError, match=r"line 1: not valid YAML .aliases and anchors are not supported"):
        load_config(file("\n".join(["l0: &l0 [x]", *levels])))
    with pytest.raises(InputError, match=r"override 'seed=.*, line 1: not valid YAML .aliases and anchors"):
        load_config(file(""), ["seed=[&a [1, 1], *a]"])


def test_unreadable_files(tmp_path):
    with pytest.raises(InputError, match=r"cannot read the configuration .*none\.yaml: No such file"):
        load_config(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="cannot read the configuration"):
        load_config(tmp_path)
    (tmp_path / "picture.yaml").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(InputError, match="cannot read the configuration"):
        load_config(tmp_path / "picture.yaml")
    (tmp_path / "large.yaml").write_bytes(b" " * 1_000_001)
    with pytest.raises(InputError, match="is larger than 1000000 bytes"):
        load_config(tmp_path / "large.yaml")
    with pytest.raises(
        InputError, match=r"there is no configuration 'vogue'; use a YAML file or one of .*market"
    ):
        find_config("vogue")


def test_a_path_that_is_not_utf8(tmp_path):
    (tmp_path / "a.yaml").write_text("seed: 3\n")
    root = os.fsdecode(b"people-\xff")
    config = load_config(tmp_path / "a.yaml", [f"data.root={root}"])
    assert config.data.root == root
    (tmp_path / "b.yaml").write_bytes(yaml.safe_dump(config.to_dict()).encode())
    assert load_config(tmp_path / "b.yaml") == config
