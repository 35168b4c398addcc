"""The log of one role: the role appends to it by itself, so it goes on when the supervisor is gone."""

import os
import shutil
from pathlib import Path


class LogFile:
    """`<role>.log`, and `<role>.log.1` … of earlier bytes.

    When it is too long it is copied and cut to nothing; the role's descriptor appends (O_APPEND), so it
    need not know. Lines written between the copy and the cut, some microseconds, are lost.
    """

    def __init__(self, path: Path, limit_bytes: int, kept: int) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._kept = kept

    def open(self) -> int:
        """A descriptor to append to, for one child; only the owner may read the file."""
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def rotate_if_long(self) -> bool:
        """Begin anew if it is longer than the limit; True if it did. Blocks; OSError when the disk fails."""
        try:
            if self._path.stat().st_size <= self._limit_bytes:
                return False
        except FileNotFoundError:
            return False
        for number in range(self._kept - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        shutil.copyfile(self._path, self._numbered(1))
        self._numbered(1).chmod(0o600)
        os.truncate(self._path, 0)
        return True

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
