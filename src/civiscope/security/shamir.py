"""Splitting a secret so that any `needed` of `count` shares give it back and fewer say nothing (Shamir 1979).

Each byte is the value at zero of a random polynomial over GF(256), reduced by x⁸ + x⁴ + x³ + x + 1 as in
SLIP-0039, of which the tests use a published vector. Table look-ups: not where others can measure time.
"""

import os
from collections.abc import Mapping

SHARES_LIMIT = 32
"""More officers than that do not meet."""
_REDUCE = 0x11B


def _tables() -> tuple[list[int], list[int]]:
    """Powers and logarithms of 3, which generates the field."""
    powers, logs, value = [0] * 255, [0] * 256, 1
    for exponent in range(255):
        powers[exponent], logs[value] = value, exponent
        value ^= value << 1
        if value & 0x100:
            value ^= _REDUCE
    return powers, logs


_POWERS, _LOGS = _tables()


def split(secret: bytes, needed: int, count: int) -> dict[int, bytes]:
    """Index from 1 → share, as long as the secret. Fresh randomness, so never twice the same."""
    if not 1 <= needed <= count <= SHARES_LIMIT:
        raise ValueError(f"{needed} of {count} shares: 1 to {SHARES_LIMIT}, and no more needed than made")
    shares = {0: secret} | {index: os.urandom(len(secret)) for index in range(1, needed)}
    made = {index: shares[index] for index in range(1, needed)}
    return made | {index: value_at(shares, index) for index in range(needed, count + 1)}


def join(shares: Mapping[int, bytes]) -> bytes:
    """The secret of these shares; a wrong one when there are too few, or one is false."""
    return value_at(shares, 0)


def value_at(shares: Mapping[int, bytes], at: int) -> bytes:
    """The value at `at` of the polynomials through the shares (Lagrange)."""
    if at in shares:
        return shares[at]
    found = bytearray(len(next(iter(shares.values()))))
    for index, value in shares.items():
        weight = _weight(index, shares, at)
        for place, byte in enumerate(value):
            if byte:
                found[place] ^= _POWERS[(_LOGS[byte] + weight) % 255]
    return bytes(found)


def _weight(index: int, shares: Mapping[int, bytes], at: int) -> int:
    """Logarithm of the Lagrange basis of one share."""
    total = 0
    for other in shares:
        if other != index:
            total += _LOGS[at ^ other] - _LOGS[index ^ other]
    return total % 255
