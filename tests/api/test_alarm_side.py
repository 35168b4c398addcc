"""From a fact on the bus to a person: the server's own side of it, real databases, two real bus endpoints."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.api.socketing import Peer, socket_at
from tests.api.town import PASSWORD, Town, set_cookie
from tests.events.world import observation

from civiscope.alarms import AlarmQuery
from civiscope.analytics import CoverageChanged, ObservationMade
from civiscope.api import Application, create_app
from civiscope.app.alarm_side import AlarmSide, open_events
from civiscope.app.home import Home
from civiscope.app.recording_desk import RecordingDesk
from civiscope.app.settings import Settings
from civiscope.app.site import Site, create_site, open_site
from civiscope.base import ChannelId, FactId, Span, new_id
from civiscope.bus import BusIdentity, Endpoint, Envelope
from civiscope.devices import CameraDraft, ChannelChange, DeviceNotified, RecordingPolicy, RecordMode
from civiscope.events import EventQuery
from civiscope.recording import Window
from civiscope.security import Role, terminal_principal
from civiscope.storage import Database

ADMIN = terminal_principal("test")
SECOND_US = 1_000_000


class Orders:
    """Stands for the line to the recorder: remembers what was ordered."""

    def __init__(self) -> None:
        self.windows: list[Window] = []

    def want(self, windows: tuple[Window, ...]) -> None:
        self.windows += windows

    async def record(self, windows: tuple[Window, ...]) -> None:
        self.windows += windows


@dataclass
class Running:
    """The server's side with a door before it, and an analyst that says what it is told to."""

    site: Site
    side: AlarmSide
    app: Application
    analyst: Endpoint
    server: Endpoint
    pier: ChannelId
    orders: Orders


def endpoint(role: str, home: Home, site: Site, database: Database) -> Endpoint:
    identity = site.identity
    named = BusIdentity(identity.organisation_id, identity.site_id, identity.node_id)
    return Endpoint(role, home.run, database, named, site.clock)


@asynccontextmanager
async def running_side(town: Town, folder: Path) -> AsyncIterator[Running]:
    home = Home(folder / "site")
    create_site(home, Settings())
    async with open_site(home, Settings()) as site, open_events(site) as events:
        with Database(folder / "s.db") as said, Database(folder / "a.db") as seen:
            server, analyst = endpoint("server", home, site, said), endpoint("analyst", home, site, seen)
            orders = Orders()
            side = AlarmSide(site, server, events, RecordingDesk(site, orders, events))
            await side.rules.load()
            faces = replace(
                town.faces, clock=site.clock, accounts=site.accounts, audit=site.audit,
                devices=site.devices, purposes=site.purposes, events=side.events, rules=side.rules,
                alarms=side.alarms,
            )  # fmt: skip
            pier = await site.devices.add_camera(CameraDraft("Pier", "rtsp://192.0.2.1/a"))
            await analyst.start()
            await server.start()
            task = asyncio.ensure_future(side.run())
            try:
                yield Running(site, side, create_app(faces), analyst, server, pier.channel_id, orders)
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                await server.stop()
                await analyst.stop()


