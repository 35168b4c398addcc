"""The audit chain: what is written, and that every way of tampering with it is found."""

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError, ErrorKind, ManualClock, ProtocolError
from civiscope.security import (
    AuditEntry,
    AuditHead,
    AuditLog,
    IntegrityError,
    Outcome,
    Principal,
    SiteKeys,
)
from civiscope.security.auditwriter import AuditWriter, recorded_of
from civiscope.security.chain import DETAILS_LIMIT_BYTES, TEXT_LIMIT, link, tidy_text
from civiscope.security.headfile import HeadFile
from civiscope.security.tables import audit_table
from civiscope.storage import Connection, Database, select, text

from .conftest import NOW_US


def entry(number: int, **more: object) -> AuditEntry:
    return AuditEntry(
        "tester", "look.open", f"channel {number}", "public_safety", details={"n": number, **more}
    )


async def fill(audit: AuditLog, count: int = 8) -> None:
    for number in range(1, count + 1):
        await audit.append(entry(number))


def tamper(path: Path, *statements: str) -> None:
    """As somebody with the file in their hands: another connection, no triggers."""
    with sqlite3.connect(path) as connection:
        for trigger in ("audit_entry_no_update", "audit_entry_no_delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


async def test_an_entry_comes_back_as_it_was(
    audit: AuditLog, terminal: Principal, clock: ManualClock
) -> None:
    assert (
        await audit.append(AuditEntry(terminal, "camera.add", "channel 1", "why", Outcome.FAILED, "::1")) == 1
    )
    clock.advance(5)
    assert await audit.append(entry(2)) == 2
    newest, first = await audit.entries()
    assert (first.sequence, first.at_us, first.principal_id, first.who) == (
        1,
        NOW_US,
        terminal.id,
        terminal.name,
    )
    assert (first.what, first.object, first.why) == ("camera.add", "channel 1", "why")
    assert (first.outcome, first.from_where) == (Outcome.FAILED, "::1")
    assert (newest.at_us, newest.who, newest.principal_id) == (NOW_US + 5, "tester", None)
    assert await audit.details(2) == {"n": 2}
    assert await audit.details(1) is None
    assert await audit.details(99) is None


async def test_lists_are_bounded_and_page(audit: AuditLog) -> None:
    await fill(audit, 12)
    assert [one.sequence for one in await audit.entries(3)] == [12, 11, 10]
    assert [one.sequence for one in await audit.entries(3, before=10)] == [9, 8, 7]
    assert len(await audit.entries(-5)) == 1
    assert len(await audit.entries(10**9)) == 12


async def test_a_whole_chain_is_whole(audit: AuditLog) -> None:
    empty = await audit.verify()
    assert (empty.intact, empty.entries) == (True, 0)
    await fill(audit)
    whole = await audit.verify()
    assert (whole.intact, whole.entries, whole.first_broken) == (True, 8, None)
    assert (await audit.verify(newest=3)).entries == 3
    assert (await audit.verify(newest=0)).entries == 1
    assert (await audit.verify(newest=100)).entries == 8


async def test_concurrent_appends_make_one_chain(audit: AuditLog) -> None:
    sequences = await asyncio.gather(*(audit.append(entry(number)) for number in range(60)))
    assert sorted(sequences) == list(range(1, 61))
    assert (await audit.verify()).intact


async def test_two_writers_make_one_chain(
    audit: AuditLog, database: Database, made_keys: SiteKeys, tmp_path: Path, clock: ManualClock
) -> None:
    """The command line appends while the server runs."""
    with Database(tmp_path / "server.db") as other_database:
        other = AuditLog(other_database, made_keys.audit_keys(), tmp_path, clock)
        for _ in range(5):
            await audit.append(entry(1))
            await other.append(entry(2))
        assert (await audit.verify()).entries == 10
        assert (await other.verify()).intact


async def test_it_is_on_the_disk_when_append_returns(audit: AuditLog, tmp_path: Path) -> None:
    await audit.append(entry(1))
    with sqlite3.connect(tmp_path / "server.db") as connection:
        assert connection.execute("SELECT count(*) FROM audit_entry").fetchone() == (1,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
    assert AuditHead.from_json((tmp_path / "audit.head").read_bytes()).sequence == 1


async def test_a_change_and_its_entry_are_one(audit: AuditLog, database: Database) -> None:
    def work(connection: Connection, writer: AuditWriter) -> None:
        writer.append(entry(1))
        writer.append(entry(2))
        raise AppError(ErrorKind.CONFLICT, "no")

    with pytest.raises(AppError, match="no"):
        await audit.transact(work)
    assert await audit.entries() == []
    assert (await audit.verify()).intact


async def test_the_database_itself_refuses_to_change_entries(audit: AuditLog, database: Database) -> None:
    await fill(audit, 2)
    for statement in ("UPDATE audit_entry SET who = 'x'", "DELETE FROM audit_entry"):
        with pytest.raises(AppError, match="contradicts"):
            await database.write(lambda connection, sql=statement: connection.execute(text(sql)))  # type: ignore[misc]
    assert (await audit.verify()).intact


COLUMNS = {
    "at_us": "at_us + 1",
    "principal_id": "'01a1fd0c-2d86-738c-ae17-6bc586ced883'",
    "who": "'somebody else'",
    "what": "'look.close'",
    "object": "object || '0'",
    "why": "''",
    "outcome": "'refused'",
    "from_where": "'192.0.2.1'",
    "commitment": "zeroblob(32)",
    "chain": "zeroblob(32)",
    "signature": "zeroblob(74)",
}


@pytest.mark.parametrize("sequence", [1, 4, 8])
@pytest.mark.parametrize("column", COLUMNS)
async def test_every_changed_column_is_found(
    audit: AuditLog, tmp_path: Path, column: str, sequence: int
) -> None:
    await fill(audit)
    tamper(
        tmp_path / "server.db",
        f"UPDATE audit_entry SET {column} = {COLUMNS[column]} WHERE sequence = {sequence}",
    )
    report = await audit.verify()
    assert (report.intact, report.first_broken) == (False, sequence), report


@pytest.mark.parametrize("value", ["'nonsense'", "42", "x'ff'", "1e300"])
@pytest.mark.parametrize(
    "column", ["principal_id", "outcome", "who", "at_us", "commitment", "chain", "signature"]
)
async def test_values_of_no_sense_are_found_too(
    audit: AuditLog, tmp_path: Path, column: str, value: str
) -> None:
    await fill(audit, 3)
    tamper(
        tmp_path / "server.db",
        "PRAGMA writable_schema = 1",
        "UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'audit_entry'",
    )
    tamper(tmp_path / "server.db", f"UPDATE audit_entry SET {column} = {value} WHERE sequence = 2")
    report = await audit.verify()
    assert (report.intact, report.first_broken) == (False, 2), report


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
        (["DELETE FROM audit_entry WHERE sequence = 4"], 4),
        (["DELETE FROM audit_entry WHERE sequence = 1"], 1),
        (["DELETE FROM audit_entry WHERE sequence = 8"], 8),
        (["DELETE FROM audit_entry WHERE sequence > 5"], 6),
        (["DELETE FROM audit_entry"], 1),
        (
            ["DELETE FROM audit_entry WHERE sequence = 4",
             "UPDATE audit_entry SET sequence = sequence - 1 WHERE sequence > 4"],
            4,
        ),
        (
            ["UPDATE audit_entry SET sequence = 99 WHERE sequence = 3",
             "UPDATE audit_entry SET sequence = 3 WHERE sequence = 4",
             "UPDATE audit_entry SET sequence = 4 WHERE sequence = 99"],
            3,
        ),
        (
            ["UPDATE audit_entry SET sequence = -sequence - 1 WHERE sequence > 4",
             "UPDATE audit_entry SET sequence = -sequence WHERE sequence < 0",
             "INSERT INTO audit_entry SELECT 5, at_us, principal_id, who, what, object, why, outcome,"
             " from_where, commitment, chain, signature FROM audit_entry WHERE sequence = 4"],
            5,
        ),
        (["UPDATE audit_detail SET sealed = zeroblob(200) WHERE sequence = 5"], 5),
        (
            ["UPDATE audit_detail SET sealed = (SELECT sealed FROM audit_detail WHERE sequence = 2)"
             " WHERE sequence = 6"],
            6,
        ),
    ],
)  # fmt: skip
async def test_removed_reordered_and_added_entries_are_found(
    audit: AuditLog, tmp_path: Path, statements: list[str], broken: int
) -> None:
    await fill(audit)
    tamper(tmp_path / "server.db", *statements)
    report = await audit.verify()
    assert (report.intact, report.first_broken) == (False, broken), report


