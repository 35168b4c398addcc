"""A plain SOAP client of the tests' own: bytes over a socket, logins by token, by Digest or none."""

import asyncio
import base64
import hashlib
import secrets
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from civiscope.media.wire import (
    Credentials,
    DigestChallenge,
    choose_challenge,
    digest_authorization,
    parse_challenges,
)
from civiscope.simulator.onvif.soap import NAMESPACES, parse_xml, qualified


def token_header(user: Credentials, ahead: timedelta = timedelta(), nonce: bytes = b"") -> str:
    """A wsse:Security header made as the profile says, at our clock plus `ahead`."""
    nonce = nonce or secrets.token_bytes(16)
    created = (datetime.now(UTC) + ahead).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = hashlib.sha1(nonce + created.encode() + user.password.encode()).digest()
    profile = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
    return (
        f"<wsse:Security><wsse:UsernameToken><wsse:Username>{user.username}</wsse:Username>"
        f'<wsse:Password Type="{profile}#PasswordDigest">{base64.b64encode(digest).decode()}</wsse:Password>'
        f"<wsse:Nonce>{base64.b64encode(nonce).decode()}</wsse:Nonce>"
        f"<wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security>"
    )


def envelope(body: str, header: str = "") -> bytes:
    """A request; every prefix that the simulator knows is declared."""
    declared = "".join(f' xmlns:{prefix}="{space}"' for prefix, space in NAMESPACES.items())
    head = f"<env:Header>{header}</env:Header>"
    return f"<env:Envelope{declared}>{head}<env:Body>{body}</env:Body></env:Envelope>".encode()


@dataclass
class Reply:
    """What came back."""

    status: int
    fields: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def told(self) -> Element:
        """The element in the SOAP body."""
        found = parse_xml(self.body, 1 << 24).find(qualified("env:Body"))
        assert found is not None
        return found[0]

    def text(self, *names: str) -> str:
        """What stands at this path below `told`."""
        found = self.told.find("/".join(qualified(name) for name in names))
        assert found is not None, f"{names} is missing in {self.body!r}"
        return found.text or ""

    def texts(self, name: str) -> list[str]:
        """Of all elements of this name."""
        return [one.text or "" for one in self.told.iter(qualified(name))]

    @property
    def subcodes(self) -> list[str]:
        """Of a fault, outermost first."""
        return [one.text or "" for one in self.told.iter(qualified("env:Value"))][1:]


async def send(url: str, request: bytes, tls: ssl.SSLContext | None = None) -> Reply:
    """Bytes there and the answer back, on a connection of its own."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=tls)
    try:
        async with asyncio.timeout(10):
            writer.write(request)
            return await read_reply(reader)
    finally:
        writer.close()


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    """One response; IncompleteReadError when the connection ends before it does."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    lines = [line.partition(":") for line in head[1:] if line]
    fields = {name.lower(): value.strip() for name, _, value in lines}
    body = await reader.readexactly(int(fields["content-length"]))
    return Reply(int(head[0].split()[1]), fields, body)


def post(url: str, body: bytes, more: str = "") -> bytes:
    """An HTTP request as bytes; `more` are header lines, each with its end."""
    parts = urlsplit(url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: application/soap+xml\r\n{more}\r\n".encode() + body


@dataclass
class Asker:
    """Asks one device by user name token; `service` takes the place of device_service in its address."""

    url: str
    user: Credentials | None = None
    tls: ssl.SSLContext | None = None

    async def ask(self, body: str, service: str = "", header: str | None = None) -> Reply:
        """One operation, its element written with the usual prefixes."""
        path = service or "device_service"
        url = service if "://" in service else self.url.replace("device_service", path)
        if header is None:
            header = token_header(self.user) if self.user is not None else ""
        return await send(url, post(url, envelope(body, header)), self.tls)

    async def by_digest(self, body: str, user: Credentials, count: int = 1) -> tuple[Reply, Reply, str]:
        """Challenged, then proved: both replies, and the Authorization line that was sent."""
        path = urlsplit(self.url).path
        refused = await send(self.url, post(self.url, envelope(body)))
        challenge = choose_challenge(parse_challenges([refused.fields["www-authenticate"]]))
        assert isinstance(challenge, DigestChallenge)
        proof = digest_authorization(challenge, user, "POST", path, count, "abcdef")
        line = f"Authorization: {proof}\r\n"
        return refused, await send(self.url, post(self.url, envelope(body), line)), line
