"""The command line's desk for devices, on the rooms themselves: with devices to ask, and without a server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.devices.fake_drivers import FakeDrivers, told_of, trouble

from civiscope.app.device_desk import LocalDeviceDesk, TypedChannel, TypedDevice, TypedLogin
from civiscope.app.home import Home
from civiscope.app.settings import Settings
from civiscope.app.site import Site, create_site, open_site
from civiscope.base import AppError, ErrorKind
from civiscope.devices import (
    Described,
    Drift,
    OpenedStream,
    StreamAddress,
    Transport,
    Trouble,
)
from civiscope.media import Codec, TrackConfig

HOST = "192.168.1.20"
SERVICE = f"http://{HOST}/onvif/device_service"
DEVICE = TypedDevice(f"onvif://{HOST}", username="admin", password="open-sesame")


class Opener:
    """Every stream opens."""

    async def open(self, stream: StreamAddress, limit_s: float) -> OpenedStream:
        track = TrackConfig(1, Codec.H264, 90_000, width_px=1280, height_px=720)
        return OpenedStream((track,), b"\xff\xd8", Transport.TCP, False)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    home = Home(tmp_path / "home")
    create_site(home, Settings())
    async with open_site(home, Settings()) as opened:
        yield opened


@pytest.fixture
def drivers() -> FakeDrivers:
    return FakeDrivers({SERVICE: Described(told_of(HOST, offset_ms=5_000))})


@pytest.fixture
def desk(site: Site, drivers: FakeDrivers) -> LocalDeviceDesk:
    return LocalDeviceDesk(site, drivers, Opener())


async def test_a_camera_is_tried_added_and_looked_after(
    site: Site, desk: LocalDeviceDesk, drivers: FakeDrivers
) -> None:
    tried = await desk.try_device(DEVICE, 0)
    assert tried.is_good
    assert "main h264 1280x720" in "\n".join(tried.lines)
    assert await site.devices.cameras() == []
    await site.devices.groups.add("North")
    added = await desk.add_device(DEVICE, TypedChannel("Gate", place="Pier", group="North"))
    (camera,) = await site.devices.cameras()
    assert (added.id, camera.name, camera.place, camera.driver) == (
        camera.channel_id,
        "Gate",
        "Pier",
        "onvif",
    )
    assert any("5 s ahead" in note for note in added.notes)
    drivers.drift = (Drift(0, "sub.fps", "5", "25"),)
    assert "sub.fps is 25, wanted is 5" in (await desk.check("Gate")).notes
    assert await desk.drift() == {camera.channel_id: "sub.fps"}
    assert "sub.fps is 25, wanted is 5" not in (await desk.configure("Gate")).notes
    assert await desk.drift() == {}
    drivers.answers[SERVICE] = trouble(Trouble.AUTHENTICATION)
    assert (await desk.check("Gate")).notes[0] == "It is authentication. Mend it."
    assert await desk.drift() == {camera.channel_id: "not asked: authentication"}
    told = repr([tried, added, DEVICE])
    assert "open-sesame" not in told
    entries = [entry.what for entry in await site.audit.entries(20)]
    assert {"camera.probe", "camera.add", "device.configure"} <= set(entries)


async def test_a_trouble_stops_the_adding(site: Site, desk: LocalDeviceDesk, drivers: FakeDrivers) -> None:
    drivers.answers[SERVICE] = trouble(Trouble.AUTHENTICATION)
    tried = await desk.try_device(DEVICE, 0)
    assert (tried.is_good, tried.lines) == (False, ("It is authentication.", "Mend it."))
    with pytest.raises(AppError, match="authentication"):
        await desk.add_device(DEVICE, TypedChannel("Gate"))
    assert await site.devices.cameras() == []
    with pytest.raises(AppError, match="no purpose"):
        await desk.add_device(DEVICE, TypedChannel("Gate", purpose="curiosity"))


async def test_a_camera_is_replaced_by_its_name(
    site: Site, desk: LocalDeviceDesk, drivers: FakeDrivers
) -> None:
    drivers.answers["rtsp://192.168.1.9/s"] = Described(told_of("192.168.1.9"))
    await desk.add_untested(TypedDevice("rtsp://192.168.1.8/s"), TypedChannel("Gate"))
    (before,) = await site.devices.cameras()
    await desk.replace_device("Gate", TypedDevice("rtsp://192.168.1.9/s"), 0)
    (after,) = await site.devices.cameras()
    assert (after.channel_id, after.main.id) == (before.channel_id, before.main.id)
    assert after.main.address == "rtsp://192.168.1.9/m0"
    with pytest.raises(AppError) as caught:
        await desk.replace_device("Nobody", DEVICE, 0)
    assert caught.value.kind is ErrorKind.MISSING


async def test_a_table_goes_in_line_by_line(site: Site, desk: LocalDeviceDesk) -> None:
    text = (
        f"name,address,group\nGate,onvif://{HOST},\nAway,onvif://192.168.1.99,\nLost,10.0.0.1,West\nBad,,\n"
    )
    read = await desk.read_table(text)
    assert [(row.line, row.is_good) for row in read] == [(2, True), (3, True), (4, False), (5, False)]
    done = [await desk.import_line(text, row.line, TypedLogin()) for row in read]
    assert [row.is_good for row in done] == [True, False, False, False]
    assert "unreachable" in done[1].words
    assert [camera.name for camera in await site.devices.cameras()] == ["Gate"]
    again = await desk.import_line(text, 2, TypedLogin())
    assert (again.is_good, "already there" in again.words) == (False, True)


async def test_the_login_of_a_table_is_for_lines_without_one(
    desk: LocalDeviceDesk, drivers: FakeDrivers
) -> None:
    text = f"name,address,username,password\nGate,onvif://{HOST},,\nYard,onvif://{HOST}1,its own,secret\n"
    login = TypedLogin("installer", "open-sesame")
    for line in (2, 3):
        await desk.import_line(text, line, login)
    assert {device.username for _, device in drivers.asked if HOST + "1" not in device.address} == {
        "installer"
    }
    assert {device.username for _, device in drivers.asked if HOST + "1" in device.address} == {"its own"}
    assert "open-sesame" not in repr(login)


async def test_without_a_server_devices_are_not_asked(site: Site) -> None:
    desk = LocalDeviceDesk(site)
    for attempt in (
        desk.try_device(DEVICE, 0),
        desk.add_device(DEVICE, TypedChannel("Gate")),
        desk.discover(),
        desk.drivers(),
    ):
        with pytest.raises(AppError, match="civiscope up") as caught:
            await attempt
        assert caught.value.kind is ErrorKind.UNAVAILABLE
    added = await desk.add_untested(TypedDevice("rtsp://192.168.1.8/s"), TypedChannel("Gate"))
    assert added.address == "rtsp://192.168.1.8/s"
