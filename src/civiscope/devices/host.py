"""The driver host: answers `DriverFace` with the plug-ins that are allowed, each in a cell of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from pydantic import ValidationError

from civiscope.base import AppError, Clock, DeviceId, ErrorKind, get_log, new_id
from civiscope.bus import Fact
from civiscope.devices.cell import Cell
from civiscope.devices.driver import (
    Driver,
    DriverInfo,
    DriverPorts,
    Equipment,
    EventSource,
    HostStanding,
)
from civiscope.devices.equipment import (
    Ability,
    Described,
    DesiredSettings,
    DeviceAddress,
    DeviceDescription,
    Drift,
    FoundDevice,
    PtzMove,
    PtzPreset,
    PtzStatus,
    Trouble,
    TroubleError,
    TroubleReport,
)
from civiscope.devices.following import Follower
from civiscope.devices.gate import DeviceGate, GateRules
from civiscope.devices.plugins import PlugIns
from civiscope.devices.tidying import tidy_description, tidy_found

T = TypeVar("T")
SNAPSHOT_LIMIT_BYTES = 8 * 1024 * 1024
FOUND_LIMIT = 1_000
LISTEN_LIMIT_S = 7.0
"""With a second to begin, one to end and one of grace it fits into the 10 s of a call."""
FOLLOWED_LIMIT = 2_000
_LISTEN_MARGIN_S = 1.0
_log = get_log("civiscope.devices.host")


class DriverHost:
    """Implements `DriverFace` in the process role `driver`; all calls on one loop.

    Nothing is reached before `apply_gate`. Whatever a driver does becomes a trouble or an `AppError`.
    `publish` is called from the drivers' threads.
    """

    def __init__(self, plug_ins: PlugIns, clock: Clock, publish: Callable[[Fact], None]) -> None:
        self._plug_ins = plug_ins
        self._clock = clock
        self._publish = publish
        self._run_id: UUID = new_id()
        self._rules: GateRules | None = None
        self._ports: DriverPorts | None = None
        self._cells: dict[str, Cell] = {}
        self._followed: dict[DeviceId, tuple[EventSource, Callable[[], None]]] = {}
        self._following = asyncio.Lock()
        """Who is followed changes by one call at a time: a follower that nobody knows would hear for ever."""

    async def standing(self) -> HostStanding:
        """Which life of this process it is, and its gate."""
        return HostStanding(self._run_id, self._rules, len(self._followed))

    async def drivers(self) -> tuple[DriverInfo, ...]:
        """Every installed driver; loads those that are allowed."""
        return await asyncio.to_thread(self._plug_ins.infos)

    async def apply_gate(self, rules: GateRules) -> None:
        """Another gate from now on; what was followed through the old one is followed anew."""
        if rules == self._rules:
            return
        self._ports = ports = DriverPorts(self._clock, DeviceGate(rules))
        self._rules = rules
        async with self._following:
            sources = tuple(source for source, _ in self._followed.values())
            self._end_followers(set(self._followed))
            for source in sources:
                await self._follow(source, ports)

    async def discover(self, listen_s: float) -> tuple[FoundDevice, ...]:
        """Ask by every driver that can, at once; one that fails takes nothing from the others."""
        ports = self._open_ports()
        listen_s = min(max(listen_s, 0.1), LISTEN_LIMIT_S)
        drivers = [await self._driver(one.name) for one in await self.drivers() if one.state == "loaded"]
        asked = [self._discover(one, ports, listen_s) for one in drivers if one.discover is not None]
        found: dict[str, FoundDevice] = {}
        for answers in await asyncio.gather(*asked):
            for one in answers:
                found.setdefault(one.endpoint or " ".join(one.addresses), one)
        return tuple(found.values())[:FOUND_LIMIT]

    async def describe(self, driver: str, device: DeviceAddress) -> Described:
        """Ask one device; whatever goes wrong on the way is a trouble."""
        try:
            plug_in = await self._driver(driver)
            found = await self._use(plug_in, device, lambda equipment: equipment.describe())
            return Described(description=_checked_description(plug_in, found))
        except TroubleError as error:
            return Described(trouble=error.report)
        except AppError as error:
            if error.kind in {ErrorKind.EXHAUSTED, ErrorKind.CONFLICT}:
                raise
            return Described(trouble=TroubleReport(Trouble.DRIVER, error.message, ""))

    async def snapshot(self, driver: str, device: DeviceAddress, index: int) -> bytes:
        """A JPEG of one input, checked for its mark and size."""
        plug_in = await self._driver(driver)
        found = await self._use(plug_in, device, lambda equipment: equipment.snapshot(index))
        if not isinstance(found, bytes) or found[:2] != b"\xff\xd8" or len(found) > SNAPSHOT_LIMIT_BYTES:
            raise AppError(ErrorKind.INVALID, "What the device sent is no JPEG of at most 8 MiB.")
        return found

    async def compare(self, driver: str, device: DeviceAddress, wanted: DesiredSettings) -> tuple[Drift, ...]:
        """What is not as wanted."""
        plug_in = await self._driver(driver)
        return await self._use(plug_in, device, lambda equipment: equipment.compare(wanted))

    async def configure(
        self, driver: str, device: DeviceAddress, wanted: DesiredSettings
    ) -> tuple[Drift, ...]:
        """Write it; what is left over."""
        plug_in = await self._driver(driver)
        return await self._use(plug_in, device, lambda equipment: equipment.configure(wanted))

    async def ptz_status(self, driver: str, device: DeviceAddress, index: int) -> PtzStatus:
        """Position and presets."""
        plug_in = await self._driver(driver)
        return await self._use(plug_in, device, lambda equipment: equipment.ptz_status(index))

    async def ptz_move(self, driver: str, device: DeviceAddress, index: int, move: PtzMove) -> None:
        """Move, or stop."""
        plug_in = await self._driver(driver)
        await self._use(plug_in, device, lambda equipment: equipment.ptz_move(index, move))

    async def ptz_goto(self, driver: str, device: DeviceAddress, index: int, preset: str) -> None:
        """Go to a stored position."""
        plug_in = await self._driver(driver)
        await self._use(plug_in, device, lambda equipment: equipment.ptz_goto(index, preset))

    async def ptz_keep(self, driver: str, device: DeviceAddress, index: int, name: str) -> PtzPreset:
        """Store the position."""
        plug_in = await self._driver(driver)
        return await self._use(plug_in, device, lambda equipment: equipment.ptz_keep(index, name))

    async def follow_events(self, sources: tuple[EventSource, ...]) -> None:
        """Hear these and no others; those heard already are left in peace. EXHAUSTED over 2,000."""
        if len(sources) > FOLLOWED_LIMIT:
            raise AppError(
                ErrorKind.EXHAUSTED, f"At most {FOLLOWED_LIMIT} devices are followed by one process."
            )
        self._open_ports()
        wanted = {source.device_id: source for source in sources}
        async with self._following:
            ports = self._open_ports()  # the gate may be another now
            same = {key for key, (source, _) in self._followed.items() if wanted.get(key) == source}
            self._end_followers(set(self._followed) - same)
            for key in wanted.keys() - same:
                await self._follow(wanted[key], ports)

    async def close(self) -> None:
        """End everything drivers do, within half a second."""
        self._end_followers(set(self._followed))
        await asyncio.gather(*(cell.close() for cell in self._cells.values()))

    async def _follow(self, source: EventSource, ports: DriverPorts) -> None:
        try:
            driver = await self._driver(source.driver)
        except AppError as error:
            _log.warning("a device is not followed", device=source.device_id, why=error.message)
            return
        if Ability.EVENTS not in driver.abilities or _misfit(driver, source.device):
            return
        follower = Follower(source, driver, ports, self._publish)
        self._followed[source.device_id] = (source, self._cell(driver).start(follower.run))

    def _end_followers(self, keys: set[DeviceId]) -> None:
        for key in keys:
            _, end = self._followed.pop(key)
            end()

    async def _discover(self, driver: Driver, ports: DriverPorts, listen_s: float) -> tuple[FoundDevice, ...]:
        async def ask() -> tuple[FoundDevice, ...]:
            assert driver.discover is not None  # those without were left out
            answers = await driver.discover(ports, listen_s)
            return tuple(tidy_found(one, driver.name) for one in answers[:FOUND_LIMIT])

        try:
            return await self._cell(driver).run(ask, listen_s + _LISTEN_MARGIN_S)
        except AppError as error:
            _log.warning("a driver found nothing", driver=driver.name, why=error.message)
            return ()

    async def _use(
        self, driver: Driver, device: DeviceAddress, ask: Callable[[Equipment], Awaitable[T]]
    ) -> T:
        ports = self._open_ports()
        misfit = _misfit(driver, device)
        if misfit is not None:
            raise TroubleError(misfit)

        async def reach_and_ask() -> T:
            async with driver.reach(device, ports) as equipment:
                return await ask(equipment)

        return await self._cell(driver).run(reach_and_ask, driver.deadline_s)

    async def _driver(self, name: str) -> Driver:
        """Loaded in a thread the first time: importing takes a second or two, which no deadline pays for."""
        return await asyncio.to_thread(self._plug_ins.load, name)

    def _cell(self, driver: Driver) -> Cell:
        return self._cells.setdefault(driver.name, Cell(driver.name))

    def _open_ports(self) -> DriverPorts:
        if self._ports is None:
            raise AppError(
                ErrorKind.UNAVAILABLE, "The driver host has not heard yet where devices may stand: try again."
            )
        return self._ports


def _misfit(driver: Driver, device: DeviceAddress) -> TroubleReport | None:
    """Why this driver cannot take this address or its settings."""
    scheme, mark, _ = device.address.partition("://")
    if not mark or scheme.lower() not in driver.schemes:
        return TroubleReport(
            Trouble.ADDRESS,
            f"The driver {driver.name} does not take addresses of this kind.",
            f"Type one that starts with {' or '.join(sorted(f'{one}://' for one in driver.schemes))}.",
        )
    try:
        driver.settings.model_validate_json(device.settings)
    except ValidationError as error:
        places = ", ".join(".".join(map(str, one["loc"])) or "all" for one in error.errors()[:5])
        return TroubleReport(
            Trouble.DRIVER,
            f"The settings for the driver {driver.name} do not fit ({places}).",
            "Correct them, or leave them out.",
        )
    return None


def _checked_description(driver: Driver, found: object) -> DeviceDescription:
    if not isinstance(found, DeviceDescription):
        raise TroubleError(
            TroubleReport(
                Trouble.DRIVER,
                f"The driver {driver.name} gave no description.",
                "Report it to the driver's maker.",
            )
        )
    return tidy_description(found, driver.schemes)
