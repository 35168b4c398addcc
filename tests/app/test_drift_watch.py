"""The hourly comparison: every device once an hour, two at once at most, the asking spread over the hour."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.devices.fake_drivers import FakeDrivers, told_of, trouble

from civiscope.app.device_events import DeviceEvents
from civiscope.app.drift_watch import AT_ONCE, EVERY_US, TICK_S, DriftWatch
from civiscope.base import ManualClock
from civiscope.bus import Envelope
from civiscope.devices import (
    CameraDraft,
    ChannelDraft,
    Described,
    DeviceDraft,
    DeviceNotified,
    Devices,
    Drift,
    Trouble,
    Upkeep,
    migrate_devices,
)
from civiscope.security import Secret, Vault
from civiscope.storage import Database

TICK_US = int(TICK_S * 1e6)


async def unheard(_: Envelope, told: DeviceNotified) -> None:
    raise AssertionError(f"nobody told of {told.topic}")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def drivers() -> FakeDrivers:
    return FakeDrivers()


@pytest.fixture
def devices(tmp_path: Path, clock: ManualClock) -> Iterator[Devices]:
    with Database(tmp_path / "server.db") as database:
        migrate_devices(database)
        yield Devices(database, Vault(bytes(32)), clock)


async def add(devices: Devices, drivers: FakeDrivers, number: int) -> str:
    host = f"192.168.1.{number}"
    address = f"http://{host}/onvif/device_service"
    drivers.answers[address] = Described(told_of(host, offset_ms=300))
    draft = DeviceDraft(
        address, username="admin", password=Secret("word"), channels=(ChannelDraft(f"Camera {number}"),)
    )
    await devices.add_device(draft, told_of(host))
    return address


def watch_of(
    devices: Devices, drivers: FakeDrivers, clock: ManualClock, *, is_wanted: bool = True
) -> DriftWatch:
    return DriftWatch(devices, Upkeep(drivers, devices.book, clock), clock, lambda: is_wanted)


async def test_each_device_is_compared_once_an_hour(
    devices: Devices, drivers: FakeDrivers, clock: ManualClock
) -> None:
    addresses = [await add(devices, drivers, number) for number in range(1, 8)]
    await devices.add_camera(CameraDraft("No settings", "rtsp://192.168.1.200/s"))
    drivers.drift = (Drift(0, "sub.fps", "5", "25"),)
    watch = watch_of(devices, drivers, clock)
    for _ in range(EVERY_US // TICK_US):
        assert await watch.tick() <= 1
        clock.advance(TICK_US)
    assert dict(drivers.compares) == dict.fromkeys(addresses, 1)
    for _ in range(EVERY_US // TICK_US):
        await watch.tick()
        clock.advance(TICK_US)
    assert dict(drivers.compares) == dict.fromkeys(addresses, 2)
    for device in await devices.book.all():
        if device.driver == "onvif":
            assert (device.drift, device.clock_offset_ms) == (drivers.drift, 300)
    assert drivers.configured == []


async def test_many_devices_are_asked_two_at_once(
    devices: Devices, drivers: FakeDrivers, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("civiscope.app.drift_watch.TICK_S", 3_600.0)  # the whole hour's share at once
    for number in range(1, 7):
        await add(devices, drivers, number)
    assert await watch_of(devices, drivers, clock).tick() == 6
    assert drivers.most_at_once <= AT_ONCE


async def test_a_device_that_is_away_is_asked_again_in_an_hour(
    devices: Devices, drivers: FakeDrivers, clock: ManualClock
) -> None:
    address = await add(devices, drivers, 1)
    drivers.answers[address] = trouble(Trouble.UNREACHABLE)
    watch = watch_of(devices, drivers, clock)
    assert await watch.tick() == 1
    assert await watch.tick() == 0
    (device,) = await devices.book.all()
    assert device.trouble is not None
    assert device.trouble.trouble is Trouble.UNREACHABLE
    clock.advance(EVERY_US)
    assert await watch.tick() == 1


async def test_nothing_is_asked_when_the_site_says_so(
    devices: Devices, drivers: FakeDrivers, clock: ManualClock
) -> None:
    await add(devices, drivers, 1)
    assert await watch_of(devices, drivers, clock, is_wanted=False).tick() == 0


async def test_devices_that_tell_of_events_are_listened_to(devices: Devices, drivers: FakeDrivers) -> None:
    await add(devices, drivers, 1)
    await devices.add_camera(CameraDraft("Silent", "rtsp://192.168.1.200/s"))
    (source,) = await DeviceEvents(devices, unheard).sources()
    assert (source.driver, source.device.username, source.device.password) == ("onvif", "admin", "word")
    (box, _) = await devices.book.all()
    assert source.device_id == box.id


async def test_what_does_not_open_is_left_out_and_asked_for_again(
    devices: Devices, drivers: FakeDrivers, tmp_path: Path, clock: ManualClock
) -> None:
    await add(devices, drivers, 1)
    with Database(tmp_path / "server.db") as database:
        events = DeviceEvents(Devices(database, Vault(bytes([1]) * 32), clock), unheard)
        assert await events.sources() == ()
        assert events.is_incomplete
