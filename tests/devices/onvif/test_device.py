"""The driver against the simulated device: all that the contract of `Equipment` names, over sockets."""

import asyncio
from dataclasses import replace

import pytest
from tests.devices.onvif.conftest import JPEG, Harm

from civiscope.base import AppError, ErrorKind
from civiscope.devices import (
    Ability,
    DesiredSettings,
    DeviceAddress,
    Drift,
    DriverPorts,
    EncoderWish,
    Equipment,
    Notification,
    PtzMove,
    PtzPreset,
    TroubleError,
)
from civiscope.devices.drivers.onvif import DRIVER
from civiscope.devices.drivers.onvif.connection import Connection
from civiscope.devices.drivers.onvif.library import Documents, Request
from civiscope.devices.drivers.onvif.session import Session
from civiscope.simulator import DeviceTraits, EncoderFault, OnvifServer, SimulatedDevice

SECOND_US = 1_000_000


async def test_it_describes(
    pier: OnvifServer, device: SimulatedDevice, address: DeviceAddress, ports: DriverPorts
) -> None:
    async with DRIVER.reach(address, ports) as equipment:
        found = await equipment.describe()
    assert (found.identity.maker, found.identity.model) == ("Civiscope", "Simulated camera")
    assert (found.identity.serial, found.identity.firmware) == (device.serial, "1.0")
    assert found.identity.endpoint == f"urn:uuid:{device.endpoint}"
    assert [(one.index, one.token, one.name) for one in found.inputs] == [(0, "source", "Whole picture")]
    main, sub = found.inputs[0].streams
    assert (main.profile, main.codec, main.width_px, main.height_px, main.fps) == (
        "main",
        "h264",
        1280,
        720,
        15,
    )
    assert (sub.profile, sub.width_px, sub.height_px, sub.gop_frames) == ("sub", 352, 240, 15)
    assert main.bitrate_bps is not None
    assert main.url == pier.streams.url("pier")
    assert found.inputs[0].has_ptz
    assert set(found.abilities) == set(Ability) - {Ability.DISCOVERY}
    assert found.clock_offset_ms is not None
    assert abs(found.clock_offset_ms) < 1_500
    assert found.warnings == ()


async def test_it_describes_by_the_older_media_service(
    pier: OnvifServer, device: SimulatedDevice, address: DeviceAddress, ports: DriverPorts
) -> None:
    async with DRIVER.reach(address, ports) as equipment:
        newer = await equipment.describe()
    device.traits = DeviceTraits(has_media2=False)
    async with DRIVER.reach(address, ports) as equipment:
        older = await equipment.describe()
    assert older.inputs == newer.inputs
    assert "GetStreamUri" in device.requests


async def test_a_broken_media2_service_falls_back_to_the_older_one(
    address: DeviceAddress, ports: DriverPorts, harm: Harm
) -> None:
    harm(media2_is_broken=True)
    async with DRIVER.reach(address, ports) as equipment:
        found = await equipment.describe()
    assert [stream.profile for stream in found.inputs[0].streams] == ["main", "sub"]


async def test_a_picture(address: DeviceAddress, ports: DriverPorts) -> None:
    async with DRIVER.reach(address, ports) as equipment:
        assert await equipment.snapshot(0) == JPEG
        with pytest.raises(AppError, match="no such stream or picture"):
            await equipment.snapshot(1)


@pytest.mark.parametrize(
    ("offset_s", "word"), [(5, "s ahead of"), (-7, "s behind"), (-3 * 86_400, "days behind")]
)
async def test_a_wrong_clock_is_told_and_does_not_shut_us_out(
    address: DeviceAddress, ports: DriverPorts, harm: Harm, offset_s: int, word: str
) -> None:
    harm(clock_offset_us=offset_s * SECOND_US)
    async with DRIVER.reach(address, ports) as equipment:
        found = await equipment.describe()
    assert found.clock_offset_ms is not None
    assert abs(found.clock_offset_ms - offset_s * 1000) < 1_500
    assert len(found.warnings) == 1
    assert word in found.warnings[0]


