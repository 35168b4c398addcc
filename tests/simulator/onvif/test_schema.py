"""Every answer is what the service descriptions say, element for element: read by a strict SOAP client.

The descriptions are ONVIF's own, from ../shared/specs; what they import from elsewhere is taken from the
copies inside the ONVIF client library, so that nothing is fetched.
"""

import asyncio
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import onvif  # type: ignore[import-untyped]  # it has no types
import pytest
import zeep
from tests.simulator.onvif.conftest import ADMIN
from zeep.transports import Transport
from zeep.wsse.username import UsernameToken

from civiscope.simulator import OnvifServer

SPECIFICATIONS = Path(__file__).resolve().parents[4] / "shared" / "specs" / "onvif" / "wsdl"
COPIES = Path(onvif.__file__).parent / "wsdl"

pytestmark = pytest.mark.skipif(
    not SPECIFICATIONS.exists(), reason="ONVIF's service descriptions are not here"
)

ENVELOPE = (
    b'<schema xmlns="http://www.w3.org/2001/XMLSchema" '
    b'targetNamespace="http://www.w3.org/2003/05/soap-envelope">'
    b'<complexType name="Envelope"/><complexType name="Fault"/></schema>'
)
"""Imported for an event's payload that no answer here has."""
PROFILE = {"ProfileToken": "main"}
Asked = tuple[str, Mapping[str, Any], Callable[[Any], object]]


class LocalTransport(Transport):
    """Fetches descriptions from the disk alone."""

    def load(self, url: str) -> bytes:
        """The description at this address, or its copy."""
        if not url.startswith("http"):
            return Path(url).read_bytes()
        if url.endswith("/2003/05/soap-envelope"):
            return ENVELOPE
        name = url.rstrip("/").rpartition("/")[2]
        found = sorted([*COPIES.rglob(name), *COPIES.rglob(f"{name}.xsd")])
        files = [path for path in found if path.is_file()]
        assert files, f"no copy of {url}"
        return files[0].read_bytes()


def client(wsdl: str) -> Any:
    """Untyped, as zeep is."""
    library: Any = zeep
    token: Any = UsernameToken
    transport: Any = LocalTransport
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return library.Client(
            str(SPECIFICATIONS / wsdl),
            wsse=token(ADMIN.username, ADMIN.password, use_digest=True),
            transport=transport(),
            settings=library.Settings(strict=True, xsd_ignore_sequence_order=False),
        )


