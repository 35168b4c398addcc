"""Cameras that send JPEG pictures over HTTP: a multipart stream and a snapshot each, faults on demand."""

import asyncio
import errno
import secrets
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate

from civiscope.base import AppError, Clock, ErrorKind, SystemClock
from civiscope.media import Codec, FileUnits
from civiscope.media.wire import (
    BasicChallenge,
    Challenge,
    Credentials,
    DigestChallenge,
    Login,
    parse_authorization,
    proof_is_right,
    write_challenge,
)

_BOUNDARY = "frame"
_HEAD_LIMIT_BYTES = 16 * 1024
_HEAD_S = 5.0


@dataclass(frozen=True, slots=True)
class PictureFaults:
    """What such a camera may do wrong; the default does nothing wrong."""

    redirects_to: str = ""
    """It answers 302 to this place."""
    hides_lengths: bool = False
    """Parts come without Content-Length, as of many small cameras."""
    is_chunked: bool = False
    stalls_after: int | None = None
    """It sends so many pictures and then nothing more, the connection open."""
    closes_after: int | None = None
    clock_skew_s: int = 0
    sends: str = "image/jpeg"
    """What it calls its pictures."""


FAULTLESS_PICTURES = PictureFaults()


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """How a simulated server of pictures is reached."""

    users: tuple[Credentials, ...] = ()
    """None: everybody may look."""
    login: Login = Login.DIGEST
    tls: ssl.SSLContext | None = None


@dataclass(slots=True)
class PictureCamera:
    """One camera: JPEG pictures in a ring, at their rate. `faults` may be changed at any time."""

    mount: str
    pictures: Sequence[bytes]
    rate_fps: float = 5.0
    faults: PictureFaults = field(default=FAULTLESS_PICTURES)

    @classmethod
    def of_file(cls, mount: str, source: FileUnits) -> "PictureCamera":
        """The pictures of a Motion JPEG file, as they are in it; INVALID for any other codec."""
        track = source.tracks[0]
        if track.codec is not Codec.MJPEG:
            raise AppError(
                ErrorKind.INVALID,
                f"{source.path.name} is no Motion JPEG file: convert it, nothing is re-encoded.",
            )
        pictures = [unit.data for unit in source.units_of(track.track_id)]
        return cls(mount, pictures, len(pictures) * 1e6 / source.duration_us)