async def test_a_list_with_an_entry_of_no_sense_says_which(audit: AuditLog, tmp_path: Path) -> None:
    await fill(audit, 3)
    tamper(tmp_path / "server.db", "UPDATE audit_entry SET outcome = 'x' WHERE sequence = 2")
    with pytest.raises(IntegrityError, match="audit entry 2"):
        await audit.entries()


async def test_a_forger_without_the_key_is_found(
    audit: AuditLog, tmp_path: Path, clock: ManualClock, made_keys: SiteKeys
) -> None:
    """Entry 5 changed and every later link computed anew, signatures left as they were or by another key."""
    await fill(audit)
    tamper(tmp_path / "server.db", "UPDATE audit_entry SET who = 'nobody' WHERE sequence = 5")
    with Database(tmp_path / "server.db") as database:
        rows = database.read_sync(
            lambda connection: connection.execute(select(audit_table).order_by(audit_table.c.sequence)).all()
        )
    chain, signature = rows[3].chain, rows[3].signature
    statements = []
    for row in rows[4:]:
        chain, signature = link(chain, signature, recorded_of(row)), row.signature
        statements.append(f"UPDATE audit_entry SET chain = x'{chain.hex()}' WHERE sequence = {row.sequence}")
    tamper(tmp_path / "server.db", *statements)
    report = await audit.verify()
    assert (report.intact, report.first_broken) == (False, 5), report
    assert "not signed" in report.what


