"""Images that cannot be read in the middle of training: counted, reported and tolerated up to a limit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import numpy as np

from gfla_tf.errors import InputError

_log = logging.getLogger("gfla_tf")


class UnreadableImages:
    """Counts the different images of a dataset that could not be read; used by several threads at once.

    Args:
      limit: the largest number of images that are tolerated.
    """

    def __init__(self, limit: int):
        self.limit = limit
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def add(self, error: InputError) -> None:
        """Counts an image and logs a warning, unless the image is known.

        Args:
          error: why the image cannot be read; its message contains the path.

        Raises:
          InputError: the image exceeds the limit.
        """
        with self._lock:
            if str(error) in self._known:
                return
            if len(self._known) == self.limit:
                raise self._exceeded(error) from error
            self._known.add(str(error))
            number = len(self._known)
        _log.warning(
            "%s; its pairs are replaced by others (unreadable image %d of at most %d)",
            error,
            number,
            self.limit,
        )

    def _exceeded(self, error: InputError) -> InputError:
        if self.limit == 0:
            return error
        images = "image" if self.limit == 1 else "images"
        return InputError(
            f"more than {self.limit} {images} cannot be read, the limit max_unreadable; the last one: {error}"
        )


def replacements(pair: int, count: int) -> Iterator[int]:
    """Yields a pair, and then the pairs that may replace it, in an order that depends on the pair alone.

    Args:
      pair: the index of the pair.
      count: the number of pairs.
    """
    yield pair
    yield from np.random.default_rng(pair).permutation(count).tolist()
