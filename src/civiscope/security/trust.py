"""By whom recordings and exports are believed: the site's node authority, and who it certified for what."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from civiscope.base import NodeId, ProtocolError
from civiscope.security.authority import SignerRole, read_certificate, read_signer_certificate
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
        self.certificate = authority
        """The authority's own. Public."""
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[SignerRole, bytes], _Certified] = OrderedDict()

    @classmethod
    def read(cls, data: bytes) -> "SiteTrust":
        """From the authority's certificate, PEM or DER; ProtocolError for other bytes.

        That it is the right one is for whoever compares `fingerprint`: it signs itself.
        """
        if len(data) > _CERTIFICATE_LIMIT_BYTES:
            raise ProtocolError("a certificate of an authority is smaller than this file")
        return cls(read_certificate(data))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the authority's certificate, 64 small hexadecimal digits: what a person compares."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def der(self) -> bytes:
        """The authority's certificate. Public."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def site(self) -> str:
        """The id of the site, as the certificate says."""
        named = self.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
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
        node_id, public_key, certificate = read_signer_certificate(der, self.certificate, role)
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


@dataclass(frozen=True, slots=True)
class SignerFacts:
    """What a certificate says of itself, for a person."""

    name: str
    site: str
    fingerprint: str
    """SHA-256, 64 small hexadecimal digits."""
    is_issued: bool | None
    """By the authority it was checked against; None: there was none to check against."""
    words: str
    life: tuple[str, ...]


def describe_certificate(data: bytes, trust: SiteTrust | None) -> SignerFacts:
    """What a certificate of a site is for, and whether `trust` issued it; ProtocolError for other bytes."""
    certificate = read_certificate(data)
    der = certificate.public_bytes(serialization.Encoding.DER)
    life = (
        f"valid from {certificate.not_valid_before_utc.isoformat()} "
        f"to {certificate.not_valid_after_utc.isoformat()}"
    )
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    itself = SiteTrust(certificate)
    if trust is None:
        words, is_issued, name = "there is no authority to check it against", None, ""
    elif fingerprint == trust.fingerprint:
        words, is_issued, name = "this is the site's node authority itself", True, "authority"
    else:
        words, is_issued, name = _issued(der, trust)
    return SignerFacts(name, trust.site if trust else itself.site, fingerprint, is_issued, words, (life,))


def _issued(der: bytes, trust: SiteTrust) -> tuple[str, bool, str]:
    for role, what in ((SignerRole.NODE, "recordings"), (SignerRole.EXPORT, "manifests of exports")):
        try:
            node_id, _, _ = read_signer_certificate(der, trust.certificate, role)
        except (IntegrityError, ProtocolError):
            continue
        return f"the authority certifies that this key signs {what}", True, str(node_id)
    return "the site's authority did not issue it, or not for signing", False, ""
