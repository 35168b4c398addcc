"""Cameras that mean harm, or are broken beyond belief: they cost us little, and the others nothing."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from tests.ingest.rig import source_of, ticking

from civiscope.ingest import LossReason

SPS, PPS = bytes.fromhex("6742c01ed90141fb016e040404a0"), bytes.fromhex("68ce3c80")
SDP = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAHtkBQfsBbgQEBKA=,aM48gA==\r\na=control:t1\r\n"
)
ANSWERS = {
    "OPTIONS": ("Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""),
    "DESCRIBE": ("Content-Type: application/sdp\r\n", SDP),
    "SETUP": ("Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n", ""),
    "PLAY": ("Session: 1\r\n", ""),
}
Flood = Callable[[int], bytes]
"""What the camera sends the n-th time."""


def packet(number: int, payload: bytes, timestamp: int = 0, *, ends: bool = False) -> bytes:
    """One RTP packet of H.264, interleaved (RFC 2326 §10.12)."""
    rtp = struct.pack(">BBHII", 0x80, ends << 7 | 96, number & 0xFFFF, timestamp & 0xFFFF_FFFF, 1) + payload
    return b"$\0" + struct.pack(">H", len(rtp)) + rtp


@asynccontextmanager
async def hostile(flood: Flood) -> AsyncIterator[str]:
    """A camera that behaves until PLAY, then sends as much as it can; its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                number = next(line.split(":")[1] for line in lines if line.lower().startswith("cseq"))
                method = lines[0].split()[0]
                headers, body = ANSWERS.get(method, ("", ""))
                length = f"Content-Length: {len(body)}\r\n" if body else ""
                writer.write(f"RTSP/1.0 200 OK\r\nCSeq:{number}\r\n{headers}{length}\r\n{body}".encode())
                turn = 0
                while method == "PLAY":
                    writer.write(flood(turn))
                    await writer.drain()
                    await asyncio.sleep(0)
                    turn += 1
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"rtsp://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
        server.close()


def tiny(turn: int) -> bytes:
    """Five hundred pictures of three bytes."""
    return b"".join(
        packet(turn * 500 + n, b"\x65\x88\xaa", (turn * 500 + n) * 10, ends=True) for n in range(500)
    )


def other_sets(turn: int) -> bytes:
    """Every picture with parameter sets of its own."""
    sets = packet(turn * 3, SPS + turn.to_bytes(4)) + packet(turn * 3 + 1, PPS)
    return sets + packet(turn * 3 + 2, b"\x65\x88\xaa", turn * 3000, ends=True)


async def test_a_flood_of_tiny_packets_takes_a_bounded_share_of_a_tick() -> None:
    """Seventeen hundred fit into each 32 KiB, and a socket may hold megabytes."""
    async with hostile(tiny) as url, ticking([source_of(url)], tick_s=0.05) as rig:
        await rig.units(1)
        run, most = rig.memory.run, 0
        for _ in range(6):
            await asyncio.sleep(0.1)
            before = len(run.units)
            rig.intake.tick()
            most = max(most, len(run.units) - before)
        assert 0 < most < 4000
        assert run.end is None


async def test_parameter_sets_that_change_with_every_picture_end_the_session() -> None:
    """Each change begins a segment on the disk: files would grow as fast as the camera sends."""
    async with hostile(other_sets) as url, ticking([source_of(url)]) as rig:
        run = await rig.units(1)
        await rig.until(lambda: run.end is not None)
        assert len(run.tracks) == 31
        assert run.end is not None
        assert run.end[1] is LossReason.PROTOCOL
        assert "30 times within a minute" in run.end[2]


@pytest.mark.parametrize(
    "flood",
    [
        lambda turn: packet(turn, (b"\x7c\x85" if turn == 0 else b"\x7c\x05") + b"\xaa" * 60_000),
        lambda turn: packet(turn, b"\x65\x88" + b"\xaa" * 60_000),
    ],
    ids=["a fragment without end", "a unit without end"],
)
async def test_a_picture_that_never_ends_is_bounded(flood: Flood) -> None:
    sent = 0

    def counting(turn: int) -> bytes:
        nonlocal sent
        data = flood(turn)
        sent += len(data)
        return data

    async with hostile(counting) as url, ticking([source_of(url)]) as rig:
        await rig.until(lambda: sent > 48 << 20)
        assert all(len(unit.data) <= 17 << 20 for run in rig.memory.runs for unit in run.units)
