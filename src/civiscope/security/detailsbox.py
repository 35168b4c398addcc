"""Sealing the details of audit entries so that the audit goes on while the vault is locked.

Anybody who has the public half seals (HPKE, RFC 9180); only the open vault reads. Details of earlier versions
were sealed with the key itself (`Vault`), and still open.
"""

import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hpke, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from civiscope.base import AppError, ErrorKind, ProtocolError
from civiscope.security.sealing import HPKE_SUITE, TAG_BYTES
from civiscope.security.signature import IntegrityError, key_fingerprint
from civiscope.security.vault import LOCKED_WORDS, Vault

_HEADER = struct.Struct(">4sBB8s")
_MAGIC = b"CVAD"
_VERSION = 1
_HPKE_X25519 = 1
_ENC_BYTES = 32
_DERIVE = b"civiscope audit details x25519 v1"


class DetailsBox:
    """Takes details in at any time, gives them out while the vault is open. Thread-safe."""

    def __init__(self, public_key: bytes, key: bytes | None = None) -> None:
        """`public_key`: 32 raw bytes; `key`: `audit-details.key`, while the vault is open."""
        self._public = X25519PublicKey.from_public_bytes(public_key)
        self._header = _HEADER.pack(_MAGIC, _VERSION, _HPKE_X25519, key_fingerprint(self._public))
        self._suite = hpke.Suite(*HPKE_SUITE)
        self._opened: tuple[X25519PrivateKey, Vault] | None = None
        if key is not None:
            self.unlock(key)

    @staticmethod
    def public_half(key: bytes) -> bytes:
        """What seals for the holder of `audit-details.key`: 32 raw bytes."""
        return (
            _private(key)
            .public_key()
            .public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        )

    @classmethod
    def of(cls, key: bytes) -> "DetailsBox":
        """A box that is open."""
        return cls(cls.public_half(key), key)

    @property
    def is_open(self) -> bool:
        """True while details can be read."""
        return self._opened is not None

    def unlock(self, key: bytes) -> None:
        """Read from now on."""
        self._opened = (_private(key), Vault(key))

    def lock(self) -> None:
        """Only seal from now on."""
        self._opened = None

    def seal(self, packed: bytes, context: bytes) -> bytes:
        """Sealed bytes for `open` with the same context."""
        return self._header + self._suite.encrypt(packed, self._public, info=self._header + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """What was sealed; IntegrityError if changed or moved, AppError(UNAVAILABLE) while locked."""
        opened = self._opened
        if opened is None:
            raise AppError(ErrorKind.UNAVAILABLE, LOCKED_WORDS)
        private_key, old = opened
        if not sealed.startswith(_MAGIC):
            return old.open_secret(sealed, context)
        if len(sealed) < _HEADER.size + _ENC_BYTES + TAG_BYTES:
            raise ProtocolError(f"{len(sealed)} bytes can not be sealed details")
        if sealed[: _HEADER.size] != self._header:
            raise IntegrityError("details of an audit entry are sealed to another key, or were changed")
        try:
            return self._suite.decrypt(sealed[_HEADER.size :], private_key, info=self._header + context)
        except (InvalidTag, ValueError):
            raise IntegrityError("the details of an audit entry do not open: they were changed") from None


def _private(key: bytes) -> X25519PrivateKey:
    derived = HKDF(hashes.SHA256(), 32, salt=None, info=_DERIVE).derive(key)
    return X25519PrivateKey.from_private_bytes(derived)
