"""The socket of one process: answers calls of peers with our own user, a bounded number of them."""

import asyncio
import contextlib
import socket
from pathlib import Path

from civiscope.base import AppError, ErrorKind, get_log
from civiscope.bus.calls import Calls
from civiscope.bus.peer import Peer
from civiscope.bus.taskset import TaskSet
from civiscope.bus.wire import REQUEST_LIMIT_BYTES, Cancel, Request

_log = get_log("civiscope.bus")
CONNECTION_LIMIT = 64
CALLS_PER_CONNECTION = 512
PATH_LIMIT_BYTES = 107
"""sun_path of unix(7), less its closing zero."""
_READ_LIMIT_BYTES = 256 * 1024


class Listener:
    """Serves `Calls` on a Unix socket; takes over the file of a killed process, not of a living one."""

    def __init__(self, role: str, path: Path, calls: Calls) -> None:
        self._role = role
        self._path = path
        self._calls = calls
        self._tasks = TaskSet(_log)
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._is_stopping = False

    async def start(self) -> None:
        """Listen; `CONFLICT` if another process of this role listens, `INVALID` if the path is too long."""
        listening = _bind(self._path, self._role)
        self._inode = self._path.stat().st_ino
        self._is_stopping = False
        self._server = await asyncio.start_unix_server(self._accept, sock=listening, limit=_READ_LIMIT_BYTES)

    async def stop(self) -> None:
        """Hang up on everyone; running calls are cancelled. The socket file goes if it is still ours."""
        if self._server is None:
            return
        self._is_stopping = True
        self._server.close()
        await asyncio.sleep(0)  # connections accepted a moment ago reach `_accept`, and are refused there
        await self._tasks.close()
        await self._server.wait_closed()
        await asyncio.sleep(0)  # sockets of aborted connections are closed in the loop's next round
        self._server = None
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, REQUEST_LIMIT_BYTES)
        if self._is_stopping:
            peer.abort()
            return
        if len(self._tasks) >= CONNECTION_LIMIT:
            _log.warning("too many connections", role=self._role, limit=CONNECTION_LIMIT)
            peer.abort()
            return
        serving = self._tasks.start(self._serve(peer), f"bus-{self._role}-peer")
        serving.add_done_callback(lambda _: peer.abort())  # one cancelled before it began cleans nothing up

    async def _serve(self, peer: Peer) -> None:
        session = _Session(peer, self._calls)
        try:
            role = await peer.greet(self._role)
            await session.run()
        except AppError as error:
            _log.warning("a connection was closed", role=self._role, why=error.message)
        else:
            _log.debug("a peer hung up", role=self._role, peer=role)
        finally:
            await session.close()
            await peer.close()


class _Session:
    """The calls of one connection; they end with it."""

    def __init__(self, peer: Peer, calls: Calls) -> None:
        self._peer = peer
        self._calls = calls
        self._tasks = TaskSet(_log)
        self._running: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        while (message := await self._peer.receive()) is not None:
            if isinstance(message, Request):
                self._begin(message)
            elif isinstance(message, Cancel):
                if (task := self._running.get(message.call)) is not None:
                    task.cancel()
            else:
                raise AppError(ErrorKind.INVALID, f"A caller sent a {type(message).__name__.lower()}.")

    async def close(self) -> None:
        await self._tasks.close()

    def _begin(self, request: Request) -> None:
        if request.call in self._running:
            raise AppError(ErrorKind.INVALID, f"Call {request.call} runs already.")
        if len(self._running) >= CALLS_PER_CONNECTION:
            raise AppError(ErrorKind.EXHAUSTED, f"More than {CALLS_PER_CONNECTION} calls at once.")
        task = self._tasks.start(self._answer(request), f"{request.face}.{request.method}")
        self._running[request.call] = task
        task.add_done_callback(lambda _task: self._running.pop(request.call, None))

    async def _answer(self, request: Request) -> None:
        answer = await self._calls.answer(request)
        with contextlib.suppress(AppError):  # the caller is gone; its connection's reader sees it too
            await self._peer.send(answer)


def _bind(path: Path, role: str) -> socket.socket:
    if len(bytes(path)) > PATH_LIMIT_BYTES:
        raise AppError(
            ErrorKind.INVALID,
            f"The socket path {path} is longer than {PATH_LIMIT_BYTES} bytes: choose a shorter data folder.",
        )
    _remove_stale(path, role)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(bytes(path))
        path.chmod(0o600)
        listening.listen(CONNECTION_LIMIT)
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise AppError(
            ErrorKind.UNAVAILABLE,
            f"The {role} cannot listen on {path} ({error.strerror}): check that its folder is writable.",
        ) from error
    return listening


def _remove_stale(path: Path, role: str) -> None:
    """A refused connection proves that nobody listens (connect(2), ECONNREFUSED)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(bytes(path))
        except FileNotFoundError:
            return
        except (ConnectionRefusedError, OSError):
            path.unlink(missing_ok=True)
            return
    raise AppError(
        ErrorKind.CONFLICT,
        f"Another {role} of this data folder is running already: stop it first (its socket {path} answers).",
    )
