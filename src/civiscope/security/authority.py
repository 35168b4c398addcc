"""The site's own X.509 authorities (RFC 5280): one for TLS, one that certifies node keys.

Phones and desks trust the TLS authority, so it may speak for this site's names and for private networks only
(name constraints), and it is replaced when the site gets a name outside them. The node authority stands
behind recordings for decades and is never installed anywhere. ECDSA P-256 for both and for TLS (what browsers
take), Ed25519 for node signing keys.
"""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from civiscope.base import AppError, ErrorKind, NodeId, ProtocolError, SiteId
from civiscope.security.signature import IntegrityError

AUTHORITY_DAYS = 20 * 365
NODE_DAYS = 10 * 365
TLS_DAYS = 397
"""The longest life browsers accept for a server certificate (CA/Browser Forum ballot SC31)."""
TLS_RENEW_DAYS = 30
_BACKDATE = timedelta(hours=1)
"""Browsers whose clock is a little behind still accept what was issued a moment ago."""
_PRIVATE_DOMAINS = ("localhost", "local", "lan", "internal", "home.arpa")
_PRIVATE_NETWORKS = (
    "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    "::1/128", "fc00::/7", "fe80::/10",
)  # fmt: skip
UNREADABLE_CERTIFICATE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    CryptographyDeprecationWarning,
)
"""All that reading foreign bytes as a certificate may raise (pyca/cryptography, x509 reference).

What is a warning today raises where warnings are errors, and with a later release of the library."""
_CERTIFICATE_LIMIT_BYTES = 16 * 1024


class SignerRole(StrEnum):
    """What the node authority certifies a key for; the value is the beginning of its URI name."""

    NODE = "urn:civiscope:node:"
    """Signs recordings."""
    EXPORT = "urn:civiscope:export:"
    """Signs manifests of exports."""
    FILE = "urn:civiscope:file:"
    """Signs exported files in ONVIF's format, with RSA."""


_SIGNS = {SignerRole.NODE: "recordings", SignerRole.EXPORT: "exports", SignerRole.FILE: "files"}


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority's certificate with its private key; only where certificates are issued."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make_tls_authority(site_name: str, site_id: SiteId, hosts: Sequence[str], now_us: int) -> Authority:
    """An authority that may speak for `hosts`, private domains and private networks, and for nothing else."""
    names: list[x509.GeneralName] = [x509.DNSName(domain) for domain in _PRIVATE_DOMAINS]
    names += [x509.IPAddress(ipaddress.ip_network(network)) for network in _PRIVATE_NETWORKS]
    for host in hosts:
        name = _general_name(host)
        names.append(x509.IPAddress(ipaddress.ip_network(host)) if isinstance(name, x509.IPAddress) else name)
    constraints = x509.NameConstraints(list(dict.fromkeys(names)), None)
    return _make_authority(_name(f"{site_name[:40]} Civiscope", str(site_id)), now_us, constraints)


def make_node_authority(site_id: SiteId, now_us: int) -> Authority:
    """An authority for node signing keys; it may not speak for any host."""
    everything = [
        x509.DNSName(""),
        x509.IPAddress(ipaddress.ip_network("0.0.0.0/0")),
        x509.IPAddress(ipaddress.ip_network("::/0")),
    ]
    name = _name("Civiscope node authority", str(site_id))
    return _make_authority(name, now_us, x509.NameConstraints(None, everything))


def may_speak_for(authority: x509.Certificate, host: str) -> bool:
    """True if a certificate for `host` lies within the authority's name constraints (RFC 5280 §4.2.1.10)."""
    permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees
    name = _general_name(host)
    return any(_is_within(name, base) for base in permitted or ())


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a person compares before trusting a certificate."""

    der: bytes
    fingerprint_sha256: str
    """64 small hexadecimal digits."""
    not_after_us: int
    names: tuple[str, ...]
    """Names and addresses it speaks for; empty for an authority's own."""


def certificate_facts(pem: bytes) -> CertificateFacts:
    """Facts of the first certificate in a PEM file of ours."""
    certificate = x509.load_pem_x509_certificate(pem)
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(str(name.value) for name in found)
    except x509.ExtensionNotFound:
        names = ()
    return CertificateFacts(
        certificate.public_bytes(serialization.Encoding.DER),
        certificate.fingerprint(hashes.SHA256()).hex(),
        int(certificate.not_valid_after_utc.timestamp()) * 1_000_000,
        names,
    )


def _is_within(name: x509.GeneralName, base: x509.GeneralName) -> bool:
    if isinstance(name, x509.IPAddress) and isinstance(base, x509.IPAddress):
        return ipaddress.ip_address(str(name.value)) in ipaddress.ip_network(str(base.value))
    if isinstance(name, x509.DNSName) and isinstance(base, x509.DNSName):
        return f".{name.value}".endswith(f".{base.value}")
    return False


