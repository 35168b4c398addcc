"""A new sealing key for the site: its public half for who seals, told by replacing one small file.

Order, so that a cut at any moment loses nothing: the private half is kept by the vault first, then the
recorder gets the public half, then the analyst. What was sealed before opens by the older private halves,
which stay.
"""

from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from civiscope.base import AppError, get_log
from civiscope.security.keyfile import read_private, write_private
from civiscope.security.signature import key_fingerprint

PublicSealingKey = X25519PublicKey
"""What data keys are wrapped to."""
PUBLIC_NAME = "sealing.pub.pem"
_log = get_log("civiscope.security")


def new_sealing_key() -> tuple[str, bytes, bytes]:
    """(name below `keys/server`, private half, public half), both as PEM."""
    key = X25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"sealing/{key_fingerprint(key.public_key()).hex()}.key.pem", private, public


def publish(keys_folder: Path, public: bytes) -> None:
    """Give the public half to who seals: the recorder, then the analyst."""
    for role in ("recorder", "analyst"):
        if (keys_folder / role).is_dir():
            write_private(keys_folder / role / PUBLIC_NAME, public)


def read_public(folder: Path) -> X25519PublicKey | None:
    """The public half in a role's folder; None for what is no such key."""
    try:
        key = serialization.load_pem_public_key(read_private(folder / PUBLIC_NAME))
    except (AppError, ValueError):
        return None
    return key if isinstance(key, X25519PublicKey) else None


def present_key(keys_folder: Path) -> str:
    """Fingerprint (hex) of the key that the recorder seals to now; empty when it cannot be read."""
    key = read_public(keys_folder / "recorder")
    return "" if key is None else key_fingerprint(key).hex()


class SealingKeyWatch:
    """Notices a new public half in a role's folder and hands it on. `look` blocks for a moment."""

    def __init__(self, folder: Path, renew: Callable[[X25519PublicKey], None]) -> None:
        self._folder = folder
        self._renew = renew
        self._seen = self._stamp()

    def look(self) -> bool:
        """True when another key was handed on; an unreadable file leaves the present one in use."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        key = read_public(self._folder)
        if key is None:
            _log.error("the new public sealing key can not be read; the old one stays in use")
            self._seen = stamp
            return False
        self._seen = stamp
        self._renew(key)
        _log.info("sealing to the site's new key", key=key_fingerprint(key).hex())
        return True

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = (self._folder / PUBLIC_NAME).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns
