"""What a database failure means to a person: one table from SQLite result codes to `AppError`.

Result codes: https://www.sqlite.org/rescode.html; the low byte is the primary code.
"""

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from civiscope.base import AppError, ErrorKind

_MEANING: dict[int, tuple[ErrorKind, str]] = {
    sqlite3.SQLITE_BUSY: (
        ErrorKind.UNAVAILABLE,
        "is locked by another process: try again; if it stays so, look for a second civiscope or a backup",
    ),
    sqlite3.SQLITE_LOCKED: (
        ErrorKind.UNAVAILABLE,
        "is locked by another call in this process: try again",
    ),
    sqlite3.SQLITE_FULL: (
        ErrorKind.EXHAUSTED,
        "cannot grow because the disk or quota is full: free space; nothing of this change was kept",
    ),
    sqlite3.SQLITE_READONLY: (
        ErrorKind.UNAVAILABLE,
        "cannot be written: give the civiscope user write permission on the file and its folder, "
        "or remount the disk writable",
    ),
    sqlite3.SQLITE_PERM: (
        ErrorKind.UNAVAILABLE,
        "cannot be accessed: give the civiscope user permission on the file and its folder",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        ErrorKind.UNAVAILABLE,
        "cannot be opened: check that its folder exists, is mounted, and is writable for the civiscope user",
    ),
    sqlite3.SQLITE_IOERR: (
        ErrorKind.UNAVAILABLE,
        "cannot be read or written because the disk reports an error: check the disk and the kernel log; "
        "nothing of this change was kept",
    ),
    sqlite3.SQLITE_CORRUPT: (
        ErrorKind.LOST_DATA,
        "is damaged: stop civiscope, keep a copy of the file, and restore it from a backup",
    ),
    sqlite3.SQLITE_NOTADB: (
        ErrorKind.LOST_DATA,
        "is not a SQLite database: it was overwritten or damaged; restore it from a backup",
    ),
    sqlite3.SQLITE_INTERRUPT: (
        ErrorKind.TIMEOUT,
        "took longer than its time limit to answer, so the call was stopped: ask for less at once",
    ),
    sqlite3.SQLITE_CONSTRAINT: (
        ErrorKind.CONFLICT,
        "refused the change because it contradicts what is already stored",
    ),
}


def primary_code(error: BaseException) -> int | None:
    """SQLite's primary result code behind an exception of SQLAlchemy or sqlite3, or None if there is none."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(origin, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


def failure_of(error: BaseException, path: Path) -> AppError | None:
    """The plain-words error for a database failure; None for a mistake in the program (wrong SQL)."""
    meaning = _MEANING.get(primary_code(error) or -1)
    if meaning is None:
        return None
    kind, words = meaning
    return AppError(kind, f"The database {path} {words}.")


def needs_new_connection(error: BaseException) -> bool:
    """True if the connection must not be used again: the file or the disk under it may have changed."""
    return primary_code(error) in (
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    )
