"""The contract of a driver: how equipment of one kind is found, asked and steered. Protocols only.

A driver *controls*; it yields addresses, never pictures: transports (`ingest`) yield units. Drivers run in
the process role `driver`, which holds no vault and no keys, behind the device gate.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from pydantic import BaseModel

from civiscope.base import Clock, DeviceId
from civiscope.devices.equipment import (
    Ability,
    Described,
    DesiredSettings,
    DeviceAddress,
    DeviceDescription,
    Drift,
    FoundDevice,
    Notification,
    PtzMove,
    PtzPreset,
    PtzStatus,
)
from civiscope.devices.gate import DeviceGate, GateRules

DRIVER_ENTRY_POINTS = "civiscope.drivers.v1"
"""The entry point group by which drivers, ours too, are found; each names one `Driver` value."""


class Equipment(Protocol):
    """One device, reached. What it cannot do is AppError(UNAVAILABLE); see `TroubleError` for reaching it."""

    async def describe(self) -> DeviceDescription:
        """Everything about it, asked anew."""
        ...

    async def snapshot(self, index: int) -> bytes:
        """A JPEG of this input, at most 8 MiB."""
        ...

    async def compare(self, wanted: DesiredSettings) -> tuple[Drift, ...]:
        """What is not as wanted; changes nothing."""
        ...

    async def configure(self, wanted: DesiredSettings) -> tuple[Drift, ...]:
        """Write what is wanted; what could not be written is left over."""
        ...

    async def ptz_status(self, index: int) -> PtzStatus:
        """Position and presets."""
        ...

    async def ptz_move(self, index: int, move: PtzMove) -> None:
        """Move; all zero stops."""
        ...

    async def ptz_goto(self, index: int, preset: str) -> None:
        """Go to a stored position by its token."""
        ...

    async def ptz_keep(self, index: int, name: str) -> PtzPreset:
        """Store the present position under this name."""
        ...

    def notifications(self) -> AsyncIterator[Notification]:
        """Events until cancelled; raises when the device is lost, and the caller comes again."""
        ...


@dataclass(frozen=True, slots=True)
class DriverPorts:
    """What a driver may use of ours: the clock, and the gate for every connection it opens."""

    clock: Clock
    gate: DeviceGate


class Reach(Protocol):
    """Opens a device; the context ends the connection."""

    def __call__(
        self, device: DeviceAddress, ports: DriverPorts
    ) -> AbstractAsyncContextManager[Equipment]: ...


class Discover(Protocol):
    """Asks the network who is there."""

    async def __call__(self, ports: DriverPorts, listen_s: float) -> tuple[FoundDevice, ...]: ...


class NoSettings(BaseModel, extra="forbid", frozen=True):
    """The settings model of a driver without settings."""


@dataclass(frozen=True, slots=True)
class Driver:
    """A plug-in: one frozen value per kind of equipment, named by an entry point."""

    name: str
    """Small letters; stored with each device."""
    title: str
    """For people."""
    schemes: frozenset[str]
    """Schemes of addresses that it takes; the first driver of the allow-list that takes one is asked."""
    reach: Reach
    abilities: frozenset[Ability] = frozenset()
    discover: Discover | None = None
    settings: type[BaseModel] = NoSettings
    deadline_s: float = 6.0
    """Every call ends by then; the host gives up otherwise."""


@dataclass(frozen=True, slots=True)
class DriverInfo:
    """A driver as Health and the add page show it."""

    name: str
    title: str
    schemes: tuple[str, ...]
    abilities: tuple[Ability, ...]
    state: str
    """`loaded`, `not_allowed` (installed, not in the allow-list), `broken`."""
    why: str = ""
    settings_schema: str = "{}"
    """JSON schema of the settings model."""


@dataclass(frozen=True, slots=True)
class EventSource:
    """A device whose notifications are wanted."""

    device_id: DeviceId
    driver: str
    device: DeviceAddress


@dataclass(frozen=True, slots=True)
class HostStanding:
    """What the server must know of the driver host to put it right after a start."""

    run_id: UUID
    """Another one after each start: gate and events are to be applied anew."""
    gate: GateRules | None
    """None: nothing may be reached yet."""
    followed: int
    """Devices whose notifications are heard, or waited for."""


class DriverFace(Protocol):
    """The process role `driver` as the server calls it over the bus."""

    async def standing(self) -> HostStanding:
        """Which life of the host it is, and what it goes by; answers at once."""
        ...

    async def drivers(self) -> tuple[DriverInfo, ...]:
        """Every installed driver, loaded or not, and why."""
        ...

    async def apply_gate(self, rules: GateRules) -> None:
        """From now on connections go through this gate; before the first call nothing may be reached."""
        ...

    async def discover(self, listen_s: float) -> tuple[FoundDevice, ...]:
        """Ask the network by every driver that can; at most 10 s."""
        ...

    async def describe(self, driver: str, device: DeviceAddress) -> Described:
        """Ask one device; troubles are answers, not errors."""
        ...

    async def snapshot(self, driver: str, device: DeviceAddress, index: int) -> bytes:
        """A JPEG of one input."""
        ...

    async def compare(self, driver: str, device: DeviceAddress, wanted: DesiredSettings) -> tuple[Drift, ...]:
        """What is not as wanted."""
        ...

    async def configure(
        self, driver: str, device: DeviceAddress, wanted: DesiredSettings
    ) -> tuple[Drift, ...]:
        """Write it; what is left over."""
        ...

    async def ptz_status(self, driver: str, device: DeviceAddress, index: int) -> PtzStatus:
        """Position and presets."""
        ...

    async def ptz_move(self, driver: str, device: DeviceAddress, index: int, move: PtzMove) -> None:
        """Move, or stop."""
        ...

    async def ptz_goto(self, driver: str, device: DeviceAddress, index: int, preset: str) -> None:
        """Go to a stored position."""
        ...

    async def ptz_keep(self, driver: str, device: DeviceAddress, index: int, name: str) -> PtzPreset:
        """Store the position."""
        ...

    async def follow_events(self, sources: tuple[EventSource, ...]) -> None:
        """Hear these devices' notifications and no others; each is published as `DeviceNotified`."""
        ...
