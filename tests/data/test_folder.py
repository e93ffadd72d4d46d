"""DeepFashion and Market-1501 folders: samples, order, augmentation, and the errors for invalid files."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from gfla_tf.data import DeepFashion, Market1501
from gfla_tf.data.pipeline import data_errors
from gfla_tf.errors import InputError
from gfla_tf.pose import pose_heatmaps
from gfla_tf.training.batch import take_batch
from tests.data.folders import keypoints, write_folder


@pytest.fixture(scope="module")
def fashion(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("fashion"), "fasion", (96, 66), (256, 176))


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("market"), "market", (128, 64), (128, 64), people=5)


def _batches(dataset):
    return [{name: value.numpy() for name, value in batch.items()} for batch in dataset]


def test_deepfashion(fashion):
    data = DeepFashion(fashion, image_size=(64, 64), heatmap_sigma=2.0)
    assert data.num_pairs("train") == data.num_pairs("test") == 6
    batches = _batches(data.as_dataset("test", 4))
    assert [len(batch["source_image"]) for batch in batches] == [4, 2]
    batch = batches[0]
    shapes = {name: value.shape[1:] for name, value in batch.items()}
    assert shapes == {
        **{f"{which}_image": (64, 64, 3) for which in ("source", "target")},
        **{f"{which}_keypoints": (18, 2) for which in ("source", "target")},
        **{f"{which}_pose": (64, 64, 18) for which in ("source", "target")},
    }
    assert all(value.dtype == np.float32 for value in batch.values())
    levels = (batch["source_image"][..., 0].mean((1, 2)) + 1) * 127.5
    np.testing.assert_allclose(levels, [40, 40, 60, 60], atol=2)
    expected = keypoints(1, (256, 176)) * np.array([64 / 256, 64 / 176])
    np.testing.assert_allclose(batch["target_keypoints"][0, :17], expected[:17], rtol=1e-6)
    assert (batch["target_keypoints"][0, 17] == -1).all()
    drawn = pose_heatmaps(batch["target_keypoints"], (64, 64), 2.0)
    np.testing.assert_allclose(batch["target_pose"], drawn, atol=1e-6)


def test_other_spelling_and_no_heatmaps(tmp_path):
    data = DeepFashion(write_folder(tmp_path, "fashion", (40, 30), (256, 176), splits=("test",)), (32, 32))
    (batch,) = _batches(data.as_dataset("test", 8, heatmaps=False))
    assert set(batch) == {"source_image", "target_image", "source_keypoints", "target_keypoints"}
    with pytest.raises(InputError, match=r"has no .*fasion-annotation-train.csv' or .*fashion-annotation"):
        data.num_pairs("train")


def test_shuffling_depends_on_seed_and_epoch(market):
    data = Market1501(market, augment=False)

    def order(dataset):
        return np.concatenate([batch["source_keypoints"][:, 0, 0] for batch in _batches(dataset)]).tolist()

    plain = order(data.as_dataset("test", 4, heatmaps=False))
    shuffled = data.as_dataset("train", 4, heatmaps=False, seed=3)
    first, second = order(shuffled), order(shuffled)
    assert sorted(first) == sorted(second) == sorted(plain)
    assert first != second
    assert first == order(data.as_dataset("train", 4, heatmaps=False, seed=3))
    endless = data.as_dataset("test", 4, heatmaps=False, repeat=True).take(4)
    assert order(endless)[:16] == (plain * 2)[:16]


def test_market_augments_training_only(market):
    data, plain = Market1501(market), Market1501(market, augment=False)
    (still,) = _batches(plain.as_dataset("train", 10, shuffle=False))
    (test,) = _batches(data.as_dataset("test", 10))
    np.testing.assert_array_equal(test["source_keypoints"], still["source_keypoints"])
    dataset = data.as_dataset("train", 10, shuffle=False, seed=7)
    (first,), (second,) = _batches(dataset), _batches(dataset)
    (again,) = _batches(data.as_dataset("train", 10, shuffle=False, seed=7))
    for name, value in first.items():
        np.testing.assert_array_equal(value, again[name])
    moved = np.abs(first["source_keypoints"] - still["source_keypoints"])
    moved[(first["source_keypoints"] < 0) | (still["source_keypoints"] < 0)] = 0
    assert 1 < moved.max() < 16
    assert (first["source_keypoints"] != second["source_keypoints"]).any()
    assert (first["source_pose"].max((1, 2)) > 0).sum() > 100


def test_truth_and_split_names(market):
    data = Market1501(market)
    with pytest.raises(ValueError, match="no ground-truth flow"):
        data.as_dataset("test", 2, truth=True)
    with pytest.raises(ValueError, match="split must be"):
        data.num_pairs("validation")
    with pytest.raises(ValueError, match="batch_size"):
        data.as_dataset("test", 0)
    with pytest.raises(InputError, match="does not exist"):
        DeepFashion(market / "nowhere")


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ("", "line 1: expected 'from,to'"),
        ("from,to\n", "contains no pair"),
        ("from,to\na.jpg\n", "line 2: expected 'from,to'"),
        ("from,to\ntest0_0.jpg,test9_9.jpg\n", "line 2: the image 'test9_9.jpg' has no row"),
        ("from,to\n\n../test0_0.jpg,test0_0.jpg\n", "line 3: the image '../test0_0.jpg' is outside"),
        ("from,to\n/etc/passwd,test0_0.jpg\n", "line 2: the image '/etc/passwd' is outside"),
        ("from,to\nC:\\a.jpg,test0_0.jpg\n", r"line 2: the image .* is outside"),
        ("from,to\na/..\\b.jpg,test0_0.jpg\n", r"line 2: the image .* is outside"),
        ("from,to\ntest0_0.jpg,test0_1.jpg\n", "line 2: there is no image"),
    ],
)
def test_bad_pairs(tmp_path, pairs, message):
    write_folder(tmp_path, "market", (16, 8), (128, 64), people=1, splits=("test",))
    (tmp_path / "test" / "test0_1.jpg").unlink()
    (tmp_path / "market-pairs-test.csv").write_text(pairs)
    with pytest.raises(InputError, match=message):
        Market1501(tmp_path).num_pairs("test")


def test_unreadable_image(tmp_path):
    write_folder(tmp_path, "market", (128, 64), (128, 64), people=1, splits=("test",))
    path = tmp_path / "test" / "test0_1.jpg"
    path.write_bytes(path.read_bytes()[:300])
    dataset = Market1501(tmp_path).as_dataset("test", 2, repeat=True)
    with pytest.raises(tf.errors.OpError, match=r"test0_1.jpg"):
        next(iter(dataset))
    model = keras.Sequential([keras.layers.Input((128, 64, 3)), keras.layers.Conv2D(3, 1)])
    model.compile(loss="mse")
    pairs = dataset.map(lambda batch: (batch["source_image"], batch["target_image"]))
    with pytest.raises(InputError) as error, data_errors():
        model.fit(pairs, steps_per_epoch=3, verbose=0, shuffle=False)
    assert str(error.value) == f"the image {str(path)!r} is a truncated JPEG file: its end is missing"
    with pytest.raises(tf.errors.InternalError), data_errors():
        raise tf.errors.InternalError(None, None, "something else")


def test_errors_of_the_data_service():
    restart = "Unknown iteration client id 3. The dispatcher is not configured to be fault tolerant, so this "
    with pytest.raises(InputError, match=r"^the dispatcher .* was restarted: resume"), data_errors():
        raise tf.errors.NotFoundError(None, None, f"{restart}could be caused by a dispatcher restart.")
    with pytest.raises(InputError, match=r"not started by `gfla data serve worker`"), data_errors():
        raise tf.errors.UnknownError(
            None, None, "ValueError: Could not find callback with key=pyfunc_0 in the registry."
        )


def test_unscaled_images(fashion, market):
    data = DeepFashion(fashion, image_size=(64, 64))
    (whole,) = _batches(data.as_dataset("train", 8, seed=1))
    (raw,) = _batches(data.as_dataset("train", 8, seed=1, scaled=False))
    taken = take_batch(raw)
    for name in ("source_image", "target_image"):
        assert raw[name].dtype == np.uint8
        np.testing.assert_array_equal(taken[name], whole[name])
        np.testing.assert_array_equal(take_batch(whole)[name], whole[name])
    (moved,) = _batches(Market1501(market).as_dataset("train", 10, seed=1, scaled=False))
    (expected,) = _batches(Market1501(market).as_dataset("train", 10, seed=1))
    np.testing.assert_array_equal(moved["source_image"], expected["source_image"])
    assert moved["source_image"].dtype == np.float32


def _rename(root, old, new, cell=None):
    """Renames an image in its file and its lists, where it is written as `cell`."""
    (root / "test" / old).rename(root / "test" / new)
    for path in root.glob("*-test.csv"):
        path.write_text(path.read_text().replace(old, cell or new))


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        *((f"3.14{space}PM.jpg", None) for space in "\u202f\u00a0\u3000\u200b"),
        *((f"{space}a.jpg{space}", None) for space in "\u202f\u00a0\u3000"),
        ("a\u2028b.jpg", None),
        ("a, b.jpg", '"a, b.jpg"'),
        ("at 3:14.jpg", '"at 3:14.jpg"'),
        ('the "1".jpg', '"the ""1"".jpg"'),
    ],
)
def test_names_with_other_spaces_and_quoted_cells(tmp_path, name, cell):
    root = write_folder(tmp_path, "fasion", (40, 30), (256, 176), splits=("test",))
    _rename(root, "test0_0.jpg", name, cell)
    data = DeepFashion(root, (32, 32)).load("test")
    assert data.names[:2] == [name, "test0_1.jpg"]
    assert data.images.read(0).shape == (40, 30, 3)


@pytest.mark.parametrize(("kind", "message"), [("annotation", "has no row"), ("pairs", "there is no image")])
def test_names_in_another_normalization(tmp_path, kind, message):
    root = write_folder(tmp_path, "fasion", (40, 30), (256, 176), splits=("test",))
    _rename(root, "test0_0.jpg", "\u00e9.jpg")
    for path in root.glob("*-test.csv"):
        if kind == "pairs" or "annotation" in path.name:
            path.write_text(path.read_text().replace("\u00e9", "e\u0301"))
    with pytest.raises(InputError, match=rf"line 2: .*{message}.*another Unicode normalization"):
        DeepFashion(root, (32, 32)).load("test")
