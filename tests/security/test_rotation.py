"""A renewed sealing key, a vault opened by officers: nothing is lost, whatever came before or between."""

from pathlib import Path

import pytest
from tests.security.test_vaultdoor import CHEAP, OTHER, WORD, Memory, open_door

from civiscope.base import AppError, ErrorKind, ManualClock, StreamId, new_id
from civiscope.security import (
    HOUR_US,
    KeyContext,
    PassphraseHolder,
    SealingKeyWatch,
    Secret,
    SegmentSealer,
    SiteKeys,
    WrongPassphraseError,
    open_picture,
    read_share,
    read_wrapped,
)

STREAM = StreamId(new_id())


def sealed_by(sealer: SegmentSealer) -> tuple[bytes, KeyContext]:
    key_id, _, wrapped = sealer.new_data_key(STREAM, 7)
    return wrapped, KeyContext(STREAM, 7, key_id)


@pytest.mark.parametrize("locked", [False, True])
def test_a_new_key_seals_and_the_old_ones_open(keys: SiteKeys, clock: ManualClock, locked: bool) -> None:
    door = open_door(keys, clock)
    if locked:
        door.set_passphrase(None, WORD)
    sealer, pictures = keys.sealer(), keys.picture_sealer()
    watches = [
        SealingKeyWatch(keys.recorder_folder, sealer.renew),
        SealingKeyWatch(keys.folder / "analyst", pictures.renew),
    ]
    assert not any(one.look() for one in watches)
    before = sealed_by(sealer)
    event = new_id()
    picture = pictures.seal(event, STREAM, 7 * HOUR_US, b"jpeg")
    old, new = door.rotate_sealing_key()
    assert old != new == door.sealing_key
    assert [one.look() for one in watches] == [True, True]
    after = sealed_by(sealer)
    assert read_wrapped(before[0])[0].sealing_key.hex() == old
    assert read_wrapped(after[0])[0].sealing_key.hex() == new
    again = open_door(keys, clock)
    if locked:
        again.unlock(PassphraseHolder(WORD))
        assert not list((keys.server_folder / "sealing").iterdir())
    for one in (door, again):
        assert one.keyring.unwrap(*before).key_id == before[1].key_id
        assert one.keyring.unwrap(*after).key_id == after[1].key_id
        assert open_picture(one.keyring, event, picture) == b"jpeg"
        later = pictures.seal(event, STREAM, 7 * HOUR_US, b"jpeg 2")
        assert read_wrapped(later[1:151])[0].sealing_key.hex() == new
        assert open_picture(one.keyring, event, later) == b"jpeg 2"


def test_a_locked_vault_renews_nothing(keys: SiteKeys, clock: ManualClock) -> None:
    door = open_door(keys, clock)
    door.set_passphrase(None, WORD)
    door.lock()
    present = door.sealing_key
    with pytest.raises(AppError) as told:
        door.rotate_sealing_key()
    assert told.value.kind is ErrorKind.CONFLICT
    assert door.sealing_key == present


def test_a_cut_between_the_steps_leaves_keys_that_open(
    keys: SiteKeys, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The private half is kept first; where the public half came to the recorder alone, a start mends it."""
    door = open_door(keys, clock)

    def cut(folder: Path, public: bytes) -> None:
        raise OSError("the power went")

    monkeypatch.setattr("civiscope.security.vaultdoor.publish", cut)
    before = door.sealing_key
    with pytest.raises(OSError, match="power"):
        door.rotate_sealing_key()
    assert open_door(keys, clock).sealing_key == before
    assert open_door(keys, clock).keyring.unwrap(*(one := sealed_by(keys.sealer()))).key_id == one[1].key_id

    def half(folder: Path, public: bytes) -> None:
        (folder / "recorder" / "sealing.pub.pem").write_bytes(public)

    monkeypatch.setattr("civiscope.security.vaultdoor.publish", half)
    open_door(keys, clock).rotate_sealing_key()
    recorder, analyst = (keys.folder / one / "sealing.pub.pem" for one in ("recorder", "analyst"))
    assert recorder.read_bytes() != analyst.read_bytes()
    SiteKeys.load(keys.folder)
    assert recorder.read_bytes() == analyst.read_bytes()
    assert open_door(keys, clock).keyring.unwrap(*(two := sealed_by(keys.sealer()))).key_id == two[1].key_id


def test_a_damaged_public_key_leaves_the_present_one_in_use(keys: SiteKeys) -> None:
    sealer = keys.sealer()
    watch = SealingKeyWatch(keys.recorder_folder, sealer.renew)
    (keys.recorder_folder / "sealing.pub.pem").write_bytes(b"-----BEGIN")
    assert not watch.look()
    assert sealer.generation == 0
    (keys.recorder_folder / "sealing.pub.pem").unlink()
    assert not watch.look()
    assert sealed_by(sealer)[0]


def test_officers_open_what_nobody_else_can(keys: SiteKeys, clock: ManualClock) -> None:
    memory = Memory()
    door = open_door(keys, clock, memory)
    door.set_passphrase(None, WORD)
    secret = door.vault.seal_secret(b"pier")
    with pytest.raises(WrongPassphraseError):
        door.split_key(PassphraseHolder(OTHER), 3, 5)
    first = door.split_key(PassphraseHolder(WORD, CHEAP), 3, 5)
    second = door.split_key(PassphraseHolder(WORD, CHEAP), 3, 5)
    door.rotate_sealing_key()
    door.lock()
    texts = [one.text for one in second[1:4]]
    restored = open_door(keys, clock)
    assert not restored.state.is_open
    for shares, told in (
        (second[:2], "1 more"),
        ([*second[:2], first[4]], "different sets"),
        (first[:3], "before the last split"),
    ):
        with pytest.raises(AppError, match=told) as refused:
            restored.join_key(shares, OTHER)
        assert refused.value.kind is ErrorKind.INVALID
        assert not restored.state.is_open
    with pytest.raises(AppError):
        restored.join_key([read_share(one) for one in texts], Secret("short"))
    restored.join_key([read_share(one) for one in texts], OTHER)
    assert restored.vault.open_secret(secret) == b"pier"
    again = open_door(keys, clock)
    with pytest.raises(WrongPassphraseError):
        again.unlock(PassphraseHolder(WORD))
    again.unlock(PassphraseHolder(OTHER))
    assert again.vault.open_secret(secret) == b"pier"
    again.lock()
    again.join_key(second[:3], WORD)  # a change of the passphrase leaves the shares what they were
    assert again.state.is_open


def test_without_a_lock_there_is_nothing_to_split_or_join(keys: SiteKeys, clock: ManualClock) -> None:
    door = open_door(keys, clock)
    with pytest.raises(AppError):
        door.split_key(PassphraseHolder(WORD), 2, 3)
    with pytest.raises(AppError) as told:
        door.join_key([], WORD)
    assert told.value.kind is ErrorKind.CONFLICT
