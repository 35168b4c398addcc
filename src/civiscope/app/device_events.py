"""Which devices are listened to, and keeping what they tell."""

import asyncio
from collections.abc import Awaitable, Callable

from civiscope.base import AppError, get_log
from civiscope.bus import Envelope
from civiscope.devices import Ability, DeviceNotified, Devices, EventSource, Notification

FOLLOWED_LIMIT = 2_000
"""Of one driver host; devices added later than these are not listened to."""
_AGAIN_S = 15.0
Heard = Callable[[Envelope, DeviceNotified], Awaitable[None]]
_log = get_log("civiscope.app.server")


class DeviceEvents:
    """The server's side of device notifications. While the vault is locked some devices cannot be reached."""

    def __init__(self, devices: Devices, heard: Heard) -> None:
        self._devices = devices
        self._heard = heard
        self._left_out = 0

    @property
    def is_incomplete(self) -> bool:
        """Some devices could not be reached when last asked for: their passwords did not open."""
        return self._left_out > 0

    async def sources(self) -> tuple[EventSource, ...]:
        """Every device that tells of events, with what reaches it."""
        sources: list[EventSource] = []
        left_out = 0
        for device in await self._devices.book.all():
            if Ability.EVENTS not in device.abilities or len(sources) >= FOLLOWED_LIMIT:
                continue
            try:
                sources.append(
                    EventSource(device.id, device.driver, await self._devices.book.reach(device.id))
                )
            except AppError:
                left_out += 1
        if left_out != self._left_out:
            _log.warning("devices cannot be listened to: their passwords do not open", count=left_out)
        self._left_out = left_out
        return tuple(sources)

    async def keep(self, envelope: Envelope, told: DeviceNotified) -> None:
        """Store what a device told; the last ones of each stay, and it becomes an event."""
        note = Notification(told.at_us, told.topic, told.operation, told.source, told.data)
        await self._devices.book.keep_notification(told.device_id, note)
        await self._heard(envelope, told)

    async def run(self, wake: Callable[[], None]) -> None:
        """Ask again for those that were left out, until cancelled."""
        while True:
            await asyncio.sleep(_AGAIN_S)
            if self.is_incomplete:
                wake()
