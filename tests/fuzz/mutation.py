"""Broken bytes out of good ones: input number n of a target is the same bytes on every machine."""

import random
from collections.abc import Callable, Sequence

MAX_INPUT_BYTES = 1 << 18
"""No mutation grows an input further."""
_LENGTHS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, (1 << 64) - 1)
_PIECES = (
    b"\r\n", b"\r\n\r\n", b"\0\0\0\1", b"\0\0\3", b"\xff\xd8", b"\xff\xd9", b"$\0\xff\xff",
    b"\0" * 64, b"\xff" * 64,
    b"-1", b"99999999999999999999", b"1e999", b"NaN", b"null", b"[" * 300, b'{"a":' * 50, b"%00",
    b"\xf0\x9f\x98\x80", b"\xed\xa0\x80", b"\xc0\x80", b"../../", b'"', b"\\", b";", b"=", b",", b":", b" ",
    "²٣".encode(), b"4" * 5000, b"true", b"-0", b"0x10", b"+7", b"1_000",
)  # fmt: skip


def _flip(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _replace(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    for _ in range(rng.choice((1, 1, 3))):
        data[rng.randrange(len(data))] = rng.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF, rng.randrange(256)))


def _cut(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    del data[rng.randrange(len(data)) :]


def _remove(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    at = rng.randrange(len(data))
    del data[at : at + rng.choice((1, 1, 2, 4, rng.randrange(1, 64)))]


def _repeat(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    at = rng.randrange(len(data))
    piece = bytes(data[at : at + rng.choice((1, 4, 16, 200, len(data)))])
    times = min(rng.choice((1, 2, 10, 1000)), (MAX_INPUT_BYTES - len(data)) // max(1, len(piece)))
    data[at:at] = piece * max(0, times)


def _splice(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    other = rng.choice(others)
    at = rng.randrange(len(data))
    start = rng.randrange(len(other) + 1)
    end = min(len(other), start + rng.choice((8, 64, 1024, MAX_INPUT_BYTES)))
    data[at : at + rng.choice((0, end - start, MAX_INPUT_BYTES))] = other[start:end]


def _lie(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    """A number where a length may stand, in the widths and orders of our formats."""
    width = rng.choice((1, 2, 2, 4, 4, 8))
    at = rng.randrange(len(data))
    now = int.from_bytes(data[at : at + width])
    value = rng.choice((*_LENGTHS, now + 1, now - 1, now * 2, len(data))) & ((1 << 8 * width) - 1)
    data[at : at + width] = value.to_bytes(width)


def _insert(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    at = rng.randrange(len(data))
    data[at:at] = rng.choice((*_PIECES, rng.randbytes(rng.randrange(1, 32))))


def _swap(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    edges = sorted(rng.randrange(len(data) + 1) for _ in range(3))
    first, middle, last = edges
    data[first:last] = data[middle:last] + data[first:middle]


def _overwrite(data: bytearray, rng: random.Random, others: Sequence[bytes]) -> None:
    piece = rng.choice(_PIECES)
    at = rng.randrange(len(data))
    data[at : at + len(piece)] = piece


_Mutation = Callable[[bytearray, random.Random, Sequence[bytes]], None]
_MUTATIONS: tuple[_Mutation, ...] = (
    _flip, _flip, _replace, _cut, _remove, _repeat, _splice, _lie, _lie, _insert, _swap, _overwrite,
)  # fmt: skip


def mutated(seeds: Sequence[bytes], rng: random.Random) -> bytes:
    """One of the seeds after one to five mutations; seldom pure noise."""
    if rng.random() < 0.01:
        return rng.randbytes(rng.randrange(400))
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        if not data:
            break
        rng.choice(_MUTATIONS)(data, rng, seeds)
    return bytes(data[:MAX_INPUT_BYTES])
