"""Trying a device: who takes the address, which trouble is told, and that it ends in time."""

import asyncio
from dataclasses import replace

import pytest
from tests.devices.fake_drivers import FakeDrivers, told_of, trouble

from civiscope.base import SystemClock
from civiscope.devices import (
    Adding,
    Described,
    DeviceDescription,
    DeviceDraft,
    DeviceIdentity,
    OfferedInput,
    OfferedStream,
    OpenedStream,
    StreamAddress,
    Transport,
    Trouble,
    TroubleError,
    TroubleReport,
)
from civiscope.media import Codec, TrackConfig
from civiscope.security import Secret

HOST = "192.168.1.20"
SERVICE = f"http://{HOST}/onvif/device_service"


class FakeOpener:
    """A stream that opens, or the trouble."""

    def __init__(self) -> None:
        self.opened: list[StreamAddress] = []
        self.limits_s: list[float] = []
        self.trouble: TroubleReport | None = None
        self.in_clear = False

    async def open(self, stream: StreamAddress, limit_s: float) -> OpenedStream:
        self.opened.append(stream)
        self.limits_s.append(limit_s)
        if self.trouble:
            raise TroubleError(self.trouble)
        track = TrackConfig(1, Codec.H264, 90_000, width_px=1280, height_px=720)
        return OpenedStream((track,), b"\xff\xd8", Transport.TCP, self.in_clear)


@pytest.fixture
def drivers() -> FakeDrivers:
    return FakeDrivers()


@pytest.fixture
def opener() -> FakeOpener:
    return FakeOpener()


@pytest.fixture
def adding(drivers: FakeDrivers, opener: FakeOpener) -> Adding:
    return Adding(drivers, opener, SystemClock())


async def test_an_onvif_device_is_asked_and_its_main_stream_opened(
    adding: Adding, drivers: FakeDrivers, opener: FakeOpener
) -> None:
    drivers.answers[SERVICE] = Described(told_of(HOST, inputs=2))
    draft = DeviceDraft(f"onvif://admin:open-sesame@{HOST}")
    tried = await adding.try_device(draft, 1)
    assert tried.trouble is None
    assert tried.cautions == ()
    assert tried.asked.draft.driver == "onvif"
    assert tried.opened is not None
    ((driver, device),) = drivers.asked
    assert (driver, device.address, device.username, device.password) == (
        "onvif",
        SERVICE,
        "admin",
        "open-sesame",
    )
    (stream,) = opener.opened
    assert (stream.url, stream.username, stream.password.reveal()) == (
        f"rtsp://{HOST}/m1",
        "admin",
        "open-sesame",
    )
    assert 4 < opener.limits_s[0] < 6
    assert "open-sesame" not in repr(tried)


async def test_a_bare_host_is_asked_everywhere_and_onvif_wins(adding: Adding, drivers: FakeDrivers) -> None:
    onvif = f"http://{HOST}:8000/onvif/device_service"
    drivers.answers[onvif] = Described(told_of(HOST))
    drivers.delays_s[onvif] = 0.05
    plain = replace(told_of(HOST), identity=DeviceIdentity())
    drivers.answers[f"rtsp://{HOST}/"] = Described(plain)
    asked = await adding.ask(DeviceDraft(HOST, username="admin", password=Secret("x")))
    assert (asked.draft.driver, asked.draft.address) == ("onvif", onvif)
    assert {device.address for _, device in drivers.asked} == {
        *(f"http://{HOST}{port}/onvif/device_service" for port in ("", ":8080", ":8000", ":2020", ":8899")),
        f"rtsp://{HOST}/",
        f"rtsp://{HOST}:8554/",
    }


async def test_a_bare_host_without_onvif_is_taken_by_rtsp(adding: Adding, drivers: FakeDrivers) -> None:
    drivers.answers[f"rtsp://{HOST}:8554/"] = Described(told_of(HOST))
    asked = await adding.ask(DeviceDraft(HOST))
    assert (asked.draft.driver, asked.draft.address) == ("rtsp", f"rtsp://{HOST}:8554/")


async def test_a_typed_port_is_the_only_one_asked(adding: Adding, drivers: FakeDrivers) -> None:
    await adding.ask(DeviceDraft(f"{HOST}:81"))
    assert {device.address for _, device in drivers.asked} == {
        f"http://{HOST}:81/onvif/device_service",
        f"rtsp://{HOST}:81/",
    }


