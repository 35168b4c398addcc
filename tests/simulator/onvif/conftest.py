"""Simulated ONVIF devices made of clips of a second, served in the test's own process."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from civiscope.media.wire import Credentials
from civiscope.simulator import DeviceUser, Footage, OnvifServer, SimulatedCamera, SimulatedDevice, UserLevel

ADMIN = Credentials("admin", "harbour-7")
OPERATOR = Credentials("operator", "pilot-12")
VIEWER = Credentials("viewer", "gull-31")
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")

MakeDevice = Callable[[str], SimulatedDevice]


@pytest.fixture(scope="session")
def footage(clips: dict[str, Path]) -> dict[str, Footage]:
    return {name: Footage.load(clips[name]) for name in ("h264_aac.mp4", "small.mp4", "h265_pcma.mov")}


@pytest.fixture
def make_device(footage: dict[str, Footage]) -> MakeDevice:
    def make(name: str) -> SimulatedDevice:
        path = name.lower().replace(" ", "-")
        return SimulatedDevice(
            name,
            SimulatedCamera(path, footage["h264_aac.mp4"]),
            SimulatedCamera(f"{path}-sub", footage["small.mp4"]),
            users=(
                ADMIN,
                DeviceUser(OPERATOR, UserLevel.OPERATOR),
                DeviceUser(VIEWER, UserLevel.USER),
            ),
            snapshot=JPEG,
        )

    return make


@pytest.fixture
async def pier(make_device: MakeDevice) -> AsyncIterator[OnvifServer]:
    """One device, called Pier."""
    async with OnvifServer([make_device("Pier")]) as server:
        yield server
