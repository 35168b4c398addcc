"""A consistent copy of a database file that is in use, without what was deleted from it."""

import sqlite3
from pathlib import Path

from civiscope.base import AppError, ErrorKind


def copy_database(source: Path, target: Path) -> None:
    """One moment of `source` in a new file of its own; blocks no writer, and takes no freed page along.

    https://www.sqlite.org/lang_vacuum.html#vacuuminto. AppError(UNAVAILABLE) when either cannot be used.
    """
    try:
        driver = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            driver.execute("VACUUM INTO ?", (str(target),))
        finally:
            driver.close()
        target.chmod(0o600)
    except (sqlite3.Error, OSError) as error:
        raise AppError(
            ErrorKind.UNAVAILABLE, f"the database {source} can not be copied to {target}: {error}"
        ) from error
