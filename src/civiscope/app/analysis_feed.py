"""The analyst's units: what the feed brings of the streams that are wanted, handed to the pool."""

from civiscope.analytics import WorkerPool
from civiscope.base import StreamId
from civiscope.ingest import (
    FeedAway,
    FeedClient,
    FeedDropped,
    FeedEnded,
    FeedEvent,
    FeedRun,
    FeedUnit,
)


class AnalysisFeed:
    """Keeps the subscriptions as the pool wants them; on one loop with it."""

    def __init__(self, feed: FeedClient, pool: WorkerPool) -> None:
        self._feed = feed
        self._pool = pool
        self._subscribed: set[StreamId] = set()
        self._is_over = False

    def follow(self) -> None:
        """Subscribe what is wanted now, and nothing else."""
        wanted = self._pool.wanted
        for stream_id in self._subscribed - wanted:
            self._feed.unsubscribe(stream_id)
        new, self._subscribed = wanted - self._subscribed, set(wanted)
        for stream_id in new:
            self._feed.subscribe(stream_id, self._take)

    async def run(self) -> None:
        """Keep the connection, until cancelled."""
        await self._feed.run()

    def stop(self) -> None:
        """Nothing more is handed on: that the connection ends is our doing, not the recorder's."""
        self._is_over = True

    def _take(self, event: FeedEvent) -> None:
        if self._is_over:
            return
        match event:
            case FeedUnit():
                self._pool.unit(event.stream_id, event.unit)
            case FeedRun():
                self._pool.run(event.stream_id, event.run_id, event.tracks)
            case FeedDropped():
                self._pool.missed(event.stream_id, event.count)
            case FeedEnded():
                words = f"{event.reason}: {event.detail}" if event.detail else event.reason
                self._pool.ended(event.stream_id, event.at_us, words)
            case FeedAway():
                self._pool.ended(event.stream_id, event.at_us, "the recorder does not answer")
