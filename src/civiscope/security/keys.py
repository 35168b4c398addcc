"""The site's keys on disk: made once, each role's folder holding only what that role may hold.

`authority/` (issuing), `server/` (private sealing keys, TLS, audit, vault), `recorder/` (public sealing key,
its own signing key and vault), `analyst/` (public sealing key alone). Who and why: docs/design/security.md.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from civiscope.base import (
    AppError,
    Clock,
    ErrorKind,
    NodeId,
    OrganisationId,
    SiteId,
    SystemClock,
    get_log,
    new_id,
)
from civiscope.security.auditwriter import AuditKeys
from civiscope.security.authority import (
    Authority,
    issue_node,
    issue_tls,
    machine_hosts,
    make_node_authority,
    make_tls_authority,
    may_speak_for,
    tidy_hosts,
    tls_is_due,
    within_life,
)
from civiscope.security.detailsbox import DetailsBox
from civiscope.security.keyfile import make_private_folder, read_private, sync_folder, write_private
from civiscope.security.keyring import Keyring
from civiscope.security.pictures import PictureSealer
from civiscope.security.sealing import SegmentSealer
from civiscope.security.signature import key_fingerprint
from civiscope.security.vault import Vault

_SITE_VERSION = 1
_log = get_log("civiscope.security")


@dataclass(frozen=True, slots=True)
class SiteIdentity:
    """Which site and which node this is; no secret in it."""

    organisation_id: OrganisationId
    site_id: SiteId
    node_id: NodeId
    site_name: str
    created_at_us: int

    def to_json(self) -> bytes:
        """As it lies in `site.json`."""
        fields = {
            name: value if isinstance(value, int) else str(value) for name, value in asdict(self).items()
        }
        return json.dumps({"version": _SITE_VERSION, **fields}, indent=2, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "SiteIdentity":
        """Read `site.json`; AppError(INVALID) if it is not one of this version."""
        try:
            fields = json.loads(data)
            if fields["version"] != _SITE_VERSION:
                raise ValueError(f"version {fields['version']}")
            return cls(
                OrganisationId(UUID(fields["organisation_id"])),
                SiteId(UUID(fields["site_id"])),
                NodeId(UUID(fields["node_id"])),
                str(fields["site_name"]),
                int(fields["created_at_us"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AppError(
                ErrorKind.INVALID,
                f"site.json in the key folder can not be read ({error}): restore it from a backup",
            ) from None


@dataclass(frozen=True, slots=True)
class SiteKeys:
    """The key folder of a site on this machine. Holds no key: each method reads what its caller needs."""

    folder: Path
    identity: SiteIdentity

    @classmethod
    def create(
        cls, folder: Path, site_name: str, hosts: Sequence[str] = (), clock: Clock | None = None
    ) -> "SiteKeys":
        """Make every key of a new site in `folder`, all or nothing; AppError(CONFLICT) if keys are there.

        `hosts`: names and addresses under which browsers will reach the server, besides this machine's own.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise AppError(
                ErrorKind.CONFLICT,
                f"{folder} is not empty: this site has its keys already. They are never overwritten, "
                "because recordings sealed to them could not be opened again",
            )
        now_us = (clock or SystemClock()).now_us()
        identity = SiteIdentity(
            OrganisationId(new_id()),
            SiteId(new_id()),
            NodeId(new_id()),
            site_name.strip() or "Civiscope",
            now_us,
        )
        make_private_folder(folder.parent)
        draft = folder.with_name(f".{folder.name}.{os.urandom(6).hex()}")
        try:
            _write_all(draft, identity, tidy_hosts([*hosts, *machine_hosts()]), now_us)
            draft.rename(folder)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        sync_folder(folder.parent)
        return cls(folder, identity)

    @classmethod
    def load(cls, folder: Path) -> "SiteKeys":
        """Open an existing key folder; AppError(MISSING | DENIED | INVALID) says what is wrong with it.

        A site from before the analyst had pictures to seal gets the analyst's folder here.
        """
        identity = SiteIdentity.from_json(read_private(folder / "site.json"))
        _give_public_key(folder, identity)
        return cls(folder, identity)

    @property
    def recorder_folder(self) -> Path:
        """All that the recorder process reads: `sealer` and `recorder_vault` need nothing else."""
        return self.folder / "recorder"

    @property
    def server_folder(self) -> Path:
        """All that the server process reads: `keyring`, `vault`, `audit_keys` and the TLS files."""
        return self.folder / "server"

    @property
    def tls_certificate_path(self) -> Path:
        """PEM: the server's certificate, then the authority's."""
        return self.server_folder / "tls.pem"

    @property
    def tls_key_path(self) -> Path:
        """PEM, PKCS #8."""
        return self.server_folder / "tls.key.pem"

    def authority_pem(self) -> bytes:
        """The authority's certificate, for a desk or phone to install. Public."""
        return read_private(self.folder / "authority.pem")

    def sealer(self) -> SegmentSealer:
        """The recorder's side (reads `recorder/` only)."""
        return load_sealer(self.recorder_folder)

    def picture_sealer(self) -> PictureSealer:
        """The analyst's side (reads `analyst/` only)."""
        return load_picture_sealer(self.folder / "analyst")

    def recorder_vault(self) -> Vault:
        """The recorder's own vault, for the plan it keeps (reads `recorder/` only)."""
        return Vault(read_private(self.recorder_folder / "vault.key"))

    def keyring(self) -> Keyring:
        """The reader's side (reads `server/` only)."""
        return load_keyring(self.server_folder)

    def vault(self) -> Vault:
        """The server's vault, for camera passwords (reads `server/` only)."""
        return Vault(read_private(self.server_folder / "vault.key"))

    def factor_vault(self) -> Vault:
        """Seals second factors (reads `server/` only); an older site gets its key here, once."""
        path = self.server_folder / "factors.key"
        if not path.exists():
            write_private(path, Vault.new_key())
            _log.info("made the key that seals second factors", path=path)
        return Vault(read_private(path))

    def audit_keys(self) -> AuditKeys:
        """For the server's audit chain: signs its heads, seals its details (reads `server/` only)."""
        details = DetailsBox.of(read_private(self.server_folder / "audit-details.key"))
        return AuditKeys(self.audit_signing_key(), details)

    def audit_signing_key(self) -> Ed25519PrivateKey:
        """Signs the audit whether the vault is open or not (reads `server/` only)."""
        return _ed25519(self.server_folder / "audit.key.pem")

    def locked_keyring(self) -> Keyring:
        """The reader's side without its sealing keys: `VaultDoor` hands them in (reads `server/` only)."""
        return Keyring(self.identity.site_id, None, _certificate(self.server_folder / "nodes.pem"))

    def renew_tls(self, hosts: Sequence[str] = (), clock: Clock | None = None) -> bool:
        """Issue a new TLS certificate with a new key if the present one is due or lacks a host; True if so.

        Called at start, before the server binds; needs `authority/`. Key and certificate are replaced by one
        rename each; after a crash between the two the next start issues both again. A host that the authority
        may not speak for makes a new authority, which is logged: devices must install it.
        """
        present_us = (clock or SystemClock()).now_us()
        authority = self._tls_authority(tidy_hosts(hosts), present_us)
        now_us = within_life(authority.certificate, present_us)
        if now_us is None:
            _log.error("by this machine's clock the TLS authority's life is over: set the clock")
            return False
        own = [host for host in machine_hosts() if may_speak_for(authority.certificate, host)]
        wanted = tidy_hosts([*hosts, *own])
        present = _certificate(self.tls_certificate_path)
        if not tls_is_due(present, authority.certificate, wanted, now_us) and _belongs(
            present, _ecdsa(self.tls_key_path)
        ):
            return False
        _write_tls(self.server_folder, authority, wanted, now_us)
        _log.info("issued a new TLS certificate", hosts=", ".join(wanted))
        return True

    def _tls_authority(self, hosts: Sequence[str], now_us: int) -> Authority:
        """The present one, or a new one if it may not speak for `hosts` or a replacement was cut short."""
        authority = Authority(
            _certificate(self.folder / "authority.pem"),
            _ecdsa(self.folder / "authority" / "authority.key.pem"),
        )
        outside = [host for host in hosts if not may_speak_for(authority.certificate, host)]
        if not outside and _belongs(authority.certificate, authority.key):
            return authority
        _log.warning(
            "made a new TLS authority: browsers and phones that trusted the old one must install the new one",
            because=", ".join(outside) or "its key and certificate did not match",
        )
        names = tidy_hosts([*hosts, *machine_hosts()])
        born_us = max(now_us, self.identity.created_at_us)
        authority = make_tls_authority(self.identity.site_name, self.identity.site_id, names, born_us)
        _write_tls_authority(self.folder, authority)
        return authority


