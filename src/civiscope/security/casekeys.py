"""The key of a case: opens the held hours of that case, and only those, after the site's own wraps are gone.

A pair (X25519) for each case; the private part is sealed by the vault, bound to the case. A case wrap is a
data key sealed to it by HPKE (RFC 9180), whose `info` is the wrap's header, so that a wrap of another case,
site, stream, hour or key does not open. Byte layout: docs/design/keys.md.
"""

import struct
from dataclasses import dataclass
from typing import NewType
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from civiscope.base import AppError, ErrorKind, ProtocolError, SiteId, StreamId
from civiscope.security.sealing import TAG_BYTES, KeyContext, KeyId
from civiscope.security.signature import key_fingerprint
from civiscope.security.vault import Vault

CaseId = NewType("CaseId", UUID)
"""Names a case; what a case is, `evidence` knows."""

_HEADER = struct.Struct(">4sBB16s8s16sq16s16s")
_MAGIC = b"CVCW"
_VERSION = 1
_HPKE_X25519 = 1
CASE_WRAP_BYTES = _HEADER.size + 32 + 32 + TAG_BYTES
"""Length of a case wrap of this version."""


@dataclass(frozen=True, slots=True)
class CaseKey:
    """A case's private key in memory; `repr` shows nothing of it."""

    case_id: CaseId
    private: X25519PrivateKey

    def __repr__(self) -> str:
        return f"CaseKey({self.case_id})"

    @property
    def fingerprint(self) -> bytes:
        """Names the pair."""
        return key_fingerprint(self.private.public_key())


@dataclass(frozen=True, slots=True)
class CaseWrapHeader:
    """The open part of a case wrap."""

    site_id: SiteId
    case_key: bytes
    """`key_fingerprint` of the case's public key."""
    context: KeyContext
    case_id: CaseId

    def to_bytes(self) -> bytes:
        """Big-endian."""
        one = self.context
        return _HEADER.pack(
            _MAGIC, _VERSION, _HPKE_X25519, self.site_id.bytes, self.case_key, one.stream_id.bytes, one.hour,
            one.key_id.bytes, self.case_id.bytes,
        )  # fmt: skip


def read_case_wrap(wrapped: bytes) -> tuple[CaseWrapHeader, bytes]:
    """Header and HPKE ciphertext of a case wrap; ProtocolError for any other bytes."""
    if len(wrapped) != CASE_WRAP_BYTES:
        raise ProtocolError(f"a case wrap has {CASE_WRAP_BYTES} bytes, not {len(wrapped)}")
    magic, version, algorithm, site, case_key, stream, hour, key, case = _HEADER.unpack_from(wrapped)
    if (magic, version, algorithm) != (_MAGIC, _VERSION, _HPKE_X25519):
        raise ProtocolError("these bytes are not a case wrap that this release can read")
    context = KeyContext(StreamId(UUID(bytes=stream)), hour, KeyId(UUID(bytes=key)))
    header = CaseWrapHeader(SiteId(UUID(bytes=site)), case_key, context, CaseId(UUID(bytes=case)))
    return header, wrapped[_HEADER.size :]


def new_case_key(vault: Vault, case_id: CaseId) -> bytes:
    """A fresh pair, its private part sealed for `open_case_key`; UNAVAILABLE while the vault is locked."""
    raw = X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    return vault.seal_secret(raw, _use(case_id))


def open_case_key(vault: Vault, case_id: CaseId, sealed: bytes) -> CaseKey:
    """The pair of this case; IntegrityError if the bytes were changed or are another case's."""
    raw = vault.open_secret(sealed, _use(case_id))
    try:
        return CaseKey(case_id, X25519PrivateKey.from_private_bytes(raw))
    except ValueError:
        raise AppError(
            ErrorKind.LOST_DATA, f"the key of case {case_id} is no key: restore the database from a backup"
        ) from None


def case_public_key(key: CaseKey) -> X25519PublicKey:
    """What wraps for the case."""
    return key.private.public_key()


def _use(case_id: CaseId) -> bytes:
    return f"case/{case_id}/key".encode()
