"""Devices as in the field, answered by hand: dead ports, HTTP Digest, one profile, odd pull points."""

import asyncio
import re
import socket

import pytest
from tests.devices.onvif.hand import (
    CLOCK,
    INFORMATION,
    HandMade,
    Reply,
    encoder_configuration,
    hand_made,
    profile,
    services,
)

from civiscope.base import AppError, SystemClock
from civiscope.devices import (
    DesiredSettings,
    DeviceAddress,
    DeviceDescription,
    Drift,
    DriverPorts,
    Trouble,
    TroubleError,
)
from civiscope.devices.drivers.onvif import DRIVER

URI = "<GetStreamUriResponse><MediaUri><Uri>rtsp://127.0.0.1:{}/live</Uri></MediaUri></GetStreamUriResponse>"
BASE = {"GetSystemDateAndTime": CLOCK, "GetDeviceInformation": INFORMATION}
ONE_PROFILE = f"<GetProfilesResponse>{profile('p1', 'e1', (1920, 1080))}</GetProfilesResponse>"
TWO_PROFILES = ONE_PROFILE.replace("</Get", profile("p2", "e2", (640, 360)) + "</Get")
ONLY_SUB = DesiredSettings(clock=False)


def url(device: HandMade, service: str = "device_service", port: int = 0) -> str:
    return f"http://127.0.0.1:{port or device.port}/onvif/{service}"


async def describe(
    device: HandMade, ports: DriverPorts, user: tuple[str, str] = ("", "")
) -> DeviceDescription:
    async with DRIVER.reach(DeviceAddress(url(device), *user), ports) as equipment:
        return await equipment.describe()


async def test_a_port_told_where_nothing_listens_is_replaced(ports: DriverPorts) -> None:
    """As behind a forwarded port: the device tells the one it knows itself."""
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        async with hand_made({**BASE, "GetProfiles": ONE_PROFILE, "GetStreamUri": URI.format(554)}) as device:
            device.replies["GetServices"] = services(media=url(device, "media", dead.getsockname()[1]))
            found = await describe(device, ports)
    assert [stream.url for stream in found.inputs[0].streams] == ["rtsp://127.0.0.1:554/live"]
    assert any("the port typed is used" in warning for warning in found.warnings)


async def test_a_device_without_services_is_asked_for_capabilities(ports: DriverPorts) -> None:
    """As captures of older devices: its own address in every service, which is not the one typed."""
    media = "<Media><XAddr>http://192.168.1.123/onvif/media_service</XAddr></Media>"
    told = f"<GetCapabilitiesResponse><Capabilities>{media}</Capabilities></GetCapabilitiesResponse>"
    replies = {**BASE, "GetCapabilities": told, "GetProfiles": ONE_PROFILE, "GetStreamUri": URI.format(554)}
    async with hand_made(replies) as device:
        found = await describe(device, ports)
    assert found.inputs[0].streams[0].profile == "main"
    assert any("the address typed is used" in warning for warning in found.warnings)


async def test_http_digest(ports: DriverPorts) -> None:
    replies = {**BASE, "GetProfiles": ONE_PROFILE, "GetStreamUri": URI.format(554)}
    async with hand_made(replies, asks_digest=("admin", "right")) as device:
        device.replies["GetServices"] = services(media=url(device, "media"))
        found = await describe(device, ports, ("admin", "right"))
        assert found.identity.maker == "Hand"
        with pytest.raises(TroubleError) as caught:
            await describe(device, ports, ("admin", "wrong"))
        assert caught.value.report.trouble is Trouble.AUTHENTICATION


async def test_requests_are_signed_by_the_devices_clock(ports: DriverPorts) -> None:
    """The device says it is 2026-01-02 01:02:03, whatever we think."""
    async with hand_made({**BASE, "GetProfiles": ONE_PROFILE}) as device:
        device.replies["GetServices"] = services(media=url(device, "media"))
        found = await describe(device, ports, ("admin", "right"))
        (request,) = device.requests("GetDeviceInformation")
    created = re.search(r"Created[^>]*>([^<]+)<", request)
    assert created
    assert created[1].startswith("2026-01-02T01:02:0")
    assert created[1].endswith("Z")
    assert "PasswordDigest" in request
    assert "right" not in request
    assert not found.inputs[0].streams
    assert any("offers no stream" in warning for warning in found.warnings)
    assert "Username" not in device.requests("GetSystemDateAndTime")[0]


@pytest.mark.parametrize("version", ["media", "media2"])
async def test_a_sub_stream_is_made_where_there_is_none(ports: DriverPorts, version: str) -> None:
    made: list[str] = []

    def profiles(_request: str) -> str:
        return (TWO_PROFILES if made else ONE_PROFILE) if version == "media" else _newer(bool(made))

    def create(request: str) -> str:
        made.append(request)
        return '<CreateProfileResponse><Profile token="p2"/><Token>p2</Token></CreateProfileResponse>'

    free = encoder_configuration("e2", (352, 288), "Configurations")
    replies: dict[str, Reply] = {
        **BASE, "GetProfiles": profiles, "CreateProfile": create,
        "GetCompatibleVideoEncoderConfigurations":
            f"<GetCompatibleVideoEncoderConfigurationsResponse>{free}</GetCompatibleVideoEncoderConfigurationsResponse>",
        "GetVideoEncoderConfigurations":
            f"<GetVideoEncoderConfigurationsResponse>{free}</GetVideoEncoderConfigurationsResponse>",
        "AddVideoSourceConfiguration": "<AddVideoSourceConfigurationResponse/>",
        "AddVideoEncoderConfiguration": "<AddVideoEncoderConfigurationResponse/>",
    }  # fmt: skip
    async with hand_made(replies) as device:
        device.replies["GetServices"] = services(**{version: url(device, "media")})
        async with DRIVER.reach(DeviceAddress(url(device)), ports) as equipment:
            assert [one.setting for one in await equipment.compare(ONLY_SUB)] == ["sub.profile"]
            drift = await equipment.configure(ONLY_SUB)
    assert len(made) == 1
    assert "sub.profile" not in [one.setting for one in drift]
    if version == "media":
        assert len(device.requests("AddVideoEncoderConfiguration")) == 1
    else:
        assert "e2" in made[0]


