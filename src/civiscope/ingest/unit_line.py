"""Feed events that wait for a slow taker: bounded; over the bound, it goes on at the next key unit."""

import asyncio
from collections import deque

from civiscope.ingest.feed_client import FeedEvent
from civiscope.ingest.feed_wire import FeedUnit


class UnitLine:
    """`put` is a handler of `FeedClient`; one taker; all on the event loop."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._events: deque[FeedEvent] = deque()
        self._waiting_bytes = 0
        self._waits_for_key = False
        self._came = asyncio.Event()
        self.dropped_count = 0
        """Units given up because the taker was too slow."""

    def put(self, event: FeedEvent) -> None:
        """An event of the feed; never waits."""
        if isinstance(event, FeedUnit) and not self._has_room(event):
            self.dropped_count += 1
            return
        self._events.append(event)
        self._came.set()

    def _has_room(self, event: FeedUnit) -> bool:
        unit = event.unit
        if self._waiting_bytes + len(unit.data) > self._limit_bytes and self._waiting_bytes:
            kept = [one for one in self._events if not isinstance(one, FeedUnit)]
            self.dropped_count += len(self._events) - len(kept)
            self._events = deque(kept)
            self._waiting_bytes = 0
            self._waits_for_key = True
        if self._waits_for_key and not (unit.is_key and unit.track_id == 1):
            return False
        self._waits_for_key = False
        self._waiting_bytes += len(unit.data)
        return True

    async def take(self) -> FeedEvent:
        """The next event, in order."""
        while not self._events:
            self._came.clear()
            await self._came.wait()
        event = self._events.popleft()
        if isinstance(event, FeedUnit):
            self._waiting_bytes -= len(event.unit.data)
        return event