def _make_authority(name: x509.Name, now_us: int, constraints: x509.NameConstraints) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(name, name, now_us, AUTHORITY_DAYS)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True), critical=True)
        .add_extension(constraints, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def issue_tls(
    authority: Authority, key: ec.EllipticCurvePublicKey, hosts: Sequence[str], now_us: int
) -> x509.Certificate:
    """A server certificate for `hosts` (names, addresses); at most `TLS_DAYS`, never past the authority."""
    names = [_general_name(host) for host in hosts]
    return (
        _builder(_name(hosts[0][:64]), authority.certificate.subject, now_us, TLS_DAYS, authority.certificate)
        .public_key(key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(_issuer_key(authority), critical=False)
        .sign(authority.key, hashes.SHA256())
    )


def issue_node(authority: Authority, key: Ed25519PublicKey, node_id: NodeId, now_us: int) -> x509.Certificate:
    """Certifies a node's signing key; its name is `urn:civiscope:node:<id>`, and it is no good for TLS."""
    return issue_signer(authority, key, node_id, now_us, SignerRole.NODE)


def issue_signer(
    authority: Authority,
    key: Ed25519PublicKey | rsa.RSAPublicKey,
    node_id: NodeId,
    now_us: int,
    role: SignerRole,
) -> x509.Certificate:
    """Certifies a signing key of a node for one role, named `<role><id>`; no good for TLS."""
    uri = x509.UniformResourceIdentifier(f"{role.value}{node_id}")
    subject = _name(f"{role.name.lower()} {node_id}")
    return (
        _builder(subject, authority.certificate.subject, now_us, NODE_DAYS, authority.certificate)
        .public_key(key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.SubjectAlternativeName([uri]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(_issuer_key(authority), critical=False)
        .sign(authority.key, hashes.SHA256())
    )


def read_node_certificate(
    der: bytes, authority: x509.Certificate
) -> tuple[NodeId, Ed25519PublicKey, x509.Certificate]:
    """Node, its key and the certificate, if `authority` issued it to a node; errors as below."""
    return read_signer_certificate(der, authority, SignerRole.NODE)


def read_signer_certificate(
    der: bytes, authority: x509.Certificate, role: SignerRole
) -> tuple[NodeId, Ed25519PublicKey, x509.Certificate]:
    """Node, its key for this role and the certificate, if `authority` issued it for that role.

    ProtocolError if the bytes are no X.509 certificate; IntegrityError if it is no node's, or not from here.
    """
    if len(der) > _CERTIFICATE_LIMIT_BYTES:
        raise ProtocolError(f"a node certificate of {len(der)} bytes is larger than any we issue")
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.verify_directly_issued_by(authority)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        public_key = certificate.public_key()
    except InvalidSignature:
        raise IntegrityError("this node certificate was not issued by the site's authority") from None
    except x509.ExtensionNotFound:
        raise IntegrityError("this certificate lacks what a node's certificate says") from None
    except UNREADABLE_CERTIFICATE as error:
        raise ProtocolError(f"these bytes are not a certificate of this site: {error}") from None
    if not der.endswith(b"\0" + certificate.signature):
        raise ProtocolError("these bytes are not a certificate in DER: its signature is no whole octets")
    node_id = _node_id(names, role)
    if node_id is None or constraints.ca or not isinstance(public_key, Ed25519PublicKey):
        raise IntegrityError(f"this certificate of the site is not a node's: it may not sign {_SIGNS[role]}")
    return node_id, public_key, certificate


def read_certificate(data: bytes) -> x509.Certificate:
    """A certificate, PEM or DER; ProtocolError for other bytes. Says nothing of who issued it."""
    try:
        is_pem = data.lstrip().startswith(b"-----BEGIN")
        found = (x509.load_pem_x509_certificate if is_pem else x509.load_der_x509_certificate)(data)
        found.public_key()
        return found
    except UNREADABLE_CERTIFICATE as error:
        raise ProtocolError(f"these bytes are no certificate: {error}") from None


def tidy_hosts(hosts: Sequence[str]) -> list[str]:
    """Small letters, no final dot, each once, in order."""
    return list(dict.fromkeys(host.strip().rstrip(".").lower() for host in hosts if host.strip()))


def machine_hosts() -> list[str]:
    """How this machine calls itself, and the loopback names."""
    return tidy_hosts([socket.gethostname(), "localhost", "127.0.0.1", "::1"])


def within_life(authority: x509.Certificate, now_us: int) -> int | None:
    """`now_us`, or the authority's first moment if the clock is before it (a clock that lost its battery).

    None if the authority's life is over by this clock.
    """
    first = authority.not_valid_before_utc + _BACKDATE
    if _moment(now_us) >= authority.not_valid_after_utc:
        return None
    return max(now_us, int(first.timestamp()) * 1_000_000)


def tls_is_due(
    certificate: x509.Certificate, authority: x509.Certificate, hosts: Sequence[str], now_us: int
) -> bool:
    """True if not valid for `TLS_RENEW_DAYS` more, not naming one of `hosts`, or not from `authority`."""
    renew_at = certificate.not_valid_after_utc - timedelta(TLS_RENEW_DAYS)
    if not certificate.not_valid_before_utc <= _moment(now_us) <= renew_at:
        return True
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return True
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return any(_general_name(host) not in named for host in hosts)


def _node_id(names: x509.SubjectAlternativeName, role: SignerRole) -> NodeId | None:
    for uri in names.get_values_for_type(x509.UniformResourceIdentifier):
        if uri.startswith(role.value):
            try:
                return NodeId(UUID(uri.removeprefix(role.value)))
            except ValueError:
                return None
    return None


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return x509.DNSName(host.encode("idna").decode("ascii"))
    except (UnicodeError, ValueError):
        raise AppError(
            ErrorKind.INVALID,
            f"{host!r} is neither a host name nor an IP address: give what browsers will type",
        ) from None


def _name(common_name: str, unit: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])]
    if unit is not None:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    return x509.Name(parts)


def _builder(
    subject: x509.Name, issuer: x509.Name, now_us: int, days: int, within: x509.Certificate | None = None
) -> x509.CertificateBuilder:
    start = _moment(now_us) - _BACKDATE
    end = start + timedelta(days=days)
    if within is not None:
        start = max(start, within.not_valid_before_utc)
        end = min(end, within.not_valid_after_utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _key_usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _issuer_key(authority: Authority) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())


def _moment(now_us: int) -> datetime:
    return datetime.fromtimestamp(now_us // 1_000_000, UTC)
