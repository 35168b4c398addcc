"""The server's side of notifying and of evidence: the queue's runner, and bookmarks whose time is over."""

import asyncio
from collections.abc import Callable

from civiscope.app.keep_times import longest_us
from civiscope.app.site import Site
from civiscope.base import AppError, get_log
from civiscope.bus import Endpoint

_FORGET_EVERY_S = 3_600.0
_log = get_log("civiscope.app.server")


class NotifySide:
    """Wired before the bus starts; `run` beside the door."""

    def __init__(self, site: Site, bus: Endpoint, on_holds: Callable[[], None]) -> None:
        self._site = site
        self._loop = asyncio.get_running_loop()
        site.notify.publish = bus.publish
        site.notify.origin = self._origin
        site.evidence.on_change = on_holds
        site.vault_door.on_change(self._vault_turned)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._site.notify.run())
            group.create_task(self._forget())

    def _origin(self) -> str:
        """Where the page is, for links; empty while the site has no host name."""
        host = self._site.pages.site.host_name
        port = self._site.settings.server.listen.rpartition(":")[2]
        return "" if not host else f"https://{host}" if port == "443" else f"https://{host}:{port}"

    def _vault_turned(self) -> None:
        """Called on the thread that opened or locked."""
        self._loop.call_soon_threadsafe(self._site.notify.hurry)

    async def _forget(self) -> None:
        """A bookmark goes with the recording that it names."""
        while True:
            try:
                keep_us = await longest_us(self._site)
                await self._site.evidence.forget_bookmarks_before(self._site.clock.now_us() - keep_us)
            except AppError as error:
                _log.warning("old bookmarks could not be removed", why=error.message)
            await asyncio.sleep(_FORGET_EVERY_S)
