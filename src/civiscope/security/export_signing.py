"""The server's key for manifests of exports: made once, certified by the node authority, of no other use."""

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from civiscope.base import AppError, Clock, ErrorKind, NodeId, SystemClock, get_log
from civiscope.security.authority import Authority, SignerRole, issue_signer
from civiscope.security.keyfile import read_private, write_private
from civiscope.security.signature import Signer
from civiscope.security.trust import EXPORT_DOMAIN

_KEY_NAME = "export.key.pem"
_CERTIFICATE_NAME = "export.pem"
_log = get_log("civiscope.security")


@dataclass(frozen=True, slots=True)
class ManifestSigner:
    """Signs manifests of exports; the certificates lie beside what it signed."""

    certificate: bytes
    """X.509 in DER, from the site's node authority."""
    authority: bytes
    """That authority's own, in DER."""
    _signer: Signer

    def sign(self, manifest: bytes) -> bytes:
        """`SIGNATURE_BYTES` for `SiteTrust.verify_manifest`."""
        return self._signer.sign(manifest)


def provide_export_key(folder: Path, node_id: NodeId, clock: Clock | None = None) -> bool:
    """Make the key of a site that has none yet; called at start, needs `authority/`. True if it was made.

    The certificate is written last: a start that was cut between the two makes both again.
    """
    server = folder / "server"
    if (server / _CERTIFICATE_NAME).exists():
        return False
    authority = load_issuing_authority(folder)
    key = Ed25519PrivateKey.generate()
    now_us = (clock or SystemClock()).now_us()
    certificate = issue_signer(authority, key.public_key(), node_id, now_us, SignerRole.EXPORT)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(server / _KEY_NAME, pem)
    write_private(server / _CERTIFICATE_NAME, certificate.public_bytes(serialization.Encoding.PEM))
    _log.info("made the key that signs exports", path=server / _KEY_NAME)
    return True


def load_issuing_authority(folder: Path) -> Authority:
    """The node authority with its key, of a key folder; only where certificates are issued."""
    return Authority(_certificate(folder / "server" / "nodes.pem"), _issuing_key(folder / "authority"))


def load_manifest_signer(server_folder: Path) -> ManifestSigner:
    """The server's `ManifestSigner` from its own folder; AppError(MISSING) before the first start made it."""
    pem = read_private(server_folder / _KEY_NAME)
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise AppError(
            ErrorKind.INVALID, "the key that signs exports is of another kind: restore it from a backup"
        )
    return ManifestSigner(
        _certificate(server_folder / _CERTIFICATE_NAME).public_bytes(serialization.Encoding.DER),
        _certificate(server_folder / "nodes.pem").public_bytes(serialization.Encoding.DER),
        Signer(key, EXPORT_DOMAIN),
    )


def _certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(read_private(path))


def _issuing_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(read_private(folder / "nodes.key.pem"), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AppError(ErrorKind.INVALID, "the node authority's key is of another kind: restore it")
    return key
