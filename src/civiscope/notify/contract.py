"""The contract test of a notifier: inherit `NotifierContract`, and say where things stand.

    class TestMine(NotifierContract):
        plugin = NOTIFIER
        def settings(self, port): return {"server": "127.0.0.1", "port": port, "password": CANARY}
        @asynccontextmanager
        async def working(self): … yield settings, received

Plain asserts and asyncio, no test library: any runner that awaits `async def test_…` methods will do
(pytest-asyncio in its automatic mode does). Everything happens on 127.0.0.1.
"""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from civiscope.base import AppError, ErrorKind, SystemClock, new_id
from civiscope.notify.model import Message, Priority
from civiscope.notify.plugin import NotifierPlugin, NotifierPorts
from civiscope.notify.reach import resolve_name

CANARY = "canary-4d1c-notify"
"""The wrong secret; it must show nowhere."""
GARBAGE = (
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    b"554 5.7.1 go away\r\n",
    b"220 ready\r\n" * 2,
    b"\x20\x02\x00\x05",
    b"\x15\x03\x01\x00\x02\x02\x46",
    bytes(range(256)) * 64,
    b"<" * 100_000,
    b"\r\n" * 500,
    b"",
)
"""What may stand on a port that somebody took for a target's; the last one hangs up."""
Settings = Mapping[str, object]
Received = Callable[[], Awaitable[bytes]]
"""What arrived, as the other side holds it; waits for it."""


def message(subject: str = "Somebody enters the yard", text: str = "Yard, gate 2\nSecond line") -> Message:
    """A message as rules send it."""
    return Message(
        new_id(), subject, text, 1_796_083_200_000_000, "Harbour town", "/alarms/1", "Yard – gate 2",
        alarm_id=new_id(), event_id=new_id(), priority=Priority.HIGH,
    ).tidy()  # fmt: skip


class NotifierContract:
    """What every notifier must do. Abstract: `plugin`, `settings` and `working` are the author's."""

    plugin: NotifierPlugin
    has_login = True
    """A wrong secret is told; False where the other side asks for none."""

    def settings(self, port: int) -> Settings:
        """Settings of the notifier's kind for this port of 127.0.0.1, each secret `CANARY`, TLS off."""
        raise NotImplementedError

    def working(self) -> AbstractAsyncContextManager[tuple[Settings, Received]]:
        """A real receiver with right settings, and what it received."""
        raise NotImplementedError

    async def test_secrets_are_secret(self) -> None:
        """Secret fields may be left out, and are written so that a form hides them."""
        properties = self.plugin.settings.model_json_schema()["properties"]
        for name in self.plugin.secret_fields:
            assert '"writeOnly": true' in json.dumps(properties[name]), f"{name} is no SecretStr"
            assert self.plugin.settings.model_fields[name].get_default() is None, f"{name} is needed"

    async def test_a_message_arrives(self) -> None:
        """Its subject, its text and its id are where they belong."""
        wanted = message()
        async with self.working() as (settings, received):
            await self._deliver(settings, wanted)
            async with asyncio.timeout(5):
                came = await received()
        assert str(wanted.id).encode() in came, "the id of the message did not arrive"

    async def test_words_of_every_kind_arrive(self) -> None:
        """Lines, quotes and letters of any alphabet break nothing."""
        wanted = message('Zaun "Ä" — Ворота\r\nBcc: evil@example.org', "Първи ред\n.\r\n\x00втори “ред”")
        async with self.working() as (settings, received):
            await self._deliver(settings, wanted)
            async with asyncio.timeout(5):
                came = await received()
        assert str(wanted.id).encode() in came
        assert not any(line.lower().startswith(b"bcc:") for line in came.splitlines()), (
            "a header was injected"
        )

    async def test_a_wrong_secret_is_told(self) -> None:
        """It may be right later (so not INVALID), and the secret shows nowhere."""
        if not self.has_login:
            return
        async with self.working() as (settings, _):
            wrong = {**settings, **{name: CANARY for name in self.plugin.secret_fields if settings.get(name)}}
            error = await self._trouble(wrong)
        assert error.kind is not ErrorKind.INVALID

    async def test_a_dead_address_is_told(self) -> None:
        """It is tried again."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            error = await self._trouble(self.settings(taken.getsockname()[1]))
        assert error.kind is not ErrorKind.INVALID

    async def test_whatever_answers_is_told(self) -> None:
        """Never another exception than AppError, and never longer than the deadline."""

        async def meet(garbage: bytes) -> None:
            async with _listening(garbage) as peer:
                await self._trouble(self.settings(peer.port))

        await asyncio.gather(*map(meet, GARBAGE))

    async def test_a_delivery_given_up_leaves_no_socket(self) -> None:
        """Cancellation closes what was opened, soon."""
        async with _listening(None) as peer:
            before = _open_sockets()
            call = asyncio.create_task(self._deliver(self.settings(peer.port), message()))
            await peer.called()
            call.cancel()
            await asyncio.wait([call], timeout=2)
            assert call.done(), "it did not let itself be cancelled"
            await peer.deserted()
            left = _open_sockets() - before
        assert left <= 0, f"{left} sockets stayed open"

    async def _deliver(self, settings: Settings, wanted: Message) -> None:
        made = self.plugin.settings.model_validate(dict(settings))
        ports = NotifierPorts(SystemClock(), resolve_name, "https://harbour.example")
        async with asyncio.timeout(self.plugin.deadline_s):
            await self.plugin.make(made, ports).deliver(wanted)

    async def _trouble(self, settings: Settings) -> AppError:
        told: AppError | None = None
        try:
            await self._deliver(settings, message())
        except AppError as error:
            told = error
        assert told is not None, "it was taken, and should not have been"
        shown = repr(told) + str(told) + repr(self.plugin.settings.model_validate(dict(settings)))
        assert CANARY not in shown, "the secret shows"
        assert told.message, "a failure says what failed"
        return told


class _Peer:
    """Somebody on a port: takes a call, says one thing, and waits for the end."""

    def __init__(self, says: bytes | None) -> None:
        self.port = 0
        self._says = says
        self._present = 0
        self._changed = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Say it at once (None: nothing, ever)."""
        await self._count(1)
        try:
            if self._says is not None:
                writer.write(self._says)
                await writer.drain()
                writer.write_eof()
            while await reader.read(4096):
                continue
        except OSError:
            return
        finally:
            writer.transport.abort()
            await self._count(-1)

    async def called(self) -> None:
        """Somebody is there."""
        async with asyncio.timeout(3), self._changed:
            await self._changed.wait_for(lambda: self._present > 0)

    async def deserted(self) -> None:
        """Nobody is there any more."""
        async with asyncio.timeout(15), self._changed:
            await self._changed.wait_for(lambda: self._present == 0)

    async def _count(self, by: int) -> None:
        async with self._changed:
            self._present += by
            self._changed.notify_all()


@asynccontextmanager
async def _listening(says: bytes | None) -> AsyncIterator[_Peer]:
    peer = _Peer(says)
    tasks: set[asyncio.Task[None]] = set()

    def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(peer.serve(reader, writer)))

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _open_sockets() -> int:
    """Of this process (Linux, proc(5))."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            count += os.readlink(entry).startswith("socket:")
        except OSError:
            continue  # the listing's own descriptor
    return count
