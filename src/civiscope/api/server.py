"""The one listening socket: TLS only, uvicorn behind it, and plain words for whoever speaks plain HTTP to it.

Each accepted connection is peeked at: a TLS record (RFC 8446 §5.1, type 22) goes on to uvicorn, anything else
gets one short answer. Measured (60 viewers, 15 messages of 16.7 kB a second, TLS 1.3): docs/design/api.md.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Callable, Container, Coroutine, Iterator
from typing import Any, TypeVar

import uvicorn
import uvloop
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from civiscope.api.bounded_http import BoundedHttp
from civiscope.api.door import host_name
from civiscope.base import AppError, ErrorKind, get_log

T = TypeVar("T")
_TLS_HANDSHAKE = 22
_FIRST_BYTE_LIMIT_S = 10.0
_HANDSHAKE_LIMIT_S = 10.0
_CONNECTIONS_LIMIT = 4096
_CONNECTIONS_OF_ONE = _CONNECTIONS_LIMIT // 4
"""Of one address, once half of all places are taken: one machine cannot take the last."""
_BACKLOG = 1024
_GOODBYE_S = 0.1
REQUEST_LIMIT_S = 15.0
"""From the TLS handshake to the end of the first request's headers."""
_WAITING_BYTES = 128 * 1024
_STALLED_MS = 30_000


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; CONFLICT when the port is taken, INVALID when the address is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _bind_failure(host, port, error) from error
    return listener


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run a process on the loop that the door is measured on (uvloop)."""
    return uvloop.run(main)


class HttpsServer:
    """Serves one ASGI application on one bound socket until `stop`; signals are the caller's business.

    `on_stop` is called first when stopping, so that live sockets can say why they close (code 1013).
    """

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        tls: ssl.SSLContext,
        hosts: Container[str],
        on_stop: Callable[[], None] | None = None,
    ) -> None:
        self._listener = listener
        self._server = _Server(_config(app, tls), listener, tls, hosts, on_stop or (lambda: None))

    @property
    def port(self) -> int:
        """The port that was bound."""
        number: int = self._listener.getsockname()[1]
        return number

    @property
    def is_started(self) -> bool:
        """True from when connections are taken."""
        return self._server.started

    async def serve(self) -> None:
        """Take connections until `stop`; returns within 5 s of it, with every connection closed."""
        try:
            await self._server.serve()
        finally:
            self._listener.close()

    def stop(self) -> None:
        """Ask `serve` to end; may be called from a signal handler on the loop."""
        self._server.should_exit = True


def _config(app: ASGIApp, tls: ssl.SSLContext) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedHttp,
        ws="websockets-sansio",
        ws_max_size=4096,
        ws_per_message_deflate=False,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        lifespan="off",
        ssl_context_factory=lambda _config, _default: tls,
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=3,
    )


class _Server(uvicorn.Server):
    """uvicorn with our own accepting and stopping; the protocols and the rest are uvicorn's."""

    def __init__(
        self,
        config: uvicorn.Config,
        listener: socket.socket,
        tls: ssl.SSLContext,
        hosts: Container[str],
        on_stop: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._listener = listener
        self._tls = tls
        self._hosts = hosts
        self._on_stop = on_stop
        self._welcomes: dict[asyncio.Task[None], str] = {}
        self._acceptor: asyncio.Task[None] | None = None
        self._log = get_log("civiscope.api")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process's own handler."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        await self.lifespan.startup()
        self.servers = []
        self._acceptor = asyncio.create_task(self._accept())
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more, let live sockets say goodbye, then close what is left."""
        assert self._acceptor is not None
        self._acceptor.cancel()
        for welcome in self._welcomes:
            welcome.cancel()
        self._on_stop()
        await asyncio.sleep(_GOODBYE_S)
        await super().shutdown(sockets)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(self._listener)
            except OSError as error:  # out of file descriptors: those who wait in the backlog come later
                self._log.warning("cannot accept a connection", why=error.strerror)
                await asyncio.sleep(0.2)
                continue
            if not self._has_room(address[0]):
                connection.close()
                continue
            welcome = loop.create_task(self._welcome(connection))
            self._welcomes[welcome] = address[0]
            welcome.add_done_callback(self._welcomes.__delitem__)

    def _has_room(self, source: str) -> bool:
        connections = self.server_state.connections
        total = len(self._welcomes) + len(connections)
        if total < _CONNECTIONS_LIMIT // 2:
            return True
        clients = [getattr(connection, "client", None) for connection in connections]
        theirs = sum(client is not None and client[0] == source for client in clients)
        theirs += sum(place == source for place in self._welcomes.values())
        return total < _CONNECTIONS_LIMIT and theirs < _CONNECTIONS_OF_ONE

    async def _welcome(self, connection: socket.socket) -> None:
        handed_over = False
        try:
            async with asyncio.timeout(_FIRST_BYTE_LIMIT_S):
                first = await _peek(connection)
            if first and first[0] == _TLS_HANDSHAKE:
                handed_over = True
                await self._hand_over(connection)
            elif first:
                await _explain(connection, self._hosts)
        except (OSError, TimeoutError, ssl.SSLError):
            pass  # the peer left, kept silent or broke its handshake: nothing of ours failed
        finally:
            if not handed_over:
                connection.close()

    async def _hand_over(self, connection: socket.socket) -> None:
        _tune(connection)
        loop, protocol = asyncio.get_running_loop(), self._new_protocol()
        await loop.connect_accepted_socket(
            lambda: protocol, connection, ssl=self._tls, ssl_handshake_timeout=_HANDSHAKE_LIMIT_S
        )
        protocol.transport.set_write_buffer_limits(_WAITING_BYTES)
        loop.call_later(REQUEST_LIMIT_S, self._hurry, protocol)

    def _hurry(self, protocol: HttpToolsProtocol) -> None:
        """Close a connection whose first request has still not come; uvicorn would wait for ever."""
        has_asked = vars(protocol)["cycle"] is not None  # typed as if it never were None
        if protocol in self.server_state.connections and not has_asked:
            protocol.transport.abort()

    def _new_protocol(self) -> HttpToolsProtocol:
        return BoundedHttp(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def _tune(connection: socket.socket) -> None:
    """Short queues below us, so that a slow viewer is slow in the queue that knows what to leave out.

    TCP_NOTSENT_LOWAT bounds what waits in the kernel, TCP_USER_TIMEOUT ends peers who take nothing (tcp(7)).
    """
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _WAITING_BYTES)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MS)


async def _peek(connection: socket.socket) -> bytes:
    """The first bytes without taking them from the socket."""
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    number = connection.fileno()
    loop.add_reader(number, _wake, readable)
    try:
        await readable
    finally:
        loop.remove_reader(number)
    return connection.recv(1024, socket.MSG_PEEK)


def _wake(waiting: "asyncio.Future[None]") -> None:
    if not waiting.done():
        waiting.set_result(None)


async def _explain(connection: socket.socket, hosts: Container[str]) -> None:
    """Send a browser that spoke plain HTTP to the same place over TLS; tell anybody else in words."""
    loop = asyncio.get_running_loop()
    request = (await loop.sock_recv(connection, 8192)).decode("latin-1").split("\r\n")
    host = next((line[5:].strip() for line in request[1:] if line.lower().startswith("host:")), "")
    target = request[0].split(" ")[1] if request[0].count(" ") == 2 else "/"
    words = "This port speaks TLS only. Open it with https:// in front.\n"
    location = ""
    if host_name(host) in hosts and target.startswith("/") and (host + target).isprintable():
        location = f"Location: https://{host}{target}\r\n"
    status = "308 Permanent Redirect" if location else "400 Bad Request"
    answer = (
        f"HTTP/1.1 {status}\r\n{location}Content-Type: text/plain\r\nContent-Length: {len(words)}\r\n"
        f"Connection: close\r\n\r\n{words}"
    )
    await loop.sock_sendall(connection, answer.encode("latin-1"))


def _bind_failure(host: str, port: int, error: OSError) -> AppError:
    if error.errno == errno.EADDRINUSE:
        return AppError(
            ErrorKind.CONFLICT,
            f"Port {port} on {host} is taken by another program. Stop it, or choose another port: "
            "set CIVISCOPE_LISTEN=host:port or [server] listen in civiscope.toml.",
        )
    if error.errno == errno.EACCES:
        return AppError(
            ErrorKind.DENIED,
            f"This user may not listen on port {port}. Choose one from 1024 on: CIVISCOPE_LISTEN=host:port.",
        )
    return AppError(
        ErrorKind.INVALID,
        f"Cannot listen on {host} port {port} ({error.strerror}). Use an address of this machine, "
        "or 0.0.0.0 for all, in CIVISCOPE_LISTEN=host:port.",
    )
