"""Detection of the calls that a pickle would make, by reading its instructions without running them."""

from __future__ import annotations

import os
import pickletools
from typing import BinaryIO

from gfla_tf.errors import InputError

_MAX_INSTRUCTIONS = 2_000_000  # a state dict has about 40 per tensor
_KINDS = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
_TENSORS = {
    "collections OrderedDict",
    *(f"torch._utils _rebuild_{name}" for name in ("tensor", "tensor_v2", "parameter")),
    *(f"torch {kind}Storage" for kind in _KINDS),
}
_BY_VALUE = {"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID"}


def check_pickles(path: str | os.PathLike, stream: BinaryIO, count: int = 1) -> None:
    """Checks that the next `count` pickles of a stream contain only dictionaries of tensors.

    Raises:
      InputError: A pickle is damaged or calls anything else; the message names the calls.
    """
    calls, instructions = [], 0
    try:
        for _ in range(count):
            for instruction, argument, _ in pickletools.genops(stream):
                instructions += 1
                if instructions > _MAX_INSTRUCTIONS:
                    raise InputError(f"{path} contains a pickle much larger than that of any network")
                if instruction.name == "GLOBAL" and argument not in _TENSORS:
                    calls.append(argument.replace(" ", "."))
                elif instruction.name in _BY_VALUE:
                    calls.append(f"the instruction {instruction.name}")
    except (ValueError, OverflowError, MemoryError, EOFError, AttributeError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is truncated or damaged: its pickle cannot be read") from error
    if calls:
        names = ", ".join(dict.fromkeys(name[:80] for name in calls[:100]))[:400]
        raise InputError(
            f"{path} contains more than tensors and was not loaded: its pickle would call {names}; no code "
            "was run; save only the network's state_dict()"
        )
