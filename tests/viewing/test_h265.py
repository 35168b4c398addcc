"""H.265 for a screen that cannot play it: the second stream, or the worker's H.264, and it is said which."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import av
from tests.media.mp4.clip import video_clip
from tests.viewing.world import Camera, Screen, World, until, world

from civiscope.base import Backoff, ChannelId, StreamId, SystemClock, new_id
from civiscope.ingest import DerivedSettings, DerivedStreams, FeedClient, FeedServer
from civiscope.media import Codec

LARGE = video_clip(Codec.H265, 30)
SMALL = video_clip(size_px=(160, 90))


@dataclass
class Second:
    """Knows the channel's second stream."""

    stream_id: StreamId | None = None

    async def sub_stream_of(self, channel_id: ChannelId) -> StreamId | None:
        return self.stream_id


@asynccontextmanager
async def with_worker(folder: Path, second: Second) -> AsyncIterator[tuple[World, DerivedStreams]]:
    """A desk whose worker transcodes, as the product wires them."""
    clock, fast = SystemClock(), Backoff(first_s=0.01, limit_s=0.05)
    feed = FeedServer(folder / "worker_feed.sock", clock, role="worker")
    recorder = FeedClient(folder / "feed.sock", "worker", clock, fast)
    derived = DerivedStreams(recorder, feed, clock, DerivedSettings(linger_us=50_000))
    reader = FeedClient(folder / "worker_feed.sock", "server", clock, fast)
    async with world(folder, derived_feed=reader, sub_streams=second) as here:
        making = asyncio.create_task(derived.run())
        try:
            yield here, derived
        finally:
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
            feed.close()


async def open_screen(here: World, needs_h264: bool = True) -> Screen:
    look = await here.viewing.open(replace(here.wish(), needs_h264=needs_h264))
    return Screen().open(look.live())


def _sizes(screen: Screen) -> set[tuple[int, int]]:
    """Of all pictures since the newest init."""
    last = max(number for number, message in enumerate(screen.messages) if message[0] == 1)
    content = b"".join(message[9:] for message in screen.messages[last:] if message[0] in {1, 2})
    with av.open(io.BytesIO(content), "r") as container:
        return {(frame.width, frame.height) for frame in container.decode(video=0)}


async def test_the_worker_makes_what_the_screen_can_play(tmp_path: Path) -> None:
    async with with_worker(tmp_path, Second()) as (here, derived):
        camera = Camera(here, (LARGE.track,), LARGE.samples)
        camera.start()
        camera.send(20)
        screen, other = await open_screen(here), await open_screen(here, needs_h264=False)
        await until(lambda: screen.kinds.count(2) == 5 and other.kinds.count(2) == 5)
        assert (screen.state["state"], screen.state["made"]) == ("live", "transcoded")
        assert "avc1" in str(screen.state["mse_type"])
        assert (other.state["made"], "hvc1" in str(other.state["mse_type"])) == ("as sent", True)
        assert _sizes(screen) == {(320, 180)}
        camera.send(10)
        await until(lambda: screen.kinds.count(2) == 15)
        assert derived.making == {here.stream_id}
        camera.end("unreachable", "The cable is out.")
        await until(lambda: screen.state["state"] == "lost")
        assert screen.state["reason"] == "unreachable"
        h264 = Camera(here, (SMALL.track,), SMALL.samples)
        h264.start()
        h264.send(3)
        await until(lambda: screen.state["made"] == "as sent" and screen.state["state"] == "live")
        await until(lambda: _sizes(screen) == {(160, 90)})
        await screen.close()
        await other.close()


async def test_a_second_stream_is_shown_before_anything_is_transcoded(tmp_path: Path) -> None:
    second = Second(StreamId(new_id()))
    async with with_worker(tmp_path, second) as (here, derived):
        assert second.stream_id is not None
        camera = Camera(here, (LARGE.track,), LARGE.samples)
        sub = Camera(replace(here, stream_id=second.stream_id), (SMALL.track,), SMALL.samples)
        for one in (camera, sub):
            one.start()
            one.send(20)
        screen = await open_screen(here)
        await until(lambda: screen.kinds.count(2) == 5)
        assert (screen.state["state"], screen.state["made"]) == ("live", "second stream")
        assert _sizes(screen) == {(160, 90)}
        assert derived.making == frozenset()
        sub.end()
        await until(lambda: screen.state["made"] == "transcoded" and screen.state["state"] == "live")
        await until(lambda: _sizes(screen) == {(320, 180)})
        await screen.close()


async def test_without_a_worker_it_is_said(tmp_path: Path) -> None:
    clock, fast = SystemClock(), Backoff(first_s=0.01, limit_s=0.05)
    reader = FeedClient(tmp_path / "worker_feed.sock", "server", clock, fast)
    async with world(tmp_path, derived_feed=reader) as here:
        camera = Camera(here, (LARGE.track,), LARGE.samples)
        camera.start()
        camera.send(3)
        screen = await open_screen(here)
        await until(lambda: screen.state["reason"] == "worker_away")
        assert (screen.state["state"], screen.state["made"]) == ("lost", "transcoded")
        await screen.close()
