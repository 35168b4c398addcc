"""By whom recordings and exports are believed: the site's node authority, and who it certified for what."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from civiscope.base import NodeId, ProtocolError
from civiscope.security.authority import SignerRole, read_signer_certificate
from civiscope.security.sealing import NODE_SIGNATURE_DOMAIN
from civiscope.security.signature import IntegrityError, SignatureChecker

EXPORT_DOMAIN = b"civiscope export manifest"
_DOMAINS = {SignerRole.NODE: NODE_SIGNATURE_DOMAIN, SignerRole.EXPORT: EXPORT_DOMAIN}
_CACHED_CERTIFICATES = 64
_CERTIFICATE_LIMIT_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class _Certified:
    """A certificate that was found good, so that a recording of many parts costs one check of it."""

    node_id: NodeId
    checker: SignatureChecker
    from_us: int
    until_us: int


class SiteTrust:
    """Checks signatures as of their time against one authority. Thread-safe; holds no secret."""

    def __init__(self, authority: x509.Certificate) -> None:
        self._authority = authority
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[SignerRole, bytes], _Certified] = OrderedDict()

    @classmethod
    def read(cls, data: bytes) -> "SiteTrust":
        """From the authority's certificate, PEM or DER; ProtocolError for other bytes.

        That it is the right one is for whoever compares `fingerprint`: it signs itself.
        """
        if len(data) > _CERTIFICATE_LIMIT_BYTES:
            raise ProtocolError("a certificate of an authority is smaller than this file")
        try:
            is_pem = data.lstrip().startswith(b"-----BEGIN")
            load = x509.load_pem_x509_certificate if is_pem else x509.load_der_x509_certificate
            return cls(load(data))
        except ValueError:
            raise ProtocolError("these bytes are no certificate of an authority") from None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the authority's certificate, 64 small hexadecimal digits: what a person compares."""
        return self._authority.fingerprint(hashes.SHA256()).hex()

    @property
    def der(self) -> bytes:
        """The authority's certificate. Public."""
        return self._authority.public_bytes(serialization.Encoding.DER)

    @property
    def site(self) -> str:
        """The id of the site, as the certificate says."""
        named = self._authority.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        return str(named[0].value) if named else ""

    def verify_node(self, certificate: bytes, signature: bytes, message: bytes, at_us: int) -> NodeId:
        """Who signed `message` that was recorded: a node certified by the authority, valid at `at_us`.

        IntegrityError if the signature does not hold; ProtocolError if bytes are no signature or certificate.
        """
        return self._verify(SignerRole.NODE, certificate, signature, message, at_us)

    def verify_manifest(self, certificate: bytes, signature: bytes, manifest: bytes, at_us: int) -> NodeId:
        """Which node's server signed an export's manifest; errors as `verify_node`."""
        return self._verify(SignerRole.EXPORT, certificate, signature, manifest, at_us)

    def _verify(
        self, role: SignerRole, certificate: bytes, signature: bytes, message: bytes, at_us: int
    ) -> NodeId:
        one = self._certified(role, certificate)
        if not one.from_us <= at_us <= one.until_us:
            raise IntegrityError(f"node {one.node_id} signed when its certificate was not valid")
        one.checker.check(signature, message)
        return one.node_id

    def _certified(self, role: SignerRole, der: bytes) -> _Certified:
        with self._lock:
            known = self._known.get((role, der))
            if known is not None:
                self._known.move_to_end((role, der))
                return known
        node_id, public_key, certificate = read_signer_certificate(der, self._authority, role)
        found = _Certified(
            node_id,
            SignatureChecker(public_key, _DOMAINS[role]),
            int(certificate.not_valid_before_utc.timestamp()) * 1_000_000,
            int(certificate.not_valid_after_utc.timestamp()) * 1_000_000,
        )
        with self._lock:
            self._known[role, der] = found
            if len(self._known) > _CACHED_CERTIFICATES:
                self._known.popitem(last=False)
        return found
