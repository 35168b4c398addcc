"""A SOAP session with one device: its clock, where its services answer, and calls by name."""

import asyncio
import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from civiscope.base import AppError, Clock, ErrorKind, ProtocolError
from civiscope.devices.drivers.onvif.answers import (
    Fault,
    read_answer,
    read_capabilities,
    read_clock_us,
    read_services,
    without_user_info,
)
from civiscope.devices.drivers.onvif.connection import Connection, host_and_port
from civiscope.devices.drivers.onvif.library import (
    NAMESPACES,
    Bounds,
    Documents,
    PlainRequest,
    Request,
    Writer,
)
from civiscope.devices.drivers.onvif.trouble import trouble
from civiscope.devices.drivers.onvif.xml_tree import Node
from civiscope.devices.equipment import DeviceAddress, Trouble, TroubleError

DEVICE_PATH = "/onvif/device_service"
USUAL_PORTS = (80, 8080, 8000, 2020, 8899)
"""Asked all at once when an address has no port; the first of this order that speaks ONVIF is taken."""


PLACE_LIMIT = 4
"""A device may not make us knock at doors all over the network."""


class UnsupportedError(AppError):
    """The device said in its own words that it cannot do this."""

    def __init__(self, operation: str, reason: str) -> None:
        words = f"The device did not carry out {operation}" + (f": {reason}" if reason else "")
        super().__init__(ErrorKind.UNAVAILABLE, f"{words}. It may lack this function, or it is switched off.")
        self.operation = operation

    def __reduce__(self) -> tuple[type["UnsupportedError"], tuple[str, str]]:  # type: ignore[override]  # other args
        return (UnsupportedError, (self.operation, ""))


class Session:
    """Opened once per `reach`; not shared between devices."""

    def __init__(
        self, device: DeviceAddress, connection: Connection, clock: Clock, documents: Documents
    ) -> None:
        self._device = device
        self._connection = connection
        self._clock = clock
        self._writer = Writer(documents, self._post, device.username, device.password)
        self.url = ""
        """The device service, as it was reached."""
        self.offset_us: int | None = None
        """The device's clock minus ours; its own steps are of one second."""
        self.services: dict[str, str] = {}
        """Address by namespace, usable from here."""
        self.warnings: list[str] = []
        self._asked: dict[tuple[str, int], bool] = {}
        self._asking = asyncio.Lock()

    @property
    def host(self) -> str:
        """As typed."""
        return host_and_port(self.url)[0]

    async def open(self) -> None:
        """Find the device service and its clock, then where the other services are."""
        urls = service_urls(self._device.address)
        tried = await asyncio.gather(*(self._ask_clock(url) for url in urls))
        self.url, clock_us, asked_us = _best(urls, tried)
        if clock_us is not None:
            self.offset_us = clock_us + 500_000 - asked_us
        self.services = {
            namespace: self._usable(address) for namespace, address in (await self._told_services()).items()
        }

    def has(self, namespace: str) -> bool:
        """Whether the device tells of this service."""
        return namespace in self.services

    async def call(self, request: Request | PlainRequest, address: str | None = None) -> Node:
        """The body of the answer, signed where a user is known. UnsupportedError: the device refused."""
        url = address or self._address(request)
        created_us = self._clock.now_us() + (self.offset_us or 0)
        try:
            data = await self._writer.send(request, url, created_us)
        except TroubleError as error:
            other = self._at_typed_port(url, error)
            if other is None:
                raise
            data = await self._writer.send(request, other, created_us)
            self._move(url, other)
        return self._body(data, _name(request), url)

    async def optional(self, request: Request | PlainRequest) -> Node | None:
        """As `call`; None when the device does not answer it properly. A refused login is still raised."""
        try:
            return await self.call(request)
        except TroubleError as error:
            if error.report.trouble in {Trouble.AUTHENTICATION, Trouble.CERTIFICATE, Trouble.GATE}:
                raise
            return None
        except (UnsupportedError, ProtocolError):
            return None

    def from_here(self, url: str) -> str:
        """An address that the device told, with the host typed where its own is another (NAT, 0.0.0.0)."""
        return self._usable(url)

    async def snapshot(self, url: str) -> bytes:
        """The body of a picture's address; TroubleError(STREAM) when there is none."""
        host, port = host_and_port(url)
        answer = await self._connection.get(url)
        if answer.status in {401, 403}:
            raise trouble(Trouble.AUTHENTICATION, host, port)
        if answer.status != 200 or not answer.body.startswith(b"\xff\xd8"):
            raise trouble(Trouble.STREAM, host, port)
        return answer.body

    def is_same_host(self, host: str) -> bool:
        """Whether it is the host typed, or the IP address that its name was resolved to."""
        return host in {self.host, self._connection.peer}

    async def connects(self, host: str, port: int) -> bool:
        """Whether somebody takes a connection at an IP address that the device told; asked of four at most.

        Names that strangers tell are not looked up.
        """
        place = (host, port)
        async with self._asking:
            if place not in self._asked and len(self._asked) < PLACE_LIMIT:
                self._asked[place] = _is_ip(host) and await self._connection.connects(host, port)
        return self._asked.get(place, False)

    async def refresh_clock(self) -> None:
        """Ask the clock anew, after it was set."""
        asked = await self._ask_clock(self.url)
        if not isinstance(asked, AppError) and asked[0] is not None:
            self.offset_us = asked[0] + 500_000 - asked[1]

    async def _told_services(self) -> dict[str, str]:
        answer = await self.optional(Request("devicemgmt", "GetServices", {"IncludeCapability": False}))
        told = read_services(answer) if answer else {}
        if not told:
            answer = await self.optional(Request("devicemgmt", "GetCapabilities", {"Category": ["All"]}))
            told = read_capabilities(answer) if answer else {}
        return told

    async def _ask_clock(self, url: str) -> tuple[int | None, int] | AppError:
        """Without signature, as ONVIF Core §8.3.5 lets everybody ask; the time of asking is the middle."""
        began_us = self._clock.now_us()
        host, port = host_and_port(url)
        try:
            data = await self._writer.send(Request("devicemgmt", "GetSystemDateAndTime"), url, None)
            middle_us = (began_us + self._clock.now_us()) // 2
            answer = read_answer(data)
        except TroubleError as error:
            return error
        except ProtocolError:
            return trouble(Trouble.NOT_A_CAMERA, host, port)
        if isinstance(answer, Fault):
            return (None, middle_us)
        if answer.name != "GetSystemDateAndTimeResponse":
            return trouble(Trouble.NOT_A_CAMERA, host, port)
        return (read_clock_us(answer), middle_us)

    async def _post(self, address: str, envelope: bytes, action: str, bounds: Bounds) -> bytes:
        answer = await self._connection.post(address, envelope, action, bounds)
        host, port = host_and_port(address)
        if answer.status == 401 and not _is_envelope(answer.body):
            raise trouble(Trouble.AUTHENTICATION, host, port)
        if answer.status in {301, 302, 303, 307, 308} or not _is_envelope(answer.body):
            raise trouble(Trouble.NOT_A_CAMERA, host, port)
        return answer.body

    def _body(self, data: bytes, operation: str, url: str) -> Node:
        answer = read_answer(data)
        if not isinstance(answer, Fault):
            if answer.name not in {operation + "Response", ""}:
                raise ProtocolError(f"the device answered {operation} with something else")
            return answer
        if answer.is_authentication:
            raise trouble(Trouble.AUTHENTICATION, *host_and_port(url))
        raise UnsupportedError(operation, answer.reason)

    def _address(self, request: Request | PlainRequest) -> str:
        if isinstance(request, PlainRequest):
            namespace = request.body.namespace
        elif request.service == "devicemgmt":
            return self.url
        else:
            namespace = NAMESPACES[request.service]
        if namespace not in self.services:
            raise UnsupportedError(_name(request), "it does not tell of that service")
        return self.services[namespace]

    def _usable(self, told: str) -> str:
        """The host typed wins over the one told: a device behind NAT tells an address nobody reaches."""
        url = without_user_info(told)
        parts, typed = urlsplit(url), urlsplit(self.url)
        if parts.scheme == typed.scheme and self.is_same_host(parts.hostname or ""):
            return urlunsplit(parts._replace(netloc=with_port(self.host, parts.port)))
        self.warn(
            "The device tells another address for its services than the one typed (network translation, or "
            "an old setting in its network menu); the address typed is used."
        )
        return urlunsplit((typed.scheme, typed.netloc, parts.path or DEVICE_PATH, parts.query, ""))

    def warn(self, words: str) -> None:
        """Keep a warning for people, once."""
        if words not in self.warnings:
            self.warnings.append(words)

    def _at_typed_port(self, url: str, error: TroubleError) -> str | None:
        """The same service at the port typed, when the one told does not even take a connection."""
        typed = urlsplit(self.url)
        parts = urlsplit(url)
        if error.report.trouble not in {Trouble.REFUSED, Trouble.UNREACHABLE} or parts.netloc == typed.netloc:
            return None
        return urlunsplit((typed.scheme, typed.netloc, parts.path, parts.query, ""))

    def _move(self, told: str, used: str) -> None:
        self.warn("The device tells a port for its services where nothing listens; the port typed is used.")
        self.services = {
            namespace: used if address == told else address for namespace, address in self.services.items()
        }


