"""The server's RSA key for files in ONVIF's export format, which asks for RSASSA-PSS.

ONVIF Export File Format 26.06 §5.6: SHA-256, MGF1 with SHA-256, a salt of 20 bytes, at least 2048 bits.
"""

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from civiscope.base import AppError, Clock, ErrorKind, NodeId, SystemClock, get_log
from civiscope.security.authority import SignerRole, issue_signer
from civiscope.security.export_signing import load_issuing_authority
from civiscope.security.keyfile import read_private, write_private

_KEY_NAME = "file.key.pem"
_CERTIFICATE_NAME = "file.pem"
_BITS = 2048
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 20)
_log = get_log("civiscope.security")


@dataclass(frozen=True, slots=True)
class FileSigner:
    """Signs the SHA-256 of a file."""

    certificate: bytes
    """X.509 in DER, from the site's node authority."""
    _key: rsa.RSAPrivateKey

    @property
    def signature_bytes(self) -> int:
        """How long each signature is."""
        return self._key.key_size // 8

    def sign_digest(self, sha256: bytes) -> bytes:
        """RSASSA-PSS over what has this hash."""
        return self._key.sign(sha256, _PSS, Prehashed(hashes.SHA256()))


def provide_file_key(folder: Path, node_id: NodeId, clock: Clock | None = None) -> bool:
    """Make the key of a site that has none yet; called at start, needs `authority/`. True if it was made."""
    server = folder / "server"
    if (server / _CERTIFICATE_NAME).exists():
        return False
    key = rsa.generate_private_key(65_537, _BITS)
    now_us = (clock or SystemClock()).now_us()
    authority = load_issuing_authority(folder)
    certificate = issue_signer(authority, key.public_key(), node_id, now_us, SignerRole.FILE)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(server / _KEY_NAME, pem)
    write_private(server / _CERTIFICATE_NAME, certificate.public_bytes(serialization.Encoding.PEM))
    _log.info("made the key that signs exported files", path=server / _KEY_NAME)
    return True


def load_file_signer(server_folder: Path) -> FileSigner:
    """The server's `FileSigner` from its own folder; AppError(MISSING) before the first start made it."""
    key = serialization.load_pem_private_key(read_private(server_folder / _KEY_NAME), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise AppError(ErrorKind.INVALID, "the key that signs files is of another kind: restore it")
    certificate = x509.load_pem_x509_certificate(read_private(server_folder / _CERTIFICATE_NAME))
    return FileSigner(certificate.public_bytes(serialization.Encoding.DER), key)


def is_signed_file(certificate: bytes, signature: bytes, sha256: bytes) -> bool:
    """True if the certificate's key signed a file with this hash; says nothing of who certified the key."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            return False
        key.verify(signature, sha256, _PSS, Prehashed(hashes.SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True