def _newer(is_made: bool) -> str:
    encoders = [("p1", "e1", (1920, 1080)), ("p2", "e2", (640, 360))][: 1 + is_made]
    told = ""
    for token, encoder, size in encoders:
        told += f'<Profiles token="{token}"><Name>{token}</Name><Configurations><VideoSource token="vs">'
        told += "<SourceToken>source</SourceToken></VideoSource>"
        told += encoder_configuration(encoder, size, "VideoEncoder") + "</Configurations></Profiles>"
    return f"<GetProfilesResponse>{told}</GetProfilesResponse>"


async def test_a_device_that_makes_no_profiles_keeps_its_drift(ports: DriverPorts) -> None:
    async with hand_made({**BASE, "GetProfiles": ONE_PROFILE}) as device:
        device.replies["GetServices"] = services(media=url(device, "media"))
        async with DRIVER.reach(DeviceAddress(url(device)), ports) as equipment:
            assert await equipment.configure(ONLY_SUB) == (
                Drift(0, "sub.profile", "a stream of its own", "none"),
            )


async def test_reference_parameters_of_a_subscription_go_back_and_it_is_ended(ports: DriverPorts) -> None:
    """As makers do who serve every subscription at one address and tell them apart by a header."""
    pulled: list[str] = []

    def pull(request: str) -> str:
        pulled.append(request)
        return (
            "<PullMessagesResponse><NotificationMessage><Topic>tns1:Device/Trigger</Topic><Message><Message/>"
            "</Message></NotificationMessage></PullMessagesResponse>"
        )

    async with hand_made({**BASE, "PullMessages": pull, "Unsubscribe": "<UnsubscribeResponse/>"}) as device:
        device.replies["GetServices"] = services(events=url(device, "events"))
        device.replies["CreatePullPointSubscription"] = (
            "<CreatePullPointSubscriptionResponse><SubscriptionReference>"
            f"<Address>{url(device, 'all')}</Address>"
            '<ReferenceParameters><Id xmlns="urn:maker">17</Id></ReferenceParameters></SubscriptionReference>'
            "</CreatePullPointSubscriptionResponse>"
        )
        async with DRIVER.reach(DeviceAddress(url(device)), ports) as equipment, asyncio.timeout(10):
            notifications = equipment.notifications()
            assert (await anext(notifications)).topic == "Device/Trigger"
            assert (await anext(notifications)).topic == "Device/Trigger"
            await notifications.aclose()  # type: ignore[attr-defined]  # an async generator
    assert len(pulled) == 2
    (ended,) = device.requests("Unsubscribe")
    for request in (*pulled, ended):
        assert re.search(r'Id[^>]*xmlns[^>]*"urn:maker"[^>]*>17<', request)
        assert f"{url(device, 'all')}</" in request, "the address it is sent to (WS-Addressing)"
    assert "PullMessagesRequest</" in pulled[0], "the action (WS-Addressing)"


async def test_a_device_without_events_says_so(ports: DriverPorts) -> None:
    async with (
        hand_made({**BASE, "GetServices": services(media="http://127.0.0.1/x")}) as device,
        DRIVER.reach(DeviceAddress(url(device)), ports) as equipment,
    ):
        with pytest.raises(AppError, match="does not tell of that service"):
            await anext(equipment.notifications())


async def test_a_device_that_tells_of_nothing_is_told(ports: DriverPorts) -> None:
    async with hand_made(BASE) as device:
        with pytest.raises(TroubleError) as caught:
            await describe(device, ports)
    assert caught.value.report.trouble is Trouble.STREAM


class _HastyClock(SystemClock):
    """Half a minute passes with every look at it."""

    def __init__(self) -> None:
        self._looks = 0

    def monotonic_us(self) -> int:
        """Microseconds, much too many."""
        self._looks += 1
        return self._looks * 30_000_000


@pytest.mark.parametrize("knows", [True, False])
async def test_subscriptions_are_renewed_where_that_is_known(ports: DriverPorts, knows: bool) -> None:
    message = "<NotificationMessage><Topic>tns1:Device/Trigger</Topic></NotificationMessage>"
    replies: dict[str, Reply] = {
        **BASE,
        "PullMessages": f"<PullMessagesResponse>{message}</PullMessagesResponse>",
    }
    if knows:
        replies["Renew"] = "<RenewResponse/>"
    hasty = DriverPorts(_HastyClock(), ports.gate)
    async with hand_made(replies) as device:
        device.replies["GetServices"] = services(events=url(device, "events"))
        device.replies["CreatePullPointSubscription"] = (
            "<CreatePullPointSubscriptionResponse><SubscriptionReference>"
            f"<Address>{url(device, 'one')}</Address></SubscriptionReference>"
            "</CreatePullPointSubscriptionResponse>"
        )
        async with DRIVER.reach(DeviceAddress(url(device)), hasty) as equipment, asyncio.timeout(10):
            notifications = equipment.notifications()
            for _ in range(3):
                await anext(notifications)
            await notifications.aclose()  # type: ignore[attr-defined]  # an async generator
        assert len(device.requests("Renew")) == (3 if knows else 1)
        assert len(device.requests("PullMessages")) == 3
