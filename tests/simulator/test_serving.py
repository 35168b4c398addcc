"""What a simulated camera sends is its file, unit by unit, over the seam, to any client."""

import asyncio
import json
import ssl
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import av
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.simulator.viewer import Viewer, settings_for

from civiscope.base import AppError
from civiscope.media import Codec, FileUnits
from civiscope.media.wire import Credentials, EndReason, Login, RtpTransport
from civiscope.simulator import (
    Footage,
    RtspServer,
    ServerOptions,
    SimulatedCamera,
    mount_names,
    serve_files,
    server_tls,
    serving,
)

ADMIN = Credentials("admin", "hunter2")
SERVED = ["h264_aac.mp4", "h264b_pcmu.mov", "h265_pcma.mov", "mjpeg_opus.mkv", "h264_aac.ts"]


def one(path: Path, **options: object) -> RtspServer:
    return RtspServer([SimulatedCamera("cam", Footage.load(path))], options=ServerOptions(**options))  # type: ignore[arg-type]  # the fields' own types


@pytest.mark.parametrize("transport", list(RtpTransport))
async def test_every_unit_of_the_file_comes_in_order_and_time_runs_over_the_seam(
    clips: dict[str, Path], transport: RtpTransport
) -> None:
    files = {name: FileUnits(clips[name]) for name in SERVED}
    async with serving(RtspServer([SimulatedCamera(n, Footage(f)) for n, f in files.items()])) as server:
        await asyncio.gather(*(watch(server.url(name), files[name], transport) for name in SERVED))


async def watch(url: str, file: FileUnits, transport: RtpTransport) -> None:
    async with Viewer(settings_for(url, transport=transport)) as viewer:
        expected = [[unit.data for unit in file.units_of(track.track_id)] for track in file.tracks]
        wanted = len(expected[0]) + 8
        await viewer.until(lambda: bool(viewer.tracks) and len(viewer.tracks[0].units) >= wanted)
        for track, units in enumerate(expected):
            got = [data for _, data in viewer.tracks[track].units]
            assert got
            if file.tracks[track].codec is Codec.MJPEG:
                assert all(picture[:2] == b"\xff\xd8" for picture in got)
                continue
            starts = [at for at, data in enumerate(units) if data == got[0]]
            assert any(follows(units, at, got, exact=track == 0) for at in starts)
        check_times(viewer)
        told, first = viewer.playing.tracks[0], viewer.tracks[0].packets[0]
        assert (told.first_sequence, told.first_timestamp) == (first.sequence, first.timestamp)
        assert told.ssrc == first.ssrc


def follows(units: list[bytes], at: int, got: list[bytes], *, exact: bool) -> bool:
    """From `at` on, round and round; sound may lose its head or tail at the seam."""
    for data in got:
        if data != units[at % len(units)]:
            if exact or data not in units[:4]:
                return False
            at = units.index(data)
        at += 1
    return True


def check_times(viewer: Viewer) -> None:
    """Timestamps as presented are evenly apart, also over the seam; Matroska counts milliseconds."""
    first = viewer.tracks[0].units[0][0]
    ticks = sorted((stamp - first + (1 << 31)) % (1 << 32) for stamp, _ in viewer.tracks[0].units[:-4])
    assert all(abs(after - before - 6000) <= 90 for before, after in pairwise(ticks))


