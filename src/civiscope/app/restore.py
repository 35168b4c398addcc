"""`civiscope restore`: a site from a backup, in which everything that was destroyed since is destroyed again.

Nothing is written before the backup is proved whole, its keys open, and the newest ledger is found; the key
folder, without which no process starts, is written last. So nothing reads before the ledger was replayed.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest
from pathlib import Path, PurePosixPath
from typing import Any

from civiscope.app.backup import (
    BACKUP_FORMAT,
    LEDGER_FOLDER,
    MANIFEST_NAME,
    STATEMENT,
    make_folder,
    volume_folders,
)
from civiscope.app.deletions import node_certificate, read_ledger
from civiscope.app.home import Home
from civiscope.app.settings import load_settings
from civiscope.base import AppError, ErrorKind, ProtocolError
from civiscope.recording import LedgerLine, canonical, ledger_trouble, read_lines, replay
from civiscope.security import IntegrityError, SiteTrust, node_certificate_der, unpack_keys
from civiscope.storage import DirectoryFiles

OneKey = Callable[[Mapping[str, bytes]], bytes]
"""The backup's key files → the key of its vault's lock: by passphrase, token or officers."""
_MANIFEST_LIMIT_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did."""

    at_us: int
    """When the backup was made."""
    ledger_lines: int
    lines_since: int
    """Lines of the ledger that the backup did not know yet."""
    wraps_left_out: int
    """Wraps in the backup that were ordered destroyed: they were not written."""
    wraps_destroyed: int
    """Wraps that lay on volumes and were ordered destroyed."""
    volumes: tuple[str, ...]
    """One line each, for a person."""


class Backup:
    """A backup that was proved whole. Made by `open`."""

    def __init__(self, folder: Path, manifest: Mapping[str, Any], trust: SiteTrust) -> None:
        self.folder = folder
        self.manifest = manifest
        self.trust = trust

    @classmethod
    def open(cls, folder: Path) -> "Backup":
        """ProtocolError or IntegrityError when one byte is not as it was signed; MISSING if it is none."""
        manifest = _read_manifest(folder)
        try:
            trust = SiteTrust.read((folder / "keys" / "server" / "nodes.pem").read_bytes())
            der = node_certificate_der((folder / "keys" / "recorder" / "node.pem").read_bytes())
        except OSError as error:
            raise AppError(
                ErrorKind.MISSING, f"the backup's certificates are not there: {error.strerror}"
            ) from error
        body = {name: value for name, value in manifest.items() if name != "signature"}
        signature = bytes.fromhex(manifest["signature"])
        trust.verify_node(der, signature, STATEMENT + canonical(body), manifest["at_us"])
        _check_files(folder, manifest["files"])
        return cls(folder, manifest, trust)

    def key_files(self) -> dict[str, bytes]:
        """Path below the key folder → bytes."""
        keys = self.folder / "keys"
        return {
            path.relative_to(keys).as_posix(): path.read_bytes() for path in keys.rglob("*") if path.is_file()
        }

    def newest_ledger(self, places: Sequence[Path]) -> tuple[Path, list[LedgerLine]]:
        """The longest ledger of those that hold, the backup's own among them, and where it lies.

        IntegrityError when one is damaged, forged, or contradicts another: nobody can say what was destroyed.
        """
        own = self.folder / "home" / "recorder" / LEDGER_FOLDER
        best, best_data = own, read_ledger(own)
        for place in (own, *places):
            data = read_ledger(place)
            trouble = ledger_trouble(data, partial(node_certificate, place), self.trust.verify_node)
            if trouble:
                raise IntegrityError(f"the destruction ledger in {place} is not whole: {trouble}")
            if not (data.startswith(best_data) or best_data.startswith(data)):
                raise IntegrityError(
                    f"the destruction ledgers in {place} and {best} contradict each other: find out why"
                )
            if len(data) > len(best_data):
                best, best_data = place, data
        return best, list(read_lines(best_data))


