"""An export of one file, and the model card beside it: both appear, or none."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from gfla_tf.export.model_card import model_card, model_card_path, model_card_text
from gfla_tf.files import check_output, write_files


@dataclass(frozen=True)
class ExportedFile:
    """A written file and what its card says."""

    path: Path
    model_card: dict


def check_file(output, force: bool = False) -> None:
    """Checks that a file and its card can be written.

    Raises:
      InputError: one of them exists and `force` is False, or the folder is missing or not writable.
    """
    for path in (output, model_card_path(output)):
        check_output(path, force)


def write_with_model_card(model, source, output, content: bytes, asked: dict, parity: dict, force: bool):
    """Writes both and returns an `ExportedFile`; `asked` and `parity` go into the card.

    Raises:
      InputError: they cannot be written, or a record beside the source is damaged.
    """
    output = Path(output)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / output.name
        copy.write_bytes(content)
        card = model_card(model, source, export=asked, parity=parity, files={output.name: copy})
    write_files({output: content, model_card_path(output): model_card_text(card).encode()}, force)
    return ExportedFile(output, card)
