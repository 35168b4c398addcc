"""One database file: durable writes, bounded reads, and a named error for every failure of the disk."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from civiscope.base import AppError, ErrorKind
from civiscope.storage import (
    Column,
    Connection,
    Database,
    DatabaseSettings,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
    select,
    text,
)

NOTES = Table(
    "note", MetaData(), Column("id", Integer, primary_key=True), Column("words", Text, nullable=False)
)


def add_note(connection: Connection, words: str) -> None:
    connection.execute(insert(NOTES).values(words=words))


def all_notes(connection: Connection) -> list[str]:
    return [row.words for row in connection.execute(select(NOTES).order_by(NOTES.c.id))]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "notes.db") as opened:
        opened.write_sync(NOTES.metadata.create_all)
        yield opened


async def test_a_write_is_seen_by_the_next_read(database: Database) -> None:
    await database.write(lambda connection: add_note(connection, "rain"))
    assert await database.read(all_notes) == ["rain"]


async def test_a_call_that_raises_leaves_nothing_behind(database: Database) -> None:
    def half_done(connection: Connection) -> None:
        add_note(connection, "half")
        raise ValueError("changed my mind")

    with pytest.raises(ValueError, match="changed my mind"):
        await database.write(half_done)
    assert await database.read(all_notes) == []


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(AppError) as caught:
        await database.read(lambda connection: add_note(connection, "sly"))
    assert caught.value.kind is ErrorKind.UNAVAILABLE


async def test_writes_from_many_callers_are_served_in_order_one_at_a_time(database: Database) -> None:
    await asyncio.gather(*(database.write(partial(add_note, words=str(number))) for number in range(50)))
    assert await database.read(all_notes) == [str(number) for number in range(50)]


async def test_a_query_that_never_ends_is_stopped(tmp_path: Path) -> None:
    settings = DatabaseSettings(read_limit_s=0.1)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with Database(tmp_path / "slow.db", settings) as database:
        with pytest.raises(AppError, match="time limit") as caught:
            await database.read(lambda connection: connection.execute(text(endless)).scalar())
        assert caught.value.kind is ErrorKind.TIMEOUT
        assert await database.read(lambda connection: connection.execute(text("SELECT 1")).scalar()) == 1


async def test_a_queue_that_is_full_refuses_and_does_not_wait(tmp_path: Path) -> None:
    release = threading.Event()
    with Database(tmp_path / "full.db", DatabaseSettings(queue_limit=2)) as database:
        running = database._writer.submit(lambda _connection: release.wait(10), 10_000_000)
        while not running.running():
            await asyncio.sleep(0.001)
        waiting = [database._writer.submit(lambda _connection: None, 10_000_000) for _ in range(2)]
        with pytest.raises(AppError) as caught:
            await database.write(lambda _connection: None)
        assert caught.value.kind is ErrorKind.EXHAUSTED
        release.set()
        for future in waiting:
            await asyncio.wrap_future(future)


async def test_a_write_cancelled_before_its_turn_never_runs(database: Database) -> None:
    release = threading.Event()
    blocking = asyncio.ensure_future(database.write(lambda _connection: release.wait(10)))
    await asyncio.sleep(0)
    waiting = asyncio.ensure_future(database.write(lambda connection: add_note(connection, "late")))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)
    release.set()
    await blocking
    assert await database.read(all_notes) == []


async def test_a_call_inside_a_call_is_refused_instead_of_waiting_for_itself(database: Database) -> None:
    with pytest.raises(RuntimeError, match="inside a call"):
        await database.write(lambda _connection: database.write_sync(lambda _inner: None))


async def test_a_file_locked_by_another_process_is_unavailable_and_then_works(tmp_path: Path) -> None:
    path = tmp_path / "shared.db"
    with Database(path, DatabaseSettings(busy_s=0.1)) as database:
        await database.write(NOTES.metadata.create_all)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(AppError, match="locked by another process") as caught:
            await database.write(lambda connection: add_note(connection, "x"))
        assert caught.value.kind is ErrorKind.UNAVAILABLE
        assert await database.read(all_notes) == []
        other.execute("ROLLBACK")
        other.close()
        await database.write(lambda connection: add_note(connection, "x"))
        assert await database.read(all_notes) == ["x"]


async def test_a_full_disk_keeps_the_database_whole(tmp_path: Path) -> None:
    with Database(tmp_path / "small.db") as database:
        await database.write(NOTES.metadata.create_all)
        await database.write(lambda connection: add_note(connection, "kept"))
        await database.write(lambda connection: connection.execute(text("PRAGMA max_page_count=4")).scalar())
        with pytest.raises(AppError, match="disk or quota is full") as caught:
            await database.write(lambda connection: add_note(connection, "x" * 100_000))
        assert caught.value.kind is ErrorKind.EXHAUSTED
        assert await database.read(all_notes) == ["kept"]
        await database.write(
            lambda connection: connection.execute(text("PRAGMA max_page_count=4000")).scalar()
        )
        await database.write(lambda connection: add_note(connection, "room again"))
        assert await database.read(all_notes) == ["kept", "room again"]


async def test_a_folder_that_is_gone_is_unavailable_until_it_is_back(tmp_path: Path) -> None:
    with Database(tmp_path / "away" / "notes.db") as database:
        with pytest.raises(AppError, match="cannot be opened") as caught:
            await database.write(NOTES.metadata.create_all)
        assert caught.value.kind is ErrorKind.UNAVAILABLE
        (tmp_path / "away").mkdir()
        await database.write(NOTES.metadata.create_all)
        assert await database.read(all_notes) == []


async def test_a_file_that_is_no_database_is_lost_data(tmp_path: Path) -> None:
    path = tmp_path / "bad.db"
    path.write_bytes(b"this was a database once" * 1000)
    with Database(path) as database:
        for call in (database.write(NOTES.metadata.create_all), database.read(all_notes)):
            with pytest.raises(AppError, match="restore it from a backup") as caught:
                await call
            assert caught.value.kind is ErrorKind.LOST_DATA


async def test_a_contradiction_is_a_conflict(database: Database) -> None:
    def same_id_twice(connection: Connection) -> None:
        connection.execute(insert(NOTES).values(id=1, words="a"))
        connection.execute(insert(NOTES).values(id=1, words="b"))

    with pytest.raises(AppError) as caught:
        await database.write(same_id_twice)
    assert caught.value.kind is ErrorKind.CONFLICT


async def test_a_closed_database_refuses_and_what_was_queued_is_done(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    database = Database(path)
    database.write_sync(NOTES.metadata.create_all)
    queued = [
        database._writer.submit(lambda connection: add_note(connection, "queued"), 10_000_000)
        for _ in range(5)
    ]
    database.close()
    assert all(future.done() for future in queued)
    with pytest.raises(AppError, match="closed"):
        database.write_sync(lambda _connection: None)
    with Database(path) as again:
        assert again.read_sync(all_notes) == ["queued"] * 5


def test_only_the_owner_may_read_the_file(database: Database) -> None:
    assert database.path.stat().st_mode & 0o077 == 0


def test_what_was_committed_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "killed.db"
    program = (
        "import sys, os, signal, pathlib\n"
        "from civiscope.storage import Database, text\n"
        "database = Database(pathlib.Path(sys.argv[1]))\n"
        "database.write_sync(lambda c: c.execute(text('CREATE TABLE t (n INTEGER)')) and None)\n"
        "for n in range(20):\n"
        "    database.write_sync(lambda c: c.execute(text(f'INSERT INTO t VALUES ({n})')) and None)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=False, timeout=30)
    with Database(path) as database:
        assert database.read_sync(lambda c: c.execute(text("SELECT count(*) FROM t")).scalar()) == 20


def test_a_disk_that_fails_to_write_is_unavailable_and_keeps_what_was(tmp_path: Path) -> None:
    path = tmp_path / "limited.db"
    program = (
        "import pathlib, resource, sys\n"
        "from civiscope.base import AppError\n"
        "from civiscope.storage import Database, text\n"
        "database = Database(pathlib.Path(sys.argv[1]))\n"
        "database.write_sync(lambda c: c.execute(text('CREATE TABLE t (body BLOB)')) and None)\n"
        "def put(c, size): c.execute(text(f'INSERT INTO t VALUES (zeroblob({size}))'))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n"
        "    database.write_sync(lambda c: put(c, 500000))\n"
        "except AppError as error:\n"
        "    print(error.kind, '|', error.message)\n"
        "database.write_sync(lambda c: put(c, 5))\n"
        "print(database.read_sync(lambda c: c.execute(text('SELECT count(*) FROM t')).scalar()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], check=True, timeout=30, capture_output=True, text=True
    )
    verdict, count = done.stdout.splitlines()
    assert verdict.startswith(("unavailable | ", "exhausted | "))
    assert "nothing of this change was kept" in verdict
    assert count == "1"


async def test_wrong_sql_is_the_programs_error(database: Database) -> None:
    with pytest.raises(OperationalError, match="no such table"):
        await database.read(lambda connection: connection.execute(text("SELECT * FROM nowhere")).first())
    assert await database.read(all_notes) == []


async def test_errors_do_not_tell_the_values(database: Database) -> None:
    """An error's text goes into the log with its trace; a value may be a hash or a sealed secret."""
    with pytest.raises(OperationalError) as failed:
        await database.read(
            lambda connection: connection.execute(text("SELECT * FROM nowhere WHERE a = :a"), {"a": "canary"})
        )
    assert "canary" not in str(failed.value)
