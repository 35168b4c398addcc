"""Probing: what is there, or in plain words what is wrong."""

import asyncio
import contextlib
import hashlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path

import pytest
from tests.ingest.conftest import make_certificate
from tests.ingest.rig import LOOPBACK, source_of

from civiscope.devices import Trouble, TroubleError, TroubleReport
from civiscope.ingest import IntakeSettings, Transport, presented_certificate, probe
from civiscope.media import Codec, decode_key_frame
from civiscope.media.wire import Credentials
from civiscope.simulator import (
    Faults,
    Footage,
    RtspServer,
    ServerOptions,
    SimulatedCamera,
    server_tls,
    serving,
)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]]


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """A port on which `serve` has each connection, until the end."""
    tasks: set[asyncio.Task[None]] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(task := asyncio.create_task(serve(reader, writer)))
        await asyncio.wait([task])
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0.02)


@asynccontextmanager
async def peer(answer: bytes | None) -> AsyncIterator[int]:
    """A port that answers anything with these bytes (None: with silence)."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        if answer is not None:
            writer.write(answer)
        await reader.read()

    async with listening(serve) as port:
        yield port


@pytest.mark.parametrize("transport", [Transport.AUTO, Transport.UDP])
async def test_a_camera_is_seen(footage: dict[str, Footage], transport: Transport) -> None:
    options = ServerOptions(users=(Credentials("viewer", "s3cret"),))
    faults = Faults(refuses_tcp=transport is Transport.UDP)
    camera = SimulatedCamera("cam", footage["large"], faults=faults)
    async with serving(RtspServer([camera], options=options)) as server:
        found = await probe(
            source_of(server.url("cam"), transport=transport, login=("viewer", "s3cret")), gate=LOOPBACK
        )
    (track,) = found.tracks
    assert (track.codec, track.width_px, track.height_px) == (Codec.H264, 320, 240)
    assert found.transport is (Transport.UDP if transport is Transport.UDP else Transport.TCP)
    assert found.key_unit is not None
    assert decode_key_frame(track, found.key_unit).width_px == 320
    assert not found.sends_password_in_clear


async def test_auto_falls_back_to_udp(footage: dict[str, Footage]) -> None:
    camera = SimulatedCamera("cam", footage["h264"], faults=Faults(refuses_tcp=True))
    async with serving(RtspServer([camera])) as server:
        found = await probe(source_of(server.url("cam"), transport=Transport.AUTO), gate=LOOPBACK)
    assert found.transport is Transport.UDP


async def test_without_a_key_frame_the_tracks_are_told(footage: dict[str, Footage]) -> None:
    faults = Faults(drops_key_units=True)
    camera = SimulatedCamera("cam", footage["h264"], faults=faults, starts_at_key=False)
    async with serving(RtspServer([camera])) as server:
        found = await probe(source_of(server.url("cam")), 1.0, gate=LOOPBACK)
    assert found.key_unit is None
    assert found.tracks[0].width_px == 160


def fingerprint_of(pem: Path) -> str:
    """SHA-256 of the certificate in a PEM file."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.read_text())).hexdigest()


async def refusal(url: str, timeout_s: float = 2.0, **of: object) -> TroubleReport:
    """The trouble of a probe that must fail, in time."""
    began = time.monotonic()
    with pytest.raises(TroubleError) as caught:
        await probe(source_of(url, **of), timeout_s, gate=LOOPBACK)  # type: ignore[arg-type]  # passed on as given
    assert time.monotonic() - began < timeout_s + 0.5
    report = caught.value.report
    assert "s3cret" not in caught.value.message
    assert report.words.endswith(".")
    assert report.advice.endswith(".") or report.trouble in (Trouble.STREAM, Trouble.ADDRESS)
    return report


async def test_nobody_listens() -> None:
    async with peer(None) as port:
        pass
    report = await refusal(f"rtsp://127.0.0.1:{port}/x")
    assert (report.trouble, "Nothing listens" in report.words) == (Trouble.REFUSED, True)


async def test_somebody_listens_and_is_silent() -> None:
    async with peer(None) as port:
        report = await refusal(f"rtsp://127.0.0.1:{port}/x", 0.5)
        secret = await refusal(f"rtsps://127.0.0.1:{port}/x", 0.8)
    assert report.trouble is secret.trouble is Trouble.TIMEOUT
    assert "silent" in report.words
    assert "encryption" in secret.words


