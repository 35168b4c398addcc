"""Sealing recorded bytes so that the recorder can write what it can not read again.

The recorder holds the site's *public* sealing key. It makes a random AES-256-GCM data key per stream and
hour, keeps it in memory while it writes, and leaves only its wrap on the disk: HPKE (RFC 9180) in base mode
with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; HPKE's `info` is the wrap's own header, which binds
site, stream, hour and key id. Byte layouts: docs/design/security.md.
"""

import os
import struct
import threading
from dataclasses import dataclass
from typing import NewType
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from civiscope.base import ProtocolError, SiteId, StreamId, new_id
from civiscope.security.signature import IntegrityError, Signer, key_fingerprint

KeyId = NewType("KeyId", UUID)
"""Names one data key: one stream, one hour, one start of the recorder."""

HOUR_US = 3_600_000_000
NONCE_BYTES = 12
TAG_BYTES = 16
"""`seal` gives the plaintext's length and this many bytes more."""

_WRAP_MAGIC = b"CVWK"
_WRAP_HEADER = struct.Struct(">4sBB16s8s16sq16s")
_WRAP_VERSION = 1
_WRAP_HPKE_X25519_SHA256_AES256GCM = 1
_WRAPPED_SECRET_BYTES = 32 + 32 + TAG_BYTES
WRAPPED_BYTES = _WRAP_HEADER.size + _WRAPPED_SECRET_BYTES
"""Length of a wrapped data key of this version."""

NODE_SIGNATURE_DOMAIN = b"civiscope node signature"

HPKE_SUITE = (hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class KeyContext:
    """What a data key is for. `hour` counts whole hours of UTC since 1970: `wall_us // HOUR_US`."""

    stream_id: StreamId
    hour: int
    key_id: KeyId


class DataKey:
    """One AES-256-GCM key in memory. Thread-safe; shows nothing of the key in `repr`, and does not pickle."""

    __slots__ = ("_aead", "key_id")

    def __init__(self, key_id: KeyId, secret: bytes) -> None:
        self.key_id = key_id
        self._aead = AESGCM(secret)

    def __repr__(self) -> str:
        return f"DataKey({self.key_id})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a data key does not leave its process; send the wrapped key instead")

    def seal(self, nonce: bytes, plaintext: bytes, associated: bytes) -> bytes:
        """Ciphertext and tag, `TAG_BYTES` longer than the plaintext.

        A nonce of `NONCE_BYTES` must never be used twice with one key: the caller counts.
        """
        return self._aead.encrypt(nonce, plaintext, associated)

    def open(self, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes:
        """The plaintext; IntegrityError if one bit of nonce, ciphertext or associated data is another."""
        if len(nonce) != NONCE_BYTES:
            raise IntegrityError(f"a nonce of {len(nonce)} bytes: the sealed bytes were cut or are not ours")
        try:
            return self._aead.decrypt(nonce, ciphertext, associated)
        except InvalidTag:
            raise IntegrityError(
                f"sealed bytes do not open with data key {self.key_id}: they were changed, cut or moved, "
                "or belong to another key"
            ) from None


@dataclass(frozen=True, slots=True)
class WrapHeader:
    """The open part of a wrapped data key, bound to the secret part by HPKE's `info`."""

    site_id: SiteId
    sealing_key: bytes
    """`key_fingerprint` of the site sealing key it is wrapped to."""
    context: KeyContext

    def to_bytes(self) -> bytes:
        """Big-endian, `_WRAP_HEADER`."""
        return _WRAP_HEADER.pack(
            _WRAP_MAGIC,
            _WRAP_VERSION,
            _WRAP_HPKE_X25519_SHA256_AES256GCM,
            self.site_id.bytes,
            self.sealing_key,
            self.context.stream_id.bytes,
            self.context.hour,
            self.context.key_id.bytes,
        )


def read_wrapped(wrapped: bytes) -> tuple[WrapHeader, bytes]:
    """Header and HPKE ciphertext (enc, ct) of a wrapped data key; ProtocolError for any other bytes."""
    if len(wrapped) != WRAPPED_BYTES:
        raise ProtocolError(f"a wrapped data key has {WRAPPED_BYTES} bytes, not {len(wrapped)}")
    magic, version, algorithm, site, sealing_key, stream, hour, key = _WRAP_HEADER.unpack_from(wrapped)
    if magic != _WRAP_MAGIC:
        raise ProtocolError("these bytes are not a wrapped data key: they do not begin with CVWK")
    if version != _WRAP_VERSION or algorithm != _WRAP_HPKE_X25519_SHA256_AES256GCM:
        raise ProtocolError(
            f"wrapped data key of version {version}, algorithm {algorithm}: this release reads version 1, "
            "algorithm 1 (HPKE X25519); use a newer one"
        )
    context = KeyContext(StreamId(UUID(bytes=stream)), hour, KeyId(UUID(bytes=key)))
    return WrapHeader(SiteId(UUID(bytes=site)), sealing_key, context), wrapped[_WRAP_HEADER.size :]


class SegmentSealer:
    """The recorder's side: makes and uses data keys, signs; can open nothing that it closed before a restart.

    Thread-safe.
    """

    def __init__(
        self,
        site_id: SiteId,
        sealing_key: X25519PublicKey,
        node_key: Ed25519PrivateKey,
        node_certificate: bytes,
    ) -> None:
        self.site_id = site_id
        self.node_certificate = node_certificate
        """X.509 in DER, issued to this node by the site's authority; stands beside what the node signs."""
        self._sealing_key = sealing_key
        self._sealing_fingerprint = key_fingerprint(sealing_key)
        self.generation = 0
        """Grows when the site's key is another: data keys made before are to be used no longer."""
        self._lock = threading.Lock()
        self._signer = Signer(node_key, NODE_SIGNATURE_DOMAIN)
        self._suite = hpke.Suite(*HPKE_SUITE)

    def renew(self, sealing_key: X25519PublicKey) -> None:
        """Wrap to this key of the site from now on."""
        with self._lock:
            self._sealing_key, self._sealing_fingerprint = sealing_key, key_fingerprint(sealing_key)
            self.generation += 1

    def new_data_key(self, stream_id: StreamId, hour: int) -> tuple[KeyId, DataKey, bytes]:
        """A fresh data key for one stream and hour, and its wrap (`WRAPPED_BYTES`) to lie beside the bytes.

        `hour` is `wall_us // HOUR_US`. Ask again for every hour and after every start: keys are never kept.
        """
        key_id = KeyId(new_id())
        secret = os.urandom(32)
        with self._lock:
            sealing_key, fingerprint = self._sealing_key, self._sealing_fingerprint
        header = WrapHeader(self.site_id, fingerprint, KeyContext(stream_id, hour, key_id)).to_bytes()
        wrapped = header + self._suite.encrypt(secret, sealing_key, info=header)
        return key_id, DataKey(key_id, secret), wrapped

    def seal(self, key: DataKey, nonce: bytes, plaintext: bytes, associated: bytes) -> bytes:
        """AES-256-GCM: ciphertext and tag, `TAG_BYTES` longer than `plaintext` (see `DataKey.seal`)."""
        return key.seal(nonce, plaintext, associated)

    def sign(self, message: bytes) -> bytes:
        """`SIGNATURE_BYTES` by this node's key, for `Keyring.verify_signature`."""
        return self._signer.sign(message)
