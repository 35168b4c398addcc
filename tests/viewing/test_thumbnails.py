"""Small pictures of recorded moments: whose they are, from which key unit, and what is refused."""

import asyncio
import io
from pathlib import Path

import av
import pytest
from tests.media.mp4.clip import video_clip
from tests.viewing.world import world

from civiscope.app.worker import Worker
from civiscope.base import AppError, ErrorKind, Span
from civiscope.media import AccessUnit, TrackConfig
from civiscope.privacy import Function
from civiscope.viewing.thumbnails import Thumbnails, key_unit

T0 = 1_700_000_000_000_000
SPAN = Span(T0 - 60_000_000, T0 + 600_000_000)


class Counting(Worker):
    """The real worker's decoding, counted, with a door that can be shut."""

    def __init__(self) -> None:
        super().__init__()
        self.units: list[AccessUnit] = []
        self.door = asyncio.Event()
        self.door.set()

    async def thumbnail(self, track: TrackConfig, unit: AccessUnit) -> bytes:
        self.units.append(unit)
        await self.door.wait()
        return await super().thumbnail(track, unit)


async def test_a_moment_gives_the_picture_of_its_key_unit_once_and_it_is_noted(tmp_path: Path) -> None:
    clip, worker = video_clip(count=60), Counting()
    async with world(tmp_path, maker=worker) as here:
        here.shelf.add((clip.track,), clip.samples, T0)
        look = await here.viewing.open(here.wish(Function.PLAYBACK, SPAN))
        jpeg = await look.thumbnail(T0 + 1_500_000)
        with av.open(io.BytesIO(jpeg)) as picture:
            assert picture.streams.video[0].width <= 240
        assert await look.thumbnail(T0 + 1_900_000) == jpeg
        assert [unit.pts for unit in worker.units] == [90_000]
        assert look.seen == (Span(T0 + 1_000_000, T0 + 1_000_001),)
    worker.close()


async def test_what_is_not_the_looks_is_refused(tmp_path: Path) -> None:
    clip, worker = video_clip(count=30), Counting()
    async with world(tmp_path, maker=worker) as here:
        here.shelf.add((clip.track,), clip.samples, T0)
        look = await here.viewing.open(here.wish(Function.PLAYBACK, SPAN))
        live = await here.viewing.open(here.wish(Function.LIVE, None))
        for who, at_us, kind in (
            (look, SPAN.end_us, ErrorKind.INVALID),
            (look, SPAN.start_us - 1, ErrorKind.INVALID),
            (look, SPAN.end_us - 1, ErrorKind.MISSING),
            (live, T0, ErrorKind.DENIED),
        ):
            with pytest.raises(AppError) as refused:
                await who.thumbnail(at_us)
            assert refused.value.kind is kind
        await look.thumbnail(T0)
        await look.close()
        with pytest.raises(AppError):
            await look.thumbnail(T0)
        assert len(worker.units) == 1
    worker.close()


async def test_what_was_deleted_is_not_shown_from_memory(tmp_path: Path) -> None:
    clip, worker = video_clip(count=30), Counting()
    async with world(tmp_path, maker=worker) as here:
        here.shelf.add((clip.track,), clip.samples, T0)
        look = await here.viewing.open(here.wish(Function.PLAYBACK, SPAN))
        await look.thumbnail(T0)
        here.shelf.units.clear()
        with pytest.raises(AppError) as refused:
            await look.thumbnail(T0)
        assert refused.value.kind is ErrorKind.MISSING
    worker.close()


async def test_a_crowd_is_refused_and_a_node_without_a_worker_says_so(tmp_path: Path) -> None:
    clip, worker = video_clip(count=900), Counting()
    async with world(tmp_path) as here:
        here.shelf.add((clip.track,), clip.samples, T0)
        keys = [one for one in here.shelf.units if one.unit.is_key]
        assert key_unit(here.shelf, here.stream_id, T0 - 1) is None
        worker.door.clear()
        busy = Thumbnails(worker)
        asked = [asyncio.ensure_future(busy.picture(here.stream_id, key)) for key in keys[:32]]
        await asyncio.sleep(0)
        with pytest.raises(AppError) as refused:
            await busy.picture(here.stream_id, keys[40])
        assert refused.value.kind is ErrorKind.EXHAUSTED
        assert len(worker.units) == 2
        worker.door.set()
        assert all(await asyncio.gather(*asked))
        with pytest.raises(AppError) as refused:
            await Thumbnails(None).picture(here.stream_id, keys[0])
        assert refused.value.kind is ErrorKind.UNAVAILABLE
    worker.close()
