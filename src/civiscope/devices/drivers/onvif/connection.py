"""HTTP to one device: each connection judged by the gate at its IP address, bounded, never redirected.

The gate is asked where the socket is made, after the name was looked up: what is judged is connected to.
"""

import asyncio
import errno
import socket
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractCookieJar

from civiscope.base import AppError, ProtocolError
from civiscope.devices.driver import DriverPorts
from civiscope.devices.drivers.onvif.library import Bounds
from civiscope.devices.drivers.onvif.trouble import gate_trouble, trouble
from civiscope.devices.equipment import DeviceAddress, Trouble, TroubleError

PICTURE = Bounds(answer_bytes=8 * 1024 * 1024)
CONNECT_S = 2.5
CONNECTION_LIMIT = 6
"""At a time to one device; some cheap cameras take no more than eight."""
_UNREACHABLE = frozenset(
    {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.ETIMEDOUT}
)
_AddrInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back to one request, whole."""

    status: int
    body: bytes
    content_type: str


class Connection:
    """The HTTP session of one device, for as long as it is reached."""

    def __init__(self, device: DeviceAddress, ports: DriverPorts) -> None:
        self._gate = ports.gate
        self.peer = ""
        """The IP address of the newest connection."""
        self._tls = _tls(device.tls_fingerprint)
        self._digest = (
            (aiohttp.DigestAuthMiddleware(device.username, device.password),) if device.username else ()
        )
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTION_LIMIT,
                ssl=self._tls,
                socket_factory=self._socket,
                happy_eyeballs_delay=None,
                keepalive_timeout=4.0,
            ),
            cookie_jar=_no_cookies(),
            auto_decompress=False,
            trust_env=False,
            middlewares=self._digest,
            headers={"User-Agent": "Civiscope", "Accept-Encoding": "identity"},
        )

    async def __aenter__(self) -> "Connection":
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def post(self, url: str, envelope: bytes, action: str, bounds: Bounds) -> Answer:
        """One SOAP 1.2 request; any status is an answer. TroubleError when nothing came back."""
        content_type = "application/soap+xml; charset=utf-8" + (f'; action="{action}"' if action else "")
        return await self._ask("POST", url, (envelope, content_type), bounds)

    async def get(self, url: str) -> Answer:
        """A picture, at most 8 MiB."""
        return await self._ask("GET", url, None, PICTURE)

    async def connects(self, host: str, port: int) -> bool:
        """Whether somebody takes a TCP connection there and the gate allows it."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(1.0):
                for info in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                    with self._socket(info) as sock:
                        sock.setblocking(False)
                        await loop.sock_connect(sock, info[4])
                        return True
        except (OSError, TroubleError, UnicodeError, OverflowError):
            return False
        return False

    def _socket(self, info: _AddrInfo) -> socket.socket:
        """The place where the gate is asked: no socket of this driver is made elsewhere."""
        family, kind, protocol, _, address = info
        try:
            self._gate.check(str(address[0]), int(address[1]))
        except AppError as error:
            raise gate_trouble(error.message) from None
        self.peer = str(address[0])
        return socket.socket(family, kind, protocol)

    async def _ask(self, method: str, url: str, content: tuple[bytes, str] | None, bounds: Bounds) -> Answer:
        host, port = host_and_port(url)
        answer_s = bounds.answer_s
        timeout = aiohttp.ClientTimeout(
            total=answer_s + CONNECT_S, sock_connect=CONNECT_S, sock_read=answer_s
        )
        try:
            async with self._session.request(
                method,
                url,
                data=content[0] if content else None,
                headers={"Content-Type": content[1]} if content else None,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                body = await _read(response, bounds.answer_bytes)
                return Answer(response.status, body, response.content_type.lower())
        except aiohttp.ServerFingerprintMismatch as error:
            raise trouble(Trouble.CERTIFICATE, host, port, bytes(error.got).hex()) from None
        except aiohttp.ClientConnectorCertificateError:
            raise trouble(Trouble.CERTIFICATE, host, port, await self._presented(url)) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise trouble(_kind(error), host, port) from None

    async def _presented(self, url: str) -> str | None:
        """SHA-256 of the certificate shown there: the connection ends before anything is sent on it."""
        impossible = aiohttp.Fingerprint(bytes(32))
        try:
            async with self._session.head(
                url, ssl=impossible, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=CONNECT_S)
            ):
                return None
        except aiohttp.ServerFingerprintMismatch as error:
            return bytes(error.got).hex()
        except (aiohttp.ClientError, OSError):
            return None


def host_and_port(url: str) -> tuple[str, int]:
    """Of an http or https URL; TroubleError(ADDRESS) when it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise trouble(Trouble.ADDRESS, "", 0) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise trouble(Trouble.ADDRESS, "", 0)
    return parts.hostname, port or (443 if parts.scheme == "https" else 80)


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ProtocolError("the device packed its answer although it was asked not to")
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(65_536):
        size += len(part)
        if size > limit:
            raise ProtocolError(f"the device's answer is longer than {limit} bytes")
        parts.append(part)
    return b"".join(parts)


def _tls(fingerprint: str | None) -> bool | aiohttp.Fingerprint:
    """A pin replaces authorities: that certificate and no other. True: an authority this machine knows."""
    return aiohttp.Fingerprint(bytes.fromhex(fingerprint)) if fingerprint else True


def _no_cookies() -> AbstractCookieJar:
    return aiohttp.DummyCookieJar()


_TROUBLES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Trouble], ...] = (
    (aiohttp.InvalidURL, Trouble.ADDRESS),
    ((aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorDNSError), Trouble.UNREACHABLE),
    (TimeoutError, Trouble.TIMEOUT),
    (aiohttp.ClientConnectorSSLError, Trouble.CERTIFICATE),
)
"""The first that fits."""


def _kind(error: Exception) -> Trouble:
    for kinds, found in _TROUBLES:
        if isinstance(error, kinds):
            return found
    if isinstance(error, OSError) and error.errno in _UNREACHABLE:
        return Trouble.UNREACHABLE
    if isinstance(error, aiohttp.ClientConnectorError):
        return Trouble.REFUSED if error.errno == errno.ECONNREFUSED else Trouble.UNREACHABLE
    return Trouble.NOT_A_CAMERA