@pytest.mark.parametrize("has_media2", [True, False])
async def test_wishes_are_compared_written_and_read_back(
    device: SimulatedDevice, address: DeviceAddress, ports: DriverPorts, has_media2: bool
) -> None:
    device.traits = DeviceTraits(has_media2=has_media2)
    wanted = DesiredSettings()
    async with DRIVER.reach(address, ports) as equipment:
        before = await equipment.compare(wanted)
    assert [drift.setting for drift in before] == ["sub.resolution", "sub.fps", "sub.gop"]
    assert before[0] == Drift(0, "sub.resolution", "640x360", "352x240")
    async with DRIVER.reach(address, ports) as equipment:
        assert await equipment.configure(wanted) == ()
        assert await equipment.compare(wanted) == ()
    encoding = device.encodings["sub"]
    assert (encoding.width_px, encoding.height_px, encoding.fps, encoding.gop_frames) == (640, 360, 5.0, 10)
    assert not encoding.is_constant_bitrate
    assert device.encodings["main"].width_px == 1280


@pytest.mark.parametrize(
    ("fault", "settings"),
    [
        (EncoderFault.IGNORES, ["sub.resolution", "sub.fps", "sub.gop"]),
        (EncoderFault.REFUSES, ["sub.resolution", "sub.fps", "sub.gop"]),
        (EncoderFault.HALVES_FPS, ["sub.fps", "sub.gop"]),
    ],
)
async def test_what_does_not_stick_is_drift(
    address: DeviceAddress, ports: DriverPorts, harm: Harm, fault: EncoderFault, settings: list[str]
) -> None:
    harm(encoder=fault)
    async with DRIVER.reach(address, ports) as equipment:
        drift = await equipment.configure(DesiredSettings())
        assert [one.setting for one in drift] == settings
        assert await equipment.compare(DesiredSettings()) == drift


async def test_a_rate_that_is_not_offered_is_honest_drift(address: DeviceAddress, ports: DriverPorts) -> None:
    wanted = DesiredSettings(sub=EncoderWish(fps=7.0, codec="h265"))
    async with DRIVER.reach(address, ports) as equipment:
        drift = await equipment.configure(wanted)
    assert drift == (Drift(0, "sub.fps", "7", "6"),)


async def test_the_main_stream_and_constant_rate(
    device: SimulatedDevice, address: DeviceAddress, ports: DriverPorts
) -> None:
    wish = EncoderWish("h265", 704, 576, 12.0, is_variable_bitrate=False, gop_s=1.0, bitrate_bps=900_000)
    async with DRIVER.reach(address, ports) as equipment:
        assert await equipment.configure(DesiredSettings(sub=None, main=wish)) == ()
    encoding = device.encodings["main"]
    assert (encoding.codec, encoding.bitrate_kbps, encoding.gop_frames) == ("H265", 900, 12)
    assert encoding.is_constant_bitrate


async def test_the_clock_is_set(device: SimulatedDevice, address: DeviceAddress, ports: DriverPorts) -> None:
    device.clock_offset_us = -400 * 86_400 * SECOND_US
    wanted = DesiredSettings(sub=None)
    async with DRIVER.reach(address, ports) as equipment:
        assert [drift.setting for drift in await equipment.compare(wanted)] == ["clock"]
        assert await equipment.configure(wanted) == ()
    assert abs(device.clock_offset_us) < 2 * SECOND_US
    async with DRIVER.reach(address, ports) as equipment:
        assert await equipment.compare(wanted) == ()


async def test_a_time_server_is_set(
    device: SimulatedDevice, address: DeviceAddress, ports: DriverPorts
) -> None:
    wanted = DesiredSettings(sub=None, ntp_server="192.168.1.1")
    async with DRIVER.reach(address, ports) as equipment:
        assert await equipment.compare(wanted) == (Drift(0, "ntp", "192.168.1.1", "none"),)
        assert await equipment.configure(wanted) == ()
    assert (device.ntp_server, device.is_ntp_used) == ("192.168.1.1", True)


async def test_a_device_that_refuses_its_clock_keeps_its_drift(
    device: SimulatedDevice, address: DeviceAddress, ports: DriverPorts, harm: Harm
) -> None:
    harm(soap_faults={"SetSystemDateAndTime": "ter:ActionNotSupported"}, clock_offset_us=60 * SECOND_US)
    async with DRIVER.reach(address, ports) as equipment:
        drift = await equipment.configure(DesiredSettings(sub=None))
    assert [one.setting for one in drift] == ["clock"]