async def test_a_long_chain_is_checked_in_pages(audit: AuditLog, tmp_path: Path) -> None:
    def work(connection: Connection, writer: AuditWriter) -> None:
        for number in range(2100):
            writer.append(AuditEntry("tester", "x", str(number)))

    await audit.transact(work)
    assert (await audit.verify()).entries == 2100
    tamper(tmp_path / "server.db", "UPDATE audit_entry SET who = '' WHERE sequence = 2050")
    assert (await audit.verify()).first_broken == 2050
    assert (await audit.verify(newest=20)).intact


async def test_a_missing_or_changed_head_is_found(audit: AuditLog, tmp_path: Path) -> None:
    await fill(audit)
    head = tmp_path / "audit.head"
    whole = json.loads(head.read_bytes())
    for change in (
        {"sequence": 7}, {"sequence": 0}, {"sequence": -1}, {"sequence": 2**70}, {"sequence": "8"},
        {"chain": "00" * 32}, {"chain": "zz"}, {"signature": "00" * 74}, {"version": 2},
    ):  # fmt: skip
        head.write_bytes(json.dumps({**whole, **change}).encode())
        report = await audit.verify()
        assert (report.intact, report.first_broken) == (False, None), change
        assert "audit.head was changed" in report.what
    head.unlink()
    report = await audit.verify()
    assert not report.intact
    assert "no head is kept" in report.what


async def test_a_chain_cut_and_grown_again_is_found(
    audit: AuditLog, tmp_path: Path, made_keys: SiteKeys, clock: ManualClock
) -> None:
    """A restored older database: the program goes on, keeps the lost head as evidence, and never forgets."""
    await fill(audit)
    tamper(
        tmp_path / "server.db",
        "DELETE FROM audit_detail WHERE sequence > 5",
        "DELETE FROM audit_entry WHERE sequence > 5",
    )
    with Database(tmp_path / "server.db") as database:
        again = AuditLog(database, made_keys.audit_keys(), tmp_path, clock)
        await again.append(entry(100))
        broken = (await again.entries())[1]
        assert (broken.sequence, broken.what, broken.outcome) == (6, "audit.broken", Outcome.FAILED)
        assert (tmp_path / "audit.head.lost-8").exists()
        for number in range(5):
            await again.append(entry(number))
        report = await again.verify()
        assert (report.intact, report.first_broken) == (False, 8), report


