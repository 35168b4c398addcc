"""An archive under a password, opened in any browser without us: what WebCrypto has, PBKDF2 and AES-256-GCM.

`CVLA`, u8 version 1, u8 algorithm 1, u16 0, u32 iterations, 16 bytes salt, 8 bytes nonce prefix, u32 chunk
size; then chunks, each with its tag, the last one shorter. The key is PBKDF2-HMAC-SHA-256 of the password
(UTF-8, NFC); nonce and associated data are as in `sealed_files`. Layout: docs/design/exports.md.
"""

import hashlib
import os
import struct
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from civiscope.base import ProtocolError
from civiscope.security.sealing import TAG_BYTES
from civiscope.security.secret import Secret

LOCK_ITERATIONS = 600_000
"""OWASP's number for PBKDF2 with SHA-256 (Password Storage Cheat Sheet, 2023); half a second in a browser."""
_CHUNK_BYTES = 1 << 20
_HEADER = struct.Struct(">4sBBHI16s8sI")
_SALT_BYTES, _KEY_BYTES = 16, 32
_KEPT = struct.Struct(">I16s32s")


@dataclass(frozen=True, slots=True)
class ArchiveLock:
    """What a password became; the password itself is kept nowhere."""

    iterations: int
    salt: bytes
    key: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        """To be kept under the vault."""
        return _KEPT.pack(self.iterations, self.salt, self.key)

    @classmethod
    def from_bytes(cls, data: bytes) -> "ArchiveLock":
        """What `to_bytes` gave; ProtocolError for anything else."""
        if len(data) != _KEPT.size:
            raise ProtocolError("these bytes are no lock of an archive")
        return cls(*_KEPT.unpack(data))

    @classmethod
    def of(cls, password: Secret, iterations: int = LOCK_ITERATIONS) -> "ArchiveLock":
        """With a fresh salt. Takes a good part of a second: not for a loop that must not block."""
        salt = os.urandom(_SALT_BYTES)
        typed = unicodedata.normalize("NFC", password.reveal()).encode()
        return cls(iterations, salt, hashlib.pbkdf2_hmac("sha256", typed, salt, iterations, _KEY_BYTES))


def locked_size(plain_bytes: int) -> int:
    """How long the archive of so many bytes is."""
    chunks = max(1, -(-plain_bytes // _CHUNK_BYTES))
    return _HEADER.size + plain_bytes + chunks * TAG_BYTES


def locked_pieces(pieces: Iterable[bytes], lock: ArchiveLock) -> Iterator[bytes]:
    """The archive, as its plain bytes come; a fresh nonce prefix each time, so each copy is another."""
    prefix = os.urandom(8)
    header = _HEADER.pack(b"CVLA", 1, 1, 0, lock.iterations, lock.salt, prefix, _CHUNK_BYTES)
    aead, waiting, number = AESGCM(lock.key), bytearray(), 0
    yield header
    for piece in pieces:
        waiting += piece
        while len(waiting) > _CHUNK_BYTES:
            chunk = bytes(waiting[:_CHUNK_BYTES])
            del waiting[:_CHUNK_BYTES]
            yield aead.encrypt(prefix + number.to_bytes(4), chunk, header + b"\0")
            number += 1
    yield aead.encrypt(prefix + number.to_bytes(4), bytes(waiting), header + b"\1")
