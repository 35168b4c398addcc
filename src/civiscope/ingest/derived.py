"""Derived streams: H.264 made of H.265, for as long as somebody subscribes it at our own feed socket.

A subscription is the whole order: it names the stream it is made of. It lives in the worker, without a key.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from civiscope.base import Clock, StreamId, get_log
from civiscope.ingest.derived_run import DerivedRun
from civiscope.ingest.feed_client import FeedClient
from civiscope.ingest.feed_server import FeedServer
from civiscope.ingest.unit_line import UnitLine

_log = get_log("civiscope.ingest.derived")


@dataclass(frozen=True, slots=True)
class DerivedSettings:
    """Bounds of what the worker makes."""

    streams: int = 4
    """Transcoded at once; over it, a stream waits with the reason `busy`."""
    threads: int = 2
    linger_us: int = 10_000_000
    """A stream that nobody subscribes any more is made for so long still."""
    waiting_bytes: int = 16 << 20
    """What may wait to be decoded, per stream; over it, all goes but what follows the next key unit."""
    tick_s: float = 0.010
    idle_tick_s: float = 0.100


class DerivedStreams:
    """Serves derived streams by the id of the stream they are made of; `run()` until cancelled."""

    def __init__(
        self, feed: FeedClient, server: FeedServer, clock: Clock, settings: DerivedSettings | None = None
    ) -> None:
        self._feed = feed
        self._server = server
        self._clock = clock
        self._settings = settings or DerivedSettings()
        self._pool = ThreadPoolExecutor(self._settings.threads, "transcode")
        self._making: dict[StreamId, asyncio.Task[None]] = {}
        self._wanted_us: dict[StreamId, int] = {}
        self._refused: set[StreamId] = set()

    @property
    def making(self) -> frozenset[StreamId]:
        """Streams that are made now."""
        return frozenset(self._making)

    async def run(self) -> None:
        """Keep the recorder's feed, and give and take at ours."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._feed.run())
                while True:
                    self._server.tick()
                    self._look_after(group)
                    await asyncio.sleep(self._settings.tick_s if self._making else self._settings.idle_tick_s)
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _look_after(self, group: asyncio.TaskGroup) -> None:
        now_us = self._clock.monotonic_us()
        wanted = self._server.wanted
        for stream_id in wanted:
            self._wanted_us[stream_id] = now_us
            if stream_id in self._making:
                continue
            if len(self._making) < self._settings.streams:
                self._refused.discard(stream_id)
                self._making[stream_id] = group.create_task(self._make(stream_id))
            elif stream_id not in self._refused:
                self._refused.add(stream_id)
                detail = f"This machine makes {self._settings.streams} such pictures already; close one."
                self._server.stream_waiting(stream_id, self._clock.now_us(), "busy", detail)
        self._refused &= wanted
        for stream_id, since_us in list(self._wanted_us.items()):
            if now_us - since_us > self._settings.linger_us:
                del self._wanted_us[stream_id]
                if stream_id in self._making:
                    self._making.pop(stream_id).cancel()

    async def _make(self, stream_id: StreamId) -> None:
        """One stream until it is cancelled; what fails in it ends nothing else."""
        line = UnitLine(self._settings.waiting_bytes)
        run = DerivedRun(stream_id, self._server)
        self._feed.subscribe(stream_id, line.put)
        self._feed.watch(stream_id, True)
        _log.info("transcoding", stream=stream_id)
        try:
            while True:
                await self._step(run, line)
        finally:
            self._feed.unsubscribe(stream_id)
            self._server.forget(stream_id)
            counts = {"failed": run.failed_count, "dropped": line.dropped_count}
            _log.info("transcoding ends", stream=stream_id, **counts)

    async def _step(self, run: DerivedRun, line: UnitLine) -> None:
        """One event: a unit is decoded on a thread, all else is quick."""
        event = await line.take()
        try:
            work = run.begin(event)
            if work is not None:
                await asyncio.get_running_loop().run_in_executor(self._pool, work)
            run.finish()
        except Exception as error:  # the edge of a supervised task: foreign bytes end no other picture
            _log.exception("a picture could not be transcoded", error=type(error).__name__)
            run.restart()