async def test_an_unreadable_head_is_set_aside(
    audit: AuditLog, tmp_path: Path, made_keys: SiteKeys, database: Database, clock: ManualClock
) -> None:
    await fill(audit, 2)
    (tmp_path / "audit.head").write_bytes(b"")
    again = AuditLog(database, made_keys.audit_keys(), tmp_path, clock)
    await again.append(entry(3))
    assert (tmp_path / "audit.head.lost-unreadable").exists()
    report = await again.verify()
    assert not report.intact
    assert "lost-unreadable was changed" in report.what


async def test_two_processes_set_the_same_lost_head_aside(tmp_path: Path) -> None:
    head = tmp_path / "audit.head"
    head.write_bytes(b"")
    file = HeadFile(head)
    lost = file.read()
    assert lost is not None
    file.set_aside(lost)
    file.set_aside(lost)
    assert [path.name for path in tmp_path.iterdir()] == ["audit.head.lost-unreadable"]


async def test_a_crash_between_commit_and_head_is_no_alarm(
    audit: AuditLog, tmp_path: Path, made_keys: SiteKeys, database: Database, clock: ManualClock
) -> None:
    await fill(audit, 3)
    older = (tmp_path / "audit.head").read_bytes()
    await fill(audit, 2)
    (tmp_path / "audit.head").write_bytes(older)
    again = AuditLog(database, made_keys.audit_keys(), tmp_path, clock)
    assert (await again.verify()).intact
    await again.append(entry(6))
    assert (await again.verify()).entries == 6


async def test_a_head_that_cannot_be_kept_does_not_stop_the_record(
    database: Database, made_keys: SiteKeys, tmp_path: Path, clock: ManualClock
) -> None:
    audit = AuditLog(database, made_keys.audit_keys(), tmp_path / "missing", clock)
    assert await audit.append(entry(1)) == 1
    assert not (await audit.verify()).intact


async def test_details_are_sealed_and_can_be_forgotten(
    audit: AuditLog, tmp_path: Path, clock: ManualClock
) -> None:
    await audit.append(entry(1, note="CANARY-1"))
    clock.advance(10)
    await audit.append(entry(2, note="CANARY-2"))
    for file in tmp_path.iterdir():
        if file.is_file():
            assert b"CANARY" not in file.read_bytes(), file
    assert await audit.forget_details(NOW_US + 10) == 1
    assert await audit.details(1) is None
    assert await audit.details(2) == {"n": 2, "note": "CANARY-2"}
    assert (await audit.verify()).intact


async def test_changed_details_are_refused(audit: AuditLog, tmp_path: Path) -> None:
    await fill(audit, 2)
    tamper(tmp_path / "server.db", "UPDATE audit_entry SET commitment = zeroblob(32) WHERE sequence = 1")
    with pytest.raises(IntegrityError, match="not those it was made with"):
        await audit.details(1)


async def test_large_and_odd_entries_are_bounded_and_kept(audit: AuditLog) -> None:
    long = "x" * 10_000
    await audit.append(AuditEntry(long, long, long, long, Outcome.DONE, long, {"a": "y" * 100_000}))
    await audit.append(
        AuditEntry("a\nb\0c\ud800d\u202e", "w", details={"when": Path("/x"), "deep": [1, {"b": None}]})
    )
    odd, large = await audit.entries()
    assert all(len(value) == TEXT_LIMIT for value in (large.who, large.what, large.object, large.from_where))
    details = await audit.details(1)
    assert details is not None
    assert details["cut"] is True
    assert isinstance(details["size_bytes"], int)
    assert details["size_bytes"] > DETAILS_LIMIT_BYTES
    assert odd.who == "a\ufffdb\ufffdc\ufffdd\ufffd"
    assert await audit.details(2) == {"when": "/x", "deep": [1, {"b": None}]}
    assert (await audit.verify()).intact


@given(st.text(max_size=1000))
def test_any_text_becomes_one_bounded_line(anything: str) -> None:
    tidy = tidy_text(anything)
    assert len(tidy) <= TEXT_LIMIT
    assert "\n" not in tidy
    assert tidy.encode() and tidy == tidy_text(tidy) if tidy else not anything


@given(st.binary(max_size=300))
def test_garbage_is_no_head(garbage: bytes) -> None:
    with pytest.raises(ProtocolError):
        AuditHead.from_json(garbage)


def test_a_head_round_trips() -> None:
    head = AuditHead(7, bytes(32), bytes(74))
    assert AuditHead.from_json(head.to_json()) == head
