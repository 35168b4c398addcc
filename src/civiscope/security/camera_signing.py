"""Who signed a camera's video: its chain against the anchors that the site trusts (ONVIF Media Signing)."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from civiscope.base import ProtocolError
from civiscope.security.authority import UNREADABLE_CERTIFICATE, read_certificate

_CHAIN_MOST = 8
_CHAIN_LIMIT_BYTES = 64 * 1024
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "": hashes.SHA256(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512(),
}  # fmt: skip
_UNREADABLE = (*UNREADABLE_CERTIFICATE, InvalidSignature)


class CameraAnchors:
    """Root certificates of makers and owners of cameras. Immutable."""

    def __init__(self, certificates: Iterable[bytes] = ()) -> None:
        """PEM or DER, each one certificate; ProtocolError for other bytes."""
        self._roots = tuple(read_certificate(one) for one in certificates)

    def holds(self, chain: bytes, hash_name: str, signature: bytes, signed: bytes) -> bool:
        """True if the key of the chain's first certificate made the signature; whoever that is."""
        try:
            key = _read_chain(chain)[0].public_key()
            algorithm = _HASHES[hash_name]
            if isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(signature, signed, ec.ECDSA(algorithm))
            elif isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, signed, padding.PKCS1v15(), algorithm)
            else:
                return False
        except (*_UNREADABLE, ProtocolError, KeyError):
            return False
        return True

    def trouble(self, chains: Sequence[bytes], at_us: int) -> str:
        """Why the chains are not believed as of the moment of recording; empty if each leads to an anchor."""
        if not chains:
            return "the camera's certificates are not in this stretch"
        return next((why for chain in chains if (why := self._chain_trouble(chain, at_us))), "")

    def _chain_trouble(self, pem: bytes, at_us: int) -> str:
        try:
            chain = _read_chain(pem)
        except ProtocolError as error:
            return error.message
        root = next((one for one in self._roots if one.subject == chain[-1].issuer), None)
        if root is None:
            return f"no trusted root {chain[-1].issuer.rfc4514_string()}"
        moment = datetime.fromtimestamp(at_us / 1_000_000, UTC)
        for one, above in zip(chain, [*chain[1:], root], strict=True):
            try:
                one.verify_directly_issued_by(above)
            except _UNREADABLE:
                return f"{one.subject.rfc4514_string()} was not issued by {above.subject.rfc4514_string()}"
        for one in (*chain, root):
            if not one.not_valid_before_utc <= moment <= one.not_valid_after_utc:
                return f"the certificate {one.subject.rfc4514_string()} was not valid when it was recorded"
        return ""


def _read_chain(pem: bytes) -> list[x509.Certificate]:
    if len(pem) > _CHAIN_LIMIT_BYTES:
        raise ProtocolError("the camera's chain of certificates is longer than any")
    try:
        found = x509.load_pem_x509_certificates(pem)
        for one in found:
            one.public_key()
    except _UNREADABLE:
        raise ProtocolError("the camera's certificates cannot be read") from None
    if not 0 < len(found) <= _CHAIN_MOST:
        raise ProtocolError("the camera's chain of certificates is longer than any")
    return found
