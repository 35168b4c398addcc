"""A hand-written driver host: devices by address, each with its answer, its delay, its drift."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from civiscope.base import AppError, ErrorKind, new_id
from civiscope.devices import (
    Ability,
    Described,
    DesiredSettings,
    DeviceAddress,
    DeviceDescription,
    DeviceIdentity,
    Drift,
    DriverInfo,
    EventSource,
    FoundDevice,
    GateRules,
    HostStanding,
    OfferedInput,
    OfferedStream,
    PtzMove,
    PtzPreset,
    PtzStatus,
    Trouble,
    TroubleReport,
)

ENDPOINT = "urn:uuid:4711"


def told_of(host: str, *, sub: bool = True, offset_ms: int | None = 0, inputs: int = 1) -> DeviceDescription:
    """An ONVIF device with everything."""

    def lens(index: int) -> OfferedInput:
        main = OfferedStream("main", f"M{index}", f"rtsp://{host}/m{index}", "h264", 1280, 720, 25.0)
        small = OfferedStream("sub", f"S{index}", f"rtsp://{host}/s{index}", "h264", 640, 360, 5.0)
        return OfferedInput(
            index,
            f"V{index}",
            f"Lens {index}",
            (main, small) if sub else (main,),
            has_ptz=True,
            has_audio=True,
        )

    identity = DeviceIdentity("Acme", "Dome 2", "1.0", "S-7", "H", ENDPOINT)
    lenses = tuple(lens(index) for index in range(inputs))
    abilities = (Ability.ENCODER, Ability.CLOCK, Ability.PTZ, Ability.EVENTS)
    return DeviceDescription(identity, lenses, abilities, offset_ms)


def trouble(kind: Trouble) -> Described:
    """An answer that is a trouble."""
    return Described(trouble=TroubleReport(kind, f"It is {kind.value}.", "Mend it."))


@dataclass
class FakeDrivers:
    """Implements `DriverFace`; an address that is not in `answers` is unreachable."""

    answers: dict[str, Described] = field(default_factory=dict)
    delays_s: dict[str, float] = field(default_factory=dict)
    drift: tuple[Drift, ...] = ()
    is_away: bool = False
    found: tuple[FoundDevice, ...] = ()
    asked: list[tuple[str, DeviceAddress]] = field(default_factory=list)
    configured: list[DesiredSettings] = field(default_factory=list)
    moves: list[tuple[int, PtzMove]] = field(default_factory=list)
    visits: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    compares: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    async def standing(self) -> HostStanding:
        return HostStanding(new_id(), None, 0)

    async def drivers(self) -> tuple[DriverInfo, ...]:
        self._here()
        return (DriverInfo("onvif", "ONVIF", ("http", "https"), (Ability.PTZ,), "loaded"),)

    async def apply_gate(self, rules: GateRules) -> None:
        raise NotImplementedError

    async def discover(self, listen_s: float) -> tuple[FoundDevice, ...]:
        self._here()
        return self.found

    async def describe(self, driver: str, device: DeviceAddress) -> Described:
        self._here()
        self.asked.append((driver, device))
        await asyncio.sleep(self.delays_s.get(device.address, 0))
        return self.answers.get(device.address, trouble(Trouble.UNREACHABLE))

    async def snapshot(self, driver: str, device: DeviceAddress, index: int) -> bytes:
        raise NotImplementedError

    async def compare(self, driver: str, device: DeviceAddress, wanted: DesiredSettings) -> tuple[Drift, ...]:
        self._here()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        self.compares[device.address] += 1
        return self.drift

    async def configure(
        self, driver: str, device: DeviceAddress, wanted: DesiredSettings
    ) -> tuple[Drift, ...]:
        self._here()
        self.configured.append(wanted)
        self.drift = ()
        return ()

    async def ptz_status(self, driver: str, device: DeviceAddress, index: int) -> PtzStatus:
        self._here()
        return PtzStatus(0.5, None, 0.0, False, (PtzPreset("1", "Gate"),))

    async def ptz_move(self, driver: str, device: DeviceAddress, index: int, move: PtzMove) -> None:
        self._here()
        self.moves.append((index, move))

    async def ptz_goto(self, driver: str, device: DeviceAddress, index: int, preset: str) -> None:
        self._here()
        self.visits.append(preset)

    async def ptz_keep(self, driver: str, device: DeviceAddress, index: int, name: str) -> PtzPreset:
        self._here()
        return PtzPreset("9", name)

    async def follow_events(self, sources: tuple[EventSource, ...]) -> None:
        raise NotImplementedError

    def _here(self) -> None:
        if self.is_away:
            raise AppError(ErrorKind.UNAVAILABLE, "The process role driver does not answer.")
