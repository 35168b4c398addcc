"""A backup gives a site back whole, tells a thief nothing, and brings back nothing that was destroyed."""

import asyncio
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.recording.footage import EPOCH_US, EVERYTHING, Camera, Room, Site
from tests.recording.shredding import HELD, Shredding, new_case

from civiscope.app.backup import BackupWish, make_backup, refresh_ledger
from civiscope.app.home import Home
from civiscope.app.restore import Restored, restore_backup
from civiscope.app.restored import key_by_shares, key_by_word, note_restore
from civiscope.app.settings import Settings
from civiscope.app.site import create_site, open_site
from civiscope.base import AppError, ErrorKind, ManualClock
from civiscope.recording import LEDGER_NAME, Archive
from civiscope.security import (
    AuditEntry,
    IntegrityError,
    PassphraseHolder,
    ScryptSettings,
    Secret,
    SiteKeys,
    VaultDoor,
    WrongPassphraseError,
    load_keyring,
    load_sealer,
)

WORD = "seven red kites over fields"
SETTINGS = Settings()


@dataclass
class City:
    """A site with a camera's hour on the disk, and its vault under a passphrase."""

    home: Home
    keys: SiteKeys
    door: VaultDoor
    world: Shredding
    elsewhere: Path

    def backup(self, media: bool = True) -> Path:
        return make_backup(self.home, SETTINGS, BackupWish(self.elsewhere, media), self.world.room.clock)

    def destroy_all(self) -> None:
        """Five hours later, one hour being kept."""
        self.world.grow_old()
        self.world.run()

    def restore(self, backup: Path, home: Home, ledgers: tuple[Path, ...] = ()) -> Restored:
        return restore_backup(home, backup, by_word, ledgers)

    def archive(self, home: Home, word: str = WORD) -> Archive:
        """As a restored server reads, its vault opened."""
        keys = SiteKeys.load(home.keys)
        door = VaultDoor(keys, self.world.room.clock)
        door.unlock(PassphraseHolder(Secret(word)))
        door.keyring.unlock_cases(self.world.cases)
        return Archive([home.default_volume], door.keyring, self.world.room.clock)


def by_word(files: Mapping[str, bytes]) -> bytes:
    return key_by_word(files, WORD)


def units(archive: Archive, city: City) -> int:
    return len(list(archive.read(city.world.camera.stream_id, EVERYTHING)))


@pytest.fixture
def bare(tmp_path: Path) -> City:
    home = Home(tmp_path / "home")
    clock = ManualClock(EPOCH_US)
    keys = create_site(home, SETTINGS, ManualClock(EPOCH_US - 86_400_000_000))
    site = Site(keys, load_sealer(keys.recorder_folder), load_keyring(keys.server_folder))
    room = Room(site, home.default_volume, clock)
    world = Shredding(room, home.role("recorder"), Camera(clock))
    world.film()
    return City(
        home, keys, VaultDoor(keys, clock, None, ScryptSettings(1 << 10)), world, tmp_path / "backups"
    )


@pytest.fixture
def city(bare: City) -> City:
    bare.door.set_passphrase(None, Secret(WORD))
    return bare


def test_open_keys_are_not_backed_up(bare: City) -> None:
    with pytest.raises(AppError, match="passphrase") as told:
        bare.backup()
    assert told.value.kind is ErrorKind.CONFLICT
    assert list(bare.elsewhere.iterdir()) == []


