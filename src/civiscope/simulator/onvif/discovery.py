"""WS-Discovery: simulated devices answer probes, greet, take leave (WS-Discovery 2005/04; Core §7)."""

import asyncio
import errno
import random
import socket
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote

from civiscope.base import AppError, ErrorKind, ProtocolError
from civiscope.simulator.onvif.device import SimulatedDevice
from civiscope.simulator.onvif.device_service import scopes
from civiscope.simulator.onvif.soap import (
    NAMESPACES,
    Node,
    SoapRequest,
    node,
    parse_soap,
    qualified,
    write_envelope,
)

GROUP = "239.255.255.250"
PORT = 3702
_ALL_DEVICES = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
_ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
_ACTIONS = f"{NAMESPACES['wsd']}/"
_TYPES = ("NetworkVideoTransmitter", "Device")
_LONGEST_DELAY_S = 0.1
"""Each device waits a little, so that many do not answer at once (§2.4 allows up to 0.5 s)."""
_IP_MULTICAST_ALL = 49
"""Linux ip(7): without it a socket hears only the interfaces that it joined on."""

Address = Callable[[SimulatedDevice, str], str]
"""The service address of a device for who hears it at this interface's address."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Who is looked for: local names of types, and scopes; both empty is everybody."""

    types: tuple[str, ...]
    scopes: tuple[str, ...]
    rule: str = ""

    def fits(self, told: Sequence[str]) -> bool:
        """Every type is one of ours, every scope the beginning of one that is told (§5.1)."""
        if any(one not in _TYPES for one in self.types):
            return False
        if self.rule and not self.rule.endswith(("/rfc3986", "/rfc2396", "/strcmp0")):
            return False
        if self.rule.endswith("/strcmp0"):
            return all(one in told for one in self.scopes)
        return all(any(_begins(one, scope) for scope in told) for one in self.scopes)


def parse_probe(request: SoapRequest) -> Probe:
    """What a Probe asks for; prefixes of types are not looked at."""
    types = request.body.findtext(qualified("wsd:Types"), "").split()
    wanted = request.body.find(qualified("wsd:Scopes"))
    found = () if wanted is None else tuple((wanted.text or "").split())
    rule = "" if wanted is None else wanted.get("MatchBy", "")
    return Probe(tuple(one.rpartition(":")[2] for one in types), found, rule)


def _begins(wanted: str, told: str) -> bool:
    """The same address up to whole parts of its path (RFC 3986 rule of §5.1)."""
    wish, scope = unquote(wanted).rstrip("/").lower(), unquote(told).rstrip("/").lower()
    return scope == wish or scope.startswith(f"{wish}/")


