"""The server's private keys under one key: `vault.lock`, replaced whole, and instead of plain files.

Its words are a record of who holds the key (`KeyHolder`), the sealed keys, the public half of the key for
the details of the audit, and a digest that tells damage from a wrong passphrase.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from civiscope.base import AppError, ErrorKind, get_log
from civiscope.security.keyfile import read_private, sync_folder, write_private
from civiscope.security.keyholder import HolderKind, Record, damaged_lock
from civiscope.security.vault import Vault

LOCK_NAME = "vault.lock"
_VERSION = 1
_CONTEXT = b"private keys of the server"
_log = get_log("civiscope.security")

PrivateKeys = Mapping[str, bytes]
"""Path below `keys/server` → what the file holds (or held)."""


@dataclass(frozen=True, slots=True)
class LockFile:
    """One state of `vault.lock`."""

    kind: HolderKind
    record: Record
    sealed_keys: bytes
    details_public: bytes
    """X25519, raw: the audit goes on while the vault is locked."""

    def to_json(self) -> bytes:
        """With its digest."""
        body = {
            "version": _VERSION,
            "kind": self.kind.value,
            "holder": dict(self.record),
            "keys": base64.b64encode(self.sealed_keys).decode(),
            "audit_details_public": self.details_public.hex(),
        }
        return json.dumps({**body, "digest": _digest(body)}, indent=1).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "LockFile":
        """AppError(LOST_DATA) if one byte is another than was written; CONFLICT for a newer version."""
        try:
            body = json.loads(data)
            digest = body.pop("digest")
            if not hmac.compare_digest(digest, _digest(body)):
                raise damaged_lock()
            if body["version"] != _VERSION:
                raise AppError(
                    ErrorKind.CONFLICT, "the vault was locked by a newer version: start that version"
                )
            return cls(
                HolderKind(body["kind"]),
                body["holder"],
                base64.b64decode(body["keys"]),
                bytes.fromhex(body["audit_details_public"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise damaged_lock() from None


def read_lock(server_folder: Path) -> LockFile | None:
    """What locks the keys; None while they lie in plain files."""
    path = server_folder / LOCK_NAME
    if not path.exists():
        return None
    return LockFile.from_json(read_private(path))


def write_lock(server_folder: Path, lock: LockFile) -> None:
    """Replace it in one step, on the disk when this returns."""
    write_private(server_folder / LOCK_NAME, lock.to_json())


def seal_keys(keys: PrivateKeys, key: bytes) -> bytes:
    """All private keys under the one key."""
    text = json.dumps({name: base64.b64encode(data).decode() for name, data in sorted(keys.items())})
    return Vault(key).seal_secret(text.encode(), _CONTEXT)


def open_keys(sealed: bytes, key: bytes) -> dict[str, bytes]:
    """All private keys; AppError if the key is of another vault."""
    text = Vault(key).open_secret(sealed, _CONTEXT)
    return {name: base64.b64decode(data) for name, data in json.loads(text).items()}


def read_plain_keys(server_folder: Path) -> dict[str, bytes]:
    """The private keys that lie in plain files."""
    return {str(path.relative_to(server_folder)): read_private(path) for path in _plain_paths(server_folder)}


def remove_plain_keys(server_folder: Path, locked: PrivateKeys) -> None:
    """Take away the plain files whose keys lie under the lock; another key of the same name stays, logged."""
    for path in _plain_paths(server_folder):
        name = str(path.relative_to(server_folder))
        if read_private(path) != locked.get(name):
            _log.error("a plain key file is not the one under the lock; look into it", path=path)
            continue
        path.unlink()
        sync_folder(path.parent)


def _plain_paths(server_folder: Path) -> list[Path]:
    named = [server_folder / name for name in ("vault.key", "audit-details.key")]
    return [path for path in named if path.exists()] + sorted((server_folder / "sealing").glob("*.key.pem"))


def _digest(body: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
