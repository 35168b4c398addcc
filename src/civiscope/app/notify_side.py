"""The server's side of notifying and of evidence: the queue's runner, and what rules and alarms command."""

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

from civiscope.app.site import Site
from civiscope.base import AppError, ChannelId, Span, get_log
from civiscope.bus import Endpoint
from civiscope.evidence import HoldDraft
from civiscope.notify import Message, TargetId
from civiscope.security import Principal

_FORGET_EVERY_S = 3_600.0
_HOUR_US = 3_600_000_000
_log = get_log("civiscope.app.server")


class NotifySide:
    """Wired before the bus starts; `run` beside the door. Its other methods are ports of rules and alarms."""

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

    async def send(self, message: Message, target_ids: Sequence[UUID]) -> None:
        """For the action `notify`; MISSING when no target is left."""
        await self._site.notify.send(message, [TargetId(one) for one in target_ids])

    async def escalate(self, message: Message) -> None:
        """For `AlarmUnacknowledged`: to every target marked as an escalation."""
        await self._site.notify.escalate(message)

    async def bookmark(
        self, channel_id: ChannelId, at_us: int, text: str, by: Principal, event_id: UUID | None
    ) -> None:
        """For the action `bookmark`."""
        await self._site.evidence.add_bookmark(channel_id, at_us, text, by, event_id)

    async def hold(
        self, channel_id: ChannelId, span: Span, reason: str, by: Principal, until_us: int | None
    ) -> None:
        """For the action `hold`."""
        await self._site.evidence.hold(HoldDraft(channel_id, span, reason, until_us), by)

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
        keep_us = int(self._site.settings.recording.retention_hours * _HOUR_US)
        while True:
            try:
                await self._site.evidence.forget_bookmarks_before(self._site.clock.now_us() - keep_us)
            except AppError as error:
                _log.warning("old bookmarks could not be removed", why=error.message)
            await asyncio.sleep(_FORGET_EVERY_S)
