"""A real (simulated) camera tried through the door, and the recorder's status in the words of the page."""

import asyncio
import base64
import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.api.town import Town

from civiscope.api import CameraProber, RecorderStreams, create_app
from civiscope.base import AppError, ChannelId, ErrorKind, RunId, StreamId, SystemClock, new_id
from civiscope.devices import ANY_PORT, GateRules
from civiscope.ingest import LossReason, StreamSource, StreamState, StreamStatus, Transport
from civiscope.media import AccessUnit, Codec, TrackConfig, decode_key_frame
from civiscope.media.wire import Credentials
from civiscope.recording import HeldSpan, KeepTimes, RecorderStatus, RecordingModes, Window
from civiscope.simulator import Footage, RtspServer, ServerOptions, SimulatedCamera, serving

PROBE = "/api/v1/cameras/probe"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of H.264."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed: it makes the clip")
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    made = "-f lavfi -i testsrc2=s=320x240:r=15 -t 1 -c:v libx264 -preset ultrafast -bf 0 -g 5 -threads 1"
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *made.split(), str(path)], check=True, timeout=60)
    return path


@pytest.fixture
async def camera(clip: Path) -> AsyncIterator[RtspServer]:
    """A camera that asks for a name and a password."""
    options = ServerOptions(users=(Credentials("admin", "hunter2"),))
    server = RtspServer([SimulatedCamera("gate", Footage.load(clip))], options=options)
    async with serving(server):
        yield server


async def decoded(track: TrackConfig, unit: AccessUnit) -> bytes:
    """As the worker does it."""
    return (await asyncio.to_thread(decode_key_frame, track, unit)).jpeg


def anywhere_here() -> GateRules:
    """Cameras of tests stand on this machine."""
    return GateRules((), (ANY_PORT,))


@pytest.fixture
async def client(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator's browser on a door that asks cameras themselves."""
    faces = replace(town.faces, prober=CameraProber(SystemClock(), decoded, anywhere_here, 4.0))
    faces = replace(faces, settings=replace(faces.settings, answer_limit_s=10.0))
    async with await town.client_as("administrator") as signed_in:
        transport = httpx.ASGITransport(create_app(faces), raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url=signed_in.base_url, headers=signed_in.headers
        ) as client:
            client.cookies = signed_in.cookies
            yield client


async def test_a_camera_shows_its_picture(client: httpx.AsyncClient, camera: RtspServer) -> None:
    body = {"address": camera.url("gate"), "username": "admin", "password": "hunter2", "transport": "tcp"}
    answer = await client.post(PROBE, json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["tracks"] == [
        {
            "kind": "video",
            "codec": "h264",
            "width_px": 320,
            "height_px": 240,
            "sample_rate_hz": None,
            "channel_count": None,
        }
    ]
    assert base64.b64decode(told["picture_jpeg_base64"]).startswith(b"\xff\xd8\xff")
    assert 0 <= told["took_ms"] < 4000
    assert told["sends_password_in_clear"] is False


async def test_what_is_wrong_is_told_without_the_password(
    client: httpx.AsyncClient, camera: RtspServer
) -> None:
    wrong = {"address": camera.url("gate"), "username": "admin", "password": "hunter3"}
    gone = {"address": "rtsp://127.0.0.1:1/gate"}
    other = {"address": camera.url("gate") + "x", "username": "admin", "password": "hunter2"}
    for body in (wrong, gone, other):
        answer = await client.post(PROBE, json=body)
        assert answer.status_code in {401, 403, 404, 422, 503, 504}, answer.text
        assert set(answer.json()["error"]) == {"kind", "message", "trouble"}
        assert "hunter" not in answer.text


async def test_a_picture_that_cannot_be_decoded_makes_no_bad_camera(
    client: httpx.AsyncClient, town: Town, camera: RtspServer
) -> None:
    async def broken(track: TrackConfig, unit: AccessUnit) -> bytes:
        raise AppError(ErrorKind.INVALID, "no whole picture")

    source = StreamSource(StreamId(new_id()), ChannelId(new_id()), camera.url("gate"), "admin", "hunter2")
    answer = await CameraProber(SystemClock(), broken, anywhere_here, 4.0).probe(source)
    assert answer.picture_jpeg is None
    assert answer.tracks[0].codec is Codec.H264


class Recorder:
    """The recorder's face with one status."""

    def __init__(self, *streams: StreamStatus) -> None:
        self._streams = streams

    async def apply_plan(self, sources: tuple[StreamSource, ...], gate: GateRules) -> None:
        raise NotImplementedError

    async def apply_holds(self, holds: tuple[HeldSpan, ...]) -> None:
        raise NotImplementedError

    async def apply_times(self, times: KeepTimes) -> None:
        raise NotImplementedError

    async def apply_modes(self, modes: RecordingModes) -> None:
        raise NotImplementedError

    async def record(self, windows: tuple[Window, ...]) -> None:
        raise NotImplementedError

    async def keep_case_wraps(self, wraps: tuple[bytes, ...]) -> None:
        raise NotImplementedError

    async def status(self) -> RecorderStatus:
        return RecorderStatus(streams=self._streams, volumes=())


def status_of(state: StreamState, tracks: tuple[TrackConfig, ...]) -> StreamStatus:
    return StreamStatus(
        stream_id=StreamId(new_id()),
        state=state,
        since_us=7,
        run_id=RunId(new_id()),
        transport=Transport.TCP,
        tracks=tracks,
        units=3,
        bytes=9,
        bitrate_bps=1_999_999.6,
        frame_rate_fps=14.99,
        lost_packets=0,
        damaged_units=0,
        last_unit_us=8,
        last_reason=LossReason.UNREACHABLE,
        last_detail="no route",
    )


async def test_the_recorders_states_in_the_words_of_the_page() -> None:
    sps = bytes.fromhex("6742c01ed90141fb016e040404a0")
    track = TrackConfig(1, Codec.H264, 90_000, parameter_sets=(sps, b"\x68\xce\x3c\x80"), width_px=640)
    sound = TrackConfig(2, Codec.AAC, 16_000, codec_data=b"\x14\x08", sample_rate_hz=16_000)
    streams = [
        status_of(StreamState.RUNNING, (track, sound)),
        status_of(StreamState.CONNECTING, ()),
        status_of(StreamState.WAITING, ()),
    ]
    running, connecting, waiting = await RecorderStreams(Recorder(*streams)).states()
    assert (running.state, running.reason, running.detail) == ("recording", "", "")
    assert (running.bitrate_bps, running.fps, running.since_us) == (2_000_000, 14.99, 7)
    assert running.mse_type == 'video/mp4; codecs="avc1.42c01e,mp4a.40.2"'
    assert [one.is_video for one in running.tracks] == [True, False]
    assert (connecting.state, connecting.mse_type) == ("connecting", None)
    assert (waiting.state, waiting.reason, waiting.detail) == ("lost", "unreachable", "no route")
