"""Who keeps the key that the server's private keys lie under: a passphrase in somebody's head, or a module.

A holder closes the 32-byte key-encryption key into a record of words and numbers, and opens it again. Records
are no secret. Without a holder (`HolderKind.FILE`) the private keys lie in plain files.
"""

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from civiscope.base import AppError, ErrorKind
from civiscope.security.sealing import NONCE_BYTES
from civiscope.security.secret import Secret

Record = Mapping[str, object]
"""What a holder leaves in the lock file: JSON values, no secret."""
_SALT_BYTES = 32
_CONTEXT = b"civiscope vault key by passphrase v1"


class HolderKind(StrEnum):
    """Where the key comes from."""

    FILE = "file"
    """Nobody holds it: the private keys lie in plain files."""
    PASSPHRASE = "passphrase"  # noqa: S105  a kind, no password
    PKCS11 = "pkcs11"


class KeyHolder(Protocol):
    """Closes and opens one 32-byte key; both may take a second and block."""

    @property
    def kind(self) -> HolderKind:
        """Which record it reads."""
        ...

    def close_key(self, key: bytes) -> Record:
        """The key so that only this holder opens it."""
        ...

    def open_key(self, record: Record) -> bytes:
        """The key; `WrongPassphraseError` if the word is another, AppError if the holder cannot be asked."""
        ...


class WrongPassphraseError(AppError):
    """The record is whole, but this word does not open it."""

    def __init__(self, words: str = "This is not the vault's passphrase. Type it again.") -> None:
        super().__init__(ErrorKind.INVALID, words)


@dataclass(frozen=True, slots=True)
class ScryptSettings:
    """RFC 7914: `128 * n * r` bytes of memory for each try (128 MiB)."""

    n: int = 1 << 17
    r: int = 8
    p: int = 1

    @property
    def is_bounded(self) -> bool:
        """False for figures that no program of ours writes: a record must not exhaust the memory."""
        is_power = self.n > 1 and self.n & (self.n - 1) == 0
        return is_power and self.n <= 1 << 20 and 1 <= self.r <= 16 and 1 <= self.p <= 4


class PassphraseHolder:
    """Opens with a passphrase: scrypt, then AES-256-GCM with the figures as associated data."""

    kind = HolderKind.PASSPHRASE

    def __init__(self, passphrase: Secret, settings: ScryptSettings | None = None) -> None:
        self._passphrase = passphrase
        self._settings = settings or ScryptSettings()

    def close_key(self, key: bytes) -> Record:
        """Under a fresh salt; half a second."""
        salt, nonce = os.urandom(_SALT_BYTES), os.urandom(NONCE_BYTES)
        settings = self._settings
        sealed = self._aead(salt, settings).encrypt(nonce, key, _associated(salt, settings))
        return {
            "n": settings.n, "r": settings.r, "p": settings.p,
            "salt": salt.hex(), "sealed": (nonce + sealed).hex(),
        }  # fmt: skip

    def open_key(self, record: Record) -> bytes:
        """Half a second; the record was proved whole before, so what does not open has another word."""
        settings, salt, sealed = _read(record)
        try:
            return self._aead(salt, settings).decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _associated(salt, settings)
            )
        except InvalidTag:
            raise WrongPassphraseError from None

    def _aead(self, salt: bytes, settings: ScryptSettings) -> AESGCM:
        typed = unicodedata.normalize("NFC", self._passphrase.reveal()).encode("utf-8", "replace")
        return AESGCM(Scrypt(salt=salt, length=32, n=settings.n, r=settings.r, p=settings.p).derive(typed))


def _associated(salt: bytes, settings: ScryptSettings) -> bytes:
    return b"%s\0%d/%d/%d\0%s" % (_CONTEXT, settings.n, settings.r, settings.p, salt)


def _read(record: Record) -> tuple[ScryptSettings, bytes, bytes]:
    try:
        figures = [record[name] for name in ("n", "r", "p")]
        salt, sealed = bytes.fromhex(str(record["salt"])), bytes.fromhex(str(record["sealed"]))
        numbers = [figure for figure in figures if isinstance(figure, int)]
        settings = ScryptSettings(*numbers)
        if len(numbers) == 3 and settings.is_bounded and len(sealed) > NONCE_BYTES:
            return settings, salt, sealed
    except (KeyError, ValueError, TypeError):
        pass
    raise damaged_lock() from None


def damaged_lock() -> AppError:
    """The lock file is not as it was written: no passphrase is wrong, the file is."""
    return AppError(
        ErrorKind.LOST_DATA,
        "the vault's lock file (keys/server/vault.lock) is damaged: restore it from a backup of the keys. "
        "The passphrase is not at fault",
    )
