"""Opening and locking the vault of a running site: at its start, and when a person asks for it."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from civiscope.app.settings import VaultSettings
from civiscope.app.vault_memory import inherited_memory
from civiscope.base import AppError, Clock, get_log
from civiscope.security import (
    AuditEntry,
    AuditLog,
    HolderKind,
    KeyHolder,
    ModuleSettings,
    OfficerShare,
    Outcome,
    PassphraseHolder,
    Principal,
    Secret,
    SiteKeys,
    Throttle,
    ThrottleSettings,
    VaultDoor,
    VaultState,
    WrongPassphraseError,
    module_holder,
    read_share,
    read_word,
)

_OBJECT = "vault"
_log = get_log("civiscope.app")


def open_door(keys: SiteKeys, settings: VaultSettings, clock: Clock) -> VaultDoor:
    """The door as a start finds it: opened by what is configured, else locked; blocks for a moment."""
    door = VaultDoor(keys, clock, inherited_memory())
    if not door.state.is_open:
        _open_unattended(door, settings)
    _move_into_module(door, settings)
    return door


class VaultKeeper:
    """What people ask of the vault: throttled, off the loop, and written down."""

    def __init__(self, door: VaultDoor, audit: AuditLog, settings: VaultSettings, clock: Clock) -> None:
        self._door = door
        self._audit = audit
        self._settings = settings
        self._throttle = Throttle(clock, ThrottleSettings())

    def state(self) -> VaultState:
        """Open or locked, who holds the key, since when."""
        return self._door.state

    async def unlock(self, passphrase: Secret, by: Principal | str, from_where: str) -> VaultState:
        """Open it; INVALID for a wrong passphrase, EXHAUSTED for the next try too soon."""
        if self._door.state.is_open:
            return self._door.state
        self._throttle.begin(from_where, _OBJECT)
        await self._audited("vault.unlock", by, from_where, lambda: self._unlock(passphrase))
        self._throttle.succeeded(from_where, _OBJECT)
        return self._door.state

    async def lock(self, by: Principal | str, from_where: str) -> VaultState:
        """Forget the keys; CONFLICT while there is no passphrase."""
        await self._audited("vault.lock", by, from_where, self._door.lock)
        return self._door.state

    async def set_passphrase(
        self, old: Secret | None, new: Secret, by: Principal | str, from_where: str
    ) -> VaultState:
        """Set the first, or change it; INVALID when `old` is wrong or `new` too weak."""
        if old is not None:
            self._throttle.begin(from_where, _OBJECT)
        await self._audited("vault.passphrase", by, from_where, lambda: self._door.set_passphrase(old, new))
        self._throttle.succeeded(from_where, _OBJECT)
        return self._door.state

    async def rotate_sealing_key(self, by: Principal | str, from_where: str) -> tuple[str, str]:
        """Seal to a fresh key from now on; (old, new) fingerprint. CONFLICT while locked."""
        old, new = await asyncio.to_thread(self._door.rotate_sealing_key)
        details = {"old": old, "new": new}
        entry = AuditEntry(by, "keys.rotate", _OBJECT, from_where=from_where, details=details)
        await self._audit.append(entry)
        return old, new

    def sealing_key(self) -> str:
        """Fingerprint of the key that is sealed to now."""
        return self._door.sealing_key

    async def split_key(
        self, word: Secret, set_size: tuple[int, int], by: Principal | str, from_where: str
    ) -> tuple[str, ...]:
        """Shares for officers, as text; `set_size`: (needed, officers). The word must open the vault."""
        self._throttle.begin(from_where, _OBJECT)
        holder = _holder(self._door.state.kind, word, self._settings)
        shares: list[OfficerShare] = []
        await self._audited(
            "keys.split", by, from_where, lambda: shares.extend(self._door.split_key(holder, *set_size))
        )
        self._throttle.succeeded(from_where, _OBJECT)
        return tuple(one.text for one in shares)

    async def join_key(
        self, shares: Sequence[Secret], new: Secret, by: Principal | str, from_where: str
    ) -> VaultState:
        """Open by officers' shares, and set a new passphrase; INVALID says which share is wrong."""
        self._throttle.begin(from_where, _OBJECT)
        await self._audited(
            "keys.join",
            by,
            from_where,
            lambda: self._door.join_key([read_share(one.reveal()) for one in shares], new),
        )
        self._throttle.succeeded(from_where, _OBJECT)
        return self._door.state

    def _unlock(self, passphrase: Secret) -> None:
        self._door.unlock(_holder(self._door.state.kind, passphrase, self._settings))
        _move_into_module(self._door, self._settings)

    async def _audited(
        self, what: str, by: Principal | str, from_where: str, work: Callable[[], None]
    ) -> None:
        """Do it and write it down; if it cannot be written, nothing stays open that was locked."""
        was_open = self._door.state.is_open
        try:
            await asyncio.to_thread(work)
        except AppError as error:
            outcome = Outcome.REFUSED if isinstance(error, WrongPassphraseError) else Outcome.FAILED
            await self._audit.append(
                AuditEntry(by, what, _OBJECT, "", outcome, from_where, {"why": error.message})
            )
            raise
        try:
            kind = self._door.state.kind.value
            await self._audit.append(
                AuditEntry(by, what, _OBJECT, from_where=from_where, details={"kind": kind})
            )
        except AppError:
            if not was_open:
                await asyncio.to_thread(self._door.lock)
            raise


def _holder(kind: HolderKind, word: Secret, settings: VaultSettings) -> KeyHolder:
    if kind is HolderKind.PKCS11:
        return module_holder(_module(settings), word)
    return PassphraseHolder(word)


def _module(settings: VaultSettings) -> ModuleSettings:
    return ModuleSettings(settings.module or Path("/nonexistent"), settings.token, settings.key_label)


def _open_unattended(door: VaultDoor, settings: VaultSettings) -> None:
    is_module = door.state.kind is HolderKind.PKCS11
    path = settings.pin_file if is_module else settings.passphrase_file
    if path is None:
        _log.warning("the vault is locked: recording goes on, playback waits for `civiscope vault unlock`")
        return
    try:
        door.unlock(_holder(door.state.kind, read_word(path), settings))
    except AppError as error:
        _log.error("the vault stays locked: what the settings name does not open it", why=error.message)


def _move_into_module(door: VaultDoor, settings: VaultSettings) -> None:
    """The first start with `kind = "pkcs11"` hands the key to the module; a module away changes nothing."""
    wanted = settings.kind == HolderKind.PKCS11.value and door.state.kind is not HolderKind.PKCS11
    if not (wanted and door.state.is_open and settings.pin_file):
        return
    try:
        door.hold_with(module_holder(_module(settings), read_word(settings.pin_file)))
        _log.info("the vault's key is in the module now", token=settings.token)
    except AppError as error:
        _log.error("the vault's key stays where it is: the module did not take it", why=error.message)
