"""The door before the server's private keys: what stands while it is locked, and that nothing is lost."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError, ErrorKind, ManualClock, StreamId, new_id
from civiscope.security import (
    LOCKED_WORDS,
    AuditEntry,
    AuditLog,
    HolderKind,
    IntegrityError,
    KeyContext,
    PassphraseHolder,
    ScryptSettings,
    Secret,
    SiteKeys,
    VaultDoor,
    WrongPassphraseError,
)
from civiscope.security.lockfile import LOCK_NAME, LockFile
from civiscope.storage import Database

CHEAP = ScryptSettings(1 << 10)
WORD = Secret("seven red kites over fields")
OTHER = Secret("eleven grey geese fly home")


class Memory:
    """Keeps the key as a supervisor would."""

    def __init__(self) -> None:
        self.key: bytes | None = None

    def read(self) -> bytes | None:
        return self.key

    def keep(self, key: bytes) -> None:
        self.key = key

    def forget(self) -> None:
        self.key = None


def open_door(keys: SiteKeys, clock: ManualClock, memory: Memory | None = None) -> VaultDoor:
    return VaultDoor(keys, clock, memory, CHEAP)


def plain_files(keys: SiteKeys) -> list[str]:
    folder = keys.server_folder
    return sorted(str(p.relative_to(folder)) for p in (*folder.glob("*.key"), *folder.glob("sealing/*")))


def test_a_site_without_a_passphrase_is_open_from_the_start(keys: SiteKeys, clock: ManualClock) -> None:
    door = open_door(keys, clock)
    assert (door.state.is_open, door.state.kind) == (True, HolderKind.FILE)
    assert keys.vault().open_secret(door.vault.seal_secret(b"x")) == b"x"
    with pytest.raises(AppError, match="no passphrase yet") as refused:
        door.lock()
    assert refused.value.kind is ErrorKind.CONFLICT
    with pytest.raises(AppError, match="leave the old one out"):
        door.set_passphrase(WORD, OTHER)


def test_locked_everything_sealed_stays_closed_and_comes_back(keys: SiteKeys, clock: ManualClock) -> None:
    door = open_door(keys, clock)
    sealed = door.vault.seal_secret(b"camera password", b"device/1")
    context = KeyContext(StreamId(new_id()), 7, new_id())  # type: ignore[arg-type]  # any id
    key_id, data_key, wrapped = keys.sealer().new_data_key(context.stream_id, context.hour)
    context = KeyContext(context.stream_id, context.hour, key_id)
    picture = data_key.seal(bytes(12), b"a picture", b"")
    private = [(keys.server_folder / name).read_bytes() for name in plain_files(keys)]
    door.set_passphrase(None, WORD)
    assert plain_files(keys) == ["factors.key"] or plain_files(keys) == []
    lock_bytes = (keys.server_folder / LOCK_NAME).read_bytes()
    assert all(secret not in lock_bytes and secret.hex().encode() not in lock_bytes for secret in private)
    assert (keys.server_folder / LOCK_NAME).stat().st_mode & 0o777 == 0o600

    later = open_door(keys, clock)
    assert (later.state.is_open, later.state.kind) == (False, HolderKind.PASSPHRASE)
    for closed in (
        lambda: later.vault.open_secret(sealed, b"device/1"),
        lambda: later.vault.seal_secret(b"new"),
        lambda: later.keyring.unwrap(wrapped, context),
    ):
        with pytest.raises(AppError, match="vault is locked") as refused:
            closed()
        assert refused.value.kind is ErrorKind.UNAVAILABLE
        assert refused.value.message == LOCKED_WORDS
    with pytest.raises(WrongPassphraseError):
        later.unlock(PassphraseHolder(OTHER))
    assert not later.state.is_open
    later.unlock(PassphraseHolder(WORD))
    assert later.vault.open_secret(sealed, b"device/1") == b"camera password"
    assert later.keyring.unwrap(wrapped, context).open(bytes(12), picture, b"") == b"a picture"
    later.lock()
    with pytest.raises(AppError, match="vault is locked"):
        later.keyring.unwrap(wrapped, context)


async def test_the_audit_is_written_while_locked_and_read_once_open(
    keys: SiteKeys, clock: ManualClock, database: Database, tmp_path: Path
) -> None:
    before = AuditLog(database, keys.audit_keys(), tmp_path, clock)
    await before.append(AuditEntry("anna", "session.open", details={"n": 1}))
    open_door(keys, clock).set_passphrase(None, WORD)
    door = open_door(keys, clock)
    audit = AuditLog(database, door.audit_keys, tmp_path, clock)
    await audit.append(AuditEntry("anna", "session.open", details={"n": 2}))
    report = await audit.verify()
    assert report.intact
    assert "vault is locked" in report.what
    with pytest.raises(AppError) as refused:
        await audit.details(2)
    assert refused.value.kind is ErrorKind.UNAVAILABLE
    door.unlock(PassphraseHolder(WORD))
    assert [await audit.details(1), await audit.details(2)] == [{"n": 1}, {"n": 2}]
    assert "locked" not in (await audit.verify()).what


def test_a_change_of_passphrase_closes_the_one_key_anew_and_nothing_else(
    keys: SiteKeys, clock: ManualClock
) -> None:
    door = open_door(keys, clock)
    door.set_passphrase(None, WORD)
    first = LockFile.from_json((keys.server_folder / LOCK_NAME).read_bytes())
    with pytest.raises(AppError, match="present one too"):
        door.set_passphrase(None, OTHER)
    with pytest.raises(WrongPassphraseError):
        door.set_passphrase(OTHER, OTHER)
    door.set_passphrase(WORD, OTHER)
    second = LockFile.from_json((keys.server_folder / LOCK_NAME).read_bytes())
    assert second.sealed_keys == first.sealed_keys
    assert second.record != first.record
    later = open_door(keys, clock)
    with pytest.raises(WrongPassphraseError):
        later.unlock(PassphraseHolder(WORD))
    later.unlock(PassphraseHolder(OTHER))
    assert later.state.is_open


def test_the_old_passphrase_opens_a_locked_vault_while_it_is_changed(
    keys: SiteKeys, clock: ManualClock
) -> None:
    open_door(keys, clock).set_passphrase(None, WORD)
    later = open_door(keys, clock)
    later.set_passphrase(WORD, OTHER)
    assert later.state.is_open


@pytest.mark.parametrize("bad", ["short", "x" * 300, "password password"])
def test_weak_passphrases_are_refused(keys: SiteKeys, clock: ManualClock, bad: str) -> None:
    with pytest.raises(AppError) as refused:
        open_door(keys, clock).set_passphrase(None, Secret(bad))
    assert refused.value.kind is ErrorKind.INVALID
    assert not (keys.server_folder / LOCK_NAME).exists()


def test_damage_is_told_apart_from_a_wrong_passphrase(keys: SiteKeys, clock: ManualClock) -> None:
    open_door(keys, clock).set_passphrase(None, WORD)
    path = keys.server_folder / LOCK_NAME
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[at] ^= 0x01
        if not _is_same_json(bytes(changed), whole):
            with pytest.raises(AppError, match="The passphrase is not at fault"):
                LockFile.from_json(bytes(changed))
    path.write_bytes(whole[:-40])
    with pytest.raises(AppError, match="The passphrase is not at fault"):
        open_door(keys, clock)
    newer = json.dumps({**json.loads(whole), "version": 9})
    with pytest.raises(AppError):
        LockFile.from_json(newer.encode())


def _is_same_json(one: bytes, other: bytes) -> bool:
    """A blank may have become another blank."""
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


@given(st.binary(max_size=400))
def test_garbage_is_damage(garbage: bytes) -> None:
    with pytest.raises(AppError) as refused:
        LockFile.from_json(garbage)
    assert refused.value.kind is ErrorKind.LOST_DATA


@pytest.mark.parametrize(
    "figures", [(3, 8, 1), (1 << 30, 8, 1), (1 << 10, 8, 0), (1 << 10, 999, 1), ("a", 8, 1)]
)
def test_absurd_figures_never_reach_the_memory(figures: tuple[int, int, int]) -> None:
    record = dict(PassphraseHolder(WORD, CHEAP).close_key(bytes(32)))
    record.update(zip("nrp", figures, strict=True))
    with pytest.raises(AppError, match="damaged"):
        PassphraseHolder(WORD).open_key(record)


def test_the_figures_are_bound(clock: ManualClock) -> None:
    record = dict(PassphraseHolder(WORD, CHEAP).close_key(bytes(32)))
    assert PassphraseHolder(WORD).open_key(record) == bytes(32)
    with pytest.raises(WrongPassphraseError):
        PassphraseHolder(WORD).open_key({**record, "p": 2})
    assert ScryptSettings().n >= 1 << 17


def test_a_cut_between_the_rename_and_the_removal_loses_nothing(keys: SiteKeys, clock: ManualClock) -> None:
    folder = keys.server_folder
    saved = {name: (folder / name).read_bytes() for name in plain_files(keys)}
    door = open_door(keys, clock)
    sealed = door.vault.seal_secret(b"x")
    door.set_passphrase(None, WORD)
    for name, data in saved.items():  # the power went before they were removed
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)
    later = open_door(keys, clock)
    assert not later.state.is_open
    later.unlock(PassphraseHolder(WORD))
    assert later.vault.open_secret(sealed) == b"x"
    assert "vault.key" not in plain_files(keys)


def test_a_plain_key_that_is_not_the_locked_one_is_never_deleted(keys: SiteKeys, clock: ManualClock) -> None:
    open_door(keys, clock).set_passphrase(None, WORD)
    stray = keys.server_folder / "vault.key"
    stray.write_bytes(os.urandom(32))
    stray.chmod(0o600)
    open_door(keys, clock).unlock(PassphraseHolder(WORD))
    assert stray.exists()


def test_the_memory_opens_a_restarted_server_and_nothing_else(keys: SiteKeys, clock: ManualClock) -> None:
    memory = Memory()
    open_door(keys, clock, memory).set_passphrase(None, WORD)
    assert open_door(keys, clock, memory).state.is_open
    assert not open_door(keys, clock).state.is_open
    open_door(keys, clock, memory).lock()
    assert memory.key is None
    memory.key = os.urandom(32)
    assert not open_door(keys, clock, memory).state.is_open
    assert memory.key is None


def test_listeners_hear_of_each_turn(keys: SiteKeys, clock: ManualClock) -> None:
    open_door(keys, clock).set_passphrase(None, WORD)
    door, heard = open_door(keys, clock), list[bool]()
    door.on_change(lambda: heard.append(door.state.is_open))
    clock.advance(5)
    door.unlock(PassphraseHolder(WORD))
    since = door.state.since_us
    door.unlock(PassphraseHolder(OTHER))  # open already: nothing to prove, nothing changes
    door.lock()
    assert heard == [True, False]
    assert since == clock.now_us()


def test_a_lock_needs_its_own_kind_of_holder(keys: SiteKeys, clock: ManualClock) -> None:
    door = open_door(keys, clock)
    door.set_passphrase(None, WORD)
    door.lock()
    with pytest.raises(AppError, match="Unlock it first"):
        door.hold_with(PassphraseHolder(OTHER, CHEAP))


def test_moved_details_do_not_open(keys: SiteKeys) -> None:
    box = keys.audit_keys().details
    sealed = box.seal(b"salt and text", b"audit entry 1")
    assert box.open(sealed, b"audit entry 1") == b"salt and text"
    with pytest.raises(IntegrityError):
        box.open(sealed, b"audit entry 2")
