"""What each service answers, asked with plain SOAP: clock, encoders, picture, steering."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from tests.simulator.onvif.asker import Asker, token_header
from tests.simulator.onvif.conftest import ADMIN, MakeDevice

from civiscope.base import ManualClock
from civiscope.simulator import (
    DeviceTraits,
    EncoderFault,
    Footage,
    OnvifFaults,
    OnvifServer,
    SimulatedCamera,
    SimulatedDevice,
)


@pytest.fixture
def asker(pier: OnvifServer) -> Asker:
    return Asker(pier.url("Pier"), ADMIN)


# -- device


async def test_the_clock_can_be_set_and_is_the_devices_own(pier: OnvifServer, asker: Asker) -> None:
    wanted = datetime.now(UTC) + timedelta(days=40)
    date = f"<tt:Year>{wanted.year}</tt:Year><tt:Month>{wanted.month}</tt:Month><tt:Day>{wanted.day}</tt:Day>"
    time = "<tt:Hour>7</tt:Hour><tt:Minute>8</tt:Minute><tt:Second>9</tt:Second>"
    inner = f"<tds:UTCDateTime><tt:Time>{time}</tt:Time><tt:Date>{date}</tt:Date></tds:UTCDateTime>"
    kind = "<tds:DateTimeType>Manual</tds:DateTimeType><tds:DaylightSavings>false</tds:DaylightSavings>"
    reply = await asker.ask(f"<tds:SetSystemDateAndTime>{kind}{inner}</tds:SetSystemDateAndTime>")
    assert reply.status == 200
    told = await asker.ask("<tds:GetSystemDateAndTime/>", header="")
    path = ("tds:SystemDateAndTime", "tt:UTCDateTime")
    assert int(told.text(*path, "tt:Date", "tt:Day")) == wanted.day
    assert [told.text(*path, "tt:Time", f"tt:{part}") for part in ("Hour", "Minute")] == ["7", "8"]
    assert (await asker.ask("<tds:GetDeviceInformation/>")).status == 400, "our token is forty days old there"
    later = token_header(ADMIN, timedelta(microseconds=pier.device("Pier").clock_offset_us))
    assert (await asker.ask("<tds:GetDeviceInformation/>", header=later)).status == 200


@pytest.mark.parametrize("month", ["13", "0", "x", "", "-1"])
async def test_a_time_that_is_none_is_refused(asker: Asker, month: str) -> None:
    date = f"<tt:Year>2026</tt:Year><tt:Month>{month}</tt:Month><tt:Day>1</tt:Day>"
    time = "<tt:Hour>7</tt:Hour><tt:Minute>8</tt:Minute><tt:Second>9</tt:Second>"
    inner = f"<tds:UTCDateTime><tt:Time>{time}</tt:Time><tt:Date>{date}</tt:Date></tds:UTCDateTime>"
    kind = "<tds:DateTimeType>Manual</tds:DateTimeType>"
    reply = await asker.ask(f"<tds:SetSystemDateAndTime>{kind}{inner}</tds:SetSystemDateAndTime>")
    assert reply.subcodes == ["ter:InvalidArgVal", "ter:InvalidDateTime"]


async def test_ntp_needs_a_server_and_then_sets_the_clock_right(pier: OnvifServer, asker: Asker) -> None:
    pier.device("Pier").clock_offset_us = 60_000_000
    by_ntp = "<tds:SetSystemDateAndTime><tds:DateTimeType>NTP</tds:DateTimeType></tds:SetSystemDateAndTime>"
    assert (await asker.ask(by_ntp)).subcodes[-1] == "ter:NtpServerUndefined"
    manual = (
        "<tds:NTPManual><tt:Type>IPv4</tt:Type><tt:IPv4Address>192.0.2.5</tt:IPv4Address></tds:NTPManual>"
    )
    set_ntp = f"<tds:SetNTP><tds:FromDHCP>false</tds:FromDHCP>{manual}</tds:SetNTP>"
    assert (await asker.ask(set_ntp)).status == 200
    assert (await asker.ask(by_ntp)).status == 200
    told = await asker.ask("<tds:GetNTP/>")
    assert told.texts("tt:IPv4Address") == ["192.0.2.5"]
    assert pier.device("Pier").clock_offset_us == 0


async def test_services_are_told_where_they_are(pier: OnvifServer, asker: Asker) -> None:
    told = await asker.ask("<tds:GetServices/>")
    addresses = told.texts("tds:XAddr")
    assert len(addresses) == 6
    assert addresses[2] == pier.url("Pier").replace("device_service", "media2_service")
    for address in addresses:
        name = urlsplit(address).path.rpartition("/")[2]
        prefix = {"media2_service": "tr2", "imaging_service": "timg", "ptz_service": "tptz",
                  "media_service": "trt", "events_service": "tev"}.get(name, "tds")  # fmt: skip
        assert (await asker.ask(f"<{prefix}:GetServiceCapabilities/>", name, header="")).status == 200


async def test_what_a_device_lacks_is_not_there(footage: dict[str, Footage]) -> None:
    traits = DeviceTraits(has_ptz=False, has_media2=False, has_events=False, has_imaging=False)
    device = SimulatedDevice("Bare", SimulatedCamera("bare", footage["small.mp4"]), traits=traits)
    async with OnvifServer([device]) as server:
        asker = Asker(server.url("Bare"))
        assert len((await asker.ask("<tds:GetServices/>")).texts("tds:XAddr")) == 2
        assert (await asker.ask("<tptz:GetNodes/>", "ptz_service")).status == 404
        snapshot = "<trt:GetSnapshotUri><trt:ProfileToken>main</trt:ProfileToken></trt:GetSnapshotUri>"
        assert (await asker.ask(snapshot, "media_service")).subcodes == ["ter:ActionNotSupported"]
        assert (await asker.ask("<tds:GetUsers/>")).status == 200, "nobody has a password, so all may"


async def test_an_unknown_operation_is_a_fault(asker: Asker) -> None:
    reply = await asker.ask("<tds:MakeCoffee/>")
    assert (reply.status, reply.subcodes) == (500, ["ter:ActionNotSupported"])
    assert (await asker.ask("<trt:GetProfiles/>")).status == 500, "another service's operation"


# -- media


async def test_encoder_settings_are_kept_and_rounded(asker: Asker) -> None:
    wish = (
        '<tr2:Configuration token="sub" GovLength="9999" Profile="High"><tt:Name>x</tt:Name>'
        "<tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>"
        "<tt:Resolution><tt:Width>640</tt:Width><tt:Height>360</tt:Height></tt:Resolution>"
        '<tt:RateControl ConstantBitRate="true"><tt:FrameRateLimit>5.4</tt:FrameRateLimit>'
        "<tt:BitrateLimit>1</tt:BitrateLimit></tt:RateControl><tt:Quality>4</tt:Quality></tr2:Configuration>"
    )
    wish = f"<tr2:SetVideoEncoderConfiguration>{wish}</tr2:SetVideoEncoderConfiguration>"
    assert (await asker.ask(wish, "media2_service")).status == 200
    token = "<tr2:ConfigurationToken>sub</tr2:ConfigurationToken>"
    ask = f"<tr2:GetVideoEncoderConfigurations>{token}</tr2:GetVideoEncoderConfigurations>"
    told = await asker.ask(ask, "media2_service")
    (found,) = list(told.told)
    assert (found.get("token"), found.get("GovLength"), found.get("Profile")) == ("sub", "400", "High")
    assert (told.texts("tt:Width"), told.texts("tt:FrameRateLimit")) == (["640"], ["5"])
    assert told.texts("tt:BitrateLimit") == ["64"]
    ask = "<trt:GetVideoEncoderConfiguration><trt:ConfigurationToken>sub</trt:ConfigurationToken>"
    old = await asker.ask(f"{ask}</trt:GetVideoEncoderConfiguration>", "media_service")
    assert (old.texts("tt:Height"), old.texts("tt:GovLength")) == (["360"], ["400"]), (
        "both services tell one truth"
    )


def small_wish(width_px: int, fps: int = 5) -> str:
    size = f"<tt:Width>{width_px}</tt:Width><tt:Height>360</tt:Height>"
    rate = f"<tt:FrameRateLimit>{fps}</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval>"
    inner = f"<tt:Resolution>{size}</tt:Resolution><tt:RateControl>{rate}</tt:RateControl>"
    configuration = f'<trt:Configuration token="sub">{inner}</trt:Configuration>'
    return f"<trt:SetVideoEncoderConfiguration>{configuration}</trt:SetVideoEncoderConfiguration>"


async def test_a_size_that_is_not_offered_is_refused(asker: Asker) -> None:
    reply = await asker.ask(small_wish(641), "media_service")
    assert reply.subcodes == ["ter:InvalidArgVal", "ter:ConfigModify"]


@pytest.mark.parametrize(
    ("fault", "status", "width_px", "fps"),
    [
        (EncoderFault.IGNORES, 200, 160, 15.0),
        (EncoderFault.REFUSES, 400, 160, 15.0),
        (EncoderFault.HALVES_FPS, 200, 640, 2.5),
    ],
)
async def test_stubborn_encoders(
    pier: OnvifServer, asker: Asker, fault: EncoderFault, status: int, width_px: int, fps: float
) -> None:
    pier.device("Pier").faults = OnvifFaults(encoder=fault)
    assert (await asker.ask(small_wish(640), "media_service")).status == status
    found = pier.device("Pier").encodings["sub"]
    assert (found.width_px, found.fps) == (width_px, fps)


async def test_h265_is_for_the_second_media_service(footage: dict[str, Footage]) -> None:
    device = SimulatedDevice("New", SimulatedCamera("new", footage["h265_pcma.mov"]))
    async with OnvifServer([device]) as server:
        asker = Asker(server.url("New"))
        types = "<tr2:GetProfiles><tr2:Type>All</tr2:Type></tr2:GetProfiles>"
        assert (await asker.ask(types, "media2_service")).texts("tt:Encoding") == ["H265", "PCMA"]
        assert (await asker.ask("<trt:GetProfiles/>", "media_service")).texts("tt:Encoding") == ["G711"]
        options = await asker.ask("<tr2:GetVideoEncoderConfigurationOptions/>", "media2_service")
        assert options.texts("tt:Encoding") == ["H265", "H264", "JPEG"]


async def test_an_unknown_profile_is_a_fault(asker: Asker) -> None:
    for prefix, service in (("trt", "media_service"), ("tr2", "media2_service")):
        token = f"<{prefix}:ProfileToken>attic</{prefix}:ProfileToken>"
        reply = await asker.ask(f"<{prefix}:GetStreamUri>{token}</{prefix}:GetStreamUri>", service)
        assert reply.subcodes == ["ter:InvalidArgVal", "ter:NoProfile"]


# -- imaging


async def test_the_picture_is_set_within_its_limits(asker: Asker) -> None:
    source = "<timg:VideoSourceToken>source</timg:VideoSourceToken>"

    def wish(inner: str) -> str:
        settings = f"<timg:ImagingSettings>{inner}</timg:ImagingSettings>"
        return f"<timg:SetImagingSettings>{source}{settings}</timg:SetImagingSettings>"

    inner = "<tt:Brightness>61.5</tt:Brightness><tt:IrCutFilter>OFF</tt:IrCutFilter>"
    assert (await asker.ask(wish(inner), "imaging_service")).status == 200
    told = await asker.ask(f"<timg:GetImagingSettings>{source}</timg:GetImagingSettings>", "imaging_service")
    assert told.texts("tt:Brightness") + told.texts("tt:IrCutFilter") == ["61.5", "OFF"]
    assert told.texts("tt:Contrast") == ["50"]
    for bad in ("<tt:Contrast>101</tt:Contrast>", "<tt:Contrast>NaN</tt:Contrast>"):
        assert (await asker.ask(wish(bad), "imaging_service")).subcodes[0] == "ter:InvalidArgVal"


# -- steering


@pytest.fixture
async def steered(make_device: MakeDevice) -> "Steered":
    device = make_device("Mast")
    device.clock = ManualClock(int(datetime.now(UTC).timestamp()) * 1_000_000)
    return Steered(device)


class Steered:
    """A device whose clock the test moves, and short words for its head."""

    def __init__(self, device: SimulatedDevice) -> None:
        self.device = device
        self.pass_s: Callable[[float], None] = lambda s: device.clock.advance(int(s * 1e6))  # type: ignore[attr-defined]  # the manual one

    async def ask(self, operation: str, inner: str = "") -> list[str]:
        """Subcodes of the fault; none when it was done."""
        async with OnvifServer([self.device]) as server:
            body = f"<tptz:{operation}><tptz:ProfileToken>main</tptz:ProfileToken>{inner}</tptz:{operation}>"
            reply = await Asker(server.url("Mast"), ADMIN).ask(body, "ptz_service")
        self.told = reply
        return [] if reply.status == 200 else reply.subcodes

    async def where(self) -> tuple[float, float, float, str]:
        """Pan, tilt, zoom and whether it moves."""
        assert await self.ask("GetStatus") == []
        turn, zoom = (
            self.told.told.find(f".//{{http://www.onvif.org/ver10/schema}}{name}")
            for name in ("PanTilt", "Zoom")
        )
        assert turn is not None
        assert zoom is not None
        state = self.told.text("tptz:PTZStatus", "tt:MoveStatus", "tt:PanTilt")
        return float(turn.get("x", "")), float(turn.get("y", "")), float(zoom.get("x", "")), state


def vector(name: str, pan: float, tilt: float, zoom: float) -> str:
    return f'<tptz:{name}><tt:PanTilt x="{pan}" y="{tilt}"/><tt:Zoom x="{zoom}"/></tptz:{name}>'


async def test_it_moves_while_time_passes_and_stops_by_itself(steered: Steered) -> None:
    timeout = "<tptz:Timeout>PT0.6S</tptz:Timeout>"
    assert await steered.ask("ContinuousMove", vector("Velocity", 0.5, -0.25, 1) + timeout) == []
    steered.pass_s(0.4)
    assert await steered.where() == (0.2, -0.1, 0.4, "MOVING")
    steered.pass_s(5)
    assert await steered.where() == (0.3, -0.15, 0.6, "IDLE")


async def test_it_stops_when_told_and_at_its_ends(steered: Steered) -> None:
    await steered.ask("ContinuousMove", vector("Velocity", 1, 0, 0))
    steered.pass_s(0.5)
    assert await steered.ask("Stop") == []
    steered.pass_s(3)
    assert await steered.where() == (0.5, 0, 0, "IDLE")
    await steered.ask("ContinuousMove", vector("Velocity", 1, 1, -1))
    steered.pass_s(9)
    assert await steered.where() == (1, 1, 0, "IDLE")


async def test_it_goes_to_places_and_keeps_them(steered: Steered) -> None:
    assert await steered.ask("AbsoluteMove", vector("Position", -0.5, 0.25, 1)) == []
    steered.pass_s(0.25)
    assert await steered.where() == (-0.25, 0.25, 0.25, "MOVING")
    steered.pass_s(1)
    assert await steered.where() == (-0.5, 0.25, 1, "IDLE")
    assert await steered.ask("SetPreset", "<tptz:PresetName>Gate</tptz:PresetName>") == []
    token = steered.told.text("tptz:PresetToken")
    assert await steered.ask("SetPreset", "<tptz:PresetName>Gate</tptz:PresetName>") == [
        "ter:InvalidArgVal",
        "ter:PresetExist",
    ]
    await steered.ask("GotoHomePosition")
    steered.pass_s(3)
    assert (await steered.where())[:3] == (0, 0, 0)
    preset = f"<tptz:PresetToken>{token}</tptz:PresetToken>"
    assert await steered.ask("GotoPreset", preset) == []
    steered.pass_s(3)
    assert (await steered.where())[:3] == (-0.5, 0.25, 1)
    assert await steered.ask("RelativeMove", vector("Translation", 0.1, -1, 0.5)) == []
    steered.pass_s(3)
    assert (await steered.where())[:3] == (-0.4, -0.75, 1)
    assert await steered.ask("RemovePreset", preset) == []
    assert await steered.ask("GotoPreset", preset) == ["ter:InvalidArgVal", "ter:NoToken"]


@pytest.mark.parametrize(
    "bad",
    [
        vector("Position", 1.5, 0, 0),
        vector("Position", 0, 0, -0.5),
        '<tptz:Position><tt:PanTilt x="a" y="0"/></tptz:Position>',
    ],
)
async def test_beyond_its_limits_is_refused(steered: Steered, bad: str) -> None:
    assert (await steered.ask("AbsoluteMove", bad))[0] == "ter:InvalidArgVal"
    steered.pass_s(1)
    assert (await steered.where())[:3] == (0, 0, 0)


async def test_two_devices_do_not_share_anything(make_device: MakeDevice) -> None:
    async with OnvifServer([make_device("Pier"), make_device("Lock")]) as server:
        for name, host in (("Pier", "one"), ("Lock", "two")):
            body = f"<tds:SetHostname><tds:Name>{host}</tds:Name></tds:SetHostname>"
            assert (await Asker(server.url(name), ADMIN).ask(body)).status == 200
        told = await asyncio.gather(
            *(Asker(server.url(name)).ask("<tds:GetHostname/>") for name in ("Pier", "Lock"))
        )
        assert [one.texts("tt:Name") for one in told] == [["one"], ["two"]]
        endpoints = {device.endpoint for device in server.devices}
        assert len(endpoints) == 2
