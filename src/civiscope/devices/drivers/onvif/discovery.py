"""Who is there: probes on every interface where devices may stand, answers judged, one value per device."""

import asyncio
import fcntl
import ipaddress
import random
import socket
import struct
import uuid
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from civiscope.base import ProtocolError, get_log
from civiscope.devices.driver import DriverPorts
from civiscope.devices.drivers.onvif.answers import read_scopes, without_user_info
from civiscope.devices.drivers.onvif.discovery_wire import (
    PROBED_TYPES,
    ProbeMatch,
    parse_probe_matches,
    write_probe,
)
from civiscope.devices.equipment import FoundDevice
from civiscope.devices.gate import DeviceGate

GROUP = "239.255.255.250"
PORT = 3702
ANSWER_LIMIT = 1_000
SOURCE_LIMIT = 64
"""Answers read of one sender: a flood of one takes nothing from the others."""
_REPEATS_S = ((0.0, 0.0), (0.05, 0.25), (0.4, 0.6))
"""When a probe is sent again, between these, counted from the one before (SOAP-over-UDP 1.1 §appendix I)."""
_SIOCGIFFLAGS = 0x8913
_SIOCGIFADDR = 0x8915
_UP, _LOOPBACK, _MULTICAST = 0x1, 0x8, 0x1000
_log = get_log("civiscope.devices.onvif")


@dataclass(frozen=True, slots=True)
class Interface:
    """An IPv4 address of this machine on a network that carries multicast."""

    name: str
    address: str


@dataclass(slots=True)
class Answers:
    """Gathers what comes back; pure but for what it is given."""

    gate: DeviceGate
    message_ids: frozenset[str]
    found: dict[str, FoundDevice] = field(default_factory=dict)
    heard: int = 0
    unreadable: int = 0
    refused_addresses: int = 0
    _of_source: dict[str, int] = field(default_factory=dict)

    def receive(self, data: bytes, source: str) -> None:
        """One datagram from this IP address; whatever is in it, nothing is raised."""
        if not any(one.encode() in data for one in self.message_ids):
            return  # not to us: nothing else is read of it
        self.heard += 1
        self._of_source[source] = self._of_source.get(source, 0) + 1
        if self.heard > ANSWER_LIMIT or self._of_source[source] > SOURCE_LIMIT:
            return
        try:
            answer = parse_probe_matches(data)
        except ProtocolError:
            self.unreadable += 1
            return
        if answer.relates_to in self.message_ids:
            for match in answer.matches:
                self._take(match, source)

    def _take(self, match: ProbeMatch, source: str) -> None:
        addresses = [url for told in match.addresses if (url := self._judged(told))]
        self.refused_addresses += len(match.addresses) - len(addresses)
        if not addresses:
            return
        known = self.found.get(match.endpoint)
        merged = dict.fromkeys((*(known.addresses if known else ()), *addresses))
        words = read_scopes(match.scopes)
        self.found[match.endpoint] = FoundDevice(
            driver="onvif",
            endpoint=match.endpoint,
            addresses=tuple(sorted(merged, key=lambda url: urlsplit(url).hostname != source))[:8],
            name=words.get("name", ""),
            hardware=words.get("hardware", ""),
            maker=words.get("manufacturer") or words.get("mfr", ""),
            scopes=match.scopes,
        )

    def _judged(self, told: str) -> str:
        """The address, if it is an IP address that the gate allows; strangers' names are not looked up."""
        url = without_user_info(told)
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return url if self.gate.allows(parts.hostname, port) else ""


async def discover(ports: DriverPorts, listen_s: float) -> tuple[FoundDevice, ...]:
    """Ask on every interface and listen; an empty answer where there is none. Nothing is connected to."""
    probes = {f"urn:uuid:{uuid.uuid4()}": kind for kind in PROBED_TYPES}
    answers = Answers(ports.gate, frozenset(probes))
    datagrams = [write_probe(message_id, kind) for message_id, kind in probes.items()]
    interfaces = await asyncio.to_thread(probing_interfaces, ports.gate)
    with ExitStack() as open_sockets:
        sockets = [one for one in map(_open, interfaces) if one is not None]
        for one in sockets:
            open_sockets.enter_context(one)
        await _ask_and_listen(sockets, datagrams, answers, listen_s)
    if answers.unreadable or answers.refused_addresses or answers.heard > ANSWER_LIMIT:
        _log.warning(
            "answers to discovery were left out",
            unreadable=answers.unreadable,
            refused_addresses=answers.refused_addresses,
            heard=answers.heard,
        )
    return tuple(answers.found.values())


def probing_interfaces(gate: DeviceGate) -> tuple[Interface, ...]:
    """Interfaces that are up, carry multicast, and whose own network devices may stand in.

    A probe never leaves towards a network that the gate does not allow; the loopback interface needs leave.
    """
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                flags: int = struct.unpack_from("<H", fcntl.ioctl(asking, _SIOCGIFFLAGS, request), 16)[0]
                address = socket.inet_ntoa(fcntl.ioctl(asking, _SIOCGIFADDR, request)[20:24])
            except OSError:
                continue  # it has no IPv4 address
            carries = bool(flags & _MULTICAST) or bool(flags & _LOOPBACK)
            if flags & _UP and carries and _may_probe(gate, address):
                found.append(Interface(name, address))
    return tuple(found)


def _may_probe(gate: DeviceGate, address: str) -> bool:
    if ipaddress.ip_address(address).is_loopback:
        return bool(gate.rules.loopback_ports)
    return gate.allows(address, PORT)


def _open(interface: Interface) -> socket.socket | None:
    """Bound to the interface's own address, so that answers come back where the probe went out."""
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface.address))
        one.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        one.bind((interface.address, 0))
    except OSError as error:
        _log.warning("no discovery on an interface", interface=interface.name, why=error.strerror)
        one.close()
        return None
    return one


async def _ask_and_listen(
    sockets: Sequence[socket.socket], datagrams: Iterable[bytes], answers: Answers, listen_s: float
) -> None:
    loop = asyncio.get_running_loop()

    def hear(one: socket.socket) -> None:
        try:
            data, (source, _) = one.recvfrom(65_536)
        except OSError:
            return  # nothing there, or a refusal by somebody who was asked
        answers.receive(data, source)

    for one in sockets:
        loop.add_reader(one, hear, one)
    try:
        async with asyncio.timeout(listen_s):
            for low_s, high_s in _REPEATS_S:
                await asyncio.sleep(random.uniform(low_s, high_s))  # noqa: S311  # jitter, no secret
                for datagram in datagrams:
                    for one in sockets:
                        _send(one, datagram)
            await asyncio.sleep(listen_s)
    except TimeoutError:
        pass
    finally:
        for one in sockets:
            loop.remove_reader(one)


def _send(one: socket.socket, datagram: bytes) -> None:
    try:
        one.sendto(datagram, (GROUP, PORT))
    except OSError as error:
        _log.warning("a probe was not sent", why=error.strerror)
