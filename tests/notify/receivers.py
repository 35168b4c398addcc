"""Receivers on 127.0.0.1, hand-written and small: an HTTPS server and a mail server."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server whose connections end with it; its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.ensure_future(talk(reader, writer)))

    server = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class WebReceiver:
    """Keeps each request; answers as it is told, or what `answer` says of the head."""

    status: int = 204
    token: str = ""
    """Without it the answer is 401; empty: nobody is asked."""
    raw: bytes | None = None
    """Sent in place of an answer."""
    requests: "asyncio.Queue[tuple[str, dict[str, str], bytes]]" = field(default_factory=asyncio.Queue)
    calls: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in head[1:])}
        body = await reader.readexactly(int(fields.get("content-length", "0")))
        if self.raw is not None:
            writer.write(self.raw)
            await writer.drain()
            writer.write_eof()
        elif self.token and fields.get("authorization") != f"Bearer {self.token}":
            writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        else:
            self.requests.put_nowait((head[0], fields, body))
            writer.write(b"HTTP/1.1 %d Told\r\nContent-Length: 0\r\n\r\n" % self.status)
        await writer.drain()
        await reader.read()

    async def received(self) -> bytes:
        """The next request's body."""
        return (await self.requests.get())[2]


@dataclass
class MailReceiver:
    """A mail server (RFC 5321) with STARTTLS or without, and a login where a password is set."""

    tls: ssl.SSLContext | None = None
    """Offered as STARTTLS."""
    username: str = "civiscope"
    password: str = ""
    refuses: bytes | None = None
    """Answered to MAIL FROM in place of 250."""
    mails: "asyncio.Queue[tuple[str, list[str], bytes]]" = field(default_factory=asyncio.Queue)
    in_clear: list[bytes] = field(default_factory=list)
    """Lines that came before TLS."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _Mailing(self, reader, writer).talk()

    async def received(self) -> bytes:
        """The next mail, as it came."""
        return (await self.mails.get())[2]


class _Mailing:
    """One conversation."""

    def __init__(
        self, receiver: MailReceiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._receiver = receiver
        self._reader = reader
        self._writer = writer
        self._is_tls = writer.get_extra_info("ssl_object") is not None
        self._knows_whom = not receiver.password
        self._sender = ""
        self._recipients: list[str] = []

    async def talk(self) -> None:
        self._say(b"220 harbour.example ready")
        while line := await self._reader.readline():
            if not self._is_tls:
                self._receiver.in_clear.append(line)
            verb, _, rest = line.decode("utf-8").strip().partition(" ")
            if verb.upper() == "QUIT":
                self._say(b"221 bye")
                await self._writer.drain()
                return
            await self._answer(verb.upper(), rest)
            await self._writer.drain()

    async def _answer(self, verb: str, rest: str) -> None:
        receiver = self._receiver
        if verb in {"EHLO", "HELO"}:
            offers = [b"STARTTLS"] if receiver.tls and not self._is_tls else []
            offers += (
                [b"AUTH PLAIN LOGIN"] if receiver.password and (self._is_tls or not receiver.tls) else []
            )
            for one in [b"harbour.example", *offers]:
                self._say(b"250-" + one)
            self._say(b"250 8BITMIME")
        elif verb == "STARTTLS" and receiver.tls:
            self._say(b"220 go on")
            await self._writer.drain()
            await self._writer.start_tls(receiver.tls)
            self._is_tls = True
        elif verb == "AUTH":
            self._knows_whom = await self._login(rest)
            self._say(b"235 welcome" if self._knows_whom else b"535 no")
        elif not self._knows_whom:
            self._say(b"530 sign in first")
        elif verb == "MAIL":
            self._sender, self._recipients = rest, []
            self._say(receiver.refuses or b"250 ok")
        elif verb == "RCPT":
            self._recipients.append(rest)
            self._say(b"250 ok")
        elif verb == "DATA":
            self._say(b"354 go on")
            await self._writer.drain()
            mail = await self._reader.readuntil(b"\r\n.\r\n")
            receiver.mails.put_nowait((self._sender, self._recipients, mail[:-3]))
            self._say(b"250 taken")
        else:
            self._say(b"250 ok" if verb in {"RSET", "NOOP"} else b"502 no")

    async def _login(self, rest: str) -> bool:
        method, _, first = rest.partition(" ")
        if method.upper() == "PLAIN":
            _, user, word = base64.b64decode(first).decode().split("\0")
        else:
            user = base64.b64decode(first).decode()
            self._say(b"334 " + base64.b64encode(b"Password:"))
            await self._writer.drain()
            word = base64.b64decode(await self._reader.readline()).decode()
        return (user, word) == (self._receiver.username, self._receiver.password)

    def _say(self, line: bytes) -> None:
        self._writer.write(line + b"\r\n")
