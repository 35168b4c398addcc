"""A TCP or TLS connection to one device, past the gate: looked up, judged, connected to that very address."""

import asyncio
import errno
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from civiscope.base import AppError
from civiscope.devices.driver import DriverPorts
from civiscope.devices.drivers.troubles import (
    address_trouble,
    gate_trouble,
    no_tls,
    nothing_listens,
    silent,
    unknown_name,
    unreachable,
    wrong_certificate,
)
from civiscope.devices.equipment import DeviceAddress

CONNECT_S = 2.5
ANSWER_S = 2.5
"""Of silence; with the handshake of a certificate that is looked at twice it stays under 6 s."""
_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_PLAIN = {"rtsps": "rtsp", "https": "http"}
_CHUNK_BYTES = 65_536

Judged = tuple[int, tuple[str, int]]
"""Address family, and numeric host with port, that the gate allowed."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an address leads."""

    scheme: str
    host: str
    port: int
    path: str
    """Path and query as sent; at least a slash."""

    @property
    def is_tls(self) -> bool:
        """What is sent cannot be overheard."""
        return self.scheme in _PLAIN

    @property
    def authority(self) -> str:
        """Host and, unless it is the usual one, port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def target_of(address: str) -> Target:
    """TroubleError(ADDRESS) for what is none of rtsp, rtsps, http and https, or holds a user-info."""
    parts = _split(address)
    if parts is None or parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        raise address_trouble("Type one like rtsp://192.168.1.20/stream1, name and password apart from it.")
    query = f"?{parts.query}" if parts.query else ""
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    return Target(parts.scheme, parts.hostname, port, (parts.path or "/") + query)


def _split(address: str) -> SplitResult | None:
    if any(c.isspace() or not c.isprintable() for c in address):
        return None
    try:
        parts = urlsplit(address)
        return parts if parts.port is None or parts.port else None
    except ValueError:
        return None


class Line:
    """An open connection; every wait for the device ends within `ANSWER_S`."""

    def __init__(self, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.target = target
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Written and taken by the system; TroubleError when it is not taken."""
        try:
            self._writer.write(data)
            async with asyncio.timeout(ANSWER_S):
                await self._writer.drain()
        except TimeoutError:
            raise silent(self.target.host) from None
        except OSError:
            raise unreachable(self.target.host) from None

    async def receive(self) -> bytes:
        """What came, at most 64 KiB; empty at the end. TroubleError(TIMEOUT) after silence."""
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._reader.read(_CHUNK_BYTES)
        except TimeoutError:
            raise silent(self.target.host) from None
        except OSError:
            return b""  # a reset is an end

    def close(self) -> None:
        """At once; what is not sent is dropped."""
        self._writer.transport.abort()


@asynccontextmanager
async def open_line(target: Target, device: DeviceAddress, ports: DriverPorts) -> AsyncIterator[Line]:
    """Connected, and the certificate right; closed at the end. TroubleError says what is wrong."""
    reader, writer = await _connect(target, device, ports)
    line = Line(target, reader, writer)
    try:
        yield line
    finally:
        line.close()


async def _connect(
    target: Target, device: DeviceAddress, ports: DriverPorts
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    judged = await look_up(target.host, target.port, ports)
    pin = "".join((device.tls_fingerprint or "").lower().split(":"))
    try:
        return await _open(target, judged, _context(pin) if target.is_tls else None, pin)
    except ssl.SSLCertVerificationError:
        shown = await _shown(target, judged)
        raise wrong_certificate(target.host, shown, was_pinned=False) from None
    except TimeoutError:
        raise unreachable(target.host) from None
    except OSError as error:
        if isinstance(error, ssl.SSLError) or (target.is_tls and error.errno in {errno.ECONNRESET, None}):
            raise no_tls(target.host, target.port, _PLAIN[target.scheme]) from None
        if error.errno == errno.ECONNREFUSED:
            raise nothing_listens(target.host, target.port) from None
        raise unreachable(target.host) from None


async def look_up(host: str, port: int, ports: DriverPorts) -> Judged:
    """The first address of this host that the gate allows; TroubleError when it has none, or none allowed.

    The gate is asked for every address, and only what it allowed is ever connected to.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_S):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        raise unknown_name(host) from None
    refusal = ""
    for family, _, _, _, address in found:
        try:
            ports.gate.check(str(address[0]), int(address[1]))
        except AppError as error:
            refusal = refusal or error.message
            continue
        return int(family), (str(address[0]), int(address[1]))
    raise gate_trouble(refusal) if refusal else unknown_name(host)


async def _open(
    target: Target, judged: Judged, context: ssl.SSLContext | None, pin: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    family, address = judged
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        async with asyncio.timeout(CONNECT_S):
            await asyncio.get_running_loop().sock_connect(sock, address)
            name = target.host if context is not None else None
            reader, writer = await asyncio.open_connection(sock=sock, ssl=context, server_hostname=name)
    except BaseException:
        sock.close()
        raise
    if context is not None and pin and _fingerprint(writer) != pin:
        shown = _fingerprint(writer)
        writer.transport.abort()
        raise wrong_certificate(target.host, shown, was_pinned=True)
    return reader, writer


async def _shown(target: Target, judged: Judged) -> str | None:
    """SHA-256 of the certificate shown there, for a person to compare; nothing is sent to its owner."""
    try:
        _, writer = await _open(target, judged, _context("any"), "")
    except (OSError, TimeoutError):
        return None
    shown = _fingerprint(writer)
    writer.transport.abort()
    return shown


def _fingerprint(writer: asyncio.StreamWriter) -> str:
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
    return hashlib.sha256(certificate).hexdigest()


def _context(pin: str) -> ssl.SSLContext:
    """With a pin any certificate will do for the handshake: it is compared afterwards."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if pin:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_default_certs()
    return context