@pytest.fixture
async def running(town: Town, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_side(town, tmp_path) as made:
        yield made


def seen(running: Running, **changes: object) -> ObservationMade:
    changes.setdefault("at_us", running.site.clock.now_us())
    return observation(channel_id=running.pier, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def watching(running: Running, town: Town) -> AsyncIterator[Peer]:
    await running.site.accounts.people.create_user("olga", PASSWORD, [Role.OPERATOR], ADMIN)
    session = await running.site.accounts.sign_in("olga", PASSWORD, "192.0.2.7")
    async with town.client() as client:
        set_cookie(client, session.token.reveal())
        async with socket_at(running.app, "/api/v1/alarms/live", client) as peer:
            assert (await peer.next())["type"] == "websocket.accept"
            assert "counts" in await peer.text()
            yield peer


async def test_a_fact_is_on_the_operators_screen_at_once(running: Running, town: Town) -> None:
    """Typically within 150 ms; measured over ten zones, so that none folds."""
    took_ms: list[float] = []
    async with watching(running, town) as peer:
        for number in range(10):
            fact = seen(running, zone=f"Zone {number}")
            began = time.perf_counter()
            running.analyst.publish(fact)
            told = await peer.text()
            took_ms.append((time.perf_counter() - began) * 1_000)
            assert told["alarm"]["event_id"] == str(fact.event_id)
            assert (await peer.text())["counts"]["new"] == number + 1
    took_ms.sort()
    print("from fact to screen, ms:", [round(one) for one in took_ms])
    assert took_ms[0] < 150, took_ms


async def test_what_lasts_begins_ends_and_is_covered(running: Running) -> None:
    event_id = new_id()
    at_us = running.site.clock.now_us()
    for phase, moment_us in (("began", at_us), ("ended", at_us + SECOND_US)):
        fact = seen(running, event_id=event_id, kind="zone.present", phase=phase, at_us=moment_us)
        running.analyst.publish(fact)
    running.analyst.publish(CoverageChanged(running.pier, at_us, "analysed"))
    async with asyncio.timeout(10):
        while not (await running.side.events.coverage((running.pier,), Span(0, at_us * 2)))[running.pier]:
            await asyncio.sleep(0.005)
    event = await running.side.events.event(event_id)
    assert (event.began_us, event.ended_us) == (at_us, at_us + SECOND_US)


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.005)


async def test_an_event_has_its_camera_recorded_as_long_as_it_lasts(running: Running) -> None:
    event_id, at_us = new_id(), running.site.clock.now_us()
    policy = RecordingPolicy(RecordMode.ON_EVENT, None, 2.0, 3.0)
    devices, windows = running.site.devices, running.orders.windows
    first = seen(running, kind="zone.present", phase="began", at_us=at_us)
    running.analyst.publish(first)
    async with asyncio.timeout(10):
        while not await running.side.events.going_on():
            await asyncio.sleep(0.005)
    assert windows == []
    await devices.change_cameras([running.pier], ChannelChange(recording=policy))
    stream_id = (await devices.camera(running.pier)).main.id
    running.analyst.publish(
        seen(running, event_id=event_id, kind="zone.present", phase="began", at_us=at_us + SECOND_US)
    )
    await until(lambda: windows)
    assert windows == [Window(stream_id, at_us - SECOND_US, at_us + 4 * SECOND_US)]
    await running.side.recordings.go_on()
    assert len(windows) == 3  # both events go on
    assert windows[1].until_us >= at_us + 3 * SECOND_US
    for event in (first.event_id, event_id):
        del windows[:]
        ended = seen(running, event_id=event, kind="zone.present", phase="ended", at_us=at_us + 9 * SECOND_US)
        running.analyst.publish(ended)
        await until(lambda: windows)
        assert windows[0].until_us == at_us + 12 * SECOND_US
    del windows[:]
    await running.side.recordings.go_on()
    assert windows == []


async def test_facts_told_again_raise_nothing_again(running: Running) -> None:
    facts = [seen(running, zone=f"Zone {number}") for number in range(3)]
    for fact in [*facts, *facts, facts[0]]:
        running.analyst.publish(fact)
    last = seen(running, zone="last")
    running.analyst.publish(last)
    page = await running.side.alarms.page(AlarmQuery(), ADMIN)
    async with asyncio.timeout(10):
        while len(page.alarms) < 4:
            await asyncio.sleep(0.005)
            page = await running.side.alarms.page(AlarmQuery(), ADMIN)
    assert sorted((alarm.count, alarm.zone) for alarm in page.alarms) == [
        (1, "Zone 0"), (1, "Zone 1"), (1, "Zone 2"), (1, "last"),
    ]  # fmt: skip
    assert len((await running.side.events.search(EventQuery())).events) == 4


async def test_a_notification_is_an_event_of_the_devices_one_camera(running: Running) -> None:
    camera = await running.site.devices.camera(running.pier)
    clock = running.site.clock
    fact = DeviceNotified(
        camera.device_id, clock.now_us(), "VideoSource/MotionAlarm", "Changed", (), (("State", "true"),)
    )
    envelope = Envelope(
        FactId(new_id()), fact.name, 1, clock.now_us(), running.site.identity.site_id,
        running.site.identity.node_id, "driver", None, new_id(), None, 1,
    )  # fmt: skip
    await running.side.notified(envelope, fact)
    await running.side.notified(envelope, fact)
    over = replace(fact, data=(("State", "false"),), at_us=clock.now_us())
    await running.side.notified(replace(envelope, id=FactId(new_id())), over)
    (event,) = (await running.side.events.search(EventQuery())).events
    assert (event.kind, event.channel_id, event.is_going_on) == ("device.motion", running.pier, False)
