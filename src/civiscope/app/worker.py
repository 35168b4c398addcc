"""The worker: decodes for others what foreign bytes must not touch; holds no key, and no way to one.

It makes stills of key units that it is handed, and H.264 of H.265 streams that are subscribed at its feed.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

from civiscope.app.faces import StillPicture, WorkerFace
from civiscope.app.home import Home
from civiscope.app.role import be, bus_of, stop_on_signal
from civiscope.app.settings import Settings
from civiscope.app.transcode_jobs import TranscodeJobs
from civiscope.base import SystemClock
from civiscope.cluster import tell_ready
from civiscope.ingest import DerivedStreams, FeedClient, FeedServer
from civiscope.media import AccessUnit, TrackConfig, Transcoded, decode_key_frame

THUMBNAIL_WIDTH_PX = 240


class Worker:
    """Implements `WorkerFace` on two threads; a job is called once after the other."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(2, "decode")
        self._jobs = TranscodeJobs()

    async def still(self, track: TrackConfig, unit: AccessUnit) -> StillPicture:
        """One key unit as a picture."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._thread, decode_key_frame, track, unit)
        return StillPicture(found.width_px, found.height_px, found.jpeg)

    async def thumbnail(self, track: TrackConfig, unit: AccessUnit) -> bytes:
        """One key unit as a small JPEG."""
        loop = asyncio.get_running_loop()
        small = partial(decode_key_frame, track, unit, THUMBNAIL_WIDTH_PX)
        return (await loop.run_in_executor(self._thread, small)).jpeg

    async def transcode(
        self, job: UUID, track: TrackConfig, units: tuple[AccessUnit, ...], is_last: bool
    ) -> Transcoded:
        """The next units of a job as H.264."""
        work = self._jobs.work(job, track, units, is_last)
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        """Wait for the picture being decoded, then end the thread."""
        self._thread.shutdown(cancel_futures=True)


async def run_worker(home: Home, settings: Settings) -> None:
    """Be the worker until SIGTERM."""
    stop = stop_on_signal()
    clock = SystemClock()
    worker = Worker()
    feed = FeedServer(home.worker_feed_socket, clock, role="worker")
    derived = DerivedStreams(FeedClient(home.feed_socket, "worker", clock), feed, clock)
    try:
        async with bus_of("worker", home) as bus, asyncio.TaskGroup() as group:
            bus.serve(WorkerFace, worker)
            await bus.start()
            making = group.create_task(derived.run())
            tell_ready()
            await stop.wait()
            making.cancel()
    finally:
        feed.close()
        worker.close()


if __name__ == "__main__":
    be(run_worker)