def restore_backup(home: Home, source: Path, one_key: OneKey, ledgers: Sequence[Path] = ()) -> Restored:
    """Make the site of a backup in an empty data folder. Blocks.

    CONFLICT where a site is; other AppErrors leave the data folder without a site. `ledgers`: folders (or
    files) with newer destruction ledgers; the one beside the backup and one left in the data folder count.
    """
    if home.is_initialised:
        raise AppError(
            ErrorKind.CONFLICT, f"there is a site in {home.root} already. Restore into another data folder."
        )
    backup = Backup.open(source)
    keys = unpack_keys(backup.key_files(), one_key(backup.key_files()))
    named = [one.parent if one.is_file() else one for one in ledgers]
    beside = [source.absolute().parent / LEDGER_FOLDER, home.destroyed]
    place, lines = backup.newest_ledger([*named, *(one for one in beside if one.is_dir())])
    home.ensure()
    _write_home(backup, home)
    _write_ledger(place, home.destroyed)
    volumes, left_out, destroyed = _restore_volumes(backup, home, lines)
    _write_keys(keys, home.keys)
    known = int(backup.manifest["ledger"]["lines"])
    return Restored(
        backup.manifest["at_us"], len(lines), len(lines) - known, left_out, destroyed, tuple(volumes)
    )


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        data = (folder / MANIFEST_NAME).read_bytes()
    except OSError as error:
        raise AppError(
            ErrorKind.MISSING, f"{folder} is no backup: {MANIFEST_NAME} can not be read ({error.strerror})"
        ) from error
    try:
        manifest = json.loads(data[:_MANIFEST_LIMIT_BYTES])
        if manifest["format"] != BACKUP_FORMAT or manifest["version"] != 1:
            raise ProtocolError("this is no backup that this release can read: use a newer one")
        bytes.fromhex(manifest["signature"])
        for name, digest in manifest["files"].items():
            _check_name(name)
            bytes.fromhex(digest)
        int(manifest["ledger"]["lines"]), int(manifest["at_us"]), bool(manifest["media"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ProtocolError(f"the backup's manifest can not be read: {error}") from None
    found: dict[str, Any] = manifest
    return found


def _check_name(name: str) -> None:
    """Below the backup, and nowhere else."""
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\0" in name or not parts.parts:
        raise ProtocolError(f"the backup's manifest names a file outside of it: {name!r}")


def _check_files(folder: Path, files: Mapping[str, str]) -> None:
    found = (path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    present = {path.relative_to(folder).as_posix() for path in found} - {MANIFEST_NAME}
    for name in sorted(present ^ files.keys()):
        what = "was added to" if name in present else "is missing from"
        raise IntegrityError(f"{name} {what} the backup")
    for name, digest in files.items():
        path = folder / name
        if path.is_symlink():
            raise IntegrityError(f"{name} of the backup is a link")
        with open(path, "rb") as file:
            if file_digest(file, "sha256").hexdigest() != digest:
                raise IntegrityError(f"{name} of the backup was changed")


def _write_home(backup: Backup, home: Home) -> None:
    source = backup.folder / "home"
    for path in sorted(one for one in source.rglob("*") if one.is_file()):
        place = path.relative_to(source)
        if LEDGER_FOLDER not in place.parts:
            _put(path, home.root / place)


def _write_ledger(place: Path, target: Path) -> None:
    """The newest ledger, with the certificates that its lines name."""
    make_folder(target)
    if place.absolute() == target.absolute():
        return
    for path in sorted(place.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            _put(path, target / path.name)


def _restore_volumes(backup: Backup, home: Home, lines: Sequence[LedgerLine]) -> tuple[list[str], int, int]:
    """Words for each volume; how many wraps were left out, and how many destroyed again."""
    doomed = {path for line in lines for one in line.wraps for path in one.paths}
    words: list[str] = []
    left_out = destroyed = 0
    for number, target in enumerate(volume_folders(home, load_settings(home.root))):
        source = backup.folder / "volumes" / str(number)
        is_there = (target / "volume.json").exists()
        if is_there and not _is_same(source, target):
            words.append(f"{target}: another volume lies there; nothing of the backup was put into it")
        elif is_there or backup.manifest["media"]:
            copied, skipped = _put_volume(source, target, doomed)
            left_out += skipped
            words.append(f"{target}: {copied} files put back")
        else:
            words.append(f"{target}: no recordings are there, and the backup has none")
        if is_there:
            files = DirectoryFiles(target)
            try:
                destroyed += replay(lines, files)
            finally:
                files.close()
    return words, left_out, destroyed


def _is_same(source: Path, target: Path) -> bool:
    """Both describe the same volume."""
    try:
        ours, theirs = (json.loads((one / "volume.json").read_bytes()) for one in (source, target))
        return bool(ours["volume_id"] == theirs["volume_id"])
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _put_volume(source: Path, target: Path, doomed: set[str]) -> tuple[int, int]:
    """What is missing there; never a wrap that was ordered destroyed."""
    copied = skipped = 0
    for path in sorted(one for one in source.rglob("*") if one.is_file()):
        name = path.relative_to(source).as_posix()
        if name in doomed:
            skipped += 1
        elif not (target / name).exists():
            _put(path, target / name)
            copied += 1
    return copied, skipped


def _write_keys(keys: Mapping[str, bytes], target: Path) -> None:
    """A draft, then one rename: a site is there whole or not at all."""
    draft = target.with_name(f".{target.name}.{os.urandom(6).hex()}")
    try:
        for name, data in sorted(keys.items()):
            _check_name(name)
            path = draft / name
            make_folder(path.parent)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
        if target.is_dir() and not any(target.iterdir()):
            target.rmdir()
        os.sync()
        draft.rename(target)
        os.sync()
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _put(source: Path, target: Path) -> None:
    make_folder(target.parent)
    shutil.copyfile(source, target)
    target.chmod(0o600)
