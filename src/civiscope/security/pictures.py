"""Pictures of events: sealed by whoever holds the site's public key, opened only where the private one is.

A sealed picture is one run of bytes: version, wrapped data key, nonce, ciphertext with its tag; bound to the
event's id. Byte layout: docs/design/security.md.
"""

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from civiscope.base import ProtocolError, SiteId, StreamId, new_id
from civiscope.security.keyring import Keyring
from civiscope.security.sealing import (
    HOUR_US,
    HPKE_SUITE,
    NONCE_BYTES,
    TAG_BYTES,
    WRAPPED_BYTES,
    DataKey,
    KeyContext,
    KeyId,
    WrapHeader,
    read_wrapped,
)
from civiscope.security.signature import IntegrityError, key_fingerprint

SEALED_PICTURE_OVERHEAD_BYTES = 1 + WRAPPED_BYTES + NONCE_BYTES + TAG_BYTES
"""A sealed picture of version 1 is so much longer than the picture."""

_VERSION = b"\x01"
_DOMAIN = b"civiscope sealed picture v1\0"
_PREFIX_BYTES = 8
_COUNTER_BYTES = NONCE_BYTES - _PREFIX_BYTES
_COUNTER_LIMIT = 1 << (8 * _COUNTER_BYTES)
_KEPT_KEYS = 4096
"""One for each stream and hour; a stream pushed out gets a fresh one."""


@dataclass(slots=True)
class _StreamKey:
    """The data key of one stream in one hour, and how often it was used."""

    hour: int
    key: DataKey
    wrapped: bytes
    prefix: bytes
    count: int = 0

    def next_nonce(self) -> bytes:
        nonce = self.prefix + self.count.to_bytes(_COUNTER_BYTES, "big")
        self.count += 1
        return nonce


class PictureSealer:
    """Holds the site's *public* sealing key; opens nothing. Thread-safe."""

    def __init__(self, site_id: SiteId, sealing_key: X25519PublicKey) -> None:
        self.site_id = site_id
        self._sealing_key = sealing_key
        self._fingerprint = key_fingerprint(sealing_key)
        self._suite = hpke.Suite(*HPKE_SUITE)
        self._keys: OrderedDict[StreamId, _StreamKey] = OrderedDict()
        self._lock = threading.Lock()

    def renew(self, sealing_key: X25519PublicKey) -> None:
        """Wrap to this key of the site from now on, with fresh data keys."""
        with self._lock:
            self._sealing_key, self._fingerprint = sealing_key, key_fingerprint(sealing_key)
            self._keys.clear()

    def seal(
        self, event_id: UUID, stream_id: StreamId, at_us: int, picture: bytes, domain: bytes = _DOMAIN
    ) -> bytes:
        """The picture of one event, for `open_picture`; `at_us` is UTC of the frame.

        `domain`: what else is sealed in this manner opens under its own domain alone.
        """
        with self._lock:
            key = self._key_of(stream_id, at_us // HOUR_US)
            nonce = key.next_nonce()
        sealed = key.key.seal(nonce, picture, _associated(event_id, key.wrapped, domain))
        return _VERSION + key.wrapped + nonce + sealed

    def _key_of(self, stream_id: StreamId, hour: int) -> _StreamKey:
        found = self._keys.get(stream_id)
        if found is None or found.hour != hour or found.count >= _COUNTER_LIMIT:
            found = self._keys[stream_id] = self._new_key(stream_id, hour)
            if len(self._keys) > _KEPT_KEYS:
                self._keys.popitem(last=False)
        self._keys.move_to_end(stream_id)
        return found

    def _new_key(self, stream_id: StreamId, hour: int) -> _StreamKey:
        key_id, secret = KeyId(new_id()), os.urandom(32)
        header = WrapHeader(self.site_id, self._fingerprint, KeyContext(stream_id, hour, key_id)).to_bytes()
        wrapped = header + self._suite.encrypt(secret, self._sealing_key, info=header)
        return _StreamKey(hour, DataKey(key_id, secret), wrapped, os.urandom(_PREFIX_BYTES))


def open_picture(keyring: Keyring, event_id: UUID, sealed: bytes, domain: bytes = _DOMAIN) -> bytes:
    """The picture of this event as it was sealed.

    IntegrityError if one bit is another, or it is another event's; UNAVAILABLE while the vault is locked.
    """
    if len(sealed) < SEALED_PICTURE_OVERHEAD_BYTES:
        raise IntegrityError(f"the sealed picture of event {event_id} was cut: it has {len(sealed)} bytes")
    if sealed[:1] != _VERSION:
        raise IntegrityError(
            f"the sealed picture of event {event_id} has version {sealed[0]}: it was changed, or a newer "
            "release made it"
        )
    wrapped, rest = sealed[1 : 1 + WRAPPED_BYTES], sealed[1 + WRAPPED_BYTES :]
    try:
        header, _ = read_wrapped(wrapped)
    except ProtocolError as error:
        raise IntegrityError(f"the sealed picture of event {event_id}: {error.message}") from None
    key = keyring.unwrap(wrapped, header.context)
    return keyring.open(key, rest[:NONCE_BYTES], rest[NONCE_BYTES:], _associated(event_id, wrapped, domain))


def _associated(event_id: UUID, wrapped: bytes, domain: bytes) -> bytes:
    return domain + event_id.bytes + wrapped
