"""The server's private keys, open or locked: one door in front of playback, camera passwords and details.

While it is locked, the recorder records (it holds the public half), people sign in, live looks go on and the
audit is written; only opening what is sealed waits for the key.
"""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from civiscope.base import AppError, Clock, ErrorKind, get_log
from civiscope.security.auditwriter import AuditKeys
from civiscope.security.detailsbox import DetailsBox
from civiscope.security.keyfile import write_private
from civiscope.security.keyholder import HolderKind, KeyHolder, PassphraseHolder, ScryptSettings, damaged_lock
from civiscope.security.keyring import Keyring
from civiscope.security.keys import SiteKeys
from civiscope.security.lockfile import (
    LockFile,
    PrivateKeys,
    open_keys,
    read_lock,
    read_plain_keys,
    remove_plain_keys,
    seal_keys,
    write_lock,
)
from civiscope.security.officers import OfficerShare, SetRecords, join_shares, split_key
from civiscope.security.passwords import PASSWORD_MAX, check_password
from civiscope.security.rotation import new_sealing_key, present_key, publish
from civiscope.security.secret import Secret
from civiscope.security.signature import IntegrityError
from civiscope.security.vault import LockableVault

_KEY_BYTES = 32
_log = get_log("civiscope.security")


class KeyMemory(Protocol):
    """Keeps the open key for a restart of this process alone; never on a disk."""

    def read(self) -> bytes | None:
        """The kept key, or None."""
        ...

    def keep(self, key: bytes) -> None:
        """Keep it until `forget`, or until the machine or the supervisor ends."""
        ...

    def forget(self) -> None:
        """Overwrite it."""
        ...


class NoMemory:
    """Where nobody keeps the key: each start asks for it."""

    def read(self) -> bytes | None:
        """None."""
        return None

    def keep(self, key: bytes) -> None:
        """Does nothing."""

    def forget(self) -> None:
        """Does nothing."""


@dataclass(frozen=True, slots=True)
class VaultState:
    """How the door stands."""

    is_open: bool
    kind: HolderKind
    since_us: int


