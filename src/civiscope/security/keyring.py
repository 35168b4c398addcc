"""The reader's side of sealing: opens wraps with the site's private key, checks who signed."""

import threading
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from civiscope.base import NodeId, SiteId
from civiscope.security.authority import read_node_certificate
from civiscope.security.sealing import (
    HPKE_SUITE,
    DataKey,
    IntegrityError,
    KeyContext,
    key_fingerprint,
    read_signature,
    read_wrapped,
    signed_bytes,
)

_CACHED_CERTIFICATES = 64


class Keyring:
    """Holds the site's private sealing keys (the newest and older ones) and its authority. Thread-safe."""

    def __init__(
        self, site_id: SiteId, sealing_keys: Iterable[X25519PrivateKey], authority: x509.Certificate
    ) -> None:
        self.site_id = site_id
        self._sealing_keys = {key_fingerprint(key.public_key()): key for key in sealing_keys}
        self._authority = authority
        self._suite = hpke.Suite(*HPKE_SUITE)
        self._lock = threading.Lock()
        self._nodes: OrderedDict[bytes, tuple[NodeId, Ed25519PublicKey, x509.Certificate]] = OrderedDict()

    def unwrap(self, wrapped: bytes, context: KeyContext) -> DataKey:
        """The data key for `context`: what the reader expects there, from the segment it wants to open.

        IntegrityError if the wrap is for something else, was changed, or is sealed to a key we do not hold.
        """
        header, ciphertext = read_wrapped(wrapped)
        if header.context != context or header.site_id != self.site_id:
            raise IntegrityError(
                f"the wrapped key beside data key {context.key_id} is for another site, stream, hour or key: "
                "it was swapped, or the volume belongs to another site"
            )
        private_key = self._sealing_keys.get(header.sealing_key)
        if private_key is None:
            raise IntegrityError(
                f"data key {context.key_id} is sealed to site key {header.sealing_key.hex()}, which this "
                "machine does not hold: restore that key, or the footage stays closed"
            )
        try:
            secret = self._suite.decrypt(ciphertext, private_key, info=wrapped[: -len(ciphertext)])
        except InvalidTag:
            raise IntegrityError(f"the wrapped key {context.key_id} does not open: it was changed") from None
        return DataKey(context.key_id, secret)

    def open(self, key: DataKey, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes:
        """The plaintext; IntegrityError if anything is not as it was sealed (see `DataKey.open`)."""
        return key.open(nonce, ciphertext, associated)

    def verify_signature(
        self, node_certificate: bytes, signature: bytes, message: bytes, signed_at_us: int
    ) -> NodeId:
        """Who signed `message`: a node whose certificate (DER) our authority issued, valid at `signed_at_us`.

        IntegrityError if the signature does not hold; ProtocolError if bytes are no signature or certificate.
        """
        node_id, public_key, certificate = self._node(node_certificate)
        signed_at = datetime.fromtimestamp(signed_at_us / 1_000_000, UTC)
        if not certificate.not_valid_before_utc <= signed_at <= certificate.not_valid_after_utc:
            raise IntegrityError(f"node {node_id} signed when its certificate was not valid ({signed_at})")
        header, fingerprint, raw = read_signature(signature)
        if fingerprint != key_fingerprint(public_key):
            raise IntegrityError(f"signed by key {fingerprint.hex()}, which is not the key of node {node_id}")
        try:
            public_key.verify(raw, signed_bytes(header, message))
        except InvalidSignature:
            raise IntegrityError(f"the signature of node {node_id} does not match: bytes changed") from None
        return node_id

    def _node(self, der: bytes) -> tuple[NodeId, Ed25519PublicKey, x509.Certificate]:
        with self._lock:
            known = self._nodes.get(der)
            if known is not None:
                self._nodes.move_to_end(der)
                return known
        node = read_node_certificate(der, self._authority)
        with self._lock:
            self._nodes[der] = node
            if len(self._nodes) > _CACHED_CERTIFICATES:
                self._nodes.popitem(last=False)
        return node
