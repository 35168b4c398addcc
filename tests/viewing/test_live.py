"""Live: a first picture at once, the truth about what is seen, and nobody waits for anybody."""

import io
from pathlib import Path

import av
import pytest
from tests.media.mp4.clip import sound_clip, video_clip
from tests.viewing.world import Camera, Screen, until, world

from civiscope.base import AppError, ErrorKind
from civiscope.media import Codec
from civiscope.media.mp4 import parse_fragment, parse_init
from civiscope.viewing import ViewingSettings


def _pictures(screen: Screen) -> int:
    with av.open(io.BytesIO(b"".join(screen.payloads(1, 2))), "r") as container:
        return sum(1 for _ in container.decode(video=0))


async def test_a_viewer_sees_pictures_at_once_and_then_each_new_one(tmp_path: Path) -> None:
    clip, sound = video_clip(), sound_clip()
    async with world(tmp_path) as here:
        camera = Camera(here, (clip.track, sound.track), clip.samples)
        camera.start()
        camera.send(20)
        look = await here.viewing.open(here.wish())
        screen = Screen().open(look.live())
        await until(lambda: screen.kinds.count(2) == 5)
        assert screen.kinds[0] == 3
        assert screen.kinds.index(1) < screen.kinds.index(2)
        assert screen.state["state"] == "live"
        assert screen.state["mse_type"] == 'video/mp4; codecs="avc1.42c00c,mp4a.40.2"'
        assert look.mse_type == screen.state["mse_type"]
        assert [track.track_id for track in parse_init(screen.payloads(1)[0])] == [1, 2]
        camera.send(10)
        await until(lambda: screen.kinds.count(2) == 15)
        assert _pictures(screen) == 15
        first = parse_fragment(screen.payloads(2)[0]).samples[0]
        assert (first.decode_time, first.is_key) == (15 * 6000 + 900_000, True)
        assert here.server.watched == {here.stream_id}
        late = Screen().open((await here.viewing.open(here.wish())).live())
        await until(lambda: late.kinds.count(2) == 15)
        assert late.kinds[:3] == [3, 1, 2]
        assert late.messages[2:] == [m for m in screen.messages if m[0] == 2]
        assert late.messages[2] is next(m for m in screen.messages if m[0] == 2)
        await screen.close()
        await late.close()
        await until(lambda: not here.server.watched)


@pytest.mark.parametrize("codec", [Codec.AAC, Codec.OPUS, Codec.PCMU, Codec.PCMA])
async def test_sound_comes_with_the_pictures(tmp_path: Path, codec: Codec) -> None:
    clip, sound = video_clip(), sound_clip(codec)
    rate_hz = sound.track.clock_rate_hz
    both = sorted(
        [*clip.samples, *sound.samples],
        key=lambda s: s.decode_time / (90_000 if s.track_id == 1 else rate_hz),
    )
    async with world(tmp_path) as here:
        camera = Camera(here, (clip.track, sound.track), both)
        camera.start()
        look = await here.viewing.open(here.wish())
        screen = Screen().open(look.live())
        await until(lambda: screen.kinds.count(1) == 1)
        camera.send(len(both))
        await until(lambda: screen.kinds.count(2) == len(both))
        with av.open(io.BytesIO(b"".join(screen.payloads(1, 2))), "r") as container:
            assert sum(frame.samples for frame in container.decode(audio=0)) > rate_hz * 3 // 2
        await screen.close()


async def test_a_lost_stream_is_never_shown_as_live(tmp_path: Path) -> None:
    clip = video_clip()
    async with world(tmp_path) as here:
        camera = Camera(here, (clip.track,), clip.samples)
        camera.start()
        camera.send(5)
        screen = Screen().open((await here.viewing.open(here.wish())).live())
        await until(lambda: screen.kinds.count(2) == 5)
        camera.end()
        await until(lambda: screen.state["state"] == "lost")
        lost = screen.state
        assert (lost["reason"], lost["detail"]) == ("unreachable", "The cable is out.")
        here.server.stream_waiting(here.stream_id, 5, "authentication", "The password is refused.")
        await until(lambda: screen.state["reason"] == "authentication")
        assert screen.state["since_us"] == lost["since_us"]
        late = Screen().open((await here.viewing.open(here.wish())).live())
        await until(lambda: bool(late.messages))
        assert late.kinds == [3]
        again = Camera(here, (video_clip(size_px=(640, 360)).track,), clip.samples)
        again.start()
        again.send(1)
        await until(lambda: screen.kinds[-1] == 2)
        assert screen.kinds.count(1) == 2
        assert screen.state["state"] == "live"
        await screen.close()
        await late.close()