async def test_ffmpeg_plays_every_codec_over_the_seam(clips: dict[str, Path]) -> None:
    cameras = [SimulatedCamera(name, Footage.load(clips[name])) for name in SERVED]
    async with serving(RtspServer(cameras)) as server:
        asked = [(server.url(name), transport) for name in SERVED[:4] for transport in ("tcp", "udp")]
        results = await asyncio.gather(*(ffprobe(url, transport) for url, transport in asked))
    expected = [["h264", "aac"], ["h264", "pcm_mulaw"], ["hevc", "pcm_alaw"], ["mjpeg", "opus"]]
    for place, result in enumerate(results):
        assert [stream["codec_name"] for stream in result["streams"]] == expected[place // 2]
        assert len([f for f in result["frames"] if f["media_type"] == "video"]) >= 15


async def ffprobe(url: str, transport: str) -> dict[str, list[dict[str, str]]]:
    """Streams and decoded frames of two seconds; no error is written."""
    process = await asyncio.create_subprocess_exec(
        "ffprobe", "-v", "error", "-rtsp_transport", transport, "-analyzeduration", "1000000",
        "-show_streams", "-show_frames", "-read_intervals", "%+2", "-of", "json", url,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(30):
        out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    found: dict[str, list[dict[str, str]]] = json.loads(out)
    return found


async def test_pyav_decodes_pictures_after_a_digest_login(clips: dict[str, Path]) -> None:
    def watch(url: str) -> list[tuple[int, int]]:
        with av.open(url, options={"rtsp_transport": "tcp"}, timeout=10) as container:
            frames = container.decode(video=0)
            return [(frame.width, frame.height) for _, frame in zip(range(20), frames, strict=False)]

    async with serving(one(clips["h264_aac.mp4"], users=(ADMIN,))) as server:
        address = server.url("cam").replace("rtsp://", "rtsp://admin:hunter2@")
        assert await asyncio.to_thread(watch, address) == [(320, 240)] * 20
        with pytest.raises(av.error.HTTPUnauthorizedError):
            await asyncio.to_thread(watch, server.url("cam"))


@pytest.mark.parametrize("login", list(Login))
async def test_each_login_lets_in_the_right_password_only(clips: dict[str, Path], login: Login) -> None:
    async with serving(one(clips["small.mp4"], users=(ADMIN,), login=login)) as server:
        async with Viewer(settings_for(server.url("cam"), credentials=ADMIN)) as viewer:
            await viewer.until(lambda: viewer.session.is_playing)
        wrong = Credentials("admin", "hunter3")
        async with Viewer(settings_for(server.url("cam"), credentials=wrong)) as viewer:
            await viewer.until(lambda: viewer.end is not None)
            assert viewer.end is not None
            assert viewer.end.reason is EndReason.AUTHENTICATION


def make_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    paths = folder / "camera.pem", folder / "camera.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return paths


async def test_rtsps_carries_packets_and_refuses_udp(clips: dict[str, Path], tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    async with serving(one(clips["h264_aac.mp4"], tls=server_tls(certificate, key))) as server:
        assert server.url("cam").startswith("rtsps://")
        trust = ssl.create_default_context(cafile=str(certificate))
        trust.check_hostname = False
        async with Viewer(settings_for(server.url("cam")), trust) as viewer:
            await viewer.until(lambda: bool(viewer.tracks) and len(viewer.tracks[0].units) > 10)
        async with Viewer(settings_for(server.url("cam"), transport=RtpTransport.UDP), trust) as viewer:
            await viewer.until(lambda: viewer.end is not None)
            assert viewer.end is not None
            assert viewer.end.reason is EndReason.TRANSPORT
    with pytest.raises(AppError, match="cannot be used"):
        server_tls(key, certificate)


async def test_sender_reports_tell_the_cameras_clock(clips: dict[str, Path]) -> None:
    async with (
        serving(one(clips["h264_aac.mp4"])) as server,
        Viewer(settings_for(server.url("cam"))) as viewer,
    ):
        await viewer.until(lambda: bool(viewer.tracks) and all(s.reports and s.units for s in viewer.tracks))
        offsets_s = []
        for seen, rate in zip(viewer.tracks, (90_000, 16_000), strict=True):
            report, arrived_s = seen.reports[-1]
            assert abs(report.camera_us / 1e6 - arrived_s) < 0.2
            stamp = seen.units[-1][0]
            since_s = ((stamp - report.rtp_timestamp + (1 << 31)) % (1 << 32) - (1 << 31)) / rate
            offsets_s.append(report.camera_us / 1e6 + since_s - time.time())
        assert abs(offsets_s[0]) < 0.5
        assert abs(offsets_s[0] - offsets_s[1]) < 0.2


async def test_a_reader_that_stops_reading_misses_units_and_slows_nobody(clips: dict[str, Path]) -> None:
    async with (
        serving(one(clips["mjpeg_opus.mkv"])) as server,
        Viewer(settings_for(server.url("cam"))) as viewer,
    ):
        await viewer.until(lambda: viewer.session.is_playing)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
        transport = "Transport: RTP/AVP/TCP;interleaved=6-7"
        asked = f"SETUP {server.url('cam')}/trackID=0 RTSP/1.0\r\nCSeq: 1\r\n{transport}\r\n\r\n"
        writer.write(asked.encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        session = head.partition("Session: ")[2].partition(";")[0]
        writer.write(f"PLAY {server.url('cam')} RTSP/1.0\r\nCSeq: 2\r\nSession: {session}\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        assert (await reader.readexactly(2)) == b"$\x06"
        before = len(viewer.tracks[0].units)
        await viewer.until(lambda: len(viewer.tracks[0].units) >= before + 10)
        writer.transport.abort()


async def test_a_restart_keeps_the_port_and_a_taken_port_is_said_so(clips: dict[str, Path]) -> None:
    server = one(clips["small.mp4"])
    async with serving(server):
        url, port = server.url("cam"), server.port
        with pytest.raises(AppError, match="another program has it"):
            await RtspServer([], port=port).start()
        async with Viewer(settings_for(url)) as viewer:
            await viewer.until(lambda: viewer.session.is_playing)
            await server.stop()
            await viewer.until(lambda: viewer.is_closed)
    async with serving(server), Viewer(settings_for(url)) as viewer:
        await viewer.until(lambda: bool(viewer.tracks) and bool(viewer.tracks[0].units))
        assert server.watcher_count == 1
    with pytest.raises(AppError, match="no simulated camera"):
        server.camera("elsewhere")


async def test_serve_files_announces_and_serves_until_cancelled(clips: dict[str, Path]) -> None:
    told: list[str] = []
    paths = [clips["small.mp4"], clips["small.mp4"]]
    task = asyncio.create_task(serve_files(paths, port=0, announce=told.append))
    try:
        async with asyncio.timeout(10):
            while len(told) < 2:
                await asyncio.sleep(0.01)
        assert [url.rpartition("/")[2] for url in told] == ["small", "small-2"]
        async with Viewer(settings_for(told[1])) as viewer:
            await viewer.until(lambda: bool(viewer.tracks) and bool(viewer.tracks[0].units))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_mounts_are_named_after_files_and_never_twice() -> None:
    names = mount_names([Path("a/Yard 1.mp4"), Path("b/Yard 1.mov"), Path("ü.mp4")])
    assert names == ["Yard-1", "Yard-1-2", "-"]


@pytest.mark.footage
async def test_real_footage_is_served(shared_data: Path) -> None:
    path = shared_data / "video" / "people-walking_street.mp4"
    file = FileUnits(path)
    async with serving(one(path)) as server, Viewer(settings_for(server.url("cam"))) as viewer:
        await viewer.until(lambda: bool(viewer.tracks) and len(viewer.tracks[0].units) >= 40)
        got = [data for _, data in viewer.tracks[0].units]
    units = [unit.data for unit in file.units]
    assert follows(units, units.index(got[0]), got, exact=True)
