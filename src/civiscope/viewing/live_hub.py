"""All streams that somebody watches: the first viewer subscribes a stream, the last one lets it go."""

import asyncio

from civiscope.base import Clock, StreamId
from civiscope.ingest import FeedClient
from civiscope.viewing.live_queue import LiveQueue
from civiscope.viewing.live_stream import LiveStream
from civiscope.viewing.model import Made
from civiscope.viewing.settings import ViewingSettings

_CHECK_S = 0.5


class LiveHub:
    """One subscription per watched stream, whatever the number of viewers."""

    def __init__(self, feed: FeedClient, clock: Clock, settings: ViewingSettings) -> None:
        self._feed = feed
        self._clock = clock
        self._settings = settings
        self._streams: dict[StreamId, LiveStream] = {}

    async def run(self) -> None:
        """Notice what does not come and who does not watch, until cancelled; then all viewers end."""
        try:
            while True:
                await asyncio.sleep(_CHECK_S)
                self.check()
        finally:
            for stream in self._streams.values():
                for queue in stream.end():
                    queue.end()

    def check(self) -> None:
        """One round of noticing."""
        now_us = self._clock.monotonic_us()
        for stream in list(self._streams.values()):
            stream.check()
            if not stream.viewers and now_us - stream.empty_since_us > self._settings.linger_us:
                self._feed.unsubscribe(stream.stream_id)
                del self._streams[stream.stream_id]

    def mse_type(self, stream_id: StreamId) -> str | None:
        """Of a stream that is watched now, else None."""
        stream = self._streams.get(stream_id)
        return stream.mse_type if stream else None

    def join(
        self, stream_id: StreamId, made: Made = Made.AS_SENT, queue: LiveQueue | None = None
    ) -> LiveQueue:
        """A viewer's messages from now on, in a queue of his own or the one he has; `leave` when he goes.

        `made` is what the stream's viewers are told; all of one stream are told the same.
        """
        stream = self._streams.get(stream_id)
        if stream is None:
            stream = self._streams[stream_id] = LiveStream(stream_id, self._clock, self._settings, made)
            queue = stream.join(queue)
            self._feed.subscribe(stream_id, stream.handle)
        else:
            queue = stream.join(queue)
        self._feed.watch(stream_id, True)
        return queue

    def leave(self, stream_id: StreamId, queue: LiveQueue) -> None:
        """A viewer goes; the stream stays a moment for the next one."""
        stream = self._streams.get(stream_id)
        if stream is not None:
            stream.leave(queue)
            if not stream.viewers:
                self._feed.watch(stream_id, False)