class PictureServer:
    """Serves `/<mount>/video` and `/<mount>/snapshot` until `stop`. Port 0 picks a free port, which stays."""

    def __init__(
        self,
        cameras: Iterable[PictureCamera],
        host: str = "127.0.0.1",
        port: int = 0,
        options: PictureOptions | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.cameras = {camera.mount: camera for camera in cameras}
        self.requests: list[str] = []
        """First lines of what was asked, for tests; the newest hundred."""
        self._host = host
        self._port = port
        self._options = options or PictureOptions()
        self._clock = clock or SystemClock()
        self._nonce = secrets.token_hex(16)
        self._server: asyncio.Server | None = None
        self._visits: set[asyncio.Task[None]] = set()

    def url(self, mount: str, path: str = "video") -> str:
        """Where a camera's pictures are, without name or password."""
        scheme = "https" if self._options.tls is not None else "http"
        return f"{scheme}://{self._host}:{self._port}/{mount}/{path}"

    async def start(self) -> None:
        """Listen; UNAVAILABLE when the port is taken."""
        try:
            self._server = await asyncio.start_server(
                self._meet, self._host, self._port, ssl=self._options.tls, limit=_HEAD_LIMIT_BYTES
            )
        except OSError as error:
            words = "another program has it" if error.errno == errno.EADDRINUSE else str(error.strerror)
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"Cannot listen on {self._host} port {self._port}: {words}; choose another port.",
            ) from error
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection at once."""
        if self._server is None:
            return
        self._server.close()
        for visit in list(self._visits):
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)
        self._server = None

    def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_S):
                head = await reader.readuntil(b"\r\n\r\n")
            await self._answer(head.decode("latin-1"), writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # a visitor who asks nothing, or leaves
        finally:
            writer.close()

    async def _answer(self, head: str, writer: asyncio.StreamWriter) -> None:
        lines = head.split("\r\n")
        self.requests = [*self.requests[-99:], lines[0]]
        method, _, rest = lines[0].partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        fields = {
            name.strip().lower(): value.strip()
            for name, _, value in (one.partition(":") for one in lines[1:])
        }
        mount, _, what = path.strip("/").partition("/")
        camera = self.cameras.get(mount)
        if method != "GET" or camera is None or what not in {"video", "snapshot"}:
            await self._say(writer, 404, "Not Found", camera)
        elif not self._is_known(fields.get("authorization", ""), method):
            challenge = write_challenge(self._challenge())
            await self._say(writer, 401, "Unauthorized", camera, (("WWW-Authenticate", challenge),))
        elif camera.faults.redirects_to:
            await self._say(writer, 302, "Found", camera, (("Location", camera.faults.redirects_to),))
        elif what == "snapshot":
            await self._snapshot(writer, camera)
        else:
            await self._stream(writer, camera)

    async def _say(
        self,
        writer: asyncio.StreamWriter,
        status: int,
        reason: str,
        camera: PictureCamera | None,
        fields: tuple[tuple[str, str], ...] = (("Content-Length", "0"),),
    ) -> None:
        skew_s = camera.faults.clock_skew_s if camera is not None else 0
        at_s = self._clock.now_us() / 1e6 + skew_s
        base = (
            ("Server", "Civiscope simulator"),
            ("Date", formatdate(at_s, usegmt=True)),
            ("Connection", "close"),
        )
        text = "".join(f"{name}: {value}\r\n" for name, value in (*base, *fields))
        writer.write(f"HTTP/1.1 {status} {reason}\r\n{text}\r\n".encode("latin-1"))
        await writer.drain()

    async def _snapshot(self, writer: asyncio.StreamWriter, camera: PictureCamera) -> None:
        picture = camera.pictures[0]
        fields = (("Content-Type", camera.faults.sends), ("Content-Length", str(len(picture))))
        await self._say(writer, 200, "OK", camera, fields)
        writer.write(picture)
        await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter, camera: PictureCamera) -> None:
        faults = camera.faults
        fields = [("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")]
        if faults.is_chunked:
            fields.append(("Transfer-Encoding", "chunked"))
        await self._say(writer, 200, "OK", camera, tuple(fields))
        sent = 0
        while True:
            if sent == faults.closes_after:
                return
            if sent == faults.stalls_after:
                await asyncio.Event().wait()
            part = _part(camera.pictures[sent % len(camera.pictures)], faults)
            writer.write(b"%x\r\n%b\r\n" % (len(part), part) if faults.is_chunked else part)
            await writer.drain()
            sent += 1
            await asyncio.sleep(1 / camera.rate_fps)

    def _is_known(self, authorization: str, method: str) -> bool:
        if not self._options.users:
            return True
        proof = parse_authorization(authorization)
        return proof is not None and any(
            user.username == proof.username and proof_is_right(proof, self._challenge(), user, method)
            for user in self._options.users
        )

    def _challenge(self) -> Challenge:
        login, realm = self._options.login, "Civiscope simulator"
        if login is Login.BASIC:
            return BasicChallenge(realm)
        if login is Login.DIGEST_OLD:
            return DigestChallenge(realm, self._nonce)
        algorithm = "SHA-256" if login is Login.DIGEST_SHA256 else "MD5"
        return DigestChallenge(realm, self._nonce, algorithm, "auth")


def _part(picture: bytes, faults: PictureFaults) -> bytes:
    length = b"" if faults.hides_lengths else b"Content-Length: %d\r\n" % len(picture)
    kind = faults.sends.encode("latin-1")
    return b"--%b\r\nContent-Type: %b\r\n%b\r\n%b\r\n" % (_BOUNDARY.encode(), kind, length, picture)


@asynccontextmanager
async def serving_pictures(server: PictureServer) -> AsyncIterator[PictureServer]:
    """Started on entry, stopped on exit whatever happens."""
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