@pytest.mark.parametrize(
    ("troubles", "told"),
    [
        ([Trouble.REFUSED, Trouble.AUTHENTICATION, Trouble.STREAM], Trouble.AUTHENTICATION),
        ([Trouble.CERTIFICATE, Trouble.STREAM], Trouble.CERTIFICATE),
        ([Trouble.NOT_A_CAMERA, Trouble.STREAM], Trouble.STREAM),
        ([Trouble.NOT_A_CAMERA, Trouble.REFUSED], Trouble.NOT_A_CAMERA),
        ([Trouble.REFUSED], Trouble.REFUSED),
        ([], Trouble.UNREACHABLE),
    ],
)
async def test_the_most_telling_trouble_is_told(
    adding: Adding, drivers: FakeDrivers, troubles: list[Trouble], told: Trouble
) -> None:
    ports = ("", ":8080", ":8000", ":2020")
    for port, kind in zip(ports, troubles, strict=False):
        drivers.answers[f"http://{HOST}{port}/onvif/device_service"] = trouble(kind)
    tried = await adding.try_device(DeviceDraft(HOST))
    assert tried.trouble is not None
    assert tried.trouble.trouble is told
    assert tried.asked.draft.address == HOST
    assert tried.opened is None


async def test_a_silent_device_ends_in_time(
    adding: Adding, drivers: FakeDrivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("civiscope.devices.adding._ASK_LIMIT_S", 0.05)
    drivers.delays_s[SERVICE] = 60
    tried = await asyncio.wait_for(adding.try_device(DeviceDraft(SERVICE)), 5)
    assert tried.trouble is not None
    assert (tried.trouble.trouble, HOST in tried.trouble.words) == (Trouble.TIMEOUT, True)


async def test_a_stream_that_does_not_open_is_a_trouble(
    adding: Adding, drivers: FakeDrivers, opener: FakeOpener
) -> None:
    drivers.answers[SERVICE] = Described(told_of(HOST))
    opener.trouble = TroubleReport(Trouble.CODEC, "It sends VC-1.", "Set it to H.264.")
    tried = await adding.try_device(DeviceDraft(SERVICE))
    assert tried.trouble == opener.trouble
    assert tried.asked.told is not None


async def test_an_input_that_is_not_there_is_a_trouble(
    adding: Adding, drivers: FakeDrivers, opener: FakeOpener
) -> None:
    drivers.answers[SERVICE] = Described(told_of(HOST))
    tried = await adding.try_device(DeviceDraft(SERVICE), 3)
    assert tried.trouble is not None
    assert tried.trouble.trouble is Trouble.STREAM
    assert opener.opened == []


@pytest.mark.parametrize(
    ("offset_ms", "code"),
    [(1_999, None), (-2_001, "clock"), (86_400_000 * 3, "clock_day"), (None, None)],
)
async def test_a_clock_is_a_caution(
    adding: Adding, drivers: FakeDrivers, offset_ms: int | None, code: str | None
) -> None:
    drivers.answers[SERVICE] = Described(told_of(HOST, offset_ms=offset_ms))
    tried = await adding.try_device(DeviceDraft(SERVICE))
    assert tried.trouble is None
    assert [one.code for one in tried.cautions] == ([code] if code else [])


async def test_other_cautions(adding: Adding, drivers: FakeDrivers, opener: FakeOpener) -> None:
    told: DeviceDescription = replace(told_of(HOST, sub=False), warnings=("Its firmware is old.",))
    drivers.answers[SERVICE] = Described(told)
    opener.in_clear = True
    tried = await adding.try_device(DeviceDraft(SERVICE))
    assert [one.code for one in tried.cautions] == ["device", "password_in_clear", "no_sub_stream"]


@pytest.mark.parametrize("address", ["", "exec:ls", "ftp://cam/", "http://169.254.169.254/"])
async def test_what_is_no_address_is_told_as_such(adding: Adding, address: str) -> None:
    tried = await adding.try_device(DeviceDraft(address))
    assert tried.trouble is not None
    assert tried.trouble.trouble is Trouble.ADDRESS


async def test_a_file_without_leave_is_refused(adding: Adding, drivers: FakeDrivers) -> None:
    asked = await adding.ask(DeviceDraft("file:///etc/passwd"))
    assert asked.trouble is not None
    assert (asked.trouble.trouble, "import_folders" in asked.trouble.words) == (Trouble.ADDRESS, True)
    told = OfferedStream("main", "", "file:///etc/passwd")
    lying = replace(told_of(HOST), inputs=(OfferedInput(0, "", "", (told,)),))
    drivers.answers[SERVICE] = Described(lying)
    tried = await adding.try_device(DeviceDraft(SERVICE))
    assert tried.trouble is not None
    assert tried.trouble.trouble is Trouble.STREAM


async def test_while_the_driver_host_is_away_it_is_said(adding: Adding, drivers: FakeDrivers) -> None:
    drivers.is_away = True
    tried = await adding.try_device(DeviceDraft(HOST))
    assert tried.trouble is not None
    assert tried.trouble.trouble is Trouble.DRIVER
