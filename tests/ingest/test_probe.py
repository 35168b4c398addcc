"""Probing: what is there, or in plain words what is wrong."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import pytest
from tests.ingest.rig import LOOPBACK, source_of

from civiscope.base import AppError, ErrorKind
from civiscope.ingest import IntakeSettings, Transport, probe
from civiscope.media import Codec, decode_key_frame
from civiscope.media.wire import Credentials
from civiscope.simulator import Faults, Footage, RtspServer, ServerOptions, SimulatedCamera, serving

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


async def refusal(url: str, timeout_s: float = 2.0, **of: object) -> AppError:
    """The error of a probe that must fail, in time."""
    began = time.monotonic()
    with pytest.raises(AppError) as caught:
        await probe(source_of(url, **of), timeout_s, gate=LOOPBACK)  # type: ignore[arg-type]  # passed on as given
    assert time.monotonic() - began < timeout_s + 1.0
    assert "s3cret" not in caught.value.message
    return caught.value


async def test_nobody_listens() -> None:
    async with peer(None) as port:
        pass
    error = await refusal(f"rtsp://127.0.0.1:{port}/x")
    assert (error.kind, "Nothing listens" in error.message) == (ErrorKind.INVALID, True)


async def test_somebody_listens_and_is_silent() -> None:
    async with peer(None) as port:
        error = await refusal(f"rtsp://127.0.0.1:{port}/x", 0.5)
    assert error.kind is ErrorKind.TIMEOUT


async def test_an_unknown_name() -> None:
    error = await refusal("rtsp://no.such.name.invalid/x", 5.0)
    assert error.kind is ErrorKind.UNAVAILABLE


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "rtsp:///x", "rtsp://h:99999/", "x"])
async def test_an_address_that_is_none(url: str) -> None:
    assert (await refusal(url)).kind in (ErrorKind.UNAVAILABLE, ErrorKind.INVALID)


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\0\2\2\x46"]
)
async def test_what_speaks_something_else(answer: bytes) -> None:
    async with peer(answer) as port:
        error = await refusal(f"rtsp://127.0.0.1:{port}/x")
    assert error.kind is ErrorKind.INVALID
    assert "RTSP" in error.message


async def test_a_wrong_password_and_a_wrong_path(footage: dict[str, Footage]) -> None:
    options = ServerOptions(users=(Credentials("viewer", "right"),))
    async with serving(RtspServer([SimulatedCamera("cam", footage["h264"])], options=options)) as server:
        wrong = await refusal(server.url("cam"), login=("viewer", "s3cret"))
        missing = await refusal(server.url("cam") + "x", login=("viewer", "right"))
        nameless = await refusal(server.url("cam"))
    assert wrong.kind is ErrorKind.INVALID
    assert "password" in wrong.message
    assert "404" in missing.message
    assert "password" in nameless.message


async def test_tls_that_is_not_trusted_or_not_there(
    footage: dict[str, Footage], tls_context: ssl.SSLContext
) -> None:
    camera = SimulatedCamera("cam", footage["h264"])
    async with serving(RtspServer([camera], options=ServerOptions(tls=tls_context))) as server:
        error = await refusal(server.url("cam"))
        assert "fingerprint" in error.message
    async with serving(RtspServer([SimulatedCamera("cam", footage["h264"])])) as server:
        error = await refusal(server.url("cam").replace("rtsp:", "rtsps:"))
        assert "TLS" in error.message


async def test_a_codec_nobody_reads() -> None:
    sdp = b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H262/90000\r\na=control:1\r\n"
    head = b"RTSP/1.0 200 OK\r\nCSeq: %d\r\n"
    answers = (
        head % 1 + b"Public: DESCRIBE, SETUP, PLAY\r\n\r\n"
        + head % 2 + b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(sdp) + sdp
    )  # fmt: skip

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, _, second = answers.partition(head % 2)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(first)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head % 2 + second)
        await reader.read()

    async with listening(serve) as port:
        error = await refusal(f"rtsp://127.0.0.1:{port}/x")
    assert error.kind is ErrorKind.INVALID
    assert "H262" in error.message


async def test_patience_is_bounded(footage: dict[str, Footage]) -> None:
    camera = SimulatedCamera("cam", footage["h264"], faults=Faults(is_stalled=True))
    settings = IntakeSettings(stall_s=0.3)
    async with serving(RtspServer([camera])) as server:
        began = time.monotonic()
        with pytest.raises(AppError) as caught:
            await probe(source_of(server.url("cam")), 3.0, settings=settings, gate=LOOPBACK)
    assert caught.value.kind is ErrorKind.TIMEOUT
    assert time.monotonic() - began < 2.0