async def test_a_restored_site_is_the_same_and_its_audit_knows(city: City, tmp_path: Path) -> None:
    async with open_site(city.home, SETTINGS) as site:
        await site.audit.append(AuditEntry("test", "before", "site"))
        backup = await asyncio.to_thread(city.backup)
        await site.audit.append(AuditEntry("test", "after", "site"))
    before = len(list(city.world.room.archive().read(city.world.camera.stream_id, EVERYTHING)))
    home = Home(tmp_path / "again")
    done = city.restore(backup, home)
    await note_restore(home, done)
    assert (done.ledger_lines, done.lines_since, done.wraps_left_out) == (0, 0, 0)
    assert units(city.archive(home), city) == before > 100
    private = {"server/audit.key.pem", "recorder/node.key.pem", "authority/nodes.key.pem"}
    for name in private:
        assert (home.keys / name).read_bytes() == (city.home.keys / name).read_bytes()
        assert (home.keys / name).stat().st_mode & 0o777 == 0o600
    async with open_site(home, SETTINGS) as site:
        assert [one.what for one in await site.audit.entries()][:2] == ["site.restore", "before"]
        assert (await site.audit.verify()).intact
    with pytest.raises(AppError) as twice:
        city.restore(backup, home)
    assert twice.value.kind is ErrorKind.CONFLICT


def test_what_was_destroyed_since_does_not_come_back(city: City, tmp_path: Path) -> None:
    case = new_case()
    city.world.hold(case)
    city.world.run(city.world.wraps())
    backup = city.backup()
    city.destroy_all()
    refresh_ledger(city.home, city.elsewhere)
    home = Home(tmp_path / "again")
    done = city.restore(backup, home)
    assert (done.lines_since, done.wraps_left_out) == (2, 1)
    assert not list(home.default_volume.rglob("*.key"))
    archive = city.archive(home)
    assert len(list(archive.read(city.world.camera.stream_id, HELD))) > 15, "the case's key opens"
    city.world.cases = []
    with pytest.raises(AppError) as told:
        list(city.archive(home).read(city.world.camera.stream_id, HELD))
    assert told.value.kind is ErrorKind.MISSING
    assert (home.destroyed / LEDGER_NAME).read_bytes() == (city.home.destroyed / LEDGER_NAME).read_bytes()


def test_an_old_disk_put_beside_a_restored_site_is_destroyed_again(city: City, tmp_path: Path) -> None:
    home = Home(tmp_path / "again")
    shutil.copytree(city.home.default_volume, home.default_volume)
    city.destroy_all()
    backup = city.backup(media=False)
    done = city.restore(backup, home)
    assert done.wraps_destroyed == 1
    assert not list(home.default_volume.rglob("*.key"))
    with pytest.raises(AppError):
        units(city.archive(home), city)


def test_the_newest_ledger_counts_and_an_old_one_put_in_its_place_does_not(
    city: City, tmp_path: Path
) -> None:
    backup = city.backup()
    old = tmp_path / "old"
    shutil.copytree(city.elsewhere / "destroyed", old)
    city.destroy_all()
    refresh_ledger(city.home, city.elsewhere)
    newest = tmp_path / "newest"
    shutil.copytree(city.elsewhere / "destroyed", newest)
    shutil.rmtree(city.elsewhere / "destroyed")
    shutil.copytree(old, city.elsewhere / "destroyed")
    done = city.restore(backup, Home(tmp_path / "again"), (newest / LEDGER_NAME,))
    assert (done.lines_since, done.wraps_left_out) == (2, 1)
    (city.elsewhere / "destroyed" / LEDGER_NAME).write_bytes(b"x\n")
    with pytest.raises(AppError, match="not an older one"):
        refresh_ledger(city.home, city.elsewhere)


def test_ledgers_that_contradict_each_other_or_are_damaged_stop_the_restore(
    city: City, tmp_path: Path
) -> None:
    backup = city.backup()
    fork = tmp_path / "fork"
    shutil.copytree(city.home.root, fork)
    city.destroy_all()
    refresh_ledger(city.home, city.elsewhere)
    other = Home(fork)
    room = Room(city.world.room.site, other.default_volume, city.world.room.clock)
    room.settings = city.world.room.settings
    city.world.room.clock.advance(1)
    Shredding(room, other.role("recorder"), city.world.camera).run()
    home = Home(tmp_path / "again")
    with pytest.raises(IntegrityError, match="contradict"):
        city.restore(backup, home, (other.destroyed,))
    data = (other.destroyed / LEDGER_NAME).read_bytes()
    (other.destroyed / LEDGER_NAME).write_bytes(data.replace(b'"retention"', b'"forgotten"', 1))
    with pytest.raises(IntegrityError, match="not whole"):
        city.restore(backup, home, (other.destroyed,))
    assert not home.is_initialised