NTP = {"Type": "DNS", "DNSname": "ntp.test"}
DEVICE: tuple[Asked, ...] = (
    ("GetDeviceInformation", {}, lambda told: told.Manufacturer == "Civiscope"),
    ("GetServices", {"IncludeCapability": False}, lambda told: len(told) == 6),
    ("GetServiceCapabilities", {}, lambda told: told.Security.UsernameToken),
    ("GetCapabilities", {"Category": "All"}, lambda told: told.PTZ.XAddr and told.Events.WSPullPointSupport),
    ("GetScopes", {}, lambda told: told[0].ScopeDef == "Fixed"),
    ("GetEndpointReference", {}, lambda told: told["GUID"].startswith("urn:uuid:")),
    ("GetHostname", {}, lambda told: told.Name.startswith("sim-")),
    ("GetNetworkInterfaces", {}, lambda told: told[0].Info.HwAddress.startswith("02:")),
    ("GetDiscoveryMode", {}, lambda told: told == "Discoverable"),
    ("GetSystemDateAndTime", {}, lambda told: told.UTCDateTime.Date.Year >= 2026),
    (
        "SetNTP",
        {"FromDHCP": False, "NTPManual": [{"Type": "DNS", "DNSname": "ntp.test"}]},
        lambda told: told is None,
    ),
    ("GetNTP", {}, lambda told: told.NTPManual[0].DNSname == "ntp.test"),
    ("GetUsers", {}, lambda told: [one.UserLevel for one in told] == ["Administrator", "Operator", "User"]),
    ("SystemReboot", {}, lambda told: "Reboot" in told),
)
MEDIA: tuple[Asked, ...] = (
    ("GetServiceCapabilities", {}, lambda told: told.SnapshotUri),
    ("GetProfiles", {}, lambda told: [one.token for one in told] == ["main", "sub"]),
    ("GetProfile", PROFILE, lambda told: told.VideoSourceConfiguration.Bounds.width == 320),
    ("GetProfile", PROFILE, lambda told: told.AudioEncoderConfiguration.Encoding == "AAC"),
    ("GetProfile", {"ProfileToken": "sub"}, lambda told: told.AudioSourceConfiguration is None),
    ("GetVideoSources", {}, lambda told: told[0].Resolution.Height == 240),
    ("GetVideoSourceConfigurations", {}, lambda told: told[0].SourceToken == "source"),
    ("GetVideoEncoderConfigurations", {}, lambda told: len(told) == 2),
    ("GetVideoEncoderConfiguration", {"ConfigurationToken": "sub"}, lambda told: told.H264.GovLength == 5),
    ("GetVideoEncoderConfigurationOptions", {}, lambda told: told.H264.FrameRateRange.Max == 25),
    ("GetStreamUri", {"StreamSetup": {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}, **PROFILE},
     lambda told: told.Uri.startswith("rtsp://127.0.0.1:")),
    ("GetSnapshotUri", PROFILE, lambda told: told.Uri.endswith("/onvif/1/snapshot/main")),
)  # fmt: skip
MEDIA2: tuple[Asked, ...] = (
    (
        "GetProfiles",
        {"Type": ["AudioEncoder"]},
        lambda told: told[0].Configurations.AudioEncoder.SampleRate == 16,
    ),
    ("GetServiceCapabilities", {}, lambda told: told.SnapshotUri),
    (
        "GetProfiles",
        {"Type": ["All"]},
        lambda told: told[1].Configurations.VideoEncoder.Resolution.Width == 160,
    ),
    ("GetVideoSourceConfigurations", {}, lambda told: told[0].SourceToken == "source"),
    ("GetVideoEncoderConfigurations", {}, lambda told: told[0].RateControl.FrameRateLimit == 15.0),
    ("GetVideoEncoderConfigurationOptions", {}, lambda told: told[0].GovLengthRange == [1, 400]),
    ("GetStreamUri", {"Protocol": "RtspUnicast", **PROFILE}, lambda told: told.startswith("rtsp://")),
    ("GetSnapshotUri", PROFILE, lambda told: told.startswith("http://")),
)
IMAGING: tuple[Asked, ...] = (
    ("GetServiceCapabilities", {}, lambda told: told.ImageStabilization is False),
    ("GetImagingSettings", {"VideoSourceToken": "source"}, lambda told: told.Brightness == 50),
    ("GetOptions", {"VideoSourceToken": "source"}, lambda told: told.Contrast.Max == 100),
)
SPEED = {"PanTilt": {"x": 0.5, "y": 0.0}, "Zoom": {"x": 0.0}}
PTZ: tuple[Asked, ...] = (
    ("GetServiceCapabilities", {}, lambda told: told.MoveStatus),
    (
        "GetNodes",
        {},
        lambda told: told[0].SupportedPTZSpaces.AbsolutePanTiltPositionSpace[0].XRange.Min == -1,
    ),
    ("GetConfigurations", {}, lambda told: told[0].NodeToken == "head"),
    ("GetStatus", PROFILE, lambda told: told.MoveStatus.PanTilt == "IDLE"),
    ("ContinuousMove", {"Velocity": SPEED, "Timeout": "PT5S", **PROFILE}, lambda told: told is None),
    ("GetStatus", PROFILE, lambda told: told.Position.PanTilt.x > 0 and told.MoveStatus.PanTilt == "MOVING"),
    ("Stop", {"PanTilt": True, "Zoom": True, **PROFILE}, lambda told: told is None),
    ("SetPreset", {"PresetName": "Gate", **PROFILE}, lambda told: told.startswith("preset-")),
    ("GetPresets", PROFILE, lambda told: told[0].Name == "Gate"),
    ("GotoHomePosition", PROFILE, lambda told: told is None),
)
EVENTS: tuple[Asked, ...] = (
    ("GetServiceCapabilities", {}, lambda told: told.MaxPullPoints == 10),
    ("GetEventProperties", {}, lambda told: told.FixedTopicSet),
    ("CreatePullPointSubscription", {"InitialTerminationTime": "PT60S"},
     lambda told: "/onvif/1/subscription/" in told.SubscriptionReference.Address["_value_1"]),
)  # fmt: skip


@pytest.mark.parametrize(
    ("wsdl", "binding", "service", "asked"),
    [
        ("ver10/device/wsdl/devicemgmt.wsdl", "ver10/device/wsdl}DeviceBinding", "device_service", DEVICE),
        ("ver10/media/wsdl/media.wsdl", "ver10/media/wsdl}MediaBinding", "media_service", MEDIA),
        ("ver20/media/wsdl/media.wsdl", "ver20/media/wsdl}Media2Binding", "media2_service", MEDIA2),
        ("ver20/imaging/wsdl/imaging.wsdl", "ver20/imaging/wsdl}ImagingBinding", "imaging_service", IMAGING),
        ("ver20/ptz/wsdl/ptz.wsdl", "ver20/ptz/wsdl}PTZBinding", "ptz_service", PTZ),
        ("ver10/events/wsdl/event-vs.wsdl", "ver10/events/wsdl}EventBinding", "events_service", EVENTS),
    ],
)
async def test_answers_are_what_the_descriptions_say(
    pier: OnvifServer, wsdl: str, binding: str, service: str, asked: tuple[Asked, ...]
) -> None:
    url = pier.url("Pier").replace("device_service", service)

    def ask_all() -> list[str]:
        """In a thread: this client blocks."""
        proxy = client(wsdl).create_service(f"{{http://www.onvif.org/{binding}", url)
        wrong = []
        for operation, parameters, is_right in asked:
            told = proxy[operation](**parameters)
            if not is_right(told):
                wrong.append(f"{operation}: {told}")
        return wrong

    assert await asyncio.to_thread(ask_all) == []
