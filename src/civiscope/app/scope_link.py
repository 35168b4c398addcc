"""Rights on groups follow the groups: which channels each holds, and the site's clock, kept current."""

import asyncio
from collections.abc import Callable
from zoneinfo import ZoneInfo

from civiscope.base import AppError, get_log
from civiscope.devices import Devices
from civiscope.security import ScopeBook

_LOOK_AGAIN_S = 60.0
_RETRY_S = 1.0
_log = get_log("civiscope.app")


class ScopeLink:
    """Reads the groups after each change of the register. `run()` beside the door."""

    def __init__(self, devices: Devices, scopes: ScopeBook, time_zone: Callable[[], str]) -> None:
        self._devices = devices
        self._scopes = scopes
        self._time_zone = time_zone
        self._changed = asyncio.Event()

    def look_again(self) -> None:
        """Groups, their channels or the site's zone may have changed."""
        self._changed.set()

    async def refresh(self) -> None:
        """Rights follow from the next request on; open looks within 5 s."""
        groups = await self._devices.group_channels()
        self._scopes.set_groups({group: channels for group, channels in groups.items()})  # noqa: C416  its keys are GroupIds
        self._scopes.set_zone(ZoneInfo(self._time_zone()))

    async def run(self) -> None:
        """Until cancelled. While the register cannot be read the last known groups count."""
        while True:
            try:
                async with asyncio.timeout(_LOOK_AGAIN_S):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            try:
                await self.refresh()
            except AppError as error:
                _log.warning("cannot read the groups that rights follow", cause=error.message)
                await asyncio.sleep(_RETRY_S)
                self._changed.set()
