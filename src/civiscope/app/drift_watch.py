"""Every hour each device is asked whether it is still set as wanted; the asking is spread over the hour."""

import asyncio
import math
from collections.abc import Callable

from civiscope.base import AppError, Clock, DeviceId, get_log
from civiscope.devices import Device, Devices, Upkeep, may_be_checked

EVERY_US = 3_600_000_000
TICK_S = 15.0
AT_ONCE = 2
_log = get_log("civiscope.app.server")


class DriftWatch:
    """Checks devices in turn, the longest unchecked first, never more than two at once; writes nothing."""

    def __init__(self, devices: Devices, upkeep: Upkeep, clock: Clock, is_wanted: Callable[[], bool]) -> None:
        self._devices = devices
        self._upkeep = upkeep
        self._clock = clock
        self._is_wanted = is_wanted
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Check for ever, until cancelled; a failure of one round does not end the watch."""
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self.tick()
            except AppError as error:
                _log.warning("devices cannot be compared now", why=error.message)

    async def tick(self) -> int:
        """Check the share of one tick; how many were checked."""
        if not self._is_wanted():
            return 0
        now_us = self._clock.now_us()
        watched = [one for one in await self._devices.book.all() if may_be_checked(one)]
        due = sorted((one for one in watched if _is_due(one, now_us)), key=lambda one: one.checked_us or 0)
        share = due[: math.ceil(len(watched) * TICK_S * 1e6 / EVERY_US)]
        await asyncio.gather(*(self._check(one.id) for one in share))
        return len(share)

    async def _check(self, device_id: DeviceId) -> None:
        async with self._slots:
            checked = await self._upkeep.check(device_id)
        if checked.drift:
            settings = ", ".join(sorted({one.setting for one in checked.drift}))
            _log.info("a device is not set as wanted", device=device_id, settings=settings)


def _is_due(device: Device, now_us: int) -> bool:
    """Also when our clock stepped back behind the last check."""
    return device.checked_us is None or not 0 <= now_us - device.checked_us < EVERY_US
