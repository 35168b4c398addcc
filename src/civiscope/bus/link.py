"""The caller's side of faces: one connection to one role, opened when needed, many calls at once."""

import asyncio
import itertools
from pathlib import Path

from civiscope.base import AppError, ErrorKind, ProtocolError, get_log
from civiscope.bus.context import current_call
from civiscope.bus.peer import Peer
from civiscope.bus.taskset import TaskSet
from civiscope.bus.wire import (
    MESSAGE_LIMIT_BYTES,
    REQUEST_LIMIT_BYTES,
    Cancel,
    Failure,
    Message,
    Request,
    Response,
)

_log = get_log("civiscope.bus")
WAITING_LIMIT = 256
_READ_LIMIT_BYTES = 256 * 1024


class Link:
    """Calls of one remote role. While the role is away every call fails at once with `UNAVAILABLE`.

    The next call tries to connect again: retrying, with back-off, is the caller's affair.
    """

    def __init__(self, own_role: str, role: str, path: Path) -> None:
        self._own_role = own_role
        self._role = role
        self._path = path
        self._tasks = TaskSet(_log)
        self._opening = asyncio.Lock()
        self._connection: _Connection | None = None

    @property
    def is_connected(self) -> bool:
        """True while a greeted connection stands."""
        return self._connection is not None and not self._connection.is_over

    async def call(self, face: str, method: str, body: bytes, timeout_s: float) -> bytes:
        """The body of the result; `TIMEOUT`, `UNAVAILABLE`, or whatever `AppError` the callee raised."""
        try:
            async with asyncio.timeout(timeout_s):
                connection = await self._connected()
                return await connection.call(face, method, body, timeout_s)
        except TimeoutError:
            raise AppError(
                ErrorKind.TIMEOUT, f"The {self._role} did not answer {face}.{method} within {timeout_s:g} s."
            ) from None

    async def close(self) -> None:
        """Hang up; calls that wait fail with `UNAVAILABLE`."""
        if self._connection is not None:
            await self._connection.close()
        await self._tasks.close()

    async def _connected(self) -> "_Connection":
        async with self._opening:
            if self._connection is None or self._connection.is_over:
                self._connection = await self._open()
            return self._connection

    async def _open(self) -> "_Connection":
        try:
            reader, writer = await asyncio.open_unix_connection(self._path, limit=_READ_LIMIT_BYTES)
        except OSError as error:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"The {self._role} is not there ({error.strerror or error}): try again.",
            ) from error
        peer = Peer(reader, writer, MESSAGE_LIMIT_BYTES)
        try:
            greeted = await peer.greet(self._own_role)
            if greeted != self._role:
                raise ProtocolError(
                    f"The {self._role} was expected behind its socket, and the {greeted} answered."
                )
        except BaseException:
            peer.abort()
            raise
        connection = _Connection(self._role, peer, self._tasks)
        self._tasks.start(connection.read(), f"bus-link-{self._role}")
        return connection


class _Connection:
    """One connection's calls in flight."""

    def __init__(self, role: str, peer: Peer, tasks: TaskSet) -> None:
        self._role = role
        self._peer = peer
        self._tasks = tasks
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self.is_over = False

    async def call(self, face: str, method: str, body: bytes, timeout_s: float) -> bytes:
        if len(body) > REQUEST_LIMIT_BYTES - 1024:
            raise AppError(
                ErrorKind.INVALID, f"The arguments of {face}.{method} have {len(body)} bytes: too many."
            )
        if len(self._waiting) >= WAITING_LIMIT:
            raise AppError(
                ErrorKind.EXHAUSTED, f"{WAITING_LIMIT} calls of the {self._role} wait already: try again."
            )
        if self.is_over:
            raise self._gone()
        context = current_call()
        number = next(self._numbers)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        timeout_ms = max(1, int(timeout_s * 1000))
        try:
            await self._peer.send(
                Request(number, face, method, timeout_ms, context.trace_id, context.principal_id, body)
            )
            return await answer
        except asyncio.CancelledError:
            if not self.is_over:
                self._tasks.start(self._cancel(number), "bus-cancel")
            raise
        finally:
            del self._waiting[number]
            answer.cancel()

    async def read(self) -> None:
        """Answers to whoever waits for them, until the peer hangs up or says nonsense."""
        try:
            while (message := await self._peer.receive()) is not None:
                self._deliver(message)
        except ProtocolError as error:
            _log.warning("a peer broke the protocol of the bus", role=self._role, error=error.message)
        finally:
            self._end()
            self._peer.abort()

    async def close(self) -> None:
        self._end()
        await self._peer.close()

    def _deliver(self, message: Message) -> None:
        if not isinstance(message, Response | Failure):
            raise ProtocolError(f"A {type(message).__name__.lower()} came where an answer was due.")
        answer = self._waiting.get(message.call)
        if answer is None or answer.done():
            return  # the caller gave up; the answer crossed the cancellation
        if isinstance(message, Response):
            answer.set_result(message.body)
        else:
            answer.set_exception(AppError(message.kind, message.message))

    def _end(self) -> None:
        self.is_over = True
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(self._gone())

    async def _cancel(self, number: int) -> None:
        try:
            await self._peer.send(Cancel(number))
        except AppError as error:
            _log.debug("a cancellation did not go out", role=self._role, error=error.message)

    def _gone(self) -> AppError:
        return AppError(ErrorKind.UNAVAILABLE, f"The {self._role} went away before it answered: try again.")
