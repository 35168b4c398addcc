"""The book of analytics: what is asked is checked by its plug-in, kept, audited, and becomes the plan."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from civiscope.analytics import (
    AnalyticBook,
    AnalyticDraft,
    PluginShelf,
    SettingsError,
    migrate_analytics,
)
from civiscope.analytics.book import ANALYTICS_LIMIT
from civiscope.analytics.running import start_analytic
from civiscope.base import AppError, ChannelId, ErrorKind, ManualClock, StreamId, new_id
from civiscope.devices import Camera, Stream, Transport
from civiscope.security import (
    AuditLog,
    SiteKeys,
    TimeProfile,
    WeeklySpan,
    migrate_security,
    terminal_principal,
)
from civiscope.storage import Database

PIER = ChannelId(new_id())
CHIEF = terminal_principal("chief")
DOOR = AnalyticDraft("zone", "Door", {"name": "Door", "zone": [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]})
NIGHT = TimeProfile("night", (WeeklySpan(0, 1320, 360), WeeklySpan(6, 0, 60)))


@dataclass
class Desk:
    book: AnalyticBook
    audit: AuditLog
    shelf: PluginShelf
    clock: ManualClock


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SiteKeys:
    return SiteKeys.create(tmp_path_factory.mktemp("site") / "keys", "Pier town")


@pytest.fixture
def desk(tmp_path: Path, keys: SiteKeys) -> Iterator[Desk]:
    with Database(tmp_path / "server.db") as database:
        migrate_security(database)
        migrate_analytics(database)
        clock, shelf = ManualClock(), PluginShelf()
        audit = AuditLog(database, keys.audit_keys(), tmp_path, clock)
        yield Desk(AnalyticBook(database, audit, clock, shelf), audit, shelf, clock)


def camera(*profiles: str, channel_id: ChannelId = PIER, removed_us: int | None = None) -> Camera:
    streams = tuple(
        Stream(StreamId(new_id()), profile, "rtsp://192.0.2.1", Transport.AUTO, False) for profile in profiles
    )
    return Camera(channel_id, new_id(), "Pier", streams, 0, removed_us)  # type: ignore[arg-type]  # any id


async def test_what_is_added_is_kept_with_whole_settings(desk: Desk) -> None:
    kept = await desk.book.add(PIER, replace(DOOR, name="  Door  east ", schedule=NIGHT), CHIEF, "::1")
    assert (kept.draft.name, kept.draft.settings["min_dwell_s"], kept.changed_by) == (
        "Door east",
        2.0,
        CHIEF.name,
    )
    assert await desk.book.of(PIER) == (kept,)
    assert await desk.book.of(ChannelId(new_id())) == ()
    (entry,) = await desk.audit.entries()
    assert (entry.what, entry.object, entry.from_where) == ("analytic.add", str(PIER), "::1")
    details = await desk.audit.details(entry.sequence)
    assert details is not None
    assert details["schedule"] == {
        "name": "night",
        "spans": [
            {"weekday": 0, "from_minute": 1320, "to_minute": 360},
            {"weekday": 6, "from_minute": 0, "to_minute": 60},
        ],
    }


async def test_faults_are_told_by_field_and_nothing_is_kept(desk: Desk) -> None:
    wrong = AnalyticDraft("zone", " ", {"zone": [[0, 0], [1, 1]], "colour": "red"})
    with pytest.raises(SettingsError) as refused:
        await desk.book.add(PIER, wrong, CHIEF)
    assert set(refused.value.fields) == {"name", "zone", "colour"}
    with pytest.raises(SettingsError) as unknown:
        await desk.book.add(PIER, replace(DOOR, plugin="faces"), CHIEF)
    assert set(unknown.value.fields) == {"plugin"}
    assert await desk.book.all() == ()
    assert await desk.audit.entries() == []


async def test_a_change_and_a_removal_say_what_was_before(desk: Desk) -> None:
    kept = await desk.book.add(PIER, DOOR, CHIEF)
    desk.clock.advance(5)
    changed = await desk.book.edit(PIER, kept.id, replace(DOOR, name="Gate", is_on=False), CHIEF)
    assert (changed.id, changed.changed_us) == (kept.id, kept.changed_us + 5)
    assert await desk.book.all() == (changed,)
    await desk.book.remove(PIER, kept.id, CHIEF)
    assert await desk.book.all() == ()
    removed, edited, _ = await desk.audit.entries()
    assert (removed.what, edited.what) == ("analytic.remove", "analytic.edit")
    details = await desk.audit.details(edited.sequence)
    assert details is not None
    before = details["before"]
    assert isinstance(before, dict)
    assert (details["name"], before["name"]) == ("Gate", "Door")


async def test_another_cameras_analytic_is_not_there(desk: Desk) -> None:
    kept = await desk.book.add(PIER, DOOR, CHIEF)
    other = ChannelId(new_id())
    for wrong in (desk.book.edit(other, kept.id, DOOR, CHIEF), desk.book.remove(other, kept.id, CHIEF)):
        with pytest.raises(AppError) as refused:
            await wrong
        assert refused.value.kind is ErrorKind.MISSING
    assert await desk.book.of(PIER) == (kept,)


async def test_a_camera_has_so_many_and_no_more(desk: Desk) -> None:
    for _ in range(ANALYTICS_LIMIT):
        await desk.book.add(PIER, DOOR, CHIEF)
    with pytest.raises(AppError) as refused:
        await desk.book.add(PIER, DOOR, CHIEF)
    assert refused.value.kind is ErrorKind.EXHAUSTED


async def test_the_plan_holds_living_cameras_and_what_is_on(desk: Desk) -> None:
    on = await desk.book.add(PIER, replace(DOOR, schedule=NIGHT), CHIEF)
    await desk.book.add(PIER, replace(DOOR, is_on=False), CHIEF)
    gone, alone = ChannelId(new_id()), ChannelId(new_id())
    await desk.book.add(gone, DOOR, CHIEF)
    pier, removed = camera("main", "sub"), camera("main", channel_id=gone, removed_us=7)
    plan = await desk.book.plan([pier, removed, camera("main", channel_id=alone)], "", "Europe/Sofia")
    first, second = plan.channels
    assert (first.stream_id, first.is_main) == (pier.streams[1].id, False)
    assert [one.analytic_id for one in first.analytics] == [on.id]
    assert (second.channel_id, second.is_main, second.analytics) == (alone, True, ())
    assert (plan.detector, plan.time_zone) == ("", "Europe/Sofia")
    restored = await desk.book.plan([replace(removed, removed_us=None)], "", "UTC")
    assert len(restored.channels[0].analytics) == 1, "a camera that comes back has its analytics"


async def test_the_analyst_can_start_what_is_ordered(desk: Desk) -> None:
    kept = await desk.book.add(PIER, replace(DOOR, schedule=NIGHT), CHIEF)
    running = start_analytic(kept.order(), desk.shelf, desk.clock)
    assert running.is_on
    assert running.trouble == ""
