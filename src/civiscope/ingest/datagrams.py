"""The pair of UDP ports of one track."""

import socket

from civiscope.devices import DeviceGate
from civiscope.ingest.loss import Lost
from civiscope.ingest.model import LossReason

_TRIES = 64
_MAX_PER_READ = 1024
"""In one tick; what a flooding camera sends beyond it waits in the kernel, and is lost there."""


class PortPair:
    """An even port for RTP, the next for RTCP (RFC 3550 §11); takes packets from one host only."""

    def __init__(self, family: int, local_host: str, peer_host: str, buffer_bytes: int) -> None:
        self.rtp, self.rtcp = _bind_pair(family, local_host)
        self.rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self._hosts = {peer_host}
        self._server: tuple[str, int] | None = None

    @property
    def port(self) -> int:
        """Of RTP; RTCP has the next."""
        return int(self.rtp.getsockname()[1])

    def open_path(self, host: str, ports: tuple[int, int] | None, source: str, gate: DeviceGate) -> None:
        """Packets may come from `source` too; a datagram to each port opens address translators.

        Where the gate does not let us send to a port that the camera told, nothing is sent, only heard.
        """
        if source:
            self._hosts.add(source)
        if ports is None or not all(gate.allows(host, port) for port in ports):
            return
        self._server = (host, ports[1])
        _send(self.rtp, b"\x80\0\0\0", (host, ports[0]))
        _send(self.rtcp, b"\x80\xc9\0\x01\0\0\0\0", (host, ports[1]))

    def send_report(self, report: bytes) -> None:
        """To the camera's RTCP port, if it told one."""
        if self._server is not None:
            _send(self.rtcp, report, self._server)

    def read(self, carrier: socket.socket) -> list[memoryview]:
        """All datagrams that are there, those of strangers left out."""
        datagrams: list[memoryview] = []
        for _ in range(_MAX_PER_READ):
            try:
                data, address = carrier.recvfrom(65_535)
            except BlockingIOError:
                break
            except OSError:
                continue  # an ICMP error of an earlier datagram; RTSP will tell if the camera is gone
            if address[0] in self._hosts:
                datagrams.append(memoryview(data))
        return datagrams

    def close(self) -> None:
        """Give both ports back."""
        self.rtp.close()
        self.rtcp.close()


def _send(carrier: socket.socket, data: bytes, address: tuple[str, int]) -> None:
    try:
        carrier.sendto(data, address)
    except OSError:
        return  # reports are a courtesy


def _bind_pair(family: int, local_host: str) -> tuple[socket.socket, socket.socket]:
    for _ in range(_TRIES):
        first = _bound(family, local_host, 0)
        if first is None:
            break
        port = int(first.getsockname()[1])
        second = _bound(family, local_host, port + 1) if port % 2 == 0 else None
        if second is not None:
            return first, second
        first.close()
    raise Lost(LossReason.UNREACHABLE, "No pair of UDP ports is free on this machine.")


def _bound(family: int, host: str, port: int) -> socket.socket | None:
    carrier = socket.socket(family, socket.SOCK_DGRAM)
    carrier.setblocking(False)
    try:
        carrier.bind((host, port))
    except OSError:
        carrier.close()
        return None
    return carrier
