"""One connected reader of the feed: what it wants, what waits for it, and what it was too slow for."""

import socket
from collections import deque
from dataclasses import dataclass, field

from civiscope.base import RunId, StreamId
from civiscope.ingest.feed_wire import (
    MAX_READER_MESSAGE_BYTES,
    FeedDropped,
    FeedEnded,
    FeedMessage,
    FeedParser,
    FeedRun,
    unit_header,
    write_message,
)
from civiscope.media import AccessUnit

_BUFFERS_PER_WRITE = 128
_READ_BYTES = 16_384
_OWN_COST_BYTES = 200
"""What a waiting message costs besides its bytes, so that many empty ones are bounded too."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that waits: its parts are shared with other readers, never copied."""

    parts: tuple[bytes, ...] = field(repr=False)
    stream_id: StreamId | None = None
    run_id: RunId | None = None
    first: int = -1
    last: int = -1
    """The units it stands for: itself, or those it says are missing; below 0 for any other message."""

    @property
    def size_bytes(self) -> int:
        """What it counts for in a reader's bound."""
        return sum(map(len, self.parts)) + _OWN_COST_BYTES


def outgoing_unit(stream_id: StreamId, run_id: RunId, unit: AccessUnit) -> Outgoing:
    """A unit, framed once for all readers."""
    parts = (unit_header(stream_id, run_id, unit), unit.data)
    return Outgoing(parts, stream_id, run_id, unit.sequence, unit.sequence)


@dataclass(slots=True)
class _Missing:
    """Units of one run that this reader will not get."""

    run_id: RunId
    first: int
    last: int


@dataclass(slots=True)
class _Subscription:
    waits_for_key: bool = False
    missing: _Missing | None = None


