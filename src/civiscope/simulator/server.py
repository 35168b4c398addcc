"""Many simulated cameras behind one RTSP port, sent by one timer tick."""

import asyncio
import errno
import secrets
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from civiscope.base import AppError, Clock, ErrorKind, SystemClock
from civiscope.media.wire import (
    Credentials,
    Login,
    Manners,
    RtpInfo,
    ServerSession,
    ServerSettings,
    SessionDescription,
)
from civiscope.simulator.camera import SimulatedCamera
from civiscope.simulator.footage import Footage
from civiscope.simulator.watcher import Watcher

TICK_S = 0.01
REPORT_EVERY_US = 5_000_000
_UDP_BUFFER_BYTES = 1 << 20
_NO_MANNERS = Manners()


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a simulated server is reached."""

    users: tuple[Credentials, ...] = ()
    """None: everybody may look."""
    login: Login = Login.DIGEST
    tls: ssl.SSLContext | None = None
    """Given: rtsps, without UDP."""
    allows_udp: bool = True
    session_timeout_s: int = 60


class Gallery:
    """The cameras by path; answers the questions of RTSP sessions (`media.wire.Mounts`)."""

    def __init__(self, cameras: Iterable[SimulatedCamera]) -> None:
        self.cameras = {camera.mount: camera for camera in cameras}

    def describe(self, path: str) -> SessionDescription | None:
        """What the camera there says of itself."""
        camera = self.cameras.get(path)
        return camera.description() if camera is not None else None

    def manners(self, path: str) -> Manners:
        """How the camera there behaves now."""
        camera = self.cameras.get(path)
        if camera is None:
            return _NO_MANNERS
        manners = camera.faults.manners
        return manners if camera.users is None else replace(manners, users=camera.users)

    def ssrc(self, path: str, track: int) -> int:
        """Of a camera that is there."""
        return self.cameras[path].ssrc(track)

    def position(self, path: str, track: int) -> RtpInfo:
        """Of a camera that is there."""
        return self.cameras[path].position(track)


class RtspServer:
    """Serves cameras until `stop`. Port 0 picks a free port, which stays over `stop` and `start`.

    For one event loop. Packets leave within 10 ms of their time.
    """

    def __init__(
        self, cameras: Iterable[SimulatedCamera], host: str = "127.0.0.1", port: int = 0,
        options: ServerOptions | None = None, clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self._gallery = Gallery(cameras)
        self._host = host
        self._port = port
        self._options = options or ServerOptions()
        self._clock = clock or SystemClock()
        self._watchers: set[Watcher] = set()
        self._sockets: tuple[socket.socket, socket.socket] | None = None
        self._server: asyncio.Server | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._settings = ServerSettings(
            self._options.users, self._options.login, session_timeout_s=self._options.session_timeout_s
        )
        for camera in self._gallery.cameras.values():
            camera.begin(self._clock.monotonic_us())

    @property
    def port(self) -> int:
        """Where it listens; 0 before the first start."""
        return self._port

    @property
    def watcher_count(self) -> int:
        """Open connections."""
        return len(self._watchers)

    def url(self, mount: str) -> str:
        """A camera's address, without a name or password."""
        scheme = "rtsps" if self._options.tls is not None else "rtsp"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self._port}/{self.camera(mount).mount}"

    def camera(self, mount: str) -> SimulatedCamera:
        """The camera at a path; its faults may be changed at any time."""
        try:
            return self._gallery.cameras[mount.strip("/")]
        except KeyError:
            raise AppError(ErrorKind.MISSING, f"There is no simulated camera at {mount!r}.") from None

    def add(self, camera: SimulatedCamera) -> None:
        """One camera more, at once."""
        camera.begin(self._clock.monotonic_us())
        self._gallery.cameras[camera.mount] = camera

    async def start(self) -> None:
        """Listen and send. Raises AppError when the port is taken."""
        loop = asyncio.get_running_loop()
        try:
            self._open_sockets()
            self._server = await loop.create_server(
                self._new_watcher, self._host, self._port, ssl=self._options.tls, reuse_address=True
            )
        except OSError as error:
            self._close_sockets()
            words = "another program has it" if error.errno == errno.EADDRINUSE else str(error.strerror)
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"Cannot listen on {self._host} port {self._port}: {words}; choose another address or port.",
            ) from error
        self._port = self._server.sockets[0].getsockname()[1]
        self._ticker = asyncio.create_task(self._run(), name="simulator tick")

    async def stop(self) -> None:
        """Close the port and every connection at once, as when a camera loses power."""
        if self._server is not None:
            self._server.close()
        for watcher in list(self._watchers):
            watcher.close()
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
            self._ticker = None
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None
        self._close_sockets()

    def close_connections(self) -> None:
        """Reset every connection and go on listening."""
        for watcher in list(self._watchers):
            watcher.close()

    # -- what connections ask

    def now_us(self) -> int:
        """Monotonic."""
        return self._clock.monotonic_us()

    def camera_at(self, path: str) -> SimulatedCamera | None:
        """Who is there."""
        return self._gallery.cameras.get(path)

    def joined(self, watcher: Watcher) -> None:
        """The connection is open."""
        self._watchers.add(watcher)

    def left(self, watcher: Watcher) -> None:
        """The connection is closed."""
        self._watchers.discard(watcher)

    def send_datagram(self, packet: bytes, address: tuple[str, int], is_rtcp: bool) -> None:
        """One packet from our UDP ports, lost if it cannot go at once."""
        if self._sockets is not None:
            try:
                self._sockets[is_rtcp].sendto(packet, address)
            except OSError:
                return  # UDP promises nothing; a full buffer or a gone peer is a lost packet

    # -- sending

    def _new_watcher(self) -> Watcher:
        return Watcher(self, ServerSession(self._settings, self._gallery, secrets.token_hex(16)))

    async def _run(self) -> None:
        reported_us = self.now_us()
        while True:
            await asyncio.sleep(TICK_S)
            now_us = self.now_us()
            is_time = now_us - reported_us >= REPORT_EVERY_US
            reported_us = now_us if is_time else reported_us
            self._tick(now_us, is_time)

    def _tick(self, now_us: int, is_report_time: bool) -> None:
        watched: dict[SimulatedCamera, list[Watcher]] = {}
        for watcher in self._watchers:
            if watcher.camera is not None:
                watched.setdefault(watcher.camera, []).append(watcher)
        for camera in self._gallery.cameras.values():
            watchers = watched.get(camera)
            if watchers is None:
                camera.skip(now_us)
                continue
            self._serve(camera, watchers, now_us)
            if is_report_time:
                self._report(camera, watchers, now_us)
            for watcher in watchers:
                watcher.flush(now_us)

    def _serve(self, camera: SimulatedCamera, watchers: Sequence[Watcher], now_us: int) -> None:
        for burst in camera.due(now_us):
            for watcher in watchers:
                watcher.take(burst)
        for watcher in watchers:
            if watcher.wants_report():
                self._report(camera, [watcher], now_us)

    def _report(self, camera: SimulatedCamera, watchers: Sequence[Watcher], now_us: int) -> None:
        for track, packet in camera.reports(now_us, self._clock.now_us()):
            for watcher in watchers:
                watcher.report(track, packet)

    def _open_sockets(self) -> None:
        if self._options.allows_udp and self._options.tls is None and self._sockets is None:
            self._sockets = _udp_pair(self._host)
            ports = (self._sockets[0].getsockname()[1], self._sockets[1].getsockname()[1])
            self._settings = replace(self._settings, udp_ports=ports)

    def _close_sockets(self) -> None:
        for each in self._sockets or ():
            each.close()
        self._sockets = None