async def test_it_moves(device: SimulatedDevice, address: DeviceAddress, ports: DriverPorts) -> None:
    async with DRIVER.reach(address, ports) as equipment:
        await equipment.ptz_move(0, PtzMove(pan=0.5, zoom=0.25, for_s=1.0))
        assert (await equipment.ptz_status(0)).is_moving
        await equipment.ptz_move(0, PtzMove())
        status = await equipment.ptz_status(0)
        assert not status.is_moving
        assert status.pan is not None
        assert status.pan > 0
        kept = await equipment.ptz_keep(0, "Gate & quay")
        assert (await equipment.ptz_status(0)).presets == (kept,) == (PtzPreset(kept.token, "Gate & quay"),)
        await equipment.ptz_goto(0, kept.token)
        with pytest.raises(AppError) as caught:
            await equipment.ptz_goto(0, "none-of-these")
        assert caught.value.kind is ErrorKind.UNAVAILABLE
        with pytest.raises(AppError, match="cannot be moved"):
            await equipment.ptz_status(1)
    assert "ContinuousMove" in device.requests
    assert "Stop" in device.requests


async def test_a_camera_that_stands_still_says_so(
    device: SimulatedDevice, address: DeviceAddress, ports: DriverPorts
) -> None:
    device.traits = DeviceTraits(has_ptz=False, has_imaging=False, has_events=False)
    async with DRIVER.reach(address, ports) as equipment:
        found = await equipment.describe()
        assert not {Ability.PTZ, Ability.IMAGING, Ability.EVENTS} & set(found.abilities)
        with pytest.raises(AppError, match="cannot be moved"):
            await equipment.ptz_move(0, PtzMove(pan=1.0))


async def test_notifications_come_and_the_subscription_ends(
    device: SimulatedDevice, address: DeviceAddress, ports: DriverPorts
) -> None:
    async with DRIVER.reach(address, ports) as equipment:
        notifications = equipment.notifications()
        first = asyncio.ensure_future(anext(notifications))
        await _until(lambda: "PullMessages" in device.requests)
        device.notify("tns1:VideoSource/MotionAlarm", {"Source": "source"}, {"State": "true"})
        async with asyncio.timeout(10):
            heard = await first
        assert (heard.topic, heard.operation) == ("VideoSource/MotionAlarm", "Changed")
        assert (heard.source, heard.data) == ((("Source", "source"),), (("State", "true"),))
        assert abs(heard.at_us - ports.clock.now_us()) < 10 * SECOND_US
        await notifications.aclose()  # type: ignore[attr-defined]  # an async generator
    assert device.requests[-1] == "Unsubscribe"


async def test_a_lost_subscription_raises(
    device: SimulatedDevice, address: DeviceAddress, ports: DriverPorts, harm: Harm
) -> None:
    harm(pull_point_dies_after=1)
    device.notify("tns1:Device/Trigger", {}, {"State": "true"}, "Initialized")
    heard: list[Notification] = []

    async def listen(equipment: Equipment) -> None:
        async for notification in equipment.notifications():
            heard.append(notification)

    async with DRIVER.reach(address, ports) as equipment, asyncio.timeout(15):
        with pytest.raises(AppError):
            await listen(equipment)
    assert heard[0].topic == "Device/Trigger"


async def _until(fact: object) -> None:
    async with asyncio.timeout(10):
        while not fact():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_imaging_can_be_asked(address: DeviceAddress, ports: DriverPorts) -> None:
    """No face of ours shows it yet; the ability is told only where it works."""
    async with Connection(address, ports) as connection:
        session = Session(address, connection, ports.clock, Documents())
        await session.open()
        request = Request("imaging", "GetImagingSettings", {"VideoSourceToken": "source"})
        assert (await session.call(request)).value("ImagingSettings", "Brightness") == "50"


async def test_one_try_with_a_wrong_password_is_one_failure(
    device: SimulatedDevice, address: DeviceAddress, ports: DriverPorts
) -> None:
    """Cameras lock a user out after a few."""
    async with DRIVER.reach(replace(address, password="wrong"), ports) as equipment:
        with pytest.raises(TroubleError):
            await equipment.describe()
    assert device.requests.count("GetDeviceInformation") <= 2
    assert "GetProfiles" not in device.requests
