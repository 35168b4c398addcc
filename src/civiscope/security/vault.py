"""Small secrets sealed for the disk (camera passwords, kept plans): AES-256-GCM, bound to their use."""

import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from civiscope.base import AppError, ErrorKind, ProtocolError
from civiscope.security.sealing import NONCE_BYTES, TAG_BYTES
from civiscope.security.signature import IntegrityError

SECRET_LIMIT_BYTES = 16 * 1024 * 1024
_KEY_BYTES = 32
LOCKED_WORDS = (
    "The vault is locked: recordings and camera passwords stay closed until an administrator unlocks "
    "it, on the page or with `civiscope vault unlock`. Recording and live pictures go on meanwhile."
)
_HEADER = struct.Struct(">4sBB4s")
_MAGIC = b"CVVS"
_VERSION = 1
_AES_256_GCM = 1


class Vault:
    """Seals and opens small secrets with one key. Thread-safe; `repr` shows nothing of the key.

    The context says what a secret is for (`b"device/<id>/password"`): sealed bytes moved away do not open.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise AppError(
                ErrorKind.INVALID,
                f"a vault key has {_KEY_BYTES} bytes, not {len(key)}: restore it from a backup",
            )
        digest = hashes.Hash(hashes.SHA256())
        digest.update(b"civiscope vault key\0" + key)
        self._fingerprint = digest.finalize()[:4]
        self._aead = AESGCM(key)

    @staticmethod
    def new_key() -> bytes:
        """A fresh key for a vault."""
        return os.urandom(_KEY_BYTES)

    def seal_secret(self, secret: bytes, context: bytes = b"") -> bytes:
        """Sealed bytes for `open_secret` with the same context; random nonce, so never twice the same."""
        if len(secret) > SECRET_LIMIT_BYTES:
            raise AppError(ErrorKind.INVALID, f"a secret of {len(secret)} bytes is too large for the vault")
        header = _HEADER.pack(_MAGIC, _VERSION, _AES_256_GCM, self._fingerprint)
        nonce = os.urandom(NONCE_BYTES)
        return header + nonce + self._aead.encrypt(nonce, secret, header + context)

    def open_secret(self, sealed: bytes, context: bytes = b"") -> bytes:
        """What was sealed with this context; IntegrityError if changed, moved, or sealed by another vault."""
        if not _HEADER.size + NONCE_BYTES + TAG_BYTES <= len(sealed) <= SECRET_LIMIT_BYTES + 64:
            raise ProtocolError(f"{len(sealed)} bytes can not be a sealed secret")
        header, rest = sealed[: _HEADER.size], sealed[_HEADER.size :]
        magic, version, algorithm, fingerprint = _HEADER.unpack(header)
        if (magic, version, algorithm) != (_MAGIC, _VERSION, _AES_256_GCM):
            raise ProtocolError("these bytes are not a sealed secret that this release can read")
        if fingerprint != self._fingerprint:
            raise IntegrityError(
                "this secret is sealed with another vault key: restore that key, or enter it anew"
            )
        try:
            return self._aead.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], header + context)
        except InvalidTag:
            raise IntegrityError(
                "a sealed secret does not open: it was changed or moved; enter it anew"
            ) from None


class LockableVault(Vault):
    """A vault whose key may be away: then it neither seals nor opens, and says what to do (UNAVAILABLE)."""

    def __init__(self, key: bytes | None = None) -> None:
        self._open: Vault | None = None if key is None else Vault(key)

    def unlock(self, key: bytes) -> None:
        """Seal and open with this key from now on."""
        self._open = Vault(key)

    def lock(self) -> None:
        """Forget the key."""
        self._open = None

    def seal_secret(self, secret: bytes, context: bytes = b"") -> bytes:
        """As `Vault`."""
        return self._unlocked().seal_secret(secret, context)

    def open_secret(self, sealed: bytes, context: bytes = b"") -> bytes:
        """As `Vault`."""
        return self._unlocked().open_secret(sealed, context)

    def _unlocked(self) -> Vault:
        opened = self._open
        if opened is None:
            raise AppError(ErrorKind.UNAVAILABLE, LOCKED_WORDS)
        return opened
