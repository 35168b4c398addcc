"""Where everything of one installation lies on the disk."""

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from civiscope.base import AppError, ErrorKind

_LONGEST_SOCKET_NAME = len("/worker_feed.sock") + 8
_SOCKET_PATH_LIMIT = 107
"""sockaddr_un.sun_path is 108 bytes with its zero (unix(7))."""


@dataclass(frozen=True, slots=True)
class Home:
    """The data folder and the places in it; creating is `ensure`."""

    root: Path

    @property
    def keys(self) -> Path:
        """Keys, in folders by who may read them."""
        return self.root / "keys"

    @property
    def run(self) -> Path:
        """Sockets and process files; short enough for a Unix socket's path.

        Under a long root it lies elsewhere under a name nobody can guess, and a link in the root leads there.
        """
        inside = self.root / "run"
        if inside.is_symlink():
            return self.root / inside.readlink()
        return inside

    @property
    def logs(self) -> Path:
        """One log file per process role."""
        return self.root / "logs"

    @property
    def default_volume(self) -> Path:
        """Recordings, unless `[recording] folder` says otherwise."""
        return self.root / "volumes" / "main"

    def volume(self, folder: Path | None) -> Path:
        """Where recordings lie: the folder of the settings, else `default_volume`."""
        return folder or self.default_volume

    @property
    def feed_socket(self) -> Path:
        """Where the recorder gives access units to other processes."""
        return self.run / "feed.sock"

    @property
    def worker_feed_socket(self) -> Path:
        """Where the worker gives H.264 made of H.265."""
        return self.run / "worker_feed.sock"

    @property
    def server_database(self) -> Path:
        """Accounts, audit, purposes, devices."""
        return self.role("server") / "server.db"

    @property
    def events_database(self) -> Path:
        """What happened, with sealed pictures."""
        return self.role("server") / "events.db"

    @property
    def exports(self) -> Path:
        """Exports that wait to be fetched, sealed."""
        return self.role("server") / "exports"

    @property
    def destroyed(self) -> Path:
        """The destruction ledger: apart from the volumes, written by the recorder alone."""
        return self.role("recorder") / "destroyed"

    @property
    def is_initialised(self) -> bool:
        """`civiscope init` has been here."""
        return (self.keys / "site.json").exists()

    @property
    def models(self) -> Path:
        """Files of detectors that somebody imported or fetched."""
        return self.root / "models"

    def role(self, name: str) -> Path:
        """A process role's own folder."""
        return self.root / name

    def ensure(self) -> None:
        """Create what is missing, readable by us alone; refuse a folder of somebody else."""
        roles = [self.role(name) for name in ("recorder", "server", "analyst", "worker", "driver")]
        for folder in (self.root, self.logs, *roles):
            _private_folder(folder)
        inside = self.root / "run"
        if len(os.fsencode(inside)) + _LONGEST_SOCKET_NAME > _SOCKET_PATH_LIMIT:
            _lead_elsewhere(inside)
        _private_folder(self.run)


def _lead_elsewhere(link: Path) -> None:
    """Let `link` lead to a short folder of our own; one that is gone, or became another user's, is replaced.

    Others may write where it lies: `mkdtemp` makes a new folder or none, never takes one that is there.
    """
    if link.is_symlink() and _is_ours(link.parent / link.readlink()):
        return
    fresh = link.with_name("run.new")
    try:
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(tempfile.mkdtemp(prefix="civiscope-"))
        fresh.rename(link)
    except OSError as error:
        raise AppError(
            ErrorKind.UNAVAILABLE,
            f"there is no place for sockets: {error.strerror}. Set CIVISCOPE_HOME to a shorter path.",
        ) from error


def _is_ours(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _private_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise AppError(
            ErrorKind.UNAVAILABLE,
            f"the data folder {folder} cannot be used: {error.strerror}. Set CIVISCOPE_HOME to another.",
        ) from error
    if not stat.S_ISDIR(found.st_mode):
        raise AppError(
            ErrorKind.DENIED,
            f"{folder} is a link or a file, not a folder: remove it, or name where it leads.",
        )
    if found.st_uid != os.getuid():
        raise AppError(
            ErrorKind.DENIED,
            f"{folder} belongs to user {found.st_uid}, not to {os.getuid()}: start Civiscope as "
            "its owner, or set CIVISCOPE_HOME to a folder of your own.",
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)