def _udp_pair(host: str) -> tuple[socket.socket, socket.socket]:
    """An even port and the next (RFC 3550 §11)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(64):
        rtp = _udp_socket(family, host, 0)
        port = rtp.getsockname()[1]
        if port % 2 == 0:
            try:
                return rtp, _udp_socket(family, host, port + 1)
            except OSError:
                pass
        rtp.close()
    raise AppError(ErrorKind.UNAVAILABLE, "No free pair of UDP ports was found; try again.")


def _udp_socket(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UDP_BUFFER_BYTES)
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


def server_tls(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer with a PEM certificate and its key, for rtsps."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise AppError(
            ErrorKind.INVALID, f"The certificate {certificate.name} cannot be used: {error}."
        ) from error
    return context


@asynccontextmanager
async def serving(server: RtspServer) -> AsyncIterator[RtspServer]:
    """Started on entry, stopped on exit whatever happens."""
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def serve_files(
    paths: Sequence[Path], host: str = "127.0.0.1", port: int = 8554, *,
    options: ServerOptions | None = None, announce: Callable[[str], None] | None = None,
) -> None:  # fmt: skip
    """Serve each file as a camera named after it, until cancelled; `announce` is told each address once.

    Files are read and cut in a thread, then looped from memory.
    """
    footage = {path: await asyncio.to_thread(Footage.load, path) for path in dict.fromkeys(paths)}
    names = mount_names(paths)
    server = RtspServer(
        [SimulatedCamera(name, footage[path]) for name, path in zip(names, paths, strict=True)],
        host,
        port,
        options,
    )
    async with serving(server):
        for name in names:
            if announce is not None:
                announce(server.url(name))
        await asyncio.Event().wait()


def mount_names(paths: Sequence[Path]) -> list[str]:
    """One path each, from the file's name; a number is added where two files share it."""
    taken: dict[str, int] = {}
    names = []
    for path in paths:
        clean = (
            "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in path.stem) or "camera"
        )
        taken[clean] = count = taken.get(clean, 0) + 1
        names.append(clean if count == 1 else f"{clean}-{count}")
    return names