async def test_nobody_answers() -> None:
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = full.getsockname()[1]
    waiting = [socket.socket() for _ in range(4)]
    for one in waiting:  # nobody accepts: once the queue is full, a SYN gets no answer
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", port))
    report = await refusal(f"rtsp://127.0.0.1:{port}/x", 1.0)
    for one in (full, *waiting):
        one.close()
    assert (report.trouble, "does not answer" in report.words) == (Trouble.UNREACHABLE, True)


async def test_an_unknown_name() -> None:
    report = await refusal("rtsp://no.such.name.invalid/x", 5.0)
    assert report.trouble is Trouble.UNREACHABLE
    assert "IP address" in report.advice


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "rtsp:///x", "rtsp://h:99999/", "x"])
async def test_an_address_that_is_none(url: str) -> None:
    assert (await refusal(url)).trouble is Trouble.ADDRESS


@pytest.mark.parametrize(
    "url", ["rtsp://169.254.169.254/latest", "rtsps://8.8.8.8/", "rtsp://[2606:4700::1]/"]
)
async def test_what_the_gate_refuses(url: str) -> None:
    report = await refusal(url, 1.0)
    assert report.trouble is Trouble.GATE


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "web server"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
        (b"220 mail.example ESMTP\r\n", "mail"),
        (b"\x15\x03\x01\0\2\2\x46", "encryption"),
        (bytes(range(64)), "does not speak RTSP"),
    ],
)
async def test_what_speaks_something_else(answer: bytes, word: str) -> None:
    async with peer(answer) as port:
        report = await refusal(f"rtsp://127.0.0.1:{port}/x")
    assert report.trouble is Trouble.NOT_A_CAMERA
    assert word in report.words


async def test_what_hangs_up_without_a_word() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with listening(serve) as port:
        report = await refusal(f"rtsp://127.0.0.1:{port}/x")
    assert report.trouble is Trouble.NOT_A_CAMERA
    assert "too many viewers" in report.advice


async def test_a_wrong_password_and_a_wrong_path(footage: dict[str, Footage]) -> None:
    options = ServerOptions(users=(Credentials("viewer", "right"),))
    async with serving(RtspServer([SimulatedCamera("cam", footage["h264"])], options=options)) as server:
        wrong = await refusal(server.url("cam"), login=("viewer", "s3cret"))
        missing = await refusal(server.url("cam") + "x", login=("viewer", "right"))
        nameless = await refusal(server.url("cam"))
    assert wrong.trouble is nameless.trouble is Trouble.AUTHENTICATION
    assert "refused the user name or the password" in wrong.words
    assert "asks for" in nameless.words
    assert missing.trouble is Trouble.STREAM
    assert "404" in missing.words


@pytest.mark.parametrize(
    "status", [b"454 Session Not Found", b"461 Unsupported Transport", b"503 Busy", b"302 Moved"]
)
async def test_a_camera_that_says_no(status: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in (1, 2):
            await reader.readuntil(b"\r\n\r\n")
            answer = b"200 OK" if number == 1 else status
            writer.write(b"RTSP/1.0 %s\r\nCSeq: %d\r\nLocation: rtsp://10.0.0.1/\r\n\r\n" % (answer, number))
        await reader.read()

    async with listening(serve) as port:
        report = await refusal(f"rtsp://127.0.0.1:{port}/x", transport=Transport.TCP)
    assert report.trouble is Trouble.STREAM


async def test_a_certificate_nobody_vouches_for_is_offered_for_pinning(
    footage: dict[str, Footage], tls_context: ssl.SSLContext, tls_files: tuple[Path, Path]
) -> None:
    pin = fingerprint_of(tls_files[0])
    camera = SimulatedCamera("cam", footage["h264"])
    async with serving(RtspServer([camera], options=ServerOptions(tls=tls_context))) as server:
        report = await refusal(server.url("cam"))
        other = await refusal(server.url("cam"), tls_fingerprint="00" * 32)
        assert await presented_certificate(server.url("cam"), gate=LOOPBACK) == pin
        assert (await probe(source_of(server.url("cam"), tls_fingerprint=pin), gate=LOOPBACK)).tracks
    assert report.trouble is other.trouble is Trouble.CERTIFICATE
    assert report.fingerprint == other.fingerprint == pin
    assert "self" in report.words
    assert "not the one known here" in other.words


async def test_a_certificate_that_has_expired_says_so(footage: dict[str, Footage], tmp_path: Path) -> None:
    paths = make_certificate(tmp_path, days=-2)
    camera = SimulatedCamera("cam", footage["h264"])
    settings = IntakeSettings(ca_file=str(paths[0]))
    async with serving(RtspServer([camera], options=ServerOptions(tls=server_tls(*paths)))) as server:
        with pytest.raises(TroubleError) as caught:
            await probe(source_of(server.url("cam")), 2.0, gate=LOOPBACK, settings=settings)
    assert "expired" in caught.value.report.words
    assert caught.value.report.fingerprint == fingerprint_of(paths[0])


async def test_no_tls_where_it_was_wanted(footage: dict[str, Footage]) -> None:
    async with serving(RtspServer([SimulatedCamera("cam", footage["h264"])])) as server:
        url = server.url("cam").replace("rtsp:", "rtsps:")
        report = await refusal(url)
        with pytest.raises(TroubleError, match="TLS"):
            await presented_certificate(url, gate=LOOPBACK)
        with pytest.raises(TroubleError, match="no certificate"):
            await presented_certificate(server.url("cam"), gate=LOOPBACK)
    assert (report.trouble, report.fingerprint) == (Trouble.CERTIFICATE, None)
    with pytest.raises(TroubleError) as caught:
        await presented_certificate("rtsps://8.8.8.8/", gate=LOOPBACK)
    assert caught.value.report.trouble is Trouble.GATE


@asynccontextmanager
async def describing(sdp: bytes, date: bytes = b"") -> AsyncIterator[int]:
    """A camera that describes itself like this, and goes no further."""
    head = b"RTSP/1.0 200 OK\r\nCSeq: %d\r\n" + date

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head % 1 + b"Public: DESCRIBE, SETUP, PLAY\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            head % 2 + b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(sdp) + sdp
        )
        await reader.read()

    async with listening(serve) as port:
        yield port