async def test_silence_is_lost_and_a_new_picture_is_live_again(tmp_path: Path) -> None:
    clip = video_clip()
    async with world(tmp_path, ViewingSettings(stale_us=150_000)) as here:
        camera = Camera(here, (clip.track,), clip.samples)
        camera.start()
        camera.send(3)
        screen = Screen().open((await here.viewing.open(here.wish())).live())
        await until(lambda: screen.state["state"] == "live")
        await until(lambda: screen.state["state"] == "lost")
        assert screen.state["reason"] == "stalled"
        late = Screen().open((await here.viewing.open(here.wish())).live())
        await until(lambda: bool(late.messages))
        assert 2 not in late.kinds
        camera.send(1)
        await until(lambda: screen.state["state"] == "live")
        await until(lambda: screen.kinds.count(2) == 4)
        assert 2 not in late.kinds
        await screen.close()
        await late.close()


async def test_the_recorder_away_is_told_and_comes_back(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        await until(lambda: len(here.server.readers()) == 1)
        screen = Screen().open((await here.viewing.open(here.wish())).live())
        await until(lambda: screen.state["state"] == "connecting")
        here.server.close()
        await until(lambda: screen.state["reason"] == "recorder_away")
        await screen.close()


async def test_a_slow_viewer_is_moved_on_and_told_and_others_are_not(tmp_path: Path) -> None:
    clip = video_clip()
    async with world(tmp_path, ViewingSettings(viewer_bytes=8_000)) as here:
        camera = Camera(here, (clip.track,), clip.samples)
        camera.start()
        quick = Screen().open((await here.viewing.open(here.wish())).live())
        await until(lambda: quick.kinds.count(1) == 1)
        slow = (await here.viewing.open(here.wish())).live()
        assert (await anext(slow))[0] == 3
        for _ in range(18):
            camera.send(1)
            await until(lambda: quick.kinds.count(2) == camera.sequence)
        got = [await anext(slow) for _ in range(4)]
        assert [message[0] for message in got] == [1, 3, 4, 2]
        assert got[2][9:] == b'{"count": 15}'
        following = parse_fragment(got[3][9:]).samples[0]
        assert (following.is_key, following.decode_time) == (True, 15 * 6000 + 900_000)
        assert 4 not in quick.kinds
        await slow.aclose()  # type: ignore[attr-defined]  # it is a generator
        await quick.close()


async def test_motion_jpeg_is_sent_as_pictures(tmp_path: Path) -> None:
    clip = video_clip(Codec.MJPEG, count=3)
    async with world(tmp_path) as here:
        camera = Camera(here, (clip.track,), clip.samples)
        camera.start()
        screen = Screen().open((await here.viewing.open(here.wish())).live())
        await until(lambda: screen.kinds.count(1) == 1)
        camera.send(3)
        await until(lambda: screen.kinds.count(2) == 3)
        assert screen.state["mse_type"] == "image/jpeg"
        assert screen.payloads(1) == [b""]
        assert screen.payloads(2) == [sample.data for sample in clip.samples]
        await screen.close()


async def test_b_frames_and_times_below_zero_play(tmp_path: Path) -> None:
    clip = video_clip(b_frames=2)
    early = [
        type(s)(s.track_id, s.decode_time - 12_000, s.composition_offset, 6000, s.is_key, s.data)
        for s in clip.samples
    ]
    async with world(tmp_path) as here:
        camera = Camera(here, (clip.track,), early)
        camera.start()
        screen = Screen().open((await here.viewing.open(here.wish())).live())
        await until(lambda: screen.kinds.count(1) == 1)
        camera.send(len(early))
        await until(lambda: screen.kinds.count(2) == len(early))
        assert _pictures(screen) == len(early)
        await screen.close()


async def test_a_second_screen_on_one_look_ends_the_first(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        look = await here.viewing.open(here.wish())
        first = Screen().open(look.live())
        await until(lambda: bool(first.messages))
        second = Screen().open(look.live())
        await until(lambda: first.error is not None)
        assert isinstance(first.error, AppError)
        assert first.error.kind is ErrorKind.CONFLICT
        await until(lambda: bool(second.messages))
        assert look.is_watched
        await second.close()
        with pytest.raises(AppError):
            await first.task  # type: ignore[misc]  # it has ended with its error


async def test_the_last_viewer_lets_the_stream_go(tmp_path: Path) -> None:
    async with world(tmp_path, ViewingSettings(linger_us=0)) as here:
        screen = Screen().open((await here.viewing.open(here.wish())).live())
        await until(lambda: [status.streams for status in here.server.readers()] == [1])
        await screen.close()
        await until(lambda: [status.streams for status in here.server.readers()] == [0])
