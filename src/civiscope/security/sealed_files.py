"""Large files sealed for the disk in chunks, with a key of their own: what waits here to be fetched.

A file is a header of 32 bytes (`CVXF`, version, algorithm, two zero bytes, 16 bytes of its name, 8 bytes
nonce prefix) and chunks of 1 MiB, the last one shorter or empty; each is AES-256-GCM with nonce = prefix and
big-endian chunk number, bound to the header and to whether it is the last (docs/design/exports.md).
"""

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from civiscope.base import AppError, ErrorKind
from civiscope.security.sealing import TAG_BYTES
from civiscope.security.signature import IntegrityError

SEALED_FILE_KEY_BYTES = 32
CHUNK_BYTES = 1 << 20
_HEADER = struct.Struct(">4sBBH16s8s")
_MAGIC, _VERSION, _AES_256_GCM = b"CVXF", 1, 1
_LARGEST_CHUNKS = 1 << 32


def new_file_key() -> bytes:
    """A fresh key for the files of one thing; losing it destroys them."""
    return os.urandom(SEALED_FILE_KEY_BYTES)


class SealedFileWriter:
    """Writes one file; only after `finish` is it whole. Not thread-safe; leaving the block closes it."""

    def __init__(self, path: Path, key: bytes, name: UUID) -> None:
        self._aead = AESGCM(key)
        self._prefix = os.urandom(8)
        self._header = _HEADER.pack(_MAGIC, _VERSION, _AES_256_GCM, 0, name.bytes, self._prefix)
        self._waiting = bytearray()
        self._count = 0
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._file.write(self._header)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, data: bytes) -> None:
        """More of the plain bytes; AppError(UNAVAILABLE) when the disk does not take them."""
        self._waiting += data
        whole = (len(self._waiting) - 1) // CHUNK_BYTES
        if whole <= 0:
            return
        view = memoryview(self._waiting)
        for number in range(whole):
            self._put(bytes(view[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES]), is_last=False)
        view.release()
        del self._waiting[: whole * CHUNK_BYTES]

    def finish(self) -> None:
        """Write the last chunk and bring everything to the disk."""
        self._put(bytes(self._waiting), is_last=True)
        self._waiting.clear()
        os.fsync(self._file.fileno())
        self._file.close()

    def _put(self, chunk: bytes, *, is_last: bool) -> None:
        if self._count >= _LARGEST_CHUNKS:
            raise AppError(ErrorKind.INVALID, "a sealed file holds at most 4 PiB")
        sealed = self._aead.encrypt(_nonce(self._prefix, self._count), chunk, _bound(self._header, is_last))
        self._count += 1
        try:
            written = self._file.write(sealed)
            if written != len(sealed):
                raise OSError("the disk took a part of it only")
        except OSError as error:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"The file cannot be written: {error.strerror or error}. Check the disk.",
            ) from error


class SealedFile:
    """Reads one file from any chunk on; opens it anew for each reading."""

    def __init__(self, path: Path, key: bytes, name: UUID) -> None:
        self._path = path
        self._aead = AESGCM(key)
        self._name = name

    def pieces(self) -> Iterator[bytes]:
        """The plain bytes, chunk by chunk; IntegrityError at the first changed, cut or moved one."""
        expected = _HEADER.pack(_MAGIC, _VERSION, _AES_256_GCM, 0, self._name.bytes, bytes(8))[:24]
        try:
            file = open(self._path, "rb")  # noqa: SIM115  closed below, also when left early
        except OSError as error:
            raise AppError(
                ErrorKind.MISSING, f"A file of this export is gone: {error.strerror}. Make it anew."
            ) from error
        with file:
            header = file.read(_HEADER.size)
            if len(header) != _HEADER.size or header[:24] != expected:
                raise IntegrityError("a sealed file is not the one it should be: it was changed or moved")
            yield from self._chunks(header, file.read)

    def _chunks(self, header: bytes, read: Callable[[int], bytes]) -> Iterator[bytes]:
        prefix, number = header[24:], 0
        sealed = read(CHUNK_BYTES + TAG_BYTES)
        while True:
            following = read(CHUNK_BYTES + TAG_BYTES) if len(sealed) == CHUNK_BYTES + TAG_BYTES else b""
            try:
                plain = self._aead.decrypt(_nonce(prefix, number), sealed, _bound(header, not following))
            except InvalidTag:
                raise IntegrityError(
                    f"a sealed file does not open at its chunk {number}: it was changed or cut"
                ) from None
            yield plain
            if not following:
                return
            sealed, number = following, number + 1


def _nonce(prefix: bytes, number: int) -> bytes:
    return prefix + number.to_bytes(4)


def _bound(header: bytes, is_last: bool) -> bytes:
    return header + (b"\1" if is_last else b"\0")
