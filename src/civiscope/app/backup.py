"""`civiscope backup`: one folder with the site's databases, locked keys, wraps and ledger, while it runs.

The destruction ledger is copied last, so that it tells of everything the other files lack, and once more
beside all backups of the destination. The manifest is signed by the node. Layout: docs/design/keys.md.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path

from civiscope.app.deletions import read_ledger
from civiscope.app.home import Home
from civiscope.app.keys import load_keys
from civiscope.app.settings import Settings
from civiscope.base import AppError, Clock, ErrorKind
from civiscope.recording import canonical, read_lines
from civiscope.security import pack_keys
from civiscope.storage import copy_database

BACKUP_FORMAT = "civiscope backup"
MANIFEST_NAME = "backup.json"
STATEMENT = b"civiscope/backup/1\0"
LEDGER_FOLDER = "destroyed"
ROLES = ("recorder", "server", "analyst", "worker", "driver")
_SMALL_BYTES = 16 << 20
"""Larger files of a role that are no database are left out, and named in the manifest."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BackupWish:
    """What to put into a backup, and where."""

    destination: Path
    media: bool = False
    """Sealed recordings too; else their wraps and index alone."""


def make_backup(home: Home, settings: Settings, wish: BackupWish, clock: Clock) -> Path:
    """The new folder in the destination; whole when it is there. Blocks."""
    keys = load_keys(home)
    stamp = datetime.fromtimestamp(clock.now_us() / 1e6, UTC).strftime("%Y%m%dT%H%M%SZ")
    target = wish.destination / f"civiscope-{stamp}"
    draft = wish.destination / f".{target.name}.{os.urandom(4).hex()}"
    try:
        wish.destination.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise AppError(ErrorKind.CONFLICT, f"{target} is there already. Wait a second.")
        draft.mkdir(mode=0o700)
        left_out = _fill(home, settings, wish, draft)
        for name, data in pack_keys(home.keys, keys.identity.site_id).items():
            _write(draft / "keys" / name, data)
        _copy_ledger(home.destroyed, draft / "home" / "recorder" / LEDGER_FOLDER)
        ledger = list(read_lines(read_ledger(draft / "home" / "recorder" / LEDGER_FOLDER)))
        body: dict[str, object] = {
            "format": BACKUP_FORMAT, "version": 1, "site": str(keys.identity.site_id),
            "node": str(keys.identity.node_id), "at_us": clock.now_us(), "media": wish.media,
            "ledger": {"lines": len(ledger), "head": ledger[-1].head if ledger else ""},
            "left_out": left_out, "files": dict(_digests(draft)),
        }  # fmt: skip
        signature = keys.sealer().sign(STATEMENT + canonical(body)).hex()
        _write(draft / MANIFEST_NAME, canonical({**body, "signature": signature}))
        os.sync()
        draft.rename(target)
    except OSError as error:
        raise AppError(
            ErrorKind.UNAVAILABLE, f"the backup can not be written to {wish.destination}: {error.strerror}"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    refresh_ledger(home, wish.destination)
    return target


def refresh_ledger(home: Home, destination: Path) -> None:
    """The destruction ledger beside all backups of a destination; CONFLICT when another one lies there."""
    beside = destination / LEDGER_FOLDER
    own, there = read_ledger(home.destroyed), read_ledger(beside)
    if not own.startswith(there):
        raise AppError(
            ErrorKind.CONFLICT,
            f"the destruction ledger in {beside} is not an older one of this site: look into it, and take it "
            "away when it is wrong",
        )
    try:
        _copy_ledger(home.destroyed, beside)
    except OSError as error:
        raise AppError(
            ErrorKind.UNAVAILABLE, f"the ledger can not be written to {beside}: {error.strerror}"
        ) from error


def make_folder(folder: Path) -> None:
    """The folder and what is missing above it, for their owner alone."""
    for missing in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        missing.mkdir(mode=0o700)


def volume_folders(home: Home, settings: Settings) -> list[Path]:
    """Where recordings lie, in the order of the settings."""
    return [home.volume(settings.recording.folder)]


def _fill(home: Home, settings: Settings, wish: BackupWish, draft: Path) -> list[str]:
    """Settings, roles and volumes; what was left out."""
    left_out: list[str] = []
    words = {settings.vault.passphrase_file, settings.vault.pin_file}
    for name in ("civiscope.toml",):
        if (home.root / name).is_file():
            _copy(home.root / name, draft / "home" / name)
    for role in ROLES:
        for path in _files(home.role(role)):
            place = draft / "home" / path.relative_to(home.root)
            if LEDGER_FOLDER in path.relative_to(home.root).parts or path in words:
                continue
            if path.suffix == ".db":
                make_folder(place.parent)
                copy_database(path, place)
            elif path.stat().st_size <= _SMALL_BYTES:
                _copy(path, place)
            else:
                left_out.append(str(path.relative_to(home.root)))
    for number, folder in enumerate(volume_folders(home, settings)):
        _copy_volume(folder, draft / "volumes" / str(number), wish.media)
    return left_out


def _copy_volume(folder: Path, target: Path, media: bool) -> None:
    """Index first, then wraps: one that comes or goes meanwhile is unused, or in the ledger."""
    for name in ("volume.json", "index.cvx"):
        if (folder / name).is_file():
            _copy(folder / name, target / name)
    for part in ("nodes", "keys", *(("segments",) if media else ())):
        for path in _files(folder / part):
            _copy(path, target / path.relative_to(folder))


def _files(folder: Path) -> Iterator[Path]:
    """Plain files, no sockets, links, drafts or a database's side files."""
    for path in sorted(folder.rglob("*")):
        is_side = path.name.endswith(("-wal", "-shm", ".new")) or path.name.startswith(".")
        if path.is_file() and not path.is_symlink() and not is_side:
            yield path


def _copy_ledger(source: Path, target: Path) -> None:
    """Certificates first, then the lines, replaced in one step."""
    make_folder(target)
    for path in sorted(_files(source), key=lambda one: one.suffix != ".der"):
        draft = target / f".{path.name}.{os.urandom(4).hex()}"
        _copy(path, draft)
        draft.replace(target / path.name)


def _copy(source: Path, target: Path) -> None:
    """A file that goes meanwhile (a wrap, a segment) is left out."""
    make_folder(target.parent)
    try:
        shutil.copyfile(source, target)
        target.chmod(0o600)
    except FileNotFoundError:
        target.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    make_folder(path.parent)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _digests(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        with open(path, "rb") as file:
            yield path.relative_to(folder).as_posix(), file_digest(file, "sha256").hexdigest()
