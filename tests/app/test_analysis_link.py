"""The server's line to the analyst: a plan that differs is sent, an old answer is none."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from civiscope.analytics import (
    AnalysisPlan,
    AnalystStatus,
    AnalyticBook,
    AnalyticDraft,
    PluginShelf,
    migrate_analytics,
)
from civiscope.app.analysis_link import AnalysisLink
from civiscope.app.analysis_plan import analysis_digest
from civiscope.base import AppError, ErrorKind, ManualClock
from civiscope.devices import CameraDraft, Devices, migrate_devices
from civiscope.security import AuditLog, SiteKeys, migrate_security
from civiscope.storage import Database

DOOR = AnalyticDraft("zone", "Door", {"name": "Door", "zone": [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]})


@dataclass
class FakeAnalyst:
    """Works by what it was sent, or does not answer."""

    plan: AnalysisPlan = field(default_factory=AnalysisPlan)
    plans: int = 0
    is_away: bool = False

    async def apply_plan(self, plan: AnalysisPlan) -> None:
        self.plan, self.plans = plan, self.plans + 1

    async def status(self) -> AnalystStatus:
        if self.is_away:
            raise AppError(ErrorKind.UNAVAILABLE, "The analyst does not answer.")
        return AnalystStatus(analysis_digest(self.plan), "tiny", (), ())


@dataclass
class Desk:
    analyst: FakeAnalyst
    book: AnalyticBook
    devices: Devices
    link: AnalysisLink
    clock: ManualClock
    wishes: dict[str, str]

    async def until(self, ask: object) -> None:
        """Wake the link until the plan is as wished."""
        async with asyncio.timeout(10):
            while not ask():  # type: ignore[operator]  # a lambda
                self.link.wake()
                await asyncio.sleep(0.005)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    keys = SiteKeys.create(tmp_path / "keys", "Pier town")
    clock, analyst, wishes = ManualClock(), FakeAnalyst(), {"detector": ""}
    with Database(tmp_path / "server.db") as database:
        for migrate in (migrate_security, migrate_devices, migrate_analytics):
            migrate(database)
        audit = AuditLog(database, keys.audit_keys(), tmp_path, clock)
        book = AnalyticBook(database, audit, clock, PluginShelf())
        devices = Devices(database, keys.vault(), clock)
        link = AnalysisLink(
            analyst, book, devices, clock, lambda: (wishes["detector"], ZoneInfo("Europe/Sofia"))
        )
        running = asyncio.create_task(link.run())
        yield Desk(analyst, book, devices, link, clock, wishes)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_every_change_becomes_the_plan_and_nothing_is_sent_twice(desk: Desk) -> None:
    camera = await desk.devices.add_camera(CameraDraft("Pier", "rtsp://192.0.2.1/a"))
    await desk.until(lambda: desk.analyst.plan.channels)
    assert desk.analyst.plan.time_zone == "Europe/Sofia"
    kept = await desk.book.add(camera.channel_id, DOOR, "tester")
    await desk.until(lambda: desk.analyst.plan.channels[0].analytics)
    desk.wishes["detector"] = "yolox_nano"
    await desk.until(lambda: desk.analyst.plan.detector == "yolox_nano")
    await desk.devices.remove_camera(camera.channel_id)
    await desk.until(lambda: not desk.analyst.plan.channels)
    sent = desk.analyst.plans
    for _ in range(20):
        desk.link.wake()
        await asyncio.sleep(0)
    assert desk.analyst.plans == sent
    assert await desk.book.of(camera.channel_id) == (kept,)


async def test_an_old_answer_is_none(desk: Desk) -> None:
    await desk.until(lambda: desk.link.is_fresh)
    assert (await desk.link.status()).detector == "tiny"
    desk.analyst.is_away = True
    desk.clock.advance(6_000_000)
    assert not desk.link.is_fresh
    with pytest.raises(AppError, match="The analyst does not answer"):
        await desk.link.status()
    assert desk.link.newest is not None, "Health still shows the last one, as old"
    desk.analyst.is_away = False
    await desk.until(lambda: desk.link.is_fresh)
