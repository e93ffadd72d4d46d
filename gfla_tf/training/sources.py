"""Data sources of a run: SyntheticPeople, folders of photographs, and HDF5 files."""

import abc
from collections.abc import Callable

import tensorflow as tf

from gfla_tf.config import Config
from gfla_tf.data import DeepFashion, Market1501, PairFile, SyntheticPeople
from gfla_tf.data.protocol import describe_protocol
from gfla_tf.errors import InputError
from gfla_tf.models.presets import preset
from gfla_tf.training.data_service import DataService

_MIN_SIDE = 32


class Source(abc.ABC):
    """Where the batches of a run come from.

    Args:
      service: where the training batches are read; by default, in this process.
    """

    has_parts: bool
    """Whether the pairs have part labels."""

    def __init__(self, service: DataService | None):
        self.service = service

    def training_batches(
        self,
        batch_size: int,
        seed: int,
        parts: bool,
        start: int = 0,
        shard: tuple[int, int] | None = None,
    ) -> tf.data.Dataset:
        """Returns shuffled, endlessly repeated, full batches with keypoints, and with part labels if `parts`.

        Batch k is a function of the settings, `seed` and k alone. A data service reads the same batches, but
        they arrive in any order.

        Args:
          batch_size: number of pairs per batch, of all workers together.
          seed: the seed of the order and the augmentation.
          parts: whether to add part labels.
          start: the number of the first batch.
          shard: (index, workers): only part `index` of the rows of each batch (`as_dataset`).

        Raises:
          InputError: the source has no part labels, or the data service does not answer.
        """
        options = {"seed": seed, "parts": parts, "start": start, "shard": shard}
        if self.service is not None and (self.has_parts or not parts):
            return self.service.batches(self.dataset, batch_size, **options)
        return self.local_batches(batch_size, **options)

    @abc.abstractmethod
    def local_batches(
        self,
        batch_size: int,
        seed: int,
        parts: bool,
        start: int = 0,
        shard: tuple[int, int] | None = None,
    ) -> tf.data.Dataset:
        """Returns the same batches as `training_batches`, read in this process and in order."""


class SyntheticSource(Source):
    """SyntheticPeople, whose training people are rendered once and kept in memory.

    Args:
      dataset: the dataset.
      workers: number of rendering processes; 0 renders in this process.
      service: where the training batches are read; by default, in this process.
      render: whether `prepare` renders the training people.
    """

    has_parts = True

    def __init__(
        self,
        dataset: SyntheticPeople,
        workers: int,
        service: DataService | None = None,
        render: bool = True,
    ):
        super().__init__(service)
        self.dataset = dataset
        self.workers = workers
        self.render = render
        self.heatmap_sigma = dataset.heatmap_sigma
        self.images = f"rendered by SyntheticPeople, seed {dataset.seed}"

    def prepare(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Renders the training people, if they are needed in this process.

        Args:
          progress: called with the number of people rendered so far and their total.
        """
        if self.render:
            self.dataset.cache("train", workers=self.workers, progress=progress)

    def local_batches(
        self,
        batch_size: int,
        seed: int,
        parts: bool,
        start: int = 0,
        shard: tuple[int, int] | None = None,
    ) -> tf.data.Dataset:
        """Returns the same batches as `training_batches`, read in this process and in order."""
        return self.dataset.as_dataset(
            "train",
            batch_size,
            seed=seed,
            repeat=True,
            heatmaps=False,
            parts=parts,
            start=start,
            shard=shard,
        )

    def validation_batches(
        self, batch_size: int, count: int, shard: tuple[int, int] | None = None
    ) -> tf.data.Dataset:
        """Returns the first `count` test batches, with keypoints and true flow; `shard` as in training."""
        batches = self.dataset.as_dataset("test", batch_size, heatmaps=False, truth=True, shard=shard)
        return batches.take(count).cache()


class FolderSource(Source):
    """A folder in DeepFashion or Market-1501 layout, or an HDF5 file of pairs.

    Args:
      dataset: the dataset.
      service: where the training batches are read; by default, in this process.
    """

    has_parts = False

    def __init__(self, dataset: DeepFashion | Market1501 | PairFile, service: DataService | None = None):
        super().__init__(service)
        self.dataset = dataset
        self.heatmap_sigma = dataset.heatmap_sigma
        self.images = describe_protocol(dataset.protocol, dataset.root, dataset.image_size)

    def prepare(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Reads and checks the lists of both splits; `progress` is not used."""
        self.dataset.load("train")
        self.dataset.load("test")

    def local_batches(
        self,
        batch_size: int,
        seed: int,
        parts: bool,
        start: int = 0,
        shard: tuple[int, int] | None = None,
    ) -> tf.data.Dataset:
        """Returns the same batches as `training_batches`, read in this process and in order.

        The images are uint8 unless augmented.

        Raises:
          InputError: `parts` is True.
        """
        if parts:
            raise InputError("background != 1 needs part labels, which only the synthetic source has")
        return self.dataset.as_dataset(
            "train",
            batch_size,
            seed=seed,
            repeat=True,
            heatmaps=False,
            scaled=False,
            start=start,
            shard=shard,
        )

    def validation_batches(
        self, batch_size: int, count: int, shard: tuple[int, int] | None = None
    ) -> tf.data.Dataset:
        """Returns the first `count` test batches, with keypoints; `shard` as in training."""
        return self.dataset.as_dataset("test", batch_size, heatmaps=False, shard=shard).take(count)


def open_source(config: Config) -> Source:
    """Opens the data source of a configuration.

    Raises:
      InputError: `data.root` is missing, not used by the source or not in its layout, or the image size or
        another setting of the data is invalid.
    """
    size = config.model.overrides.get("image_size", preset(config.model.preset)["image_size"])
    if (
        not isinstance(size, list | tuple)
        or len(size) != 2
        or not all(isinstance(side, int) and side >= _MIN_SIDE for side in size)
    ):
        raise InputError(
            f"model.overrides.image_size must be [height, width] of at least {_MIN_SIDE} pixels, got {size!r}"
        )
    size, data = tuple(size), config.data
    service = None if data.service is None else DataService(data.service)
    if data.reader != "h5py" and data.source != "hdf5":
        raise InputError(f"data.reader is only for data.source=hdf5, got data.source={data.source}")
    if data.max_unreadable and data.source not in ("deepfashion", "market1501"):
        raise InputError(
            "data.max_unreadable is for the images of data.source=deepfashion and market1501, got "
            f"data.source={data.source}"
        )
    if data.source == "synthetic":
        if data.root is not None:
            raise InputError("data.root is not used with data.source=synthetic, which is rendered")
        identities = {"train": data.identities, "test": data.test_identities}
        people = SyntheticPeople(size, seed=data.seed, identities=identities)
        render = service is None or config.features.kind == "parts"
        return SyntheticSource(people, data.workers, service, render)
    if data.root is None:
        what, value = ("file", "FILE") if data.source == "hdf5" else ("folder", "FOLDER")
        raise InputError(f"data.root must name the {data.source} {what}: gfla train CONFIG data.root={value}")
    if data.source == "hdf5":
        return FolderSource(PairFile(data.root, size, reader=data.reader), service)
    if data.source == "deepfashion":
        return FolderSource(DeepFashion(data.root, size, max_unreadable=data.max_unreadable), service)
    return FolderSource(
        Market1501(data.root, size, augment=data.augment, max_unreadable=data.max_unreadable), service
    )