class FeedReader:
    """Owns one socket; never blocks; over its bound it loses waiting units and goes on at a key unit."""

    def __init__(self, connection: socket.socket, limit_bytes: int, now_us: int) -> None:
        self._socket = connection
        self._limit_bytes = limit_bytes
        self._parser = FeedParser(MAX_READER_MESSAGE_BYTES)
        self._queue: deque[Outgoing] = deque()
        self._head_sent_bytes = 0
        self.queued_bytes = 0
        self.role = ""
        """Empty until its hello came."""
        self.connected_us = now_us
        self.progress_us = now_us
        """Monotonic time when it last took bytes, or had nothing to take."""
        self.subscriptions: dict[StreamId, _Subscription] = {}
        self.watches: set[StreamId] = set()
        self.dropped_count = 0
        self._has_lost = False

    def receive(self) -> list[FeedMessage] | None:
        """What it said since the last call; None when it hung up. `ProtocolError` on nonsense."""
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            return None
        return self._parser.feed(data) if data else None

    def subscribe(self, stream_id: StreamId) -> None:
        """From now on `offer` brings units of this stream; an older subscription and its waiting units go."""
        self.unsubscribe(stream_id)
        self.subscriptions[stream_id] = _Subscription()

    def wait_for_key(self, stream_id: StreamId) -> None:
        """Begin with the next key unit; nothing was promised before it, so nothing is said of it."""
        self.subscriptions[stream_id].waits_for_key = True

    def lose_from(self, stream_id: StreamId, run_id: RunId, first: int) -> None:
        """All units of the run from `first` to the next key unit are missing."""
        self.subscriptions[stream_id] = _Subscription(True, _Missing(run_id, first, first))

    def unsubscribe(self, stream_id: StreamId) -> None:
        """Forget a stream and what waits of it."""
        self.subscriptions.pop(stream_id, None)
        begun = 1 if self._head_sent_bytes else 0
        kept = [
            item for index, item in enumerate(self._queue) if index < begun or item.stream_id != stream_id
        ]
        self._queue = deque(kept)
        self.queued_bytes = sum(item.size_bytes for item in kept)

    def tell(self, message: FeedRun | FeedEnded, data: bytes) -> None:
        """A run, a new generation of it, or an end; what was lost of an older run is said before it."""
        continuing = message.run_id if isinstance(message, FeedRun) else None
        subscription = self.subscriptions[message.stream_id]
        self._say_missing(message.stream_id, continuing)
        if subscription.missing is None:
            subscription.waits_for_key = False
        self._append(Outgoing((data,), message.stream_id, continuing))

    def say_hello(self, data: bytes) -> None:
        """The answer to its hello."""
        self._append(Outgoing((data,)))

    def _say_missing(self, stream_id: StreamId, continuing: RunId | None) -> None:
        """Before a run ends or another starts, say what of it was not sent."""
        subscription = self.subscriptions[stream_id]
        missing = subscription.missing
        if missing and missing.run_id != continuing:
            self.say_dropped(stream_id, missing.run_id, missing.first, missing.last)
            subscription.missing = None

    def say_dropped(self, stream_id: StreamId, run_id: RunId, first: int, last: int) -> None:
        """Units `first` to `last` are not sent; a key unit must follow."""
        self.dropped_count += last - first + 1
        data = write_message(FeedDropped(stream_id, run_id, first, last - first + 1))
        self._append(Outgoing((data,), stream_id, run_id, first, last))

    def offer(self, waiting: Outgoing, is_start: bool) -> None:
        """A new unit of a stream it subscribed; it is queued, skipped until a key unit, or makes room."""
        assert waiting.stream_id is not None
        assert waiting.run_id is not None
        subscription = self.subscriptions[waiting.stream_id]
        if self._queue and not self._has_room(waiting):
            self._give_up_units()
            if subscription.missing is None:
                subscription.missing = _Missing(waiting.run_id, waiting.first, waiting.last)
            subscription.waits_for_key = True
        missing = subscription.missing
        if subscription.waits_for_key and not (is_start and self._has_room(waiting)):
            if missing:
                missing.last = waiting.last
            return
        subscription.waits_for_key, subscription.missing = False, None
        if missing and missing.first < waiting.first:
            self.say_dropped(waiting.stream_id, missing.run_id, missing.first, waiting.first - 1)
        self._append(waiting)

    def _has_room(self, waiting: Outgoing) -> bool:
        return not self._queue or self.queued_bytes + waiting.size_bytes <= self._limit_bytes

    def _append(self, waiting: Outgoing) -> None:
        self._queue.append(waiting)
        self.queued_bytes += waiting.size_bytes

    def _give_up_units(self) -> None:
        """Lose every waiting unit of every stream; what is lost of ended runs is said in its place."""
        waiting, self._queue, self.queued_bytes = self._queue, deque(), 0
        self._has_lost = True
        for index, item in enumerate(waiting):
            if index == 0 and self._head_sent_bytes:
                self._append(item)
            elif item.first >= 0:
                self._lose(item)
            else:
                if item.stream_id in self.subscriptions:
                    self._say_missing(item.stream_id, item.run_id)
                self._append(item)

    def _lose(self, item: Outgoing) -> None:
        assert item.stream_id is not None
        assert item.run_id is not None
        if len(item.parts) == 1:
            self.dropped_count -= item.last - item.first + 1
        subscription = self.subscriptions[item.stream_id]
        subscription.waits_for_key = True
        if subscription.missing is None:
            subscription.missing = _Missing(item.run_id, item.first, item.last)
        subscription.missing.last = item.last

    def flush(self, now_us: int) -> bool:
        """Write what the socket takes; False when it is gone."""
        while self._queue:
            try:
                sent = self._socket.sendmsg(self._buffers())
            except BlockingIOError:
                return True
            except OSError:
                return False
            self.progress_us, self._has_lost = now_us, False
            self._take(sent)
        if not self._has_lost:
            self.progress_us = now_us
        return True

    def _buffers(self) -> list[bytes | memoryview]:
        buffers: list[bytes | memoryview] = []
        for item in self._queue:
            buffers += item.parts
            if len(buffers) >= _BUFFERS_PER_WRITE:
                break
        skip = self._head_sent_bytes
        while skip:
            first = buffers[0]
            if skip < len(first):
                buffers[0] = memoryview(first)[skip:]
                break
            skip -= len(first)
            del buffers[0]
        return buffers

    def _take(self, sent: int) -> None:
        self._head_sent_bytes += sent
        while self._queue:
            size = self._queue[0].size_bytes - _OWN_COST_BYTES
            if self._head_sent_bytes < size:
                return
            self._head_sent_bytes -= size
            self.queued_bytes -= self._queue.popleft().size_bytes

    @property
    def is_over_bound(self) -> bool:
        """Even without units too much waits: it does not read at all."""
        return self.queued_bytes > 2 * self._limit_bytes

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
