"""Seeded damage to files: of any bytes, of text, and of formats whose checksums are corrected afterwards."""

import copy
import json
import re
import struct
import zlib

import numpy as np

_NUMBERS = (
    b"1e999", b"-1e999", b"NaN", b"Infinity", b"-Infinity", b"9" * 400, b"-" + b"9" * 5000, b"1e-400",
    b"18446744073709551616", b"-9223372036854775809", b"2147483648", b"-1", b"0", b"0.5", b"1e5",
    b"true", b"null", b'"1"', b"[]", b"{}", b"\xd9\xa3", b"0x10", b"1_0",
)  # fmt: skip
_TOKENS = (
    b",", b":", b";", b"\t", b"\n", b"\r", b"\r\n", b"\0", b'"', b"'", b"[", b"]", b"{", b"}", b"\\", b"\xff",
    b"\xc3\x28", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"../", b"/etc/passwd", b"\\u0000", b"\\ud800", b"#",
    b"%s%n", b"\x1b[31m", b"\xe2\x80\xa8", b"\x0b", b"\x1c", b"\x85",
)  # fmt: skip


_VALUES = (
    None, True, False, 0, -1, 1, 0.5, 2**31, 2**63, -(2**63) - 1, 10**30, 1e308, float("nan"), float("inf"),
    "", "x", "../x", "1", "\0", "\ud800", "a" * 5000, [], {}, [[]], [1], {"a": 1}, [None] * 18, [0] * 36,
    ["1"] * 36, [[0, 1]], [[0, -1]], [[0, 0, 0]],
)  # fmt: skip


def mutate_bytes(data: bytes, random: np.random.Generator) -> bytes:
    """One to three of: flipped bits, cuts, a splice, foreign bytes, zeros, a large number in 1 to 8 bytes."""
    for _ in range(random.integers(1, 4)):
        data = _BYTES[random.integers(len(_BYTES))](data, random)
    return data


def mutate_text(data: bytes, random: np.random.Generator) -> bytes:
    """One to three of the damages to text, or now and then of those to bytes."""
    for _ in range(random.integers(1, 4)):
        choices = _TEXT if random.random() < 0.85 else _BYTES
        data = choices[random.integers(len(choices))](data, random)
    return data


def mutate_json(data: bytes, random: np.random.Generator) -> bytes:
    """JSON that stays JSON: one to three of its values become others, are removed, or repeated."""
    document = json.loads(data)
    for _ in range(random.integers(1, 4)):
        slots = list(_slots(document))
        if not slots:
            break
        holder, key = slots[random.integers(len(slots))]
        change = random.random()
        if change < 0.7:
            holder[key] = copy.deepcopy(_VALUES[random.integers(len(_VALUES))])
        elif change < 0.85:
            del holder[key]
        elif isinstance(holder, list):
            holder[key:key] = [holder[key]] * int(random.choice([1, 100, 10_000]))
        else:
            holder[f"{key} "] = copy.deepcopy(holder[key])
    return json.dumps(document).encode()


def mutate_png(data: bytes, random: np.random.Generator) -> bytes:
    """Damage inside the chunks of a PNG, whose checksums are right again afterwards."""
    chunks, position = [], 8
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        chunks.append((data[position + 4 : position + 8], data[position + 8 : position + 8 + length]))
        position += 12 + length
    chosen = random.integers(len(chunks) - 1)
    kind, body = chunks[chosen]
    chunks[chosen] = (kind, mutate_bytes(body, random)[: 2**20])
    if random.random() < 0.2:
        chunks.insert(int(random.integers(len(chunks))), chunks[random.integers(len(chunks))])
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    ]
    return data[:8] + b"".join(parts)


def _slots(node):
    """Every (container, key or index) below a JSON value, from the outside in."""
    if isinstance(node, dict | list):
        keys = list(node) if isinstance(node, dict) else range(len(node))
        yield from ((node, key) for key in keys)
        for key in keys:
            yield from _slots(node[key])


def _flip(data, random):
    changed = bytearray(data)
    for _ in range(random.integers(1, 20) if changed else 0):
        changed[random.integers(len(changed))] ^= 1 << random.integers(8)
    return bytes(changed)


def _cut(data, random):
    return data[: random.integers(len(data) + 1)]


def _drop(data, random):
    first, last = sorted(random.integers(len(data) + 1, size=2))
    return data[:first] + data[last:]


def _splice(data, random):
    first, last = sorted(random.integers(len(data) + 1, size=2))
    position = random.integers(len(data) + 1)
    return data[:position] + data[first:last] + data[position:]


def _insert(data, random):
    position = random.integers(len(data) + 1)
    return data[:position] + random.bytes(random.integers(1, 40)) + data[position:]


def _blank(data, random):
    first = random.integers(len(data) + 1)
    last = min(len(data), first + random.integers(1, 200))
    return data[:first] + (b"\0", b"\xff")[random.integers(2)] * (last - first) + data[last:]


def _large(data, random):
    width = int(random.choice([1, 2, 4, 8]))
    position = random.integers(max(1, len(data) - width))
    value = (b"\xff" * width, b"\x7f" + b"\xff" * (width - 1), b"\xff" * (width - 1) + b"\x7f", b"\0" * width)
    return data[:position] + value[random.integers(4)] + data[position + width :]


def _number(data, random):
    """Replaces a number by a huge, infinite or invalid one."""
    found = list(re.finditer(rb"-?\d+(\.\d+)?", data))
    if not found:
        return data
    number = found[random.integers(len(found))]
    return data[: number.start()] + _NUMBERS[random.integers(len(_NUMBERS))] + data[number.end() :]


def _token(data, random):
    position = random.integers(len(data) + 1)
    return data[:position] + _TOKENS[random.integers(len(_TOKENS))] + data[position:]


def _without(data, random):
    """Removes a kind of punctuation mark, or replaces it by another."""
    marks = (b",", b":", b"[", b"]", b'"', b"\n", b"{", b"-")
    old, new = marks[random.integers(len(marks))], (b"", *marks)[random.integers(len(marks) + 1)]
    return data.replace(old, new, int(random.choice([1, 5, -1])))


def _nest(data, random):
    depth = int(random.choice([10, 1000, 100_000]))
    opening, closing = ((b"[", b"]"), (b'{"a":', b"}"))[random.integers(2)]
    position = random.integers(len(data) + 1)
    end = closing * depth if random.random() < 0.7 else b""
    return data[:position] + opening * depth + b"1" + end + data[position:]


def _long(data, random):
    """A line, a list or a name of a megabyte."""
    position = random.integers(len(data) + 1)
    text = (b"a" * 2**20, b"0," * 2**19, b"," * 2**20, b" " * 2**20, b"\n" * 2**18)[random.integers(5)]
    return data[:position] + text + data[position:]


def _lines(data, random):
    lines = data.split(b"\n")
    for _ in range(random.integers(1, 4)):
        first, second = random.integers(len(lines), size=2)
        if random.random() < 0.5:
            lines[first], lines[second] = lines[second], lines[first]
        else:
            lines.insert(int(first), lines[second])
    return b"\n".join(lines)


def _encoding(data, random):
    text = data.decode("latin-1")
    names = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp037", "utf-7")
    return text.encode(names[random.integers(len(names))], errors="replace")


_BYTES = (_flip, _flip, _cut, _drop, _splice, _insert, _blank, _large, _large)
_TEXT = (_number, _number, _number, _token, _token, _without, _nest, _long, _lines, _encoding, _cut, _drop)
