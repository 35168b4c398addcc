"""One ONVIF device, reached: `Equipment` put together from its parts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from civiscope.base import AppError, ErrorKind, ProtocolError
from civiscope.devices.driver import DriverPorts, Equipment
from civiscope.devices.drivers.onvif.answers import Profile
from civiscope.devices.drivers.onvif.choice import lenses
from civiscope.devices.drivers.onvif.connection import Connection, host_and_port
from civiscope.devices.drivers.onvif.description import describe
from civiscope.devices.drivers.onvif.events import pull_notifications
from civiscope.devices.drivers.onvif.library import NAMESPACES, Documents
from civiscope.devices.drivers.onvif.media import Media
from civiscope.devices.drivers.onvif.ptz import Ptz
from civiscope.devices.drivers.onvif.session import Session, UnsupportedError, service_urls
from civiscope.devices.drivers.onvif.trouble import trouble
from civiscope.devices.drivers.onvif.wishes import Wishes
from civiscope.devices.equipment import (
    DesiredSettings,
    DeviceAddress,
    DeviceDescription,
    Drift,
    Notification,
    PtzMove,
    PtzPreset,
    PtzStatus,
    Trouble,
)

T = TypeVar("T")
CALL_LIMIT_S = 5.6
"""Of one call, opening included: a person is told within 6 s."""
WISHES_LIMIT_S = 7.4
"""Of comparing and writing, up to a dozen requests one after the other; the host gives up at 8 s."""


class OnvifDevice:
    """Opens its session with the first call; one device, one loop."""

    def __init__(self, session: Session, ports: DriverPorts, host: str, port: int) -> None:
        self._session = session
        self._ports = ports
        self._host = host
        self._port = port
        self._media: Media | None = None

    async def describe(self) -> DeviceDescription:
        """Everything about it, asked anew."""

        async def ask() -> DeviceDescription:
            try:
                return await describe(self._session, await self._opened())
            except UnsupportedError:
                raise trouble(Trouble.STREAM, self._host, self._port) from None

        return await self._within(ask())

    async def snapshot(self, index: int) -> bytes:
        """The device's own JPEG of this input."""

        async def ask() -> bytes:
            media = await self._opened()
            found = lenses(await media.profiles())
            main = found[index].main if 0 <= index < len(found) else None
            url = await media.snapshot_uri(main.token) if main else ""
            if not url:
                raise trouble(Trouble.STREAM, self._host, self._port)
            return await self._session.snapshot(self._session.from_here(url))

        return await self._within(ask())

    async def compare(self, wanted: DesiredSettings) -> tuple[Drift, ...]:
        """What is not as wanted; changes nothing."""

        async def ask() -> tuple[Drift, ...]:
            return await Wishes(self._session, await self._opened(), self._ports.clock).compare(wanted)

        return await self._within(ask(), WISHES_LIMIT_S)

    async def configure(self, wanted: DesiredSettings) -> tuple[Drift, ...]:
        """Write what is wanted; what could not be written is left over."""

        async def ask() -> tuple[Drift, ...]:
            return await Wishes(self._session, await self._opened(), self._ports.clock).configure(wanted)

        return await self._within(ask(), WISHES_LIMIT_S)

    async def ptz_status(self, index: int) -> PtzStatus:
        """Position and presets."""

        async def ask() -> PtzStatus:
            return await (await self._ptz(index)).status()

        return await self._within(ask())

    async def ptz_move(self, index: int, move: PtzMove) -> None:
        """Move; all zero stops."""

        async def ask() -> None:
            await (await self._ptz(index)).move(move)

        await self._within(ask())

    async def ptz_goto(self, index: int, preset: str) -> None:
        """Go to a stored position by its token."""

        async def ask() -> None:
            await (await self._ptz(index)).goto(preset)

        await self._within(ask())

    async def ptz_keep(self, index: int, name: str) -> PtzPreset:
        """Store the present position under this name."""

        async def ask() -> PtzPreset:
            return await (await self._ptz(index)).keep(name)

        return await self._within(ask())

    async def notifications(self) -> AsyncIterator[Notification]:
        """Events until closed; raises when the device is lost."""
        await self._within(self._opened())
        notifications = pull_notifications(self._session, self._ports.clock)
        try:
            async for notification in notifications:
                yield notification
        except ProtocolError as error:
            raise AppError(ErrorKind.UNAVAILABLE, f"The device's events cannot be read: {error}.") from None
        finally:
            await notifications.aclose()

    async def _opened(self) -> Media:
        if self._media is None:
            await self._session.open()
            self._media = Media(self._session)
        return self._media

    async def _ptz(self, index: int) -> Ptz:
        media = await self._opened()
        profiles = await media.profiles()
        found = lenses(profiles)
        source = found[index].token if 0 <= index < len(found) else None
        moved = _first_movable(profiles, source)
        if moved is None or not self._session.has(NAMESPACES["ptz"]):
            raise AppError(ErrorKind.UNAVAILABLE, "This device cannot be moved on that input.")
        return Ptz(self._session, moved.token)

    async def _within(self, call: Awaitable[T], limit_s: float = CALL_LIMIT_S) -> T:
        """The call, or its trouble: too slow, or answers that are no reading of the protocol."""
        try:
            async with asyncio.timeout(limit_s):
                return await call
        except TimeoutError:
            raise trouble(Trouble.TIMEOUT, self._host, self._port) from None
        except ProtocolError:
            raise trouble(Trouble.NOT_A_CAMERA, self._host, self._port) from None


def _first_movable(profiles: tuple[Profile, ...], source: str | None) -> Profile | None:
    return next((one for one in profiles if one.has_ptz and one.source_token == source), None)


class OnvifReach:
    """Opens devices; what the library's service definitions cost is paid once for all of them."""

    def __init__(self) -> None:
        self._documents = Documents()

    @asynccontextmanager
    async def __call__(self, device: DeviceAddress, ports: DriverPorts) -> AsyncIterator[Equipment]:
        """Nothing is sent before the first call; the context ends every connection."""
        host, port = host_and_port(service_urls(device.address)[0])
        async with Connection(device, ports) as connection:
            session = Session(device, connection, ports.clock, self._documents)
            yield OnvifDevice(session, ports, host, port)
