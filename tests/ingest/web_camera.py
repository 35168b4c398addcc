"""A camera that gives Motion JPEG by HTTP on a real socket, with the habits that are asked of it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import av

from civiscope.media.wire import (
    BasicChallenge,
    Credentials,
    DigestChallenge,
    parse_authorization,
    proof_is_right,
    write_challenge,
)


def jpegs_of(clip: Path) -> list[bytes]:
    """The pictures of an MJPEG file, as files."""
    with av.open(str(clip)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


@dataclass
class WebCamera:
    """`pictures` go round and round; what is asked of it is kept in `asked`."""

    pictures: list[bytes]
    is_single: bool = False
    sized: bool = True
    boundary: str = "frame"
    mark: bytes = b"--frame"
    gap: bytes = b"\r\n"
    chunked: bool = False
    every_s: float = 0.04
    login: Credentials | None = None
    digest: bool = True
    stops_after: int | None = None
    """Then it is silent."""
    closes: bool = False
    """After each answer, of single pictures."""
    answer: bytes | None = None
    """Instead of all this."""
    asked: list[bytes] = field(default_factory=list)
    sent: int = 0
    connections: int = 0
    port: int = 0
    turning: Iterator[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.turning = cycle(self.pictures)

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["WebCamera"]:
        tasks: set[asyncio.Task[None]] = set()

        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.add(task := asyncio.create_task(self._serve(reader, writer)))
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # our side went: that is how a stream ends
            writer.close()

        server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0.05)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/video.cgi?a=1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while True:
            request = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(request)
            if self.answer is not None:
                writer.write(self.answer)
                await reader.read()
                return
            if self.login is not None and not self._is_proved(request):
                challenge = (
                    DigestChallenge("cam", "abc", "MD5", "auth") if self.digest else BasicChallenge("cam")
                )
                line = write_challenge(challenge).encode()
                writer.write(b"HTTP/1.1 401 No\r\nWWW-Authenticate: %s\r\nContent-Length: 0\r\n\r\n" % line)
                return
            if not self.is_single:
                await self._stream(writer, self.turning)
            if self._give_one(writer, next(self.turning)):
                return

    def _is_proved(self, request: bytes) -> bool:
        assert self.login is not None  # the caller looked
        challenge = DigestChallenge("cam", "abc", "MD5", "auth") if self.digest else BasicChallenge("cam")
        for line in request.decode().split("\r\n"):
            if line.lower().startswith("authorization:"):
                proof = parse_authorization(line.partition(":")[2])
                return proof is not None and proof_is_right(proof, challenge, self.login, "GET")
        return False

    def _give_one(self, writer: asyncio.StreamWriter, picture: bytes) -> bool:
        kept = b"Connection: close\r\n" if self.closes else b""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n%sContent-Length: %d\r\n\r\n"
        writer.write(head % (kept, len(picture)) + picture)
        self.sent += 1
        return self.closes

    async def _stream(self, writer: asyncio.StreamWriter, pictures: Iterator[bytes]) -> None:
        head = b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2015 00:00:00 GMT\r\n"
        head += b"Content-Type: multipart/x-mixed-replace; boundary=%s\r\n" % self.boundary.encode()
        writer.write(head + (b"Transfer-Encoding: chunked\r\n\r\n" if self.chunked else b"\r\n"))
        while self.stops_after is None or self.sent < self.stops_after:
            picture = next(pictures)
            size = b"Content-Length: %d\r\n" % len(picture) if self.sized else b""
            part = self.mark + b"\r\nContent-Type: image/jpeg\r\n" + size + b"\r\n" + picture + self.gap
            writer.write(b"%x\r\n%s\r\n" % (len(part), part) if self.chunked else part)
            self.sent += 1
            await writer.drain()
            await asyncio.sleep(self.every_s)
        await asyncio.sleep(60)
