"""What a pickle would call, found by reading its instructions and running none of them."""

import pickletools

from gfla_tf.errors import InputError

_MAX_INSTRUCTIONS = 2_000_000  # a state dict has some 40 a tensor
_KINDS = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
_TENSORS = {
    "collections OrderedDict",
    *(f"torch._utils _rebuild_{name}" for name in ("tensor", "tensor_v2", "parameter")),
    *(f"torch {kind}Storage" for kind in _KINDS),
}
_BY_VALUE = {"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID"}


def check_pickles(path, stream, count=1):
    """Checks that the next `count` pickles of a stream hold tensors in dictionaries and nothing to run.

    Raises:
      InputError: a pickle that names anything else, or is damaged; names what it would have called.
    """
    named, seen = [], 0
    try:
        for _ in range(count):
            for instruction, argument, _ in pickletools.genops(stream):
                seen += 1
                if seen > _MAX_INSTRUCTIONS:
                    raise InputError(f"{path} holds a pickle far larger than that of any network")
                if instruction.name == "GLOBAL" and argument not in _TENSORS:
                    named.append(argument.replace(" ", "."))
                elif instruction.name in _BY_VALUE:
                    named.append(f"the instruction {instruction.name}")
    except (ValueError, OverflowError, MemoryError, EOFError, AttributeError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is cut short or damaged: its pickle cannot be read") from error
    if named:
        names = ", ".join(dict.fromkeys(name[:80] for name in named[:100]))[:400]
        raise InputError(
            f"{path} holds more than tensors and was not loaded: its pickle asks for {names}; nothing of it "
            "was run; save the network's state_dict() alone"
        )
