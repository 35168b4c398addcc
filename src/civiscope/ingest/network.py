"""The way to a camera: its name looked up beside the tick, its IP addresses judged by the gate."""

import socket
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from civiscope.base import AppError
from civiscope.devices import DeviceGate, Trouble
from civiscope.ingest.loss import Lost
from civiscope.ingest.model import LossReason

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_TLS_SCHEMES = frozenset({"rtsps", "https"})

SocketAddress = tuple[int, tuple[str, int]]
"""Address family and numeric host with port."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a camera listens."""

    host: str
    port: int
    is_tls: bool


def endpoint_of(url: str) -> Endpoint:
    """Host and port of an rtsp, rtsps, http or https address; raises `Lost` for any other."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Lost(
            LossReason.UNREACHABLE,
            "The address cannot be read.",
            "Check host and port.",
            trouble=Trouble.ADDRESS,
        ) from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Lost(
            LossReason.UNREACHABLE,
            "The address must begin with rtsp://, rtsps://, http:// or https:// and name a host.",
            trouble=Trouble.ADDRESS,
        )
    return Endpoint(parts.hostname, port or _PORTS[parts.scheme], parts.scheme in _TLS_SCHEMES)


class Network:
    """Looks names up in two threads of its own, so that a slow name server stops nobody; holds the gate.

    `gate` may be replaced at any time by the thread that owns this.
    """

    def __init__(self, gate: DeviceGate) -> None:
        self.gate = gate
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="resolver")

    def look_up(self, endpoint: Endpoint) -> "Future[tuple[SocketAddress, ...]]":
        """All stream addresses of the host; numeric ones are done at once."""
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                socket.inet_pton(family, endpoint.host)
            except OSError:
                continue
            done: Future[tuple[SocketAddress, ...]] = Future()
            done.set_result(((family, (endpoint.host, endpoint.port)),))
            return done
        return self._pool.submit(_look_up, endpoint)

    def close(self) -> None:
        """Let look-ups under way end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def found_addresses(
    looking: "Future[tuple[SocketAddress, ...]]", endpoint: Endpoint
) -> tuple[SocketAddress, ...]:
    """What a look-up that is done has found; `Lost` when nothing."""
    try:
        return looking.result()
    except OSError as error:
        raise Lost(
            LossReason.UNREACHABLE,
            f"The name {endpoint.host} is not known.",
            "Check the address for typing errors, or type the camera's IP address.",
        ) from error


def allowed_address(gate: DeviceGate, addresses: Sequence[SocketAddress]) -> SocketAddress:
    """The first of them that the gate lets through; `Lost` in the gate's words about the first otherwise."""
    for address in addresses:
        if gate.allows(*address[1]):
            return address
    try:
        gate.check(*addresses[0][1])
    except (AppError, IndexError) as error:
        message = error.message if isinstance(error, AppError) else "The name has no address."
        words, _, advice = message.partition(". ")
        raise Lost(LossReason.GATE, f"{words.rstrip('.')}.", advice) from error
    return addresses[0]


def _look_up(endpoint: Endpoint) -> tuple[SocketAddress, ...]:
    found = socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
    return tuple((int(family), (str(peer[0]), int(peer[1]))) for family, _, _, _, peer in found)