class VaultDoor:
    """One per process. Its calls block (a passphrase takes half a second), and may come from any thread."""

    def __init__(
        self,
        keys: SiteKeys,
        clock: Clock,
        memory: KeyMemory | None = None,
        scrypt: ScryptSettings | None = None,
    ) -> None:
        """Opens at once what plain files or the memory open; else it stands locked. Reads `server/` only."""
        self._folder = keys.server_folder
        self._clock = clock
        self._memory = memory or NoMemory()
        self._scrypt = scrypt
        self._turn = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._since_us = clock.now_us()
        self._is_open = False
        self._keys: PrivateKeys = {}
        self._one_key: bytes | None = None
        """What `vault.lock` lies under, while it is open."""
        self._site_folder = keys.folder
        self._site_id = keys.identity.site_id
        self.officers = SetRecords(self._folder)
        self._lock_file = read_lock(self._folder)
        self.vault = LockableVault()
        self.keyring: Keyring = keys.locked_keyring()
        self.audit_keys = AuditKeys(keys.audit_signing_key(), self._details_box())
        self._open_at_once()

    @property
    def state(self) -> VaultState:
        """Open or locked, and who holds the key."""
        return VaultState(self._is_open, self._kind, self._since_us)

    @property
    def sealing_key(self) -> str:
        """Fingerprint, in hex, of the key that the recorder seals to now."""
        return present_key(self._site_folder)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Called after each opening and locking, on the thread that did it."""
        self._listeners.append(listener)

    def unlock(self, holder: KeyHolder) -> None:
        """Open with what `holder` knows; `WrongPassphraseError`, or AppError when the file is damaged."""
        with self._turn:
            if self._is_open:
                return
            lock_file = self._locked(holder.kind)
            self._open_with(lock_file, holder.open_key(lock_file.record))
        self._tell()

    def lock(self) -> None:
        """Forget every key; CONFLICT while there is no passphrase that would open again."""
        with self._turn:
            if self._lock_file is None:
                raise AppError(
                    ErrorKind.CONFLICT,
                    "The vault has no passphrase yet, so it can not be locked. Set one first.",
                )
            self._memory.forget()
            self.vault.lock()
            self.keyring.lock()
            self.audit_keys.details.lock()
            self._turned(False)
        self._tell()

    def set_passphrase(self, old: Secret | None, new: Secret) -> None:
        """Lock with a first passphrase, or change it: then `old` must open. Re-wraps the one key only."""
        _check_passphrase(new)
        with self._turn:
            if self._kind is HolderKind.PASSPHRASE:
                key = self._key_by_old(old)
            elif old is not None:
                raise AppError(ErrorKind.CONFLICT, "The vault has no passphrase yet: leave the old one out.")
            else:
                key = self._key_without_passphrase()
            self._hold(PassphraseHolder(new, self._scrypt), key)
        self._tell()

    def hold_with(self, holder: KeyHolder) -> None:
        """Let another holder keep the key; the vault must be open. No key but the one is touched."""
        with self._turn:
            if not self._is_open:
                raise AppError(ErrorKind.CONFLICT, "The vault is locked. Unlock it first, then move its key.")
            self._hold(holder, self._key_without_passphrase())

    def rotate_sealing_key(self) -> tuple[str, str]:
        """Let the site seal to a fresh key from now on; (old, new) fingerprint in hex. CONFLICT while locked.

        The older private keys stay, and open what was sealed to them.
        """
        with self._turn:
            if not self._is_open:
                raise AppError(
                    ErrorKind.CONFLICT, "The vault is locked. Unlock it first, then renew its key."
                )
            old = present_key(self._site_folder)
            name, private, public = new_sealing_key()
            held = {**self._held_keys(), name: private}
            if self._lock_file is None:
                write_private(self._folder / name, private)
            else:
                assert self._one_key is not None
                self._lock_file = replace(self._lock_file, sealed_keys=seal_keys(held, self._one_key))
                write_lock(self._folder, self._lock_file)
            self._take(held)
            publish(self._site_folder, public)
        self._tell()
        return old, present_key(self._site_folder)

    def split_key(self, holder: KeyHolder, needed: int, officers: int) -> list[OfficerShare]:
        """Put the one key into the hands of officers: a fresh one, so that shares of before open no more.

        `holder` must open; it goes on opening. The set's record is kept before the lock is.
        """
        with self._turn:
            lock_file = self._locked(holder.kind)
            private = open_keys(lock_file.sealed_keys, holder.open_key(lock_file.record))
            fresh = os.urandom(_KEY_BYTES)
            shares = split_key(self._site_id, fresh, needed, officers)
            self.officers.add(shares, self._clock.now_us())
            self._replace_lock(holder, fresh, private)
        self._tell()
        return shares

    def join_key(self, shares: Sequence[OfficerShare], new: Secret) -> None:
        """Open by officers' shares and set a new passphrase; INVALID says which share is wrong, and why."""
        _check_passphrase(new)
        with self._turn:
            if self._lock_file is None:
                raise AppError(
                    ErrorKind.CONFLICT,
                    "The vault is not locked by a key: there is nothing to open by shares.",
                )
            key = join_shares(shares, self._site_id, self.officers)
            try:
                private = open_keys(self._lock_file.sealed_keys, key)
            except IntegrityError:
                raise AppError(
                    ErrorKind.INVALID,
                    "The shares fit together, but their key does not open this vault: they are of a set from "
                    "before the last split, or one of them is false. Take the newest set.",
                ) from None
            self._replace_lock(PassphraseHolder(new, self._scrypt), key, private)
        self._tell()

    def _replace_lock(self, holder: KeyHolder, key: bytes, private: PrivateKeys) -> None:
        public = DetailsBox.public_half(private["audit-details.key"])
        lock_file = LockFile(holder.kind, holder.close_key(key), seal_keys(private, key), public)
        write_lock(self._folder, lock_file)
        self._lock_file = lock_file
        self._open_with(lock_file, key)

    @property
    def _kind(self) -> HolderKind:
        return HolderKind.FILE if self._lock_file is None else self._lock_file.kind

    def _open_at_once(self) -> None:
        if self._lock_file is None:
            self._take(read_plain_keys(self._folder))
            return
        key = self._memory.read()
        if key is None:
            return
        try:
            self._open_with(self._lock_file, key)
        except IntegrityError:
            _log.warning("the kept key is of another vault; it is forgotten")
            self._memory.forget()

    def _details_box(self) -> DetailsBox:
        if self._lock_file is not None:
            return DetailsBox(self._lock_file.details_public)
        plain = read_plain_keys(self._folder)
        if "audit-details.key" not in plain:
            raise _missing_keys(self._folder)
        return DetailsBox.of(plain["audit-details.key"])

    def _locked(self, kind: HolderKind) -> LockFile:
        if self._lock_file is None:
            raise damaged_lock()
        if self._lock_file.kind is not kind:
            raise AppError(
                ErrorKind.CONFLICT,
                f"The vault's key is held by {self._lock_file.kind.value}, not by {kind.value}: "
                "see [vault] in civiscope.toml.",
            )
        return self._lock_file

    def _key_by_old(self, old: Secret | None) -> bytes:
        if old is None:
            raise AppError(ErrorKind.INVALID, "The vault has a passphrase. Type the present one too.")
        return PassphraseHolder(old).open_key(self._locked(HolderKind.PASSPHRASE).record)

    def _key_without_passphrase(self) -> bytes:
        """A fresh key over plain files; under a lock the keys are closed under a fresh one too."""
        return os.urandom(_KEY_BYTES)

    def _hold(self, holder: KeyHolder, key: bytes) -> None:
        if self._lock_file is not None and self._kind is holder.kind is HolderKind.PASSPHRASE:
            sealed, public = self._lock_file.sealed_keys, self._lock_file.details_public
        else:
            plain = self._held_keys()
            sealed, public = seal_keys(plain, key), DetailsBox.public_half(plain["audit-details.key"])
        lock_file = LockFile(holder.kind, holder.close_key(key), sealed, public)
        write_lock(self._folder, lock_file)
        self._lock_file = lock_file
        self._open_with(lock_file, key)

    def _held_keys(self) -> PrivateKeys:
        if self._lock_file is None:
            return read_plain_keys(self._folder)
        if not self._is_open:
            raise AppError(ErrorKind.CONFLICT, "The vault is locked. Unlock it first, then change its key.")
        return self._keys

    def _open_with(self, lock_file: LockFile, key: bytes) -> None:
        private = open_keys(lock_file.sealed_keys, key)
        self._one_key = key
        self._take(private)
        self._memory.keep(key)
        remove_plain_keys(self._folder, private)

    def _take(self, private: PrivateKeys) -> None:
        if not {"vault.key", "audit-details.key"} <= private.keys():
            raise _missing_keys(self._folder)
        sealing = [_sealing_key(name, data) for name, data in private.items() if name.startswith("sealing/")]
        self._keys = private
        self.vault.unlock(private["vault.key"])
        self.keyring.unlock(sealing)
        self.audit_keys.details.unlock(private["audit-details.key"])
        self._turned(True)

    def _turned(self, is_open: bool) -> None:
        if not is_open:
            self._keys, self._one_key = {}, None
        if is_open is not self._is_open:
            self._is_open, self._since_us = is_open, self._clock.now_us()
            _log.info("the vault is open" if is_open else "the vault is locked")

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()


def _check_passphrase(new: Secret) -> None:
    if len(new.reveal()) > PASSWORD_MAX:
        raise AppError(ErrorKind.INVALID, f"The passphrase is too long: at most {PASSWORD_MAX} characters.")
    check_password(new.reveal(), "vault")


def _sealing_key(name: str, pem: bytes) -> X25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, X25519PrivateKey):
        raise AppError(
            ErrorKind.INVALID,
            f"the key {name} does not hold the key it should: restore it from a backup",
        )
    return key


def _missing_keys(folder: Path) -> AppError:
    return AppError(
        ErrorKind.MISSING, f"keys of the server are missing in {folder}: restore them from a backup"
    )
