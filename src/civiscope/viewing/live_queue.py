"""What waits for one viewer: bounded in bytes and in time."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable

from civiscope.base import AppError, ErrorKind
from civiscope.viewing.live_frame import dropped_message
from civiscope.viewing.model import LiveKind, LiveMessage

_LIMIT_MESSAGES = 4096
"""States and init segments are never given up; a viewer with so many waiting is gone."""


class LiveQueue:
    """Messages for one viewer; a viewer who is too slow loses units and goes on at a key unit, and is told.

    States and init segments are never lost: they are small and few. All calls from the event loop.
    """

    def __init__(self, limit_bytes: int, limit_wait_us: int) -> None:
        self._bound_bytes = self._limit_bytes = limit_bytes
        self._limit_wait_us = limit_wait_us
        self._queue: deque[tuple[LiveMessage, int]] = deque()
        self._queued_bytes = 0
        self._waits_for_key = False
        self._is_losing = False
        self._dropped = 0
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._error: AppError | None = None
        self.sent_bytes = 0
        self.dropped_count = 0

    def begin(self, messages: Iterable[LiveMessage], waits_for_key: bool, now_us: int) -> None:
        """What a new viewer of a stream gets at once; it does not count against his bound.

        What still waits of another stream goes: it is not shown any more.
        """
        self._queue.clear()
        self._queued_bytes = self._dropped = 0
        self._is_losing = False
        self._limit_bytes = self._bound_bytes
        for message in messages:
            self._limit_bytes += len(message.data)
            self._put(message, now_us)
        self._waits_for_key = waits_for_key

    def offer(self, message: LiveMessage, at_us: int, now_us: int) -> None:
        """A new message; `at_us` is UTC, `now_us` monotonic."""
        if message.kind is LiveKind.FRAGMENT:
            if self._is_behind(message, now_us):
                self._give_up_units()
            if self._waits_for_key:
                if not message.is_start:
                    self._dropped += self._is_losing
                    return
                self._waits_for_key = False
                self._say_dropped(at_us, now_us)
        self._put(message, now_us)

    def lose(self, count: int, at_us: int, now_us: int) -> None:
        """Units were lost before they came here; a key unit comes next."""
        self._put(dropped_message(count, at_us), now_us)

    def end(self, error: AppError | None = None) -> None:
        """No more messages; the viewer's loop ends, or raises `error`."""
        self._ended, self._error = True, self._error or error
        self._wake()

    async def take(self) -> LiveMessage | None:
        """The next message, for who does not send its bytes; None at the end, or the error that ended it."""
        while not self._queue and not self._ended:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._error is not None:
            raise self._error
        if self._ended:
            return None
        message, _ = self._queue.popleft()
        self._queued_bytes -= len(message.data)
        return message

    async def messages(self) -> AsyncIterator[bytes]:
        """The bytes to send, in order, until the end."""
        queue = self._queue
        while not self._ended:
            while queue and not self._ended:
                message, _ = queue.popleft()
                size = len(message.data)
                self._queued_bytes -= size
                self.sent_bytes += size
                yield message.data
            if not queue and not self._ended:
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
        if self._error is not None:
            raise self._error

    def _is_behind(self, message: LiveMessage, now_us: int) -> bool:
        if not self._queue or self._waits_for_key:
            return False
        waited_us = now_us - self._queue[0][1]
        return waited_us > self._limit_wait_us or self._queued_bytes + len(message.data) > self._limit_bytes

    def _give_up_units(self) -> None:
        kept = [item for item in self._queue if item[0].kind is not LiveKind.FRAGMENT]
        self._dropped += len(self._queue) - len(kept)
        self._queue.clear()
        self._queue.extend(kept)
        self._queued_bytes = sum(len(message.data) for message, _ in kept)
        self._waits_for_key = self._is_losing = True

    def _say_dropped(self, at_us: int, now_us: int) -> None:
        if self._dropped:
            self._put(dropped_message(self._dropped, at_us), now_us)
            self.dropped_count += self._dropped
        self._is_losing, self._dropped = False, 0

    def _put(self, message: LiveMessage, now_us: int) -> None:
        if len(self._queue) >= _LIMIT_MESSAGES:
            self.end(
                AppError(ErrorKind.EXHAUSTED, "This viewer takes nothing any more. Open the picture again.")
            )
            return
        self._queue.append((message, now_us))
        self._queued_bytes += len(message.data)
        if self._waiter is not None:
            self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
