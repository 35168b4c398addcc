"""Finding audit entries: each part of a filter, its indexes, and how far counting goes."""

from collections.abc import Callable

import pytest

from civiscope.base import ManualClock
from civiscope.security import AuditEntry, AuditFilter, AuditLog, Outcome, Principal, auditsearch
from civiscope.storage import Database, text

from .conftest import NOW_US


@pytest.fixture
async def filled(audit: AuditLog, terminal: Principal, clock: ManualClock) -> AuditLog:
    """Six entries, ten microseconds apart."""
    for entry in (
        AuditEntry("Anna", "session.open", "user 1", from_where="10.1.2.3"),
        AuditEntry("anna-lena", "look.live", "channel 7", "public_safety", details={"n": 1}),
        AuditEntry("Boris", "look.playback", "channel 71", "public_safety", Outcome.REFUSED),
        AuditEntry(terminal, "camera.add", "channel 8", details={"name": "Pier"}),
        AuditEntry("100%_sure", "look.live", "channel 9", "installation", Outcome.FAILED),
        AuditEntry("Boris", "session.close", "user 2", from_where="::1"),
    ):
        await audit.append(entry)
        clock.advance(10)
    return audit


async def sequences(audit: AuditLog, wanted: AuditFilter) -> list[int]:
    found = await audit.search(wanted)
    assert found.found == len(found.entries)
    return [one.recorded.sequence for one in found.entries]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (AuditFilter(), [6, 5, 4, 3, 2, 1]),
        (AuditFilter(who="ANNA"), [2, 1]),
        (AuditFilter(who="nna"), []),
        (AuditFilter(who="100%_"), [5]),
        (AuditFilter(who="%"), []),
        (AuditFilter(what="look."), [5, 3, 2]),
        (AuditFilter(what="Look.live"), [5, 2]),
        (AuditFilter(object="channel 7"), [3, 2]),
        (AuditFilter(outcome=Outcome.REFUSED), [3]),
        (AuditFilter(from_us=NOW_US + 10, to_us=NOW_US + 30), [3, 2]),
        (AuditFilter(text="PUBLIC"), [3, 2]),
        (AuditFilter(text="::1"), [6]),
        (AuditFilter(text="%_s"), [5]),
        (AuditFilter(who="boris", what="look", outcome=Outcome.REFUSED, text="71"), [3]),
    ],
)
async def test_each_part_of_a_filter(filled: AuditLog, wanted: AuditFilter, expected: list[int]) -> None:
    assert await sequences(filled, wanted) == expected


async def test_a_principal_is_found_by_id_whatever_the_name(filled: AuditLog, terminal: Principal) -> None:
    assert await sequences(filled, AuditFilter(who=str(terminal.id).upper())) == [4]


async def test_pages_go_down_and_the_count_stays(filled: AuditLog) -> None:
    page = await filled.search(AuditFilter(what="look."), limit=2)
    assert ([one.recorded.sequence for one in page.entries], page.found) == ([5, 3], 3)
    rest = await filled.search(AuditFilter(what="look."), limit=2, before=3)
    assert ([one.recorded.sequence for one in rest.entries], rest.found) == ([2], 3)
    assert [one.has_details for one in (await filled.search(AuditFilter())).entries] == [
        False, False, True, False, True, False,
    ]  # fmt: skip


async def test_counting_stops_somewhere(filled: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditsearch, "COUNTED_MOST", 4)
    assert (await filled.search(AuditFilter())).found == 4


async def test_a_walk_takes_what_was_there_when_it_began(filled: AuditLog) -> None:
    seen = []
    async for page in filled.walk(AuditFilter(), page=2):
        seen += [one.recorded.sequence for one in page]
        await filled.append(AuditEntry("x", "y"))
    assert seen == [1, 2, 3, 4, 5, 6]
    one = await filled.entry(2)
    assert one is not None
    assert (one.recorded.what, len(one.link), len(one.signature)) == ("look.live", 32, 74)
    assert await filled.entry(999) is None


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("who COLLATE NOCASE >= 'a' AND who COLLATE NOCASE < 'b'", "audit_by_who"),
        ("what COLLATE NOCASE >= 'a' AND what COLLATE NOCASE < 'b'", "audit_by_what"),
        ("object COLLATE NOCASE >= 'a' AND object COLLATE NOCASE < 'b'", "audit_by_object"),
        ("at_us >= 1 AND at_us < 2", "audit_by_time"),
        ("outcome = 'refused'", "audit_by_outcome"),
        ("principal_id = 'x'", "audit_by_principal"),
    ],
)
def test_every_filter_has_its_index(database: Database, condition: str, index: str) -> None:
    plan = f"EXPLAIN QUERY PLAN SELECT sequence FROM audit_entry WHERE {condition}"
    explained: Callable[..., str] = lambda connection: str(connection.execute(text(plan)).all())  # noqa: E731
    assert index in database.read_sync(explained)