def load_sealer(recorder_folder: Path) -> SegmentSealer:
    """The recorder's `SegmentSealer` from its own folder; it needs no other key file of the site."""
    identity = SiteIdentity.from_json(read_private(recorder_folder / "site.json"))
    sealing_key = _public_key(recorder_folder / "sealing.pub.pem")
    node_key = _ed25519(recorder_folder / "node.key.pem")
    certificate = _certificate(recorder_folder / "node.pem").public_bytes(serialization.Encoding.DER)
    return SegmentSealer(identity.site_id, sealing_key, node_key, certificate)


def load_picture_sealer(analyst_folder: Path) -> PictureSealer:
    """The analyst's `PictureSealer` from its own folder: the site's public key alone."""
    identity = SiteIdentity.from_json(read_private(analyst_folder / "site.json"))
    return PictureSealer(identity.site_id, _public_key(analyst_folder / "sealing.pub.pem"))


def load_keyring(server_folder: Path) -> Keyring:
    """The server's `Keyring` from its own folder: every key in `sealing/`, newest and older."""
    identity = SiteIdentity.from_json(read_private(server_folder / "site.json"))
    keys = [_x25519(path) for path in sorted((server_folder / "sealing").glob("*.key.pem"))]
    return Keyring(identity.site_id, keys, _certificate(server_folder / "nodes.pem"))


