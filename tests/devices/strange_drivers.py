"""Drivers of no equipment: each does one thing a stranger's plug-in may do. Written for the host's port."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint

from pydantic import BaseModel

from civiscope.devices import (
    Ability,
    DesiredSettings,
    DeviceAddress,
    DeviceDescription,
    DeviceIdentity,
    Drift,
    Driver,
    DriverPorts,
    Equipment,
    FoundDevice,
    Notification,
    OfferedInput,
    OfferedStream,
    PtzMove,
    PtzPreset,
    PtzStatus,
    Trouble,
    TroubleError,
    TroubleReport,
)

SECRET = "canary-9f3b"
LISTENING: list[str] = []
"""Who hears at this moment, over all hosts of the tests."""


def description(url: str = "rtsp://10.0.0.9/main") -> DeviceDescription:
    """One input with one stream."""
    stream = OfferedStream("main", "t", url)
    return DeviceDescription(DeviceIdentity(maker="Acme"), (OfferedInput(0, "i", "Lens", (stream,)),), ())


@dataclass
class Actor:
    """Equipment that acts as its address says: `fake://<act>`."""

    act: str
    ports: DriverPorts

    async def describe(self) -> DeviceDescription:
        match self.act:
            case "wait":
                await asyncio.sleep(60)
            case "block":
                time.sleep(1.5)  # what a plug-in must not do
            case "stubborn":
                for _ in range(30):
                    try:
                        await asyncio.sleep(0.1)
                    except asyncio.CancelledError:
                        continue
            case "raise":
                raise KeyError(SECRET)
            case "exit":
                raise OSError(SECRET)
            case "trouble":
                raise TroubleError(TroubleReport(Trouble.AUTHENTICATION, "Refused.", "Type it again."))
            case "nonsense":
                return "a description"  # type: ignore[return-value]  # what a plug-in may do
            case "disk":
                return description("file:///etc/shadow")
        return description()

    async def snapshot(self, index: int) -> bytes:
        return b"\xff\xd8 picture" if index == 0 else b"<html>"

    async def compare(self, wanted: DesiredSettings) -> tuple[Drift, ...]:
        return (Drift(0, "clock", "within 2 s", "an hour"),)

    async def configure(self, wanted: DesiredSettings) -> tuple[Drift, ...]:
        return ()

    async def ptz_status(self, index: int) -> PtzStatus:
        return PtzStatus(0.0, 0.0, None, False, ())

    async def ptz_move(self, index: int, move: PtzMove) -> None:
        return

    async def ptz_goto(self, index: int, preset: str) -> None:
        return

    async def ptz_keep(self, index: int, name: str) -> PtzPreset:
        return PtzPreset("1", name)

    async def notifications(self) -> AsyncIterator[Notification]:
        LISTENING.append(self.act)
        try:
            async for one in self._told():
                yield one
        finally:
            LISTENING.remove(self.act)

    async def _told(self) -> AsyncIterator[Notification]:
        if self.act == "lost":
            raise OSError(SECRET)
        for number in range(50 if self.act == "flood" else 1):
            yield Notification(
                number, "Device/Trigger\x00", "Changed", (("a" * 999, "b" * 9999),) * 99, (("x", "1"),)
            )
        await asyncio.sleep(60)


@asynccontextmanager
async def reach(device: DeviceAddress, ports: DriverPorts) -> AsyncIterator[Equipment]:
    """Asks the gate about 10.0.0.9 as a real driver asks it about its peer."""
    act = device.address.removeprefix("fake://")
    ports.gate.check("10.0.0.9", 80)
    yield Actor(act, ports)


async def discover(ports: DriverPorts, listen_s: float) -> tuple[FoundDevice, ...]:
    """Two, one of them heard twice."""
    one = FoundDevice("lie", "urn:uuid:1", ("http://10.0.0.9/onvif/device_service", "http://u:p@10.0.0.9/"))
    return (one, one, FoundDevice("lie", "urn:uuid:2", ("http://10.0.0.10/",), name="x" * 999))


async def discover_badly(ports: DriverPorts, listen_s: float) -> tuple[FoundDevice, ...]:
    """Fails."""
    raise RuntimeError(SECRET)


class Wishes(BaseModel, extra="forbid", frozen=True):
    """A setting."""

    channel: int = 1


EVENTS = frozenset({Ability.EVENTS, Ability.SNAPSHOT})
GOOD = Driver("good", "Good", frozenset({"fake"}), reach, EVENTS, discover, Wishes, 0.5)
OTHER = Driver("other", "Other", frozenset({"fake"}), reach, deadline_s=0.5)
DEAF = Driver("deaf", "Deaf", frozenset({"fake"}), reach, EVENTS, discover_badly, deadline_s=0.5)
NOT_A_DRIVER = "a string"
MISNAMED = Driver("somebody", "Else", frozenset({"fake"}), reach)
LAZY = Driver("lazy", "Lazy", frozenset({"fake"}), reach, deadline_s=60)
HOMELESS = Driver("homeless", "Homeless", frozenset(), reach)


@dataclass
class Found:
    """Entry points as an installation would have them."""

    points: list[EntryPoint] = field(default_factory=list)

    def add(self, name: str, value: str) -> "Found":
        """One more."""
        self.points.append(EntryPoint(name, value, "civiscope.drivers.v1"))
        return self


def installed() -> list[EntryPoint]:
    """All of the above."""
    here = "tests.devices.strange_drivers"
    found = Found()
    for name in ("good", "other", "deaf", "lazy", "homeless"):
        found.add(name, f"{here}:{name.upper()}")
    found.add("text", f"{here}:NOT_A_DRIVER").add("misnamed", f"{here}:MISNAMED")
    found.add("gone", "no.such.module:DRIVER").add("exits", "tests.devices.module_that_exits:DRIVER")
    found.add("twice", f"{here}:GOOD").add("twice", f"{here}:OTHER")
    return found.points