class Responder:
    """Answers for devices on every interface named by its IPv4 address. For one event loop."""

    def __init__(
        self, devices: Sequence[SimulatedDevice], interfaces: Sequence[str], address: Address
    ) -> None:
        self._devices = tuple(devices)
        self._interfaces = tuple(dict.fromkeys(interfaces))
        self._address = address
        self._ears: list[_Ear] = []
        self._instance = str(random.randrange(1, 1 << 31))  # noqa: S311  no secret: it tells one start from another
        self._number = 0

    async def start(self) -> None:
        """Join, and say Hello for each device. UNAVAILABLE where multicast or the port cannot be had."""
        loop = asyncio.get_running_loop()
        for interface in self._interfaces:
            try:
                joined = joined_socket(interface)
            except OSError as error:
                await self.stop()
                words = "another program has the port" if error.errno == errno.EADDRINUSE else error.strerror
                raise AppError(
                    ErrorKind.UNAVAILABLE,
                    f"Cannot listen for discovery on {interface}: {words}; name another interface address.",
                ) from error
            _, ear = await loop.create_datagram_endpoint(lambda at=interface: _Ear(self, at), sock=joined)  # type: ignore[misc]  # a bound default
            self._ears.append(ear)
        for ear in self._ears:
            for device in self._devices:
                ear.send(self._message("Hello", device, ear.interface), (GROUP, PORT))

    async def stop(self) -> None:
        """Say Bye for each device, and leave."""
        for ear in self._ears:
            for device in self._devices:
                ear.send(self._message("Bye", device, ear.interface), (GROUP, PORT))
            ear.close()
        self._ears.clear()

    def answers(self, data: bytes, interface: str) -> list[bytes]:
        """What is said to a datagram: nothing for what is no question to us, whatever its bytes."""
        try:
            request = parse_soap(data)
        except ProtocolError:
            return []
        if request.namespace != NAMESPACES["wsd"] or not request.message_id:
            return []
        if request.operation == "Probe":
            probe = parse_probe(request)
            found = [one for one in self._devices if probe.fits(_scopes(one))]
            return [self._match("Probe", one, interface, request.message_id) for one in found]
        if request.operation == "Resolve":
            wanted = "".join(one.text or "" for one in request.body.iter(qualified("wsa4:Address"))).strip()
            found = [one for one in self._devices if f"urn:uuid:{one.endpoint}" == wanted]
            return [self._match("Resolve", one, interface, request.message_id) for one in found]
        return []

    def _match(self, kind: str, device: SimulatedDevice, interface: str, relates_to: str) -> bytes:
        body = node(f"wsd:{kind}Matches", node(f"wsd:{kind}Match", *self._told(device, interface)))
        header = (
            *self._header(f"{kind}Matches", _ANONYMOUS),
            node("wsa4:RelatesTo", relates_to),
        )
        return write_envelope([body], header)

    def _message(self, kind: str, device: SimulatedDevice, interface: str) -> bytes:
        told = self._told(device, interface)
        body = node(f"wsd:{kind}", *(told if kind == "Hello" else told[:1]))
        return write_envelope([body], self._header(kind, _ALL_DEVICES))

    def _told(self, device: SimulatedDevice, interface: str) -> tuple[Node, ...]:
        return (
            node("wsa4:EndpointReference", node("wsa4:Address", f"urn:uuid:{device.endpoint}")),
            node("wsd:Types", "dn:NetworkVideoTransmitter tds:Device"),
            node("wsd:Scopes", " ".join(_scopes(device))),
            node("wsd:XAddrs", self._address(device, interface)),
            node("wsd:MetadataVersion", "1"),
        )

    def _header(self, action: str, to: str) -> tuple[Node, ...]:
        self._number += 1
        return (
            node("wsa4:Action", _ACTIONS + action),
            node("wsa4:MessageID", f"urn:uuid:{uuid.uuid4()}"),
            node("wsa4:To", to),
            node("wsd:AppSequence", InstanceId=self._instance, MessageNumber=str(self._number)),
        )


class _Ear(asyncio.DatagramProtocol):
    """One interface."""

    def __init__(self, responder: Responder, interface: str) -> None:
        self._responder = responder
        self.interface = interface
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is ours."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # asyncio's own is no subclass of it

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer whoever asked, each device after a moment of its own."""
        loop = asyncio.get_running_loop()
        for answer in self._responder.answers(data, self.interface):
            loop.call_later(random.uniform(0, _LONGEST_DELAY_S), self.send, answer, addr)  # noqa: S311  no secret

    def send(self, data: bytes, address: tuple[str, int]) -> None:
        """One datagram, lost if the socket is closed by now."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, address)

    def close(self) -> None:
        """Send what waits, and leave the group."""
        if self._transport is not None:
            self._transport.close()


def joined_socket(interface: str) -> socket.socket:
    """A UDP socket that hears the group on this interface alone and sends there; OSError if it cannot."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        made.bind((GROUP, PORT))
        member = socket.inet_aton(GROUP) + socket.inet_aton(interface)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
    except OSError:
        made.close()
        raise
    return made


def _scopes(device: SimulatedDevice) -> list[str]:
    traits = device.traits
    return scopes(device.name, traits.hardware, traits.places, traits.has_ptz)