def _write_all(draft: Path, identity: SiteIdentity, hosts: Sequence[str], now_us: int) -> None:
    tls_authority = make_tls_authority(identity.site_name, identity.site_id, hosts, now_us)
    node_authority = make_node_authority(identity.site_id, now_us)
    server, recorder, issuing = draft / "server", draft / "recorder", draft / "authority"
    for folder in (draft, issuing, server, server / "sealing", recorder):
        make_private_folder(folder)
    for folder in (draft, server, recorder):
        write_private(folder / "site.json", identity.to_json())
    _write_tls_authority(draft, tls_authority)
    _write_tls(server, tls_authority, hosts, now_us)
    write_private(issuing / "nodes.key.pem", _private_pem(node_authority.key))
    write_private(server / "nodes.pem", node_authority.certificate.public_bytes(serialization.Encoding.PEM))

    sealing_key = X25519PrivateKey.generate()
    sealing_name = key_fingerprint(sealing_key.public_key()).hex()
    write_private(server / "sealing" / f"{sealing_name}.key.pem", _private_pem(sealing_key))
    write_private(server / "audit.key.pem", _private_pem(Ed25519PrivateKey.generate()))
    write_private(server / "audit-details.key", Vault.new_key())
    write_private(server / "vault.key", Vault.new_key())
    write_private(server / "factors.key", Vault.new_key())

    node_key = Ed25519PrivateKey.generate()
    node = issue_node(node_authority, node_key.public_key(), identity.node_id, now_us)
    write_private(recorder / "node.key.pem", _private_pem(node_key))
    write_private(recorder / "node.pem", node.public_bytes(serialization.Encoding.PEM))
    write_private(recorder / "sealing.pub.pem", _public_pem(sealing_key.public_key()))
    write_private(recorder / "vault.key", Vault.new_key())
    _give_public_key(draft, identity)


def _give_public_key(folder: Path, identity: SiteIdentity) -> None:
    """Let the analyst have the public key that the recorder has; who cannot write it is not stopped by it."""
    source, analyst = folder / "recorder" / "sealing.pub.pem", folder / "analyst"
    if not source.exists():
        return
    with contextlib.suppress(OSError):  # asked for by several processes at once, the files are the same
        own = analyst / "sealing.pub.pem"
        if own.exists() and own.read_bytes() == source.read_bytes():
            return  # another one is left where a rotation was cut
        analyst.mkdir(mode=0o700, exist_ok=True)
        write_private(analyst / "site.json", identity.to_json())
        write_private(analyst / "sealing.pub.pem", read_private(source))


def _write_tls(server_folder: Path, authority: Authority, hosts: Sequence[str], now_us: int) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    chain = [issue_tls(authority, key.public_key(), hosts, now_us), authority.certificate]
    write_private(server_folder / "tls.key.pem", _private_pem(key))
    write_private(
        server_folder / "tls.pem", b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)
    )


def _write_tls_authority(folder: Path, authority: Authority) -> None:
    write_private(folder / "authority" / "authority.key.pem", _private_pem(authority.key))
    write_private(folder / "authority.pem", authority.certificate.public_bytes(serialization.Encoding.PEM))


def _belongs(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bool:
    """False after a crash between the two renames of a replacement."""
    return certificate.public_key() == key.public_key()


def _private_key(path: Path) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(read_private(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _broken(path) from None


def _ed25519(path: Path) -> Ed25519PrivateKey:
    key = _private_key(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise _broken(path)
    return key


def _x25519(path: Path) -> X25519PrivateKey:
    key = _private_key(path)
    if not isinstance(key, X25519PrivateKey):
        raise _broken(path)
    return key


def _ecdsa(path: Path) -> ec.EllipticCurvePrivateKey:
    key = _private_key(path)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _broken(path)
    return key


def _public_key(path: Path) -> X25519PublicKey:
    try:
        key = serialization.load_pem_public_key(read_private(path))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _broken(path) from None
    if not isinstance(key, X25519PublicKey):
        raise _broken(path)
    return key


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(read_private(path))
    except ValueError:
        raise _broken(path) from None


def _broken(path: Path) -> AppError:
    return AppError(
        ErrorKind.INVALID, f"the key file {path} does not hold the key it should: restore it from a backup"
    )


def _private_pem(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public_pem(key: X25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
