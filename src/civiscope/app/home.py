"""Where everything of one installation lies on the disk."""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from civiscope.base import AppError, ErrorKind

_LONGEST_SOCKET_NAME = len("/recorder.sock") + 8
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
        """Sockets and process files; short enough for a Unix socket's path."""
        inside = self.root / "run"
        if len(os.fsencode(inside)) + _LONGEST_SOCKET_NAME <= _SOCKET_PATH_LIMIT:
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"civiscope-{os.getuid()}-{digest}"

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
    def server_database(self) -> Path:
        """Accounts, audit, purposes, devices."""
        return self.role("server") / "server.db"

    @property
    def is_initialised(self) -> bool:
        """`civiscope init` has been here."""
        return (self.keys / "site.json").exists()

    def role(self, name: str) -> Path:
        """A process role's own folder."""
        return self.root / name

    def ensure(self) -> None:
        """Create what is missing, readable by us alone; refuse a folder of somebody else."""
        roles = [self.role(name) for name in ("recorder", "server", "analyst", "worker")]
        for folder in (self.root, self.logs, *roles):
            _private_folder(folder)
        _private_folder(self.run)
        link = self.root / "run"
        if self.run != link and not link.is_symlink():
            link.symlink_to(self.run)


def _private_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise AppError(
            ErrorKind.UNAVAILABLE,
            f"the data folder {folder} cannot be used: {error.strerror}. Set CIVISCOPE_HOME to another.",
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise AppError(
            ErrorKind.DENIED,
            f"{folder} belongs to user {found.st_uid}, not to {os.getuid()}: start Civiscope as "
            "its owner, or set CIVISCOPE_HOME to a folder of your own.",
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)
