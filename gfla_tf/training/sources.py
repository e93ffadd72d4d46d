"""Where a run's pairs come from, drawn, a folder or a file, behind the two calls that training makes."""

from gfla_tf.data import DeepFashion, Market1501, PairFile, SyntheticPeople
from gfla_tf.data.protocol import describe_protocol
from gfla_tf.errors import InputError
from gfla_tf.models.presets import preset

_SMALLEST = 32


def open_source(config):
    """The data source of a configuration.

    Raises:
      InputError: a folder is needed and missing, given and not needed, or not in the named layout; or no
        image size.
    """
    size = config.model.overrides.get("image_size", preset(config.model.preset)["image_size"])
    if (
        not isinstance(size, list | tuple)
        or len(size) != 2
        or not all(isinstance(side, int) and side >= _SMALLEST for side in size)
    ):
        raise InputError(
            f"model.overrides.image_size must be [height, width] of at least {_SMALLEST} pixels, got {size!r}"
        )
    size, data = tuple(size), config.data
    if data.reader != "h5py" and data.source != "hdf5":
        raise InputError(f"data.reader is for data.source hdf5, and the source is {data.source}")
    if data.source == "synthetic":
        if data.root is not None:
            raise InputError("data.root is for the folder layouts; SyntheticPeople is drawn, not read")
        identities = {"train": data.identities, "test": data.test_identities}
        return SyntheticSource(SyntheticPeople(size, seed=data.seed, identities=identities), data.workers)
    if data.root is None:
        what, place = ("file", "FILE") if data.source == "hdf5" else ("folder", "FOLDER")
        raise InputError(f"data.root must name the {data.source} {what}: gfla train CONFIG data.root={place}")
    if data.source == "hdf5":
        return FolderSource(PairFile(data.root, size, reader=data.reader))
    if data.source == "deepfashion":
        return FolderSource(DeepFashion(data.root, size))
    return FolderSource(Market1501(data.root, size, augment=data.augment))


class SyntheticSource:
    """SyntheticPeople, its training people drawn into memory once."""

    def __init__(self, dataset, workers):
        self.dataset = dataset
        self.workers = workers
        self.heatmap_sigma = dataset.heatmap_sigma
        self.images = f"drawn by SyntheticPeople, seed {dataset.seed}"

    def prepare(self, progress):
        """Draws the training people; progress(done, total)."""
        self.dataset.cache("train", workers=self.workers, progress=progress)

    def training_batches(self, batch_size, seed, parts):
        """Endless shuffled batches, with part labels if `parts`; poses as keypoints."""
        return self.dataset.as_dataset(
            "train", batch_size, seed=seed, repeat=True, heatmaps=False, parts=parts
        )

    def validation_batches(self, batch_size, count):
        """The first `count` test batches, the same each time, with the true flow."""
        return self.dataset.as_dataset("test", batch_size, heatmaps=False, truth=True).take(count).cache()


class FolderSource:
    """A folder in DeepFashion or Market layout, or pairs in an HDF5 file."""

    def __init__(self, dataset):
        self.dataset = dataset
        self.heatmap_sigma = dataset.heatmap_sigma
        self.images = describe_protocol(dataset.protocol, dataset.root, dataset.image_size)

    def prepare(self, progress):
        """Reads and checks the lists of both splits, before anything is trained."""
        self.dataset.load("train")
        self.dataset.load("test")

    def training_batches(self, batch_size, seed, parts):
        """Endless shuffled batches; poses as keypoints, images as uint8 unless they are augmented.

        Raises:
          InputError: `parts` is asked for, and photographs have no part labels.
        """
        if parts:
            raise InputError("background != 1 needs part labels, which only the synthetic source has")
        return self.dataset.as_dataset(
            "train", batch_size, seed=seed, repeat=True, heatmaps=False, scaled=False
        )

    def validation_batches(self, batch_size, count):
        """The first `count` test batches, the same each time."""
        return self.dataset.as_dataset("test", batch_size, heatmaps=False).take(count)
