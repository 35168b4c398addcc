"""The worker's feed: made while somebody subscribes, ended alike, bounded, and without a key in reach."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.media.mp4.clip import sound_clip, video_clip
from tests.media.test_transcoder import units_of
from tests.viewing.world import until

from civiscope.base import Backoff, RunId, StreamId, SystemClock, new_id
from civiscope.ingest import (
    DerivedSettings,
    DerivedStreams,
    FeedClient,
    FeedEnded,
    FeedEvent,
    FeedRun,
    FeedServer,
    FeedUnit,
)
from civiscope.ingest.unit_line import UnitLine
from civiscope.media import AccessUnit, Codec, TrackConfig, UnitFlags

CLIP, SOUND = video_clip(Codec.H265, 24, gop=8), sound_clip(Codec.PCMA)
TRACKS = (CLIP.track, SOUND.track)


@dataclass
class Bench:
    """A recorder's feed, a worker beside it, and a reader of the worker's."""

    recorder: FeedServer
    derived: DerivedStreams
    reader: FeedClient
    events: list[FeedEvent] = field(default_factory=list)
    stream_id: StreamId = field(default_factory=lambda: StreamId(new_id()))

    def of(self, kind: type[FeedEvent]) -> list[FeedEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def units(self) -> list[AccessUnit]:
        return [event.unit for event in self.events if isinstance(event, FeedUnit)]

    def start(self, *tracks: TrackConfig) -> RunId:
        run_id = RunId(new_id())
        self.recorder.run_started(self.stream_id, run_id, tracks or TRACKS, 1_000_000)
        return run_id

    def subscribe(self, stream_id: StreamId | None = None) -> None:
        self.reader.subscribe(stream_id or self.stream_id, self.events.append)


@asynccontextmanager
async def bench(folder: Path, settings: DerivedSettings | None = None) -> AsyncIterator[Bench]:
    clock = SystemClock()
    fast = Backoff(first_s=0.01, limit_s=0.05)
    recorder = FeedServer(folder / "feed.sock", clock)
    worker = FeedServer(folder / "worker_feed.sock", clock, role="worker")
    quick = settings or DerivedSettings(linger_us=50_000)
    derived = DerivedStreams(FeedClient(folder / "feed.sock", "worker", clock, fast), worker, clock, quick)
    reader = FeedClient(folder / "worker_feed.sock", "server", clock, fast)
    here = Bench(recorder, derived, reader)
    tasks = [asyncio.create_task(one) for one in (derived.run(), reader.run(), _tick(recorder.tick))]
    try:
        await until(lambda: reader.is_connected)
        yield here
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        recorder.close()
        worker.close()


async def _tick(tick: Callable[[], None]) -> None:
    while True:
        tick()
        await asyncio.sleep(0.005)


async def test_pictures_are_made_while_somebody_wants_them(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        run_id = here.start()
        pictures = units_of(CLIP)
        for unit in pictures:
            here.recorder.unit(here.stream_id, run_id, unit)
        await asyncio.sleep(0)
        assert here.derived.making == frozenset()
        here.subscribe()
        sound = AccessUnit(2, 24, 0, 0, 0, 0, UnitFlags.KEY, 0, b"\x55" * 160)
        await until(lambda: len(here.units) == 8)
        here.recorder.unit(here.stream_id, run_id, sound)
        await until(lambda: len(here.units) == 9)
        (run,) = here.of(FeedRun)
        assert isinstance(run, FeedRun)
        assert [track.codec for track in run.tracks] == [Codec.H264, Codec.PCMA]
        assert run.started_us == 1_000_000
        assert [unit.pts for unit in here.units[:8]] == [unit.pts for unit in pictures[16:]]
        assert [unit.sequence for unit in here.units] == list(range(9))
        assert here.units[8].data == sound.data
        assert here.recorder.watched == {here.stream_id}
        here.recorder.run_ended(here.stream_id, run_id, 7_000_000, "unreachable", "The cable is out.")
        await until(lambda: isinstance(here.events[-1], FeedEnded))
        ended = here.events[-1]
        assert isinstance(ended, FeedEnded)
        assert (ended.reason, ended.detail, ended.at_us) == ("unreachable", "The cable is out.", 7_000_000)
        here.reader.unsubscribe(here.stream_id)
        await until(lambda: here.derived.making == frozenset())
        await until(lambda: here.recorder.watched == frozenset())


async def test_a_stream_of_h264_is_not_made_and_says_so(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        here.start(video_clip(count=1).track)
        here.subscribe()
        await until(
            lambda: any(isinstance(one, FeedEnded) and one.reason == "as_sent" for one in here.events)
        )
        assert here.units == []


async def test_their_number_is_bounded_and_the_next_waits(tmp_path: Path) -> None:
    settings = DerivedSettings(streams=1, linger_us=50_000)
    async with bench(tmp_path, settings) as here:
        run_id = here.start()
        here.recorder.unit(here.stream_id, run_id, units_of(CLIP)[0])
        other = StreamId(new_id())
        here.subscribe(other)
        await until(lambda: here.derived.making == {other})
        here.subscribe()
        await until(lambda: any(isinstance(one, FeedEnded) and one.reason == "busy" for one in here.events))
        here.reader.unsubscribe(other)
        await until(lambda: len(here.units) == 1)


async def test_broken_units_end_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        here.subscribe()
        await until(lambda: here.recorder.wanted == {here.stream_id})
        run_id = here.start()
        pictures = units_of(CLIP)
        for number, unit in enumerate(pictures):
            data = b"\xff" * 40 if number in {0, 3, 9} else unit.data
            here.recorder.unit(
                here.stream_id, run_id, AccessUnit(1, number, unit.pts, unit.dts, 0, 0, unit.flags, 0, data)
            )
        await until(lambda: len(here.units) > 0 and here.units[-1].pts == pictures[-1].pts)
        assert [unit.pts for unit in here.units if unit.is_key] == [pictures[8].pts, pictures[16].pts]


async def test_a_line_over_its_bound_goes_on_at_a_key_unit() -> None:
    line = UnitLine(1000)
    stream_id, run_id = StreamId(new_id()), RunId(new_id())

    def put(number: int, is_key: bool, size: int = 400) -> None:
        flags = UnitFlags.KEY if is_key else UnitFlags.NONE
        unit = AccessUnit(1, number, number, number, 0, 0, flags, 0, bytes(size))
        line.put(FeedUnit(stream_id, run_id, unit))

    put(0, True)
    put(1, False)
    ended = FeedEnded(stream_id, run_id, 1, "unreachable", "")
    line.put(ended)
    put(2, False)
    put(3, False)
    put(4, True)
    put(5, False, 5000)
    put(6, True, 5000)
    assert await line.take() == ended
    last = await line.take()
    assert isinstance(last, FeedUnit)
    assert last.unit.sequence == 6
    assert line.dropped_count == 6
