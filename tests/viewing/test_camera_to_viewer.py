"""From a camera on a real socket to the bytes a browser gets: RTSP, intake, feed, viewing."""

import asyncio
import io
import subprocess
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import av
import pytest
from tests.viewing.world import Screen, until, world

from civiscope.base import SystemClock
from civiscope.devices import ANY_PORT, DeviceGate, GateRules
from civiscope.ingest import Intake, StreamSource
from civiscope.simulator import Footage, RtspServer, SimulatedCamera, serving


def _clip(path: Path, *codec: str, sound: str) -> Path:
    """Two seconds with a tone, made by FFmpeg."""
    command = [
        "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x180:rate=15", "-f", "lavfi",
        "-i", "sine=frequency=440:sample_rate=8000", "-t", "2", *codec, "-g", "15", "-c:a", sound,
        "-ac", "1", str(path),
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=30)
    return path


@pytest.mark.parametrize(
    ("codec", "sound", "b_frames"),
    [("libx264", "pcm_alaw", "0"), ("libx264", "aac", "2"), ("libx265", "pcm_mulaw", "0")],
)
async def test_a_camera_is_seen_and_heard(tmp_path: Path, codec: str, sound: str, b_frames: str) -> None:
    quiet = ("-x265-params", "log-level=none") if codec == "libx265" else ()
    path = _clip(tmp_path / "clip.mkv", "-c:v", codec, "-bf", b_frames, *quiet, sound=sound)
    camera = SimulatedCamera("street", Footage.load(path, in_band=True))
    async with world(tmp_path) as here, serving(RtspServer([camera])) as server:
        intake = Intake([here.server], SystemClock(), DeviceGate(GateRules((), (ANY_PORT,))))
        intake.set_sources([StreamSource(here.stream_id, here.channel_id, server.url("street"), audio=True)])
        ticking = asyncio.create_task(_tick(intake))
        screen = Screen().open((await here.viewing.open(here.wish())).live())
        await until(lambda: screen.kinds.count(2) > 60, 15)
        assert screen.state["state"] == "live"
        content = b"".join(screen.payloads(1, 2))
        for kind, enough in (("video", 15), ("audio", 8)):
            with av.open(io.BytesIO(content), "r") as container:
                streams = container.streams.video if kind == "video" else container.streams.audio
                times = [frame.pts * frame.time_base for frame in container.decode(streams[0])]  # type: ignore[union-attr, operator]  # pictures and sound have times
            assert len(times) >= enough
            assert float(times[0]) == pytest.approx(10, abs=0.6)
            steps_back = sum(after < before for before, after in pairwise(times))
            assert steps_back <= 2  # at the seams of a looped clip with reordered pictures
        await screen.close()
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
        intake.close()


async def _tick(intake: Intake) -> None:
    while True:
        intake.tick()
        await asyncio.sleep(0.01)
