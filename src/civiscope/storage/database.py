"""SQLite through SQLAlchemy Core: one writer thread, a few reader threads, every wait bounded.

Durability: WAL with `synchronous=FULL`, so a committed write survives a power cut
(https://www.sqlite.org/pragma.html#pragma_synchronous). What is deleted is overwritten with zeros in the file
(`secure_delete`); the log beside it, at most 16 MiB, goes over it in time.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from civiscope.base import AppError, Clock, ErrorKind, SystemClock
from civiscope.storage.callqueue import CallQueue
from civiscope.storage.failure import failure_of, needs_new_connection

T = TypeVar("T")
Work = Callable[[Connection], T]
_OPCODES_BETWEEN_CHECKS = 2_000
_WAL_KEPT_BYTES = 16 * 1024 * 1024


class Durability(StrEnum):
    """When a commit is on the disk."""

    FULL = "FULL"
    """Before `write` returns."""
    NORMAL = "NORMAL"
    """At the next checkpoint; a power cut may lose the last commits, never the file's consistency."""


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Limits of one database; a `limit_s` bounds one call's SQL, whatever its number of statements."""

    readers: int = 2
    busy_s: float = 5.0
    read_limit_s: float = 10.0
    write_limit_s: float = 30.0
    queue_limit: int = 1_000
    durability: Durability = Durability.FULL


class Database:
    """One SQLite file. Opens nothing until the first call; a file that fails is tried again at the next call.

    A call is a function of a connection. `write` runs it alone, in one transaction that is durable when the
    call returns and rolled back whole if it raises; `read` sees one consistent state and cannot write. Both
    may be called from any thread or loop, but not from inside a call. What a call returns must not be tied to
    its connection (return rows, not results). Errors: `UNAVAILABLE` (locked, read-only, gone), `EXHAUSTED`
    (disk full, or too many calls waiting), `LOST_DATA` (damaged), `TIMEOUT`, `CONFLICT` (a constraint).
    """

    def __init__(
        self, path: Path, settings: DatabaseSettings | None = None, clock: Clock | None = None
    ) -> None:
        self.path = path
        self.settings = settings or DatabaseSettings()
        clock = clock or SystemClock()
        make_writer = partial(_Servant, self.path, self.settings, clock, True)
        make_reader = partial(_Servant, self.path, self.settings, clock, False)
        self._writer = CallQueue(f"{path.stem}-writer", make_writer, 1, self.settings.queue_limit)
        self._readers = CallQueue(
            f"{path.stem}-reader", make_reader, self.settings.readers, self.settings.queue_limit
        )

    async def write(self, work: Work[T]) -> T:
        """Change something; durable when it returns. Cancelled before its turn, it never runs."""
        return await asyncio.wrap_future(self._writer.submit(work, self._write_limit_us))

    async def read(self, work: Work[T]) -> T:
        """Look something up."""
        return await asyncio.wrap_future(self._readers.submit(work, self._read_limit_us))

    def write_sync(self, work: Work[T]) -> T:
        """`write` for a thread that may wait; never from an event loop but at start-up."""
        return self._writer.submit(work, self._write_limit_us).result()

    def read_sync(self, work: Work[T]) -> T:
        """`read` for a thread that may wait."""
        return self._readers.submit(work, self._read_limit_us).result()

    def alter_sync(self, work: Work[T]) -> T:
        """Change the schema: no time limit, foreign keys unchecked until the end, then checked whole."""
        result: T = self._writer.submit(_Alteration(work), 0).result()
        return result

    def close(self) -> None:
        """Finish the calls that wait, then close the file; later calls are refused."""
        self._readers.close()
        self._writer.close()

    def __enter__(self) -> "Database":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Database({str(self.path)!r})"

    @property
    def _write_limit_us(self) -> int:
        return int(self.settings.write_limit_s * 1_000_000)

    @property
    def _read_limit_us(self) -> int:
        return int(self.settings.read_limit_s * 1_000_000)


@dataclass(frozen=True, slots=True)
class _Alteration:
    """Marks a call that changes the schema."""

    work: Callable[[Connection], Any]

    def __call__(self, connection: Connection) -> Any:
        result = self.work(connection)
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            tables = ", ".join(sorted({str(row[0]) for row in broken}))
            raise AppError(
                ErrorKind.CONFLICT, f"The schema change would leave rows that point nowhere in: {tables}."
            )
        return result


class _Servant:
    """A connection and its time limit; lives on one thread of a queue."""

    def __init__(self, path: Path, settings: DatabaseSettings, clock: Clock, writes: bool) -> None:
        self._path = path
        self._clock = clock
        self._deadline_us = 0
        self._engine = _make_engine(path, settings, writes)
        self._connection: Connection | None = None

    def serve(self, work: Callable[[Any], Any], limit_us: int) -> Any:
        try:
            connection = self._connected()
            self._deadline_us = self._clock.monotonic_us() + limit_us if limit_us else 0
            if isinstance(work, _Alteration):
                return _alter(connection, work)
            with connection.begin():
                return work(connection)
        except (DBAPIError, sqlite3.Error) as error:
            if needs_new_connection(error):
                self._disconnect()
            failure = failure_of(error, self._path)
            if failure is None:
                raise
            raise failure from error

    def close(self) -> None:
        self._disconnect()
        self._engine.dispose()

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
            driver = self._connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.set_progress_handler(self._is_over, _OPCODES_BETWEEN_CHECKS)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._deadline_us = 0
            connection.invalidate()
            connection.close()

    def _is_over(self) -> int:
        """Non-zero stops the running statement (https://www.sqlite.org/c3ref/progress_handler.html)."""
        return int(self._deadline_us > 0 and self._clock.monotonic_us() > self._deadline_us)


def _alter(connection: Connection, work: _Alteration) -> Any:
    """Foreign keys can be switched outside a transaction only (sqlite.org/foreignkeys.html §2)."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        with connection.begin():
            return work(connection)
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def _make_engine(path: Path, settings: DatabaseSettings, writes: bool) -> Engine:
    engine = create_engine(
        "sqlite://", creator=partial(_open, path, settings, writes), poolclass=NullPool, hide_parameters=True
    )  # the texts of errors go into logs: without the values, which may be hashes, sealed secrets, names
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _open(path: Path, settings: DatabaseSettings, writes: bool) -> sqlite3.Connection:
    """A connection with our pragmas; transactions are begun by us alone (`isolation_level=None`)."""
    driver = sqlite3.connect(path, timeout=settings.busy_s, isolation_level=None, check_same_thread=True)
    try:
        driver.execute("PRAGMA foreign_keys=ON")
        driver.execute(f"PRAGMA synchronous={settings.durability.value}")
        if writes:
            driver.execute("PRAGMA journal_mode=WAL")
            driver.execute(f"PRAGMA journal_size_limit={_WAL_KEPT_BYTES}")
            driver.execute("PRAGMA secure_delete=ON")
            path.chmod(0o600)
        else:
            driver.execute("PRAGMA query_only=ON")
    except BaseException:
        driver.close()
        raise
    return driver
