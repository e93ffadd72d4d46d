"""The import order of the modules, and imports that are deferred until they are needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import gfla_tf
from gfla_tf._registration import CLASSES
from gfla_tf.models import shipped_model_path
from tests.cpu_time import BASELINE, cpu_seconds

PACKAGE = Path(gfla_tf.__file__).parent

# Each may import what stands above it, and itself.
ORDER = [
    "_version",
    "_lazy",
    "errors",
    "_registration",
    "files",
    "arguments",
    "constraints",
    "documents",
    "csv_text",
    "resources",
    "console",
    "hdf5",
    "weight_files",
    "config",
    "commands",
    "_compat",
    "images",
    "pose",
    "batching",
    "synthetic",
    "data",
    "native",
    "ops",
    "layers",
    "losses",
    "features",
    "models",
    "viz",
    "generate",
    "evaluation",
    "training",
    "interop",
    "export",
    "report",
    "cli",
    "__main__",
]


def _modules():
    return sorted(PACKAGE.rglob("*.py"))


def _unit(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imported(path):
    """Names of ours that a module imports, as (unit, line)."""
    inside = ["gfla_tf", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = inside[: len(inside) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" if module == "gfla_tf" else module for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "gfla_tf" and len(parts) > 1 and parts[1] != "__version__":
                yield parts[1], node.lineno


def test_every_module_has_its_place():
    assert {_unit(path) for path in _modules()} - {"__init__"} == set(ORDER)


def test_imports_point_down():
    wrong = [
        f"{path.relative_to(PACKAGE)}:{line} imports {name}"
        for path in _modules()
        if _unit(path) != "__init__"
        for name, line in _imported(path)
        if ORDER.index(name) > ORDER.index(_unit(path))
    ]
    assert not wrong


def _graph():
    """{module: the modules of ours that it imports, wherever in the file}."""
    names = {}
    for path in _modules():
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph = {}
    for name, path in names.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        found = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                module = ".".join([*base, *([node.module] if node.module else [])])
                inner = {f"{module}.{alias.name}" for alias in node.names}
                found |= {one if one in names else module for one in inner}
        graph[name] = {one for one in found if one in names and one != name}
    return graph


def test_no_import_cycles():
    graph = _graph()
    while leaves := [name for name, imported in graph.items() if not imported & set(graph)]:
        for name in leaves:
            del graph[name]
    assert not graph


def _run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_the_package_loads_nothing_heavy():
    heavy = _run(
        "import sys, gfla_tf; print([m for m in ('tensorflow', 'keras', 'cv2', 'numpy') if m in sys.modules])"
    )
    assert heavy.strip() == "[]"


@pytest.mark.parametrize("statements", ["import gfla_tf; import keras", "import keras; import gfla_tf"])
def test_keras_loads_our_files_after_importing_the_package(statements):
    shown = _run(
        f"{statements}\nimport sys; assert 'gfla_tf.models' not in sys.modules\n"
        f"model = keras.saving.load_model({str(shipped_model_path())!r})\nprint(type(model).__name__)\n"
        "from gfla_tf import layers\nlayer = layers.InstanceNormalization(epsilon=0.1, name='mine')\n"
        "config = keras.saving.serialize_keras_object(layer)\n"
        "print(keras.saving.deserialize_keras_object(config).epsilon)"
    )
    assert shown.split() == ["PersonImageGenerator", "0.1"]


def test_all_classes_that_are_registered_are_known_beforehand():
    registered = {
        (".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts), node.name)
        for path in _modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any("register_keras_serializable" in ast.unparse(item) for item in node.decorator_list)
    }
    assert registered == {(module, name) for module, names in CLASSES.items() for name in names}


def test_help_is_fast_and_does_not_load_tensorflow():
    code = "from gfla_tf.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    loaded = "not {'tensorflow', 'gfla_tf.files', 'socket', 'ctypes'} & set(sys.modules)"
    assert "generate" in _run(f"{code}import sys; assert {loaded}")
    assert cpu_seconds(code) < 3 * cpu_seconds(BASELINE)


def test_every_name_of_the_public_api_is_there():
    from gfla_tf import (
        data,
        features,
        interop,
        layers,
        losses,
        models,
        ops,
        pose,
        synthetic,
        training,
    )

    for module, names in {
        ops: "bilinear_warp gaussian_warp flowed_patches local_attention native_available",
        layers: "LocalAttention SpectralNormConv2D InstanceNormalization",
        models: "FlowFieldEstimator TargetImageGenerator ResDiscriminator PersonImageGenerator",
        losses: "sampling_correctness affine_regularization content_and_style adversarial",
        features: "VGG19Features PartFeatures",
        pose: "KEYPOINTS pose_heatmaps",
        data: "SyntheticPeople DeepFashion Market1501",
        synthetic: "SyntheticPeople",
        training: "FlowTrainer FusedAdam GFLATrainer",
        interop.torch: "load_state_dict",
    }.items():
        for name in names.split():
            assert hasattr(module, name), f"{module.__name__}.{name}"
