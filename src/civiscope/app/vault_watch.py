"""What follows when the vault opens or is locked while the server runs."""

import asyncio

from civiscope.base import AppError, ErrorKind
from civiscope.privacy import Function
from civiscope.security import LOCKED_WORDS, VaultDoor
from civiscope.viewing import Viewing


class VaultWatch:
    """Opening sends the recorder its plan; locking ends looks whose readers hold keys of recordings."""

    def __init__(self, door: VaultDoor, viewing: Viewing, plan_changed: asyncio.Event) -> None:
        self._door = door
        self._viewing = viewing
        self._plan_changed = plan_changed
        self._turned = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        door.on_change(self._notice)

    def _notice(self) -> None:
        """Called on the thread that opened or locked."""
        self._loop.call_soon_threadsafe(self._turned.set)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._turned.wait()
            self._turned.clear()
            if self._door.state.is_open:
                self._plan_changed.set()
            else:
                await self._end_looks_into_the_past()

    async def _end_looks_into_the_past(self) -> None:
        locked = AppError(ErrorKind.UNAVAILABLE, LOCKED_WORDS)
        for look in self._viewing.looks():
            if look.wish.function is not Function.LIVE:
                await look.end(locked, "vault locked")
