"""Simulated devices on real sockets, and the driver's way to them."""

import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from civiscope.base import SystemClock
from civiscope.devices import ANY_PORT, DeviceAddress, DeviceGate, DriverPorts, GateRules
from civiscope.media.wire import Credentials
from civiscope.simulator import Footage, OnvifFaults, OnvifServer, SimulatedCamera, SimulatedDevice

USER = Credentials("admin", "harbour-canary-7")
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")

Harm = Callable[..., None]


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Footage]:
    """A second of a large and of a small picture."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed: it makes the clips")
    folder = tmp_path_factory.mktemp("clips")
    made = {}
    for name, size in (("main", "1280x720"), ("sub", "352x240")):
        path = folder / f"{name}.mp4"
        recipe = (
            f"-f lavfi -i testsrc2=s={size}:r=15 -t 1 -c:v libx264 -preset ultrafast -bf 0 -g 15 -threads 1"
        )
        command = ["ffmpeg", "-v", "error", "-nostdin", *recipe.split(), str(path)]
        subprocess.run(command, check=True, timeout=60)
        made[name] = Footage.load(path)
    return made


@pytest.fixture
def ports() -> DriverPorts:
    """The gate as the town's: this machine with leave, and private networks."""
    return DriverPorts(SystemClock(), DeviceGate(GateRules(loopback_ports=(ANY_PORT,))))


@pytest.fixture
def device(footage: dict[str, Footage]) -> SimulatedDevice:
    return SimulatedDevice(
        "Pier",
        SimulatedCamera("pier", footage["main"]),
        SimulatedCamera("pier-sub", footage["sub"]),
        users=(USER,),
        snapshot=JPEG,
    )


@pytest.fixture
async def pier(device: SimulatedDevice) -> AsyncIterator[OnvifServer]:
    async with OnvifServer([device]) as server:
        yield server


@pytest.fixture
def address(pier: OnvifServer) -> DeviceAddress:
    return DeviceAddress(pier.url("Pier"), USER.username, USER.password)


@pytest.fixture
def harm(device: SimulatedDevice) -> Harm:
    """Give the device faults."""

    def give(**changes: object) -> None:
        device.faults = replace(OnvifFaults(), **changes)  # type: ignore[arg-type]  # names checked at run time

    return give
