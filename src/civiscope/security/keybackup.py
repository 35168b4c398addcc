"""The key folder as it leaves in a backup: nothing in it opens without the vault's passphrase or officers.

Public files and `vault.lock` go as they are; every other private key goes sealed to the site's own sealing
key, whose private half lies under the lock (docs/design/keys.md).
"""

import base64
import json
import struct
from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hpke, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from civiscope.base import AppError, ErrorKind, ProtocolError, SiteId
from civiscope.security.keyfile import read_private
from civiscope.security.keyholder import HolderKind, KeyHolder
from civiscope.security.lockfile import LOCK_NAME, LockFile, open_keys
from civiscope.security.rotation import read_public
from civiscope.security.sealing import HPKE_SUITE
from civiscope.security.signature import IntegrityError, key_fingerprint

SEALED_NAME = "keys.sealed"
_LOCK = f"server/{LOCK_NAME}"
_HEADER = struct.Struct(">4sBB16s8s")
_MAGIC = b"CVBK"


def pack_keys(keys_folder: Path, site_id: SiteId) -> dict[str, bytes]:
    """Path below the key folder → bytes, for a backup; CONFLICT while the vault has no lock."""
    if not (keys_folder / _LOCK).exists():
        raise AppError(
            ErrorKind.CONFLICT,
            "The vault has no passphrase, so its keys would lie open in the backup. Set one first: "
            "civiscope vault passphrase",
        )
    public = read_public(keys_folder / "recorder")
    if public is None:
        raise AppError(ErrorKind.INVALID, "the site's public sealing key can not be read: restore it")
    open_files: dict[str, bytes] = {}
    private: dict[str, str] = {}
    for path in sorted(one for one in keys_folder.rglob("[!.]*") if one.is_file()):
        name = path.relative_to(keys_folder).as_posix()
        if _is_private(name):
            private[name] = base64.b64encode(read_private(path)).decode()
        else:
            open_files[name] = read_private(path)
    header = _HEADER.pack(_MAGIC, 1, 1, site_id.bytes, key_fingerprint(public))
    sealed = hpke.Suite(*HPKE_SUITE).encrypt(json.dumps(private).encode(), public, info=header)
    return {**open_files, SEALED_NAME: header + sealed}


def unpack_keys(files: Mapping[str, bytes], one_key: bytes) -> dict[str, bytes]:
    """The key folder again, still locked; IntegrityError when the key is another, or a byte is."""
    lock = lock_of(files)
    private = open_keys(lock.sealed_keys, one_key)
    sealed = files.get(SEALED_NAME, b"")
    if len(sealed) < _HEADER.size + 48:
        raise ProtocolError("the backup's sealed keys are cut")
    magic, version, algorithm, _, fingerprint = _HEADER.unpack_from(sealed)
    if (magic, version, algorithm) != (_MAGIC, 1, 1):
        raise ProtocolError("the backup's sealed keys are of a version that this release can not read")
    sealing_key = _sealing_key(private, fingerprint)
    try:
        text = hpke.Suite(*HPKE_SUITE).decrypt(
            sealed[_HEADER.size :], sealing_key, info=sealed[: _HEADER.size]
        )
        found = {name: base64.b64decode(data) for name, data in json.loads(text).items()}
    except (InvalidTag, ValueError, AttributeError):
        raise IntegrityError("the backup's sealed keys do not open: they were changed") from None
    return {name: data for name, data in files.items() if name != SEALED_NAME} | found


def lock_of(files: Mapping[str, bytes]) -> LockFile:
    """The vault's lock in a backup; AppError when it is not there or damaged."""
    if _LOCK not in files:
        raise AppError(ErrorKind.MISSING, "there is no vault.lock in the backup's keys: it is not whole")
    return LockFile.from_json(files[_LOCK])


def lock_kind(files: Mapping[str, bytes]) -> HolderKind:
    """Who holds the key of the backup's vault."""
    return lock_of(files).kind


def open_lock(files: Mapping[str, bytes], holder: KeyHolder) -> bytes:
    """The one key, by what the holder knows; `WrongPassphraseError`."""
    return holder.open_key(lock_of(files).record)


def node_certificate_der(pem: bytes) -> bytes:
    """A node's certificate as lines and manifests name it; ProtocolError for other bytes."""
    try:
        return x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)
    except ValueError:
        raise ProtocolError("these bytes are no certificate of a node") from None


def _is_private(name: str) -> bool:
    return name.endswith((".key", ".key.pem"))


def _sealing_key(private: Mapping[str, bytes], fingerprint: bytes) -> X25519PrivateKey:
    pem = private.get(f"sealing/{fingerprint.hex()}.key.pem", b"")
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, X25519PrivateKey):
        raise IntegrityError(f"the backup's keys are sealed to {fingerprint.hex()}, which its vault lacks")
    return key
