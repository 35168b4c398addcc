"""Time-stamps by an authority that the site does not own: requests, and what proves a token (RFC 3161)."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID

from civiscope.base import AppError, ErrorKind
from civiscope.security.authority import read_certificate

TOKEN_LIMIT_BYTES = 64 * 1024
_SHA256 = bytes.fromhex("300d06096086480165030402010500")
"""AlgorithmIdentifier of SHA-256 with NULL."""
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_TST_INFO = bytes.fromhex("2a864886f70d0109100104")
_CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_SIGNING_CERTIFICATE = bytes.fromhex("2a864886f70d010910020c")
_SIGNING_CERTIFICATE_V2 = bytes.fromhex("2a864886f70d010910022f")
_HASHES: dict[bytes, hashes.HashAlgorithm] = {
    bytes.fromhex("608648016503040201"): hashes.SHA256(),
    bytes.fromhex("608648016503040202"): hashes.SHA384(),
    bytes.fromhex("608648016503040203"): hashes.SHA512(),
}
_SHA256_BARE = bytes.fromhex("300b0609608648016503040201")
"""The same without parameters."""
_SEQUENCE, _SET, _INTEGER, _OCTETS, _OID, _TIME = 0x30, 0x31, 0x02, 0x04, 0x06, 0x18
_GRANTED = (0, 1)
_UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    CryptographyDeprecationWarning,
    x509.UnsupportedGeneralNameType,
)


class StampTrouble(StrEnum):
    """Why a token is refused."""

    UNREADABLE = "unreadable"
    REFUSED = "refused"
    """The authority gave none."""
    WRONG_HASH = "wrong_hash"
    WRONG_NONCE = "wrong_nonce"
    BAD_SIGNATURE = "bad_signature"
    UNTRUSTED = "untrusted"
    EXPIRED = "expired"


class TimeStampError(AppError):
    """A token that proves nothing, and why."""

    def __init__(self, trouble: StampTrouble, message: str) -> None:
        super().__init__(ErrorKind.LOST_DATA, message)
        self.trouble = trouble

    def __reduce__(self) -> tuple[type["TimeStampError"], tuple[StampTrouble, str]]:  # type: ignore[override]  # other args
        return (TimeStampError, (self.trouble, self.message))


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """What a token proves: the hash was there at `at_us`."""

    at_us: int
    authority: str
    """Subject of the certificate that signed."""
    serial: int


@dataclass(frozen=True, slots=True)
class _Node:
    tag: int
    body: bytes
    whole: bytes

    def children(self) -> list["_Node"]:
        """What it is made of."""
        return list(_nodes(self.body))


def _nodes(data: bytes) -> Iterator[_Node]:
    at = 0
    while at < len(data):
        node = _node(data, at)
        yield node
        at += len(node.whole)


def _node(data: bytes, at: int = 0) -> _Node:
    length, head = data[at + 1], 2
    if length & 0x80:
        head += length & 0x7F
        if not 2 < head <= 6:
            raise ValueError("a length in BER, not DER")
        length = int.from_bytes(data[at + 2 : at + head])
    end = at + head + length
    if end > len(data):
        raise ValueError("a value is cut")
    return _Node(data[at], data[at + head : end], data[at:end])


def _der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + body


def _integer(value: int) -> bytes:
    return _der(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def new_nonce() -> int:
    """A fresh number that the answer must repeat."""
    return int.from_bytes(os.urandom(8)) | 1


def stamp_request(digest: bytes, nonce: int) -> bytes:
    """A TimeStampReq over a SHA-256, asking for the certificate (RFC 3161 §2.4.1)."""
    imprint = _der(_SEQUENCE, _SHA256, _der(_OCTETS, digest))
    return _der(_SEQUENCE, _integer(1), imprint, _integer(nonce), b"\x01\x01\xff")


class StampRoots:
    """Root certificates of time-stamping authorities that are trusted. Immutable."""

    def __init__(self, certificates: Iterable[bytes] = ()) -> None:
        """PEM or DER, each one certificate; ProtocolError for other bytes."""
        self._roots = tuple(read_certificate(one) for one in certificates)

    def check(self, response: bytes, digest: bytes, nonce: int | None = None) -> TimeStamp:
        """What the TimeStampResp proves of `digest`; TimeStampError names why it proves nothing.

        `nonce`: of the request, when the answer has just come.
        """
        if len(response) > TOKEN_LIMIT_BYTES:
            raise TimeStampError(StampTrouble.UNREADABLE, "a time-stamp is smaller than this")
        try:
            return self._check(_Token.read(response), digest, nonce)
        except _UNREADABLE as error:
            raise TimeStampError(StampTrouble.UNREADABLE, f"the time-stamp cannot be read: {error}") from None

    def _check(self, token: "_Token", digest: bytes, nonce: int | None) -> TimeStamp:
        octets = _der(_OCTETS, digest)
        if token.imprint not in [_der(_SEQUENCE, one, octets) for one in (_SHA256, _SHA256_BARE)]:
            raise TimeStampError(StampTrouble.WRONG_HASH, "the time-stamp is over something else")
        if nonce is not None and token.nonce != nonce:
            raise TimeStampError(StampTrouble.WRONG_NONCE, "the time-stamp answers another request")
        signer = token.signer()
        if not token.is_signed_by(signer):
            raise TimeStampError(StampTrouble.BAD_SIGNATURE, "the time-stamp's signature does not hold")
        self._check_chain(signer, token.certificates, token.at)
        at_us = int(token.at.timestamp()) * 1_000_000 + token.at.microsecond
        return TimeStamp(at_us, signer.subject.rfc4514_string(), token.serial)

    def _check_chain(self, signer: x509.Certificate, others: list[x509.Certificate], at: datetime) -> None:
        try:
            usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        except x509.ExtensionNotFound:
            raise TimeStampError(StampTrouble.UNTRUSTED, "its certificate is not for time-stamps") from None
        if list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING] or not usage.critical:
            raise TimeStampError(StampTrouble.UNTRUSTED, "its certificate is not for time-stamps alone")
        one = signer
        for _ in range(8):
            if not one.not_valid_before_utc <= at <= one.not_valid_after_utc:
                raise TimeStampError(
                    StampTrouble.EXPIRED, f"{one.subject.rfc4514_string()} was not valid at that time"
                )
            if one in self._roots:
                return
            above = [two for two in (*self._roots, *others) if two != one and _is_issued(one, two)]
            if not above:
                break
            one = above[0]
        raise TimeStampError(
            StampTrouble.UNTRUSTED, f"no trusted root stands behind {signer.subject.rfc4514_string()}"
        )


@dataclass(frozen=True, slots=True)
class _Token:
    """A TimeStampToken's own words, not yet believed (RFC 3161 §2.4.2, RFC 5652 §5)."""

    content: bytes
    imprint: bytes
    serial: int
    at: datetime
    nonce: int | None
    certificates: list[x509.Certificate]
    signer_info: list[_Node]

    @classmethod
    def read(cls, response: bytes) -> "_Token":
        """From a TimeStampResp; TimeStampError(REFUSED) if it holds none."""
        outer = _node(response)
        if outer.whole != response or outer.tag != _SEQUENCE:
            raise ValueError("this is no answer of a time-stamping authority")
        parts = outer.children()
        status = int.from_bytes(parts[0].children()[0].body)
        if status not in _GRANTED or len(parts) < 2:
            raise TimeStampError(StampTrouble.REFUSED, f"the authority refused to stamp (PKIStatus {status})")
        kind, explicit = parts[1].children()
        if kind.body != _SIGNED_DATA:
            raise ValueError("the token is not signed")
        signed = _node(explicit.body).children()
        content_type, content = signed[2].children()
        if content_type.body != _TST_INFO:
            raise ValueError("what is signed is no time-stamp")
        octets = _node(content.body).body
        certificates = [
            x509.load_der_x509_certificate(one.whole) for part in signed if part.tag == 0xA0
            for one in part.children() if one.tag == _SEQUENCE
        ]  # fmt: skip
        [signer] = signed[-1].children()
        fields = _node(octets).children()
        nonces = [one for one in fields[5:] if one.tag == _INTEGER]
        return cls(
            octets, fields[2].whole, int.from_bytes(fields[3].body), _moment(fields[4]),
            int.from_bytes(nonces[0].body) if nonces else None, certificates, signer.children(),
        )  # fmt: skip

    def signer(self) -> x509.Certificate:
        """The certificate that the signer names, by issuer and serial, and by its hash."""
        issuer, serial = self.signer_info[1].children()
        number = int.from_bytes(serial.body)
        for one in self.certificates:
            if one.serial_number == number and one.issuer.public_bytes() == issuer.whole:
                if self._names(one):
                    return one
                raise TimeStampError(StampTrouble.BAD_SIGNATURE, "the certificate was swapped")
        raise TimeStampError(StampTrouble.UNTRUSTED, "the authority's certificate is not in the time-stamp")

    def _names(self, one: x509.Certificate) -> bool:
        der = one.public_bytes(serialization.Encoding.DER)
        v2 = self._attribute(_SIGNING_CERTIFICATE_V2)
        if v2 is not None:
            return hashlib.sha256(der).digest() in v2.whole
        v1 = self._attribute(_SIGNING_CERTIFICATE)
        return v1 is not None and hashlib.sha1(der, usedforsecurity=False).digest() in v1.whole

    def _attribute(self, kind: bytes) -> _Node | None:
        for one in self.signer_info[3].children():
            name, values = one.children()
            if name.body == kind:
                return _node(values.body)
        return None

    def is_signed_by(self, signer: x509.Certificate) -> bool:
        """True if the signature, and the hash in what it is over, hold."""
        algorithm = _HASHES[self.signer_info[2].children()[0].body]
        digest = hashes.Hash(algorithm)
        digest.update(self.content)
        stated, kind = self._attribute(_MESSAGE_DIGEST), self._attribute(_CONTENT_TYPE)
        if stated is None or kind is None or kind.body != _TST_INFO or stated.body != digest.finalize():
            return False
        signed = _der(_SET, self.signer_info[3].body)
        signature, key = self.signer_info[5].body, signer.public_key()
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, signed, padding.PKCS1v15(), algorithm)
            elif isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, signed, ec.ECDSA(algorithm))
            else:
                return False
        except InvalidSignature:
            return False
        return True


def _moment(node: _Node) -> datetime:
    if node.tag != _TIME or not node.body.endswith(b"Z"):
        raise ValueError("the time is not written as it should be")
    text = node.body[:-1].decode("ascii")
    whole, _, fraction = text.partition(".")
    moment = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return moment.replace(microsecond=int(fraction[:6].ljust(6, "0"))) if fraction else moment


def _is_issued(one: x509.Certificate, above: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
