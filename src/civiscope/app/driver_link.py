"""The server's line to the driver host: sees that it goes by the right gate and follows the right devices."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from civiscope.base import AppError, Clock, get_log
from civiscope.devices import DriverFace, EventSource, GateRules

_ASK_EVERY_S = 1.0
_FRESH_US = 5_000_000
_log = get_log("civiscope.app.server")


class DriverLink:
    """Applies gate and events after each start of the host and each change; `face` is for everybody's calls.

    `gate` and `events` say what is wanted now; `events` is asked after a change only (`changed`) and after a
    start of the host.
    """

    def __init__(
        self,
        face: DriverFace,
        clock: Clock,
        gate: Callable[[], GateRules],
        events: Callable[[], Awaitable[tuple[EventSource, ...]]],
        changed: asyncio.Event | None = None,
    ) -> None:
        self.face = face
        self._clock = clock
        self._gate = gate
        self._events = events
        self._changed = changed or asyncio.Event()
        self._is_due = True
        self._run_id: UUID | None = None
        self._asked_us: int | None = None

    @property
    def is_fresh(self) -> bool:
        """The host answered within the last seconds, and goes by the gate."""
        return self._asked_us is not None and self._clock.monotonic_us() - self._asked_us < _FRESH_US

    def wake(self) -> None:
        """Gate or events are to be other: tell the host at once. On the loop only."""
        self._changed.set()

    async def run(self) -> None:
        """Ask every second, put right what is not; until cancelled."""
        while True:
            self._is_due = self._is_due or self._changed.is_set()
            self._changed.clear()
            try:
                await self._ask()
            except AppError as error:
                _log.warning("the driver host does not answer", why=error.message)
            try:
                async with asyncio.timeout(_ASK_EVERY_S):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _ask(self) -> None:
        standing, wanted = await self.face.standing(), self._gate()
        if standing.gate != wanted:
            await self.face.apply_gate(wanted)
        if self._is_due or standing.run_id != self._run_id:
            await self.face.follow_events(await self._events())
            self._is_due, self._run_id = False, standing.run_id
        self._asked_us = self._clock.monotonic_us()