@pytest.mark.parametrize("codec", [b"H262/90000", b"VP8/90000"])
async def test_a_codec_nobody_reads_is_named(codec: bytes) -> None:
    sdp = b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 %s\r\na=control:1\r\n" % codec
    async with describing(sdp) as port:
        report = await refusal(f"rtsp://127.0.0.1:{port}/x")
    assert report.trouble is Trouble.CODEC
    assert codec.partition(b"/")[0].decode() in report.words


async def test_connected_and_nothing_comes(footage: dict[str, Footage]) -> None:
    camera = SimulatedCamera("cam", footage["h264"], faults=Faults(is_stalled=True))
    async with serving(RtspServer([camera])) as server:
        late = await refusal(server.url("cam"), 1.0)
        settings = IntakeSettings(stall_s=0.3)
        began = time.monotonic()
        with pytest.raises(TroubleError) as caught:
            await probe(source_of(server.url("cam")), 3.0, gate=LOOPBACK, settings=settings)
    assert time.monotonic() - began < 2.0
    assert late.trouble is caught.value.report.trouble is Trouble.STREAM


@asynccontextmanager
async def dated(port: int, date: bytes) -> AsyncIterator[int]:
    """The camera at this port, with a Date in each of its answers."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)

        async def ask() -> None:
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(65_536):
                    far_writer.write(data)
            far_writer.close()

        asking = asyncio.create_task(ask())
        with contextlib.suppress(ConnectionError):
            while data := await far_reader.read(65_536):
                writer.write(data.replace(b"\r\nCSeq:", b"\r\nDate: " + date + b"\r\nCSeq:"))
        await asking

    async with listening(serve) as near:
        yield near


@pytest.mark.parametrize("by_report", [True, False])
async def test_the_cameras_clock_is_compared(footage: dict[str, Footage], by_report: bool) -> None:
    day_ms = 86_400_000
    shift_us = -day_ms * 1000
    if by_report:
        camera = SimulatedCamera("cam", footage["h264"], faults=Faults(clock_offset_us=shift_us))
        async with serving(RtspServer([camera])) as server:
            found = await probe(source_of(server.url("cam")), gate=LOOPBACK)
        offset_ms = found.clock_offset_ms
    else:
        shown = formatdate(time.time() + shift_us / 1e6, usegmt=True).encode()
        camera = SimulatedCamera("cam", footage["h264"], faults=Faults(sends_reports=False))
        async with serving(RtspServer([camera])) as server, dated(server.port, shown) as port:
            found = await probe(source_of(f"rtsp://127.0.0.1:{port}/cam"), gate=LOOPBACK)
        offset_ms = found.clock_offset_ms
    assert offset_ms is not None
    assert abs(offset_ms + day_ms) < 3000
