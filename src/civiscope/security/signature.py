"""Ed25519 signatures that say their version, algorithm and key, and mean one thing only (RFC 8032)."""

import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from civiscope.base import AppError, ErrorKind, ProtocolError

_HEADER = struct.Struct(">BB8s")
_VERSION = 1
_ED25519 = 1
SIGNATURE_BYTES = _HEADER.size + 64
"""Length of a signature of this version."""


class IntegrityError(AppError):
    """Sealed or signed bytes that are not what was written: changed, cut, swapped, or made by another key."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorKind.LOST_DATA, message)

    def __reduce__(self) -> tuple[type["IntegrityError"], tuple[str]]:  # type: ignore[override]  # other args
        return (IntegrityError, (self.message,))


def key_fingerprint(public_key: X25519PublicKey | Ed25519PublicKey) -> bytes:
    """The first 8 bytes of SHA-256 over the key's SubjectPublicKeyInfo: names a key, proves nothing."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(
        public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return digest.finalize()[:8]


class Signer:
    """Signs with one key for one `domain`: a signature made for another domain does not hold here."""

    __slots__ = ("_domain", "_header", "_key")

    def __init__(self, key: Ed25519PrivateKey, domain: bytes) -> None:
        self._key = key
        self._domain = domain
        self._header = _HEADER.pack(_VERSION, _ED25519, key_fingerprint(key.public_key()))

    def sign(self, message: bytes) -> bytes:
        """`SIGNATURE_BYTES`: version, algorithm, key fingerprint, Ed25519 over domain, header, message."""
        return self._header + self._key.sign(b"".join((self._domain, b"\0", self._header, message)))


def read_signature(signature: bytes) -> tuple[bytes, bytes]:
    """Header and the signer's key fingerprint; ProtocolError if the bytes are no signature we can read."""
    if len(signature) != SIGNATURE_BYTES:
        raise ProtocolError(f"a signature has {SIGNATURE_BYTES} bytes, not {len(signature)}")
    header = signature[: _HEADER.size]
    version, algorithm, fingerprint = _HEADER.unpack(header)
    if version != _VERSION or algorithm != _ED25519:
        raise ProtocolError(
            f"signature of version {version}, algorithm {algorithm}: this release reads version 1, "
            "algorithm 1 (Ed25519); use a newer one"
        )
    return header, fingerprint


class SignatureChecker:
    """Checks what `Signer` made with the private half of `key` for the same `domain`."""

    __slots__ = ("_domain", "_fingerprint", "_key")

    def __init__(self, key: Ed25519PublicKey, domain: bytes) -> None:
        self._key = key
        self._domain = domain
        self._fingerprint = key_fingerprint(key)

    def check(self, signature: bytes, message: bytes) -> None:
        """IntegrityError if it does not hold; ProtocolError if the bytes are no signature we can read."""
        header, fingerprint = read_signature(signature)
        if fingerprint != self._fingerprint:
            raise IntegrityError(
                f"signed by key {fingerprint.hex()}, not by the key {self._fingerprint.hex()} it should be"
            )
        try:
            self._key.verify(signature[_HEADER.size :], b"".join((self._domain, b"\0", header, message)))
        except InvalidSignature:
            raise IntegrityError("the signature does not match: bytes were changed") from None
