"""An export that is a single file with a model card beside it, written atomically."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gfla_tf.export.model_card import model_card, model_card_path, model_card_text
from gfla_tf.files import check_output, write_files
from gfla_tf.models import PersonImageGenerator


@dataclass(frozen=True)
class ExportedFile:
    """An exported file and the content of its model card.

    Attributes:
      path: The file.
      model_card: See `gfla_tf.export.model_card.model_card`.
    """

    path: Path
    model_card: dict[str, Any]


def check_file(output: str | os.PathLike, force: bool = False) -> None:
    """Checks that a file and its model card can be written.

    Raises:
      InputError: One of them exists and `force` is `False`, or the folder is missing or not writable.
    """
    for path in (output, model_card_path(output)):
        check_output(path, force)


def write_with_model_card(
    model: PersonImageGenerator,
    source: str | os.PathLike | None,
    output: str | os.PathLike,
    content: bytes,
    export: dict[str, Any],
    parity: dict[str, float],
    force: bool,
) -> ExportedFile:
    """Writes an exported file and its model card.

    Args:
      model: The exported model.
      source: The path that the model was loaded from, or `None` for the shipped model.
      output: The path of the file.
      content: The bytes of the file.
      export: The options of the export, for the model card.
      parity: The differences from the Keras model, for the model card.
      force: Whether existing files may be overwritten.

    Raises:
      InputError: The files cannot be written, or a record beside the source is damaged.
    """
    output = Path(output)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / output.name
        copy.write_bytes(content)
        record = model_card(model, source, export=export, parity=parity, files={output.name: copy})
    write_files({output: content, model_card_path(output): model_card_text(record).encode()}, force)
    return ExportedFile(output, record)