def service_urls(address: str) -> tuple[str, ...]:
    """Where the device service may be, for an address as typed; TroubleError(ADDRESS) when it is none."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise trouble(Trouble.ADDRESS, "", 0) from None
    if not host or parts.scheme not in {"onvif", "http", "https"}:
        raise trouble(Trouble.ADDRESS, host, 0)
    path = parts.path if parts.path.strip("/") else DEVICE_PATH
    if parts.scheme == "onvif":
        ports = (port,) if port else USUAL_PORTS
        return tuple(f"http://{with_port(host, one)}{path}" for one in ports)
    return (f"{parts.scheme}://{with_port(host, port)}{path}",)


def with_port(host: str, port: int | None) -> str:
    """Host and port as an address has them; an IPv6 address in brackets."""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if port else shown


_ORDER = (
    Trouble.CERTIFICATE,
    Trouble.AUTHENTICATION,
    Trouble.NOT_A_CAMERA,
    Trouble.TIMEOUT,
    Trouble.GATE,
    Trouble.REFUSED,
)
"""Which of several ports' troubles says most."""


def _best(
    urls: Sequence[str], tried: Sequence[tuple[int | None, int] | AppError]
) -> tuple[str, int | None, int]:
    errors: list[AppError] = []
    for url, one in zip(urls, tried, strict=True):
        if isinstance(one, AppError):
            errors.append(one)
        else:
            return url, *one
    for kind in _ORDER:
        for error in errors:
            if isinstance(error, TroubleError) and error.report.trouble is kind:
                raise error
    raise errors[0]


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_envelope(body: bytes) -> bool:
    return b"Envelope" in body[:4096]


def _name(request: Request | PlainRequest) -> str:
    return request.body.name if isinstance(request, PlainRequest) else request.operation