def test_every_changed_added_or_missing_file_is_named(city: City, tmp_path: Path) -> None:
    backup = city.backup()
    home = Home(tmp_path / "again")
    names = [one.relative_to(backup) for one in sorted(backup.rglob("*")) if one.is_file()]
    assert len(names) > 10
    for name in names:
        path = backup / name
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]) if data else b"x")
        with pytest.raises(AppError):
            city.restore(backup, home)
        path.write_bytes(data)
    (backup / "home" / "more").write_bytes(b"x")
    with pytest.raises(IntegrityError, match="added"):
        city.restore(backup, home)
    (backup / "home" / "more").unlink()
    (backup / "volumes" / "0" / "volume.json").rename(tmp_path / "gone")
    with pytest.raises(IntegrityError, match="missing"):
        city.restore(backup, home)
    assert not home.root.exists()


@pytest.mark.parametrize("name", ["../x", "/etc/x", "", "a/../../x"])
def test_a_manifest_cannot_name_a_file_elsewhere(city: City, tmp_path: Path, name: str) -> None:
    backup = city.backup()
    manifest = json.loads((backup / "backup.json").read_bytes())
    manifest["files"][name] = "00"
    (backup / "backup.json").write_text(json.dumps(manifest))
    with pytest.raises(AppError):
        city.restore(backup, Home(tmp_path / "again"))
    for garbage in (b"", b"[]", b"{}", b"\xff", b'{"format": "civiscope backup", "version": 1}'):
        (backup / "backup.json").write_bytes(garbage)
        with pytest.raises(AppError):
            city.restore(backup, Home(tmp_path / "again"))


def test_only_the_passphrase_or_the_officers_open_a_backup(city: City, tmp_path: Path) -> None:
    shares = city.door.split_key(PassphraseHolder(Secret(WORD), ScryptSettings(1 << 10)), 3, 5)
    backup = city.backup()
    home = Home(tmp_path / "again")
    with pytest.raises(WrongPassphraseError):
        restore_backup(home, backup, lambda files: key_by_word(files, "another word entirely"))
    with pytest.raises(AppError, match="1 more"):
        restore_backup(home, backup, lambda files: key_by_shares(files, [one.text for one in shares[:2]]))
    assert not home.is_initialised
    restore_backup(home, backup, lambda files: key_by_shares(files, [one.text for one in shares[1:4]]))
    assert units(city.archive(home), city) > 100
    door = VaultDoor(SiteKeys.load(home.keys), city.world.room.clock)
    door.join_key(shares[:3], Secret("eleven grey geese fly home"))
    assert units(city.archive(home, "eleven grey geese fly home"), city) > 100


def test_a_backup_holds_no_private_key_and_no_picture(bare: City) -> None:
    private = [
        path.read_bytes().strip()
        for path in bare.keys.folder.rglob("*")
        if path.is_file() and path.name.endswith((".key", ".key.pem"))
    ]
    bodies = [
        one if not one.startswith(b"-----") else b"".join(one.splitlines()[1:-1])[20:] for one in private
    ]
    assert len(bodies) > 6
    bare.door.set_passphrase(None, Secret(WORD))
    backup = bare.backup()
    pictures = [unit.data[8:40] for _, unit in bare.world.camera.sent]
    for path in backup.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            flat = data.replace(b"\n", b"")
            assert not any(one in flat for one in bodies), path
            assert not any(one in data for one in pictures), path
            assert path.stat().st_mode & 0o077 == 0
